package learn_test

import (
	"errors"
	"math"
	"testing"

	"opencarbon/torch"
	"opencarbon/train/learn"
)

// The averaged weights are what the formula makes of the weights after each
// step; while they are used the trained ones are put aside, to the bit.
func TestAverage(t *testing.T) {
	d, ln, cells := made(t, 9)
	learner(t, d, ln, 3, 0.01, learn.Options{Encode: learn.Unique, EMA: 0.5}, func(l *learn.Learner) {
		weight := func() []float64 { return l.Model.Params().Get("regressor.0.weight").Float64s() }
		if x, _ := l.Average(); x != nil {
			t.Error("there is an average before the first step")
		}
		var want []float64
		for step := range 4 {
			var b learn.Batch
			l.Model.Params().Train()
			l.Assembler.Assemble(&b, cells[2*step:2*step+2])
			if err := l.Step(&b, false); err != nil {
				t.Fatal(err)
			}
			if _, _, err := l.Collect(); err != nil {
				t.Fatal(err)
			}
			w := weight()
			if step == 0 {
				want = w
			}
			decay := math.Min(0.5, float64(step+2)/float64(step+11))
			for i := range want {
				want[i] = decay*want[i] + (1-decay)*w[i]
			}
		}
		trained := weight()
		failed := errors.New("failed")
		if err := l.Averaged(func() error {
			if e := far(weight(), want); e > 1e-5 {
				t.Errorf("the averages differ by %.2g", e)
			}
			if e := far(trained, want); e == 0 {
				t.Error("the averages are the trained weights")
			}
			if x, _ := l.Average(); x != nil {
				t.Error("the trained weights pass for averages while the model has the averages")
			}
			return failed
		}); err != failed {
			t.Error(err)
		}
		for i, v := range weight() {
			if v != trained[i] {
				t.Fatal("the trained weights did not come back")
			}
		}
		x, steps := l.Average()
		if len(x) != len(l.Model.Params().Parameters()) || steps != 4 {
			t.Fatalf("%d averages after %d steps", len(x), steps)
		}
		saved := map[string]*torch.Tensor{}
		for _, view := range x {
			saved[view.Name] = view.X.Clone()
		}
		if !l.SetAverage(saved, 7) {
			t.Error("its own averages are not taken back")
		}
		delete(saved, "regressor.0.weight")
		if l.SetAverage(saved, 7) {
			t.Error("averages without one of the weights were taken")
		}
	})
}
