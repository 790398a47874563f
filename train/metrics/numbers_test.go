package metrics

import (
	"math"
	"testing"
)

// numpy.quantile([1, 2, 4, 8, 16], q) for q = 0, .1, .25, .5, .9, 1.
func TestQuantile(t *testing.T) {
	s := []float64{1, 2, 4, 8, 16}
	for q, want := range map[float64]float64{0: 1, .1: 1.4, .25: 2, .5: 4, .9: 12.8, 1: 16} {
		if got := Quantile(s, q); math.Abs(got-want) > 1e-12 {
			t.Errorf("quantile %g is %g, want %g", q, got, want)
		}
	}
	if v := Quantile(nil, 0.5); !math.IsNaN(v) {
		t.Errorf("of none: %g", v)
	}
}
