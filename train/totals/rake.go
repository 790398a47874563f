package totals

import (
	"fmt"
	"math"
)

// Exact is how near raked sums come to the totals, as a share.
const Exact = 1e-12

// Rake scales values [N], in place, so that every area sums to its total (want
// [areas]; 0: not known, not asked for). An area's cells are multiplied with one
// number, a cell that a border cuts with the mean of those of its areas by its
// shares, and what belongs to no area with a known total stays. Since cut cells
// belong to two areas, this is repeated until all totals hold to Exact (iterative
// proportional fitting; Deming and Stephan 1940). It returns the totals by the
// sums before, [areas], NaN where none is known. Totals that contradict each other
// through the cells that they share give an error with the area's position.
func Rake(values []float64, areas []Area, want []float64) (factors []float64, bad int, err error) {
	sum := func(a Area) float64 {
		s := 0.0
		for k, i := range a.Cell {
			s += a.share(k) * values[i]
		}
		return s
	}
	factors = make([]float64, len(areas))
	for k, a := range areas {
		factors[k] = math.NaN()
		if want[k] > 0 {
			before := sum(a)
			if !(before > 0) {
				return nil, k, fmt.Errorf("nothing is predicted there that could be scaled")
			}
			factors[k] = want[k] / before
		}
	}
	const rounds = 2000
	scale := make([]float64, len(values))
	for range rounds {
		worst := 0.0
		for i := range scale {
			scale[i] = 1
		}
		for k, a := range areas {
			if !(want[k] > 0) {
				continue
			}
			f := want[k] / sum(a)
			if off := math.Abs(f - 1); !(off <= worst) { // NaN as well
				worst, bad = off, k
			}
			for j, i := range a.Cell {
				scale[i] += a.share(j) * (f - 1)
			}
		}
		if worst <= Exact {
			return factors, -1, nil
		}
		for i := range values {
			values[i] *= scale[i]
		}
	}
	return nil, bad, fmt.Errorf("its total cannot be met together with those of the areas around, with which it shares cells")
}
