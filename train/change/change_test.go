package change

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"opencarbon/data/fault"
)

const head = "cell,col,row,lon,lat,predicted_tCO2_per_yr,corrected_tCO2_per_yr,low_90_tCO2_per_yr,high_90_tCO2_per_yr\n"

func folder(t *testing.T, cells, areas string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"predictions.csv": cells, "areas.csv": areas} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Cells are matched by place, not by line; the corrected amounts are compared; a
// change beyond both intervals is counted.
func TestCompare(t *testing.T) {
	a := folder(t, head+"0,5,7,10,50,1,100,50,200\n1,6,7,11,50,1,10,9,11\n2,7,7,12,50,1,1,1,1\n", "name,total_tCO2_per_yr,low_90,high_90\nNorth,100,50,200\nSouth,10,,\nFar,,,\n")
	b := folder(t, head+"0,6,7,11,50,9,20,18,22\n1,5,7,10,50,9,110,55,220\n2,9,9,12,50,1,1,1,1\n", "name,total_tCO2_per_yr,low_90,high_90\nSouth,30,,\nNorth,110,55,220\nNew,4,,\n")
	out := t.TempDir()
	r, err := Compare(a, b, out)
	if err != nil {
		t.Fatal(err)
	}
	if r.Cells != 2 || r.OnlyA != 1 || r.OnlyB != 1 || r.A != 110 || r.B != 130 || r.Column != "corrected" || r.Certain != 1 || r.Increasing != 2 || r.Decreasing != 0 || r.Areas != 2 || r.Unit != "tCO2/yr" {
		t.Errorf("%+v", r)
	}
	cells, err := open(filepath.Join(out, CellsFile), "")
	if err != nil {
		t.Fatal(err)
	}
	h := math.Hypot(math.Log(11./9)/2, math.Log(22./18)/2)
	row := cells.rows[0]
	for column, want := range map[string]float64{"col": 6, "a_tCO2_per_yr": 10, "b_tCO2_per_yr": 20, "change_tCO2_per_yr": 10, "ratio": 2, "ratio_low_90": 2 * math.Exp(-h), "ratio_high_90": 2 * math.Exp(h)} {
		if got := cells.number(row, column); math.Abs(got-want) > 1e-6 {
			t.Errorf("%s is %g, want %g", column, got, want)
		}
	}
	areas, err := open(filepath.Join(out, AreasFile), "")
	if err != nil {
		t.Fatal(err)
	}
	if areas.rows[0][0] != "South" || areas.rows[0][6] != "" || areas.rows[1][0] != "North" || areas.number(areas.rows[1], "ratio_low_90") >= 1 {
		t.Errorf("areas %v", areas.rows)
	}
	if _, err := os.Stat(filepath.Join(out, PictureFile)); err != nil {
		t.Error(err)
	}
	var text strings.Builder
	if err := r.Print(&text); err != nil || !strings.Contains(text.String(), "+18.2%") {
		t.Errorf("%v\n%s", err, text.String())
	}
	if v, err := strconv.ParseFloat(areas.rows[0][3], 64); err != nil || v != 20 {
		t.Errorf("South changed by %q", areas.rows[0][3])
	}
}

func TestCompareRefuses(t *testing.T) {
	good := folder(t, head+"0,5,7,10,50,1,100,50,200\n", "")
	for name, c := range map[string]struct{ b, want string }{
		"absent":       {"nowhere", "cannot be read"},
		"empty folder": {t.TempDir(), "cannot be read"},
		"unit":         {folder(t, strings.ReplaceAll(head, "tCO2_per_yr", "proxy")+"0,5,7,10,50,1,100,50,200\n", ""), "is in proxy"},
		"other cells":  {folder(t, head+"0,6,7,10,50,1,100,50,200\n", ""), "no cell in common"},
		"no amount":    {folder(t, head+"0,5,7,10,50,1,,50,200\n", ""), "has no amount"},
		"no table":     {folder(t, "a,b\n1,2\n", ""), "has no column"},
	} {
		if _, err := Compare(good, c.b, t.TempDir()); !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
