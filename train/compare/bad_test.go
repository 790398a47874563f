package compare

import (
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/train/config"
	"opencarbon/train/method"
)

// Training cells whose emission is all the same teach nothing, and test cells of
// that kind measure nothing: each method and the comparison say so.
func TestOneTrainingClass(t *testing.T) {
	s := city(t, 144)
	c := config.Defaults()
	c.Train.Device = "cpu"
	entries, err := Entries(&c, []string{"ridge", "SVR", "XGBoost", "opencarbon", "paper"})
	if err != nil {
		t.Fatal(err)
	}
	d := method.New(s)
	d.Train, d.Validation, d.Test = nil, nil, nil
	for i := range d.Ln { // validation cells differ
		switch i % 4 {
		case 0:
			d.Validation = append(d.Validation, int32(i))
		case 1:
			d.Test = append(d.Test, int32(i))
			d.Ln[i] = 5
		default:
			d.Train = append(d.Train, int32(i))
			d.Ln[i] = 5
		}
	}
	for _, e := range entries {
		_, err := e.Method.Fit(t.Context(), d, method.Options{Threads: 1, Dir: t.TempDir()})
		if !fault.IsInput(err) || !strings.Contains(err.Error(), "nothing to learn") {
			t.Errorf("%s: %v", e.Name, err)
		}
	}
	if err := differ(s, []*method.Dataset{d}); !fault.IsInput(err) || !strings.Contains(err.Error(), "the same emission") {
		t.Errorf("test cells: %v", err)
	}
	d.Ln[d.Test[3]] = 6
	if err := differ(s, []*method.Dataset{d}); err != nil {
		t.Errorf("test cells that differ: %v", err)
	}
}
