package runlog

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"

	"opencarbon/data/fault"
)

// What is written is read back: columns, unit, missing values.
func TestReadPredictions(t *testing.T) {
	x := Extra{Corrected: true, Scaled: true, Domain: true, Spread: true, Levels: []float64{0.8, 0.975}}
	rows := []Prediction{
		{Col: -3, Row: 7, Lon: 10.5, Lat: 47.25, Split: "test", True: 1.5, Predicted: 2, Corrected: 8, Scaled: 9, Dissimilarity: 0.25, InDomain: true,
			Spread: 0.125, Low: []float64{1, 0.5}, High: []float64{3, 3.5}},
		{Col: 1, Row: 8, Lon: 10.6, Lat: 47.2, Split: "none", True: math.NaN(), Predicted: 1, Corrected: 3, Scaled: 4, Dissimilarity: 2,
			Spread: 0.5, Low: []float64{0, math.NaN()}, High: []float64{2, math.NaN()}},
	}
	path := filepath.Join(t.TempDir(), "predictions.csv")
	w, err := CreatePredictions(path, "tCO2/yr", x)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := ReadPredictions(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.Unit != "tCO2/yr" || !got.Extra.Corrected || !got.Extra.Scaled || !got.Extra.Domain || !got.Extra.Spread || len(got.Extra.Levels) != 2 ||
		got.Extra.Levels[1] != 0.975 || len(got.Rows) != 2 {
		t.Fatalf("%+v", got)
	}
	for i, want := range rows {
		g := got.Rows[i]
		if g.Col != want.Col || g.Row != want.Row || g.Split != want.Split || g.InDomain != want.InDomain || g.Lon != want.Lon {
			t.Errorf("%+v, want %+v", g, want)
		}
		for _, p := range [][2]float64{{g.True, want.True}, {g.Predicted, want.Predicted}, {g.Corrected, want.Corrected}, {g.Scaled, want.Scaled},
			{g.Dissimilarity, want.Dissimilarity}, {g.Spread, want.Spread}, {g.Low[0], want.Low[0]}, {g.High[1], want.High[1]}} {
			if math.IsNaN(p[0]) != math.IsNaN(p[1]) || math.Abs(p[0]-p[1]) > 1e-6 {
				t.Errorf("row %d: %g, want %g", i, p[0], p[1])
			}
		}
	}
}

func TestReadPredictionsRefuses(t *testing.T) {
	const head = "cell,col,row,lon,lat,split,ln_true,ln_predicted,true_proxy,predicted_proxy\n"
	dir := t.TempDir()
	for name, text := range map[string]string{"empty": "", "other": "a,b\n1,2\n", "unit": "col,row,lon,lat,split,ln_true,ln_predicted\n",
		"number": head + "1_2,1,2,x,0,test,1,1,1,1\n", "place": head + "1_2,1.5,2,0,0,test,1,1,1,1\n", "short": head + "1_2,1\n"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadPredictions(path); !fault.IsInput(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ReadPredictions(filepath.Join(dir, "gone")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a table that is not there: %v", err)
	}
	path := filepath.Join(dir, "old")
	if err := os.WriteFile(path, []byte(head+"7,1,2,0,0,test,,1,,2.718\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadPredictions(path); err != nil || got.Unit != "proxy" || len(got.Rows) != 1 || got.Rows[0].Predicted != 1 {
		t.Errorf("a table of an older program: %+v, %v", got, err)
	}
}
