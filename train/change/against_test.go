package change

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/train/runlog"
)

// The amounts and ranges of cells are those that Compare writes.
func TestAgainst(t *testing.T) {
	row := func(col int64, ln, corrected, half float64) runlog.Prediction {
		return runlog.Prediction{Col: col, Row: 7, Lon: float64(col), Lat: 50, Split: "none", True: math.NaN(), Predicted: ln, Corrected: corrected, Low: []float64{ln - half}, High: []float64{ln + half}}
	}
	write := func(unit string, rows ...runlog.Prediction) string {
		dir := t.TempDir()
		p, err := runlog.CreatePredictions(filepath.Join(dir, runlog.PredictionsFile), unit, runlog.Extra{Corrected: true, Levels: []float64{0.9}})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if err := p.Write(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	then := write("tCO2/yr", row(1, 2, 8, 0.3), row(2, 3, 30, 0.3), row(3, 3, 30, 0.3))
	now := &runlog.Table{Unit: "tCO2/yr", Extra: runlog.Extra{Corrected: true, Levels: []float64{0.9}}, Rows: []runlog.Prediction{row(3, 3, 15, 0.4), row(9, 1, 1, 1), row(1, 2, 8, 0.4)}}
	s, err := Against(then, now)
	if err != nil {
		t.Fatal(err)
	}
	near := func(name string, got, want float64) {
		if !(math.Abs(got-want) < 1e-5*math.Abs(want)) {
			t.Errorf("%s is %g, not %g", name, got, want)
		}
	}
	near("before", s.Before[0], 30)
	near("now", s.Now[0], 15)
	near("low", s.Low[0], 0.5*math.Exp(-0.5))
	near("high", s.High[0], 0.5*math.Exp(0.5))
	near("low", s.Low[2], math.Exp(-0.5))
	if !math.IsNaN(s.Before[1]) || !math.IsNaN(s.Low[1]) || s.Column != "corrected" {
		t.Errorf("%+v", s)
	}
	for want, path := range map[string]string{"is in proxy": write("proxy", row(1, 2, 8, 0.3)), "no cell in common": write("tCO2/yr", row(77, 2, 8, 0.3)), "cannot be read": t.TempDir()} {
		if _, err := Against(path, now); !fault.IsInput(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// Inventories are compared where both have an amount; predictions and intervals are
// not looked at.
func TestCompareTrue(t *testing.T) {
	const head = "cell,col,row,lon,lat,true_tCO2_per_yr,predicted_tCO2_per_yr,low_90_tCO2_per_yr,high_90_tCO2_per_yr\n"
	a := folder(t, head+"5_7,5,7,10,50,100,1,1,1\n6_7,6,7,11,50,10,1,1,1\n7_7,7,7,12,50,,1,1,1\n", "name,total_tCO2_per_yr,true_tCO2_per_yr,low_90,high_90\nWest,9,100,8,10\nEast,9,,8,10\n")
	b := folder(t, head+"5_7,5,7,10,50,80,9,9,9\n6_7,6,7,11,50,30,9,9,9\n7_7,7,7,12,50,4,9,9,9\n", "name,total_tCO2_per_yr,true_tCO2_per_yr,low_90,high_90\nEast,9,7,8,10\nWest,1,80,8,10\n")
	r, err := CompareTrue(a, b, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if r.Column != "true" || r.Cells != 2 || r.Without != 1 || r.A != 110 || r.B != 110 || r.Certain != -1 || r.Increasing != 1 || r.Decreasing != 1 || len(r.Files) != 3 || r.Areas != 1 {
		t.Errorf("%+v", r)
	}
	without := folder(t, "cell,col,row,lon,lat,predicted_tCO2_per_yr\n5_7,5,7,10,50,1\n", "")
	if _, err := CompareTrue(a, without, t.TempDir()); !fault.IsInput(err) || !strings.Contains(err.Error(), "no column of true amounts") {
		t.Error(err)
	}
}
