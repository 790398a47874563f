package tsne

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"opencarbon/data/fault"
)

// On a map where value rises to the right, the anchors do too, and lie mid-way up.
func TestAnchors(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	const n = 3000
	y, value := make([]float64, 2*n), make([]float64, n)
	for i := range n {
		y[2*i], y[2*i+1] = 12*rng.Float64(), rng.NormFloat64()
		value[i] = y[2*i] + 0.1*rng.NormFloat64()
	}
	value[5], value[6], value[7] = math.NaN(), -500, 500 // no target, and two extremes
	got, err := Anchors(y, value, 6)
	if err != nil || len(got) != 6 {
		t.Fatal(got, err)
	}
	for k, i := range got {
		if math.Abs(y[2*i]-float64(2*k+1)) > 0.5 || math.Abs(y[2*i+1]) > 0.3 || i >= 5 && i <= 7 {
			t.Errorf("anchor %d is point %d at %g, %g", k, i, y[2*i], y[2*i+1])
		}
	}
	if again, _ := Anchors(y, value, 6); !slices.Equal(got, again) {
		t.Error("chance")
	}
	for _, c := range []struct {
		name  string
		value []float64
		want  int
	}{
		{"constant", []float64{2, 2, 2}, 1}, {"none", []float64{math.NaN(), math.NaN(), math.NaN()}, 0}, {"two", []float64{0, math.NaN(), 9}, 2},
	} {
		if got, err := Anchors(make([]float64, 6), c.value, 6); err != nil || len(got) != c.want {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
	if _, err := Anchors(y, value[:9], 6); !fault.IsInput(err) {
		t.Error(err)
	}
	if _, err := Anchors(y, value, 0); !fault.IsInput(err) {
		t.Error(err)
	}
}
