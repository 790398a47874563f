package baselines

import (
	"strings"
	"testing"

	"opencarbon/train/internal/town"
	"opencarbon/train/method"
	"opencarbon/train/progress"
	"opencarbon/train/tabular"
)

var silent = progress.Options{Quiet: true}

// Beside a result stand the mean and the tabular methods; they see the
// modalities that the network sees, and are fitted once for many networks.
func TestBeside(t *testing.T) {
	d := method.New(town.Town{Rows: 6, Cols: 10, Image: town.Size}.Open(t))
	for _, c := range []struct {
		in   string
		both bool
	}{{"on ln(1 + POI counts), own", false}, {"on image statistics and ln(1 + POI counts), own", true}} {
		in := tabular.Inputs{Images: c.both, POIs: true}
		rows, err := Beside(t.Context(), d, in, 1, silent)
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != 1+len(Methods()) || rows[0].Name != "mean" {
			t.Fatalf("rows %+v", rows)
		}
		for i, m := range Methods() {
			b := rows[1+i]
			test, scored := b.Test()
			switch {
			case b.Name != m.Name():
				t.Errorf("row %d is %s, want %s", i, b.Name, m.Name())
			case !scored && (b.Note == "" || m.Name() == tabular.RidgeRegression{}.Name()): // a library may be missing
				t.Errorf("%s has neither scores nor a note", b.Name)
			case scored && (!strings.Contains(b.About, c.in) || len(b.Trials) == 0 || test.Name != "test" || test.Ln.N != len(d.Test)):
				t.Errorf("%s: %q, %d trials, %+v", b.Name, b.About, len(b.Trials), test)
			}
		}
		again, err := Beside(t.Context(), d, in, 1, silent)
		if err != nil || again[1].Fitted == nil || again[1].Fitted != rows[1].Fitted { // ridge needs no library
			t.Errorf("fitted anew on the same problem (%v)", err)
		}
	}
	d.Ln[d.Train[0]]++
	if other, err := Beside(t.Context(), d, tabular.Inputs{Images: true, POIs: true}, 1, silent); err != nil || other[0].Splits[0].Ln == lately.results[0][0].Splits[0].Ln {
		t.Errorf("other targets have the same baselines (%v)", err)
	}
}
