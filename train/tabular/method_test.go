package tabular

import (
	"math"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/train/tabular/native"
)

// methods that this machine can run.
func methods(t *testing.T) []Method {
	out := []Method{RidgeRegression{}}
	if err := native.SVMReady(); err != nil {
		t.Logf("left out: %v", err)
	} else {
		out = append(out, SVR{})
	}
	if err := native.XGBReady(); err != nil {
		t.Logf("left out: %v", err)
	} else {
		out = append(out, XGBoost{}, Forest{Trees: 30}, Stacked{Trees: 30})
	}
	return out
}

// Every method predicts cells that it never saw, the same whatever portion they
// come in, and says what it saw and what it chose.
func TestMethods(t *testing.T) {
	task := noise(400, 4)
	cells := held(task)
	var truth []float64
	for _, c := range cells {
		truth = append(truth, task.Ln[c])
	}
	least := map[string]float64{"ridge": 0.25, "SVR": 0.85, "XGBoost": 0.8, "RFR": 0.6, "Stacked RFR": 0.6} // a sine is not linear
	for _, m := range methods(t) {
		f, err := m.Fit(t.Context(), task, Options{})
		if err != nil {
			t.Fatalf("%s: %v", m.Name(), err)
		}
		predicted, err := f.Predict(t.Context(), task.Features, cells)
		if err != nil {
			t.Fatalf("%s: %v", m.Name(), err)
		}
		if got := r2(truth, predicted); got < least[m.Name()] {
			t.Errorf("%s: R2 %.3f of cells held out, want %.2f at least", m.Name(), got, least[m.Name()])
		}
		if !strings.Contains(f.About(), "made numbers") || len(f.Trials()) == 0 {
			t.Errorf("%s: about %q, %d trials", m.Name(), f.About(), len(f.Trials()))
		}
		one, err := f.Predict(t.Context(), task.Features, cells[7:8])
		if err != nil || math.Abs(one[0]-predicted[7]) > 1e-9 {
			t.Errorf("%s: cell alone %v, among others %g (%v)", m.Name(), one, predicted[7], err)
		}
	}
}

// Neither test targets nor test features of other cells reach a prediction.
func TestNoLeak(t *testing.T) {
	task := noise(150, 3)
	spoiled := noise(150, 3)
	for _, c := range held(task) {
		spoiled.Ln[c] = math.NaN()
	}
	cells := append(held(task), task.Train...)
	for _, m := range methods(t) {
		var got [2][]float64
		for k, x := range []Task{task, spoiled} {
			f, err := m.Fit(t.Context(), x, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got[k], err = f.Predict(t.Context(), x.Features, cells); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got[0], got[1]) {
			t.Errorf("%s: predictions depend on targets outside training and validation", m.Name())
		}
	}
}

func TestMethodsRefuse(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*Task)
		says  string
	}{
		{"one cell", func(x *Task) { x.Train = x.Train[:1] }, "1 training cells"},
		{"equal targets", func(x *Task) {
			for i := range x.Ln {
				x.Ln[i] = 2
			}
		}, "equal"},
		{"NaN in training", func(x *Task) { x.Features.own[int(x.Train[3])*2+1] = float32(math.NaN()) }, `"b, own" of cell`},
		{"infinite in validation", func(x *Task) { x.Features.own[int(x.Validation[0])*2] = float32(math.Inf(1)) }, `"a, own" of cell`},
		{"constant features", func(x *Task) { clear(x.Features.own) }, "the same in all"},
	} {
		for _, m := range methods(t) {
			task := noise(60, 2)
			c.spoil(&task)
			if _, err := m.Fit(t.Context(), task, Options{}); !fault.IsInput(err) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s, %s: %v", m.Name(), c.name, err)
			}
		}
	}
	for _, m := range methods(t) {
		task := noise(60, 2)
		f, err := m.Fit(t.Context(), task, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Predict(t.Context(), noise(60, 3).Features, task.Train); !fault.IsInput(err) {
			t.Errorf("%s predicts from other features: %v", m.Name(), err)
		}
		task.Features.own[0] = float32(math.NaN())
		if _, err := f.Predict(t.Context(), task.Features, []int32{0}); !fault.IsInput(err) {
			t.Errorf("%s predicts from NaN: %v", m.Name(), err)
		}
		if y, err := f.Predict(t.Context(), task.Features, nil); err != nil || len(y) != 0 {
			t.Errorf("%s: no cells give %v, %v", m.Name(), y, err)
		}
	}
}

// Validation cells choose; without any, ridge leaves out one by one.
func TestRidgeChooses(t *testing.T) {
	task := noise(100, 2)
	f, err := RidgeRegression{}.Fit(t.Context(), task, Options{})
	if err != nil {
		t.Fatal(err)
	}
	chosen := f.Trials()[best(f.Trials())]
	if got := f.(*fittedRidge).Ridge.Lambda; got != chosen.Settings[0].Value || !strings.Contains(f.About(), "by validation") {
		t.Errorf("lambda %g, best trial %v, %s", got, chosen, f.About())
	}
	predicted, err := f.Predict(t.Context(), task.Features, task.Validation)
	if err != nil {
		t.Fatal(err)
	}
	var truth []float64
	for _, c := range task.Validation {
		truth = append(truth, task.Ln[c])
	}
	if got := r2(truth, predicted); math.Abs(got-*chosen.R2) > 1e-9 {
		t.Errorf("validation R2 %g, the trial says %g", got, *chosen.R2)
	}
	task.Validation = nil
	if f, err = (RidgeRegression{}).Fit(t.Context(), task, Options{}); err != nil || !strings.Contains(f.About(), "by leave-one-out") {
		t.Errorf("%v %v", f, err)
	}
}

func TestThin(t *testing.T) {
	if got := thin([]int32{1, 2, 3, 4, 5, 6}, 3); !slices.Equal(got, []int32{1, 3, 5}) {
		t.Errorf("%v", got)
	}
	if got := thin([]int32{1, 2}, 3); len(got) != 2 {
		t.Errorf("%v", got)
	}
}
