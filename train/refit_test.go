package train

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/train/checkpoint"
)

// A refit has seen the validation cells: it predicts them better than the network
// that they chose, which stays as it was; what it says of its errors is that
// network's.
func TestRefit(t *testing.T) {
	c := both()
	c.Model.Wide, c.Model.ImageEncoder = true, "frozen"
	c.Train.Epochs, c.Train.Refit, c.Train.EMA = 40, true, 0.9
	k, d, r := trained(t, c, town{rows: 6, cols: 20, image: townSize})
	if r.Refit == nil || r.Refit.Path != filepath.Join(r.Dir, RefitFile) {
		t.Fatalf("no refit: %+v", r.Refit)
	}
	again, err := checkpoint.Read(r.Refit.Path)
	if err != nil {
		t.Fatal(err)
	}
	off := func(path string) (sum float64) {
		x := guesses(t, path, d)
		for _, cell := range d.validation {
			sum += math.Abs(x[cell]-d.ln[cell]) / float64(len(d.validation))
		}
		return sum
	}
	if before, after := off(k.Path), off(again.Path); !(after < before) {
		t.Errorf("the validation cells are off by %.3f, by %.3f before they were trained on", after, before)
	}
	h, g := again.Header, k.Header
	if h.State.BestEpoch != g.State.BestEpoch || len(h.ValidationErrors) != len(d.validation) || h.ValidationErrors[0] != g.ValidationErrors[0] {
		t.Errorf("epoch %d and %d errors; wanted %d and %d", h.State.BestEpoch, len(h.ValidationErrors), g.State.BestEpoch, len(d.validation))
	}
	if h.Domain == nil || h.Domain.Training != len(d.train)+len(d.validation) || again.Domain() == nil || again.Strange() != nil {
		t.Errorf("%+v: it does not say which cells are like those that it was trained on", h.Domain)
	}
	var b strings.Builder
	if err := r.Print(&b); err != nil || !strings.Contains(b.String(), RefitFile) {
		t.Errorf("%v: %s", err, b.String())
	}
}
