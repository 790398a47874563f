package method

import (
	"math"
	"math/rand/v2"
	"testing"
)

// No other point of the simplex is nearer to the truth.
func TestConvexWeights(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for k := 1; k <= 5; k++ {
		const n = 60
		truth := make([]float64, n)
		predicted := make([][]float64, k)
		for i := range truth {
			truth[i] = rng.NormFloat64()
		}
		for a := range predicted {
			predicted[a] = make([]float64, n)
			for i := range truth {
				predicted[a][i] = 0.5*truth[i]*float64(a) + rng.NormFloat64()*0.8 + 0.3
			}
		}
		loss := func(w []float64) (sum float64) {
			for i, y := range Combine(predicted, w) {
				sum += (y - truth[i]) * (y - truth[i])
			}
			return sum
		}
		w, err := ConvexWeights(predicted, truth)
		if err != nil {
			t.Fatal(err)
		}
		total := 0.0
		for _, v := range w {
			if total += v; v < 0 {
				t.Errorf("weight %v", v)
			}
		}
		if math.Abs(total-1) > 1e-9 {
			t.Errorf("weights add up to %v", total)
		}
		for range 3000 {
			other := make([]float64, k)
			sum := 0.0
			for a := range other {
				other[a] = rng.ExpFloat64() * float64(rng.IntN(2))
				sum += other[a]
			}
			if sum == 0 {
				continue
			}
			for a := range other {
				other[a] /= sum
			}
			if loss(other) < loss(w)-1e-6 {
				t.Fatalf("weights %v are nearer than %v: %v, %v", other, w, loss(other), loss(w))
			}
		}
	}
}

func TestConvexWeightsOfBadPredictors(t *testing.T) {
	if w, err := ConvexWeights([][]float64{{1, 2}, {1, 2}}, []float64{1, 3}); err != nil || math.Abs(w[0]+w[1]-1) > 1e-9 {
		t.Errorf("equal predictors: %v, %v", w, err)
	}
	for _, c := range []struct {
		predicted [][]float64
		truth     []float64
	}{{nil, []float64{1}}, {[][]float64{{1}}, nil}, {[][]float64{{1, 2}}, []float64{1}}, {[][]float64{{math.NaN()}}, []float64{1}}} {
		if w, err := ConvexWeights(c.predicted, c.truth); err == nil {
			t.Errorf("%v of %v: %v", c.predicted, c.truth, w)
		}
	}
}
