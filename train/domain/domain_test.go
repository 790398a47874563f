package domain

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
)

// Equal to an independent script of the definition (testdata/dissimilarity.py).
func TestAgainstTheDefinition(t *testing.T) {
	text, err := os.ReadFile("testdata/dissimilarity.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		D            int
		Train, New   []float32
		Fold         []int
		Index        []float64
		Threshold    float64
		MeanDistance float64 `json:"mean_distance"`
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	o, err := Fit(want.Train, want.D, want.Fold)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(o.MeanDistance-want.MeanDistance) > 1e-6 || math.Abs(o.Threshold-want.Threshold) > 1e-6 {
		t.Errorf("mean distance %g, threshold %g; want %g, %g", o.MeanDistance, o.Threshold, want.MeanDistance, want.Threshold)
	}
	again, err := Restore(want.Train, want.D, o.MeanDistance, o.Threshold)
	if err != nil {
		t.Fatal(err)
	}
	got, restored := o.Index(want.New), again.Index(want.New)
	outside := 0
	for i, v := range got {
		if math.Abs(v-want.Index[i]) > 1e-6 || restored[i] != v {
			t.Errorf("cell %d: %g, restored %g, want %g", i, v, restored[i], want.Index[i])
		}
		if v > o.Threshold {
			outside++
		}
	}
	if outside == 0 || outside == len(got) {
		t.Errorf("%d of %d cells outside: the case tells nothing", outside, len(got))
	}
	for i, v := range o.Index(want.Train) {
		if v != 0 {
			t.Errorf("training cell %d is %g from itself", i, v)
		}
	}
}

func TestRefuses(t *testing.T) {
	for want, c := range map[string]struct {
		x    []float32
		d    int
		fold []int
	}{
		"not 2 each":   {[]float32{1, 2, 3}, 2, []int{0, 1}},
		"one fold":     {[]float32{1, 2, 3}, 1, []int{0, 0, 0}},
		"are alike":    {[]float32{5, 5, 5}, 1, []int{0, 1, 1}},
		"not finite":   {[]float32{1, float32(math.NaN()), 3}, 1, []int{0, 1, 1}},
		"0 training c": {nil, 1, nil},
	} {
		if _, err := Fit(c.x, c.d, c.fold); err == nil || !strings.Contains(err.Error(), want) && want != "0 training c" {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := Restore([]float32{1}, 2, 1, 1); err == nil {
		t.Error("damaged features were taken")
	}
}
