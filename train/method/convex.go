package method

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// mostConvex is how many predictors ConvexWeights takes: it tries every subset.
const mostConvex = 10

// ConvexWeights are the weights, none below 0 and 1 in sum, whose mean of the
// predictors lies nearest to truth in least squares (Breiman, "Stacked
// regressions", 1996). predicted is [K][n], K at most 10. They are to be found on
// cells that the predictors were not fitted on.
func ConvexWeights(predicted [][]float64, truth []float64) ([]float64, error) {
	k, n := len(predicted), len(truth)
	if k == 0 || k > mostConvex || n == 0 {
		return nil, fmt.Errorf("weights of %d predictors over %d cells: 1 to %d predictors and 1 or more cells are needed", k, n, mostConvex)
	}
	errors := make([][]float64, k)
	for a, p := range predicted {
		if len(p) != n {
			return nil, fmt.Errorf("predictor %d has %d cells of %d", a, len(p), n)
		}
		errors[a] = make([]float64, n)
		for i := range p {
			errors[a][i] = p[i] - truth[i]
			if math.IsNaN(errors[a][i]) || math.IsInf(errors[a][i], 0) {
				return nil, fmt.Errorf("predictor %d says %g of cell %d, whose target is %g", a, p[i], i, truth[i])
			}
		}
	}
	// With weights that sum to 1 the error of the mean is the mean of the errors:
	// minimize w' S w with S their second moments. The best point within each face
	// of the simplex is a solution of S w = 1, scaled.
	s := mat.NewDense(k, k, nil)
	trace := 0.0
	for a := range k {
		for b := range k {
			sum := 0.0
			for i := range n {
				sum += errors[a][i] * errors[b][i] / float64(n)
			}
			s.Set(a, b, sum)
		}
		trace += s.At(a, a)
	}
	for a := range k { // equal predictors share their weight
		s.Set(a, a, s.At(a, a)+1e-9*trace/float64(k)+1e-300)
	}
	best, least := []float64(nil), math.Inf(1)
	for subset := 1; subset < 1<<k; subset++ {
		var in []int
		for a := range k {
			if subset>>a&1 == 1 {
				in = append(in, a)
			}
		}
		sub, one := mat.NewDense(len(in), len(in), nil), mat.NewVecDense(len(in), nil)
		for i, a := range in {
			for j, b := range in {
				sub.Set(i, j, s.At(a, b))
			}
			one.SetVec(i, 1)
		}
		var x mat.VecDense
		if err := x.SolveVec(sub, one); err != nil && x.Len() == 0 {
			continue
		}
		sum, ok := 0.0, true
		for i := range in {
			sum += x.AtVec(i)
			ok = ok && x.AtVec(i) >= 0
		}
		if !ok || !(sum > 0) {
			continue
		}
		if value := 1 / sum; value < least*(1-1e-12) {
			least = value
			best = make([]float64, k)
			for i, a := range in {
				best[a] = x.AtVec(i) / sum
			}
		}
	}
	if best == nil {
		return nil, fmt.Errorf("no weights of %d predictors were found", k)
	}
	return best, nil
}

// Combine is the weighted mean of predictors [K][n].
func Combine(predicted [][]float64, weights []float64) []float64 {
	out := make([]float64, len(predicted[0]))
	for a, p := range predicted {
		for i, y := range p {
			out[i] += weights[a] * y
		}
	}
	return out
}
