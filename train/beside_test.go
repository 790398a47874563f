package train

import (
	"strings"
	"testing"

	"opencarbon/train/progress"
	"opencarbon/train/tabular"
)

// Beside a result stand the mean and the tabular methods; they see the
// modalities that the network sees, and are fitted once for many networks.
func TestBaselines(t *testing.T) {
	d := town{rows: 6, cols: 10, image: townSize}.open(t)
	for _, c := range []struct {
		in   string
		both bool
	}{{"on ln(1 + POI counts), own", false}, {"on image statistics and ln(1 + POI counts), own", true}} {
		config := pois()
		if c.both {
			config = both()
		}
		rows, err := d.baselines(t.Context(), config, progress.Options{Quiet: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != 1+len(beside()) || rows[0].Name != "mean" {
			t.Fatalf("rows %+v", rows)
		}
		for i, m := range beside() {
			b := rows[1+i]
			test, scored := b.Test()
			switch {
			case b.Name != m.Name():
				t.Errorf("row %d is %s, want %s", i, b.Name, m.Name())
			case !scored && (b.Note == "" || m.Name() == tabular.RidgeRegression{}.Name()): // a library may be missing
				t.Errorf("%s has neither scores nor a note", b.Name)
			case scored && (!strings.Contains(b.About, c.in) || len(b.Trials) == 0 || test.Name != "test" || test.Ln.N != len(d.test)):
				t.Errorf("%s: %q, %d trials, %+v", b.Name, b.About, len(b.Trials), test)
			}
		}
		again, err := d.baselines(t.Context(), config, progress.Options{Quiet: true})
		if err != nil || again[1].fitted == nil || again[1].fitted != rows[1].fitted { // ridge needs no library
			t.Errorf("fitted anew on the same problem (%v)", err)
		}
	}
	d.ln[d.train[0]]++
	if other, err := d.baselines(t.Context(), both(), progress.Options{Quiet: true}); err != nil || other[0].Splits[0].Ln == lately.results[0][0].Splits[0].Ln {
		t.Errorf("other targets have the same baselines (%v)", err)
	}
}
