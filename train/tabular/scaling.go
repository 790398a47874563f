package tabular

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"opencarbon/data/fault"
)

// reach is how many standard deviations a feature may lie from the mean of the
// training cells; what lies farther is taken as being there. A cell unlike all
// training cells would throw a linear method far off otherwise.
const reach = 8

// Scaling standardizes features by the training cells and drops those that are
// constant there.
type Scaling struct {
	Names []string  `json:"names"` // [d] of all columns, kept or not
	Keep  []int     `json:"keep"`  // [p] columns that are kept, rising
	Mean  []float64 `json:"mean"`  // [p]
	Scale []float64 `json:"scale"` // [p] standard deviation (by n), above 0
}

// newScaling takes mean and scale of finite rows x [n, d].
func newScaling(x *mat.Dense, names []string) (*Scaling, error) {
	n, d := x.Dims()
	s := &Scaling{Names: names}
	for j := range d {
		mean, squares := 0.0, 0.0
		for i := range n {
			mean += (x.At(i, j) - mean) / float64(i+1)
		}
		for i := range n {
			squares += (x.At(i, j) - mean) * (x.At(i, j) - mean)
		}
		// Features are of order 1 and kept as float32: below that is rounding.
		if sd := math.Sqrt(squares / float64(n)); sd > 1e-9*max(1, math.Abs(mean)) {
			s.Keep, s.Mean, s.Scale = append(s.Keep, j), append(s.Mean, mean), append(s.Scale, sd)
		}
	}
	if len(s.Keep) == 0 {
		return nil, fault.New("features", fmt.Sprintf("all %d are the same in all %d training cells: there is nothing to learn from", d, n),
			"Check imagery and POIs with: go run ./cmd/prepare --config ... --preview")
	}
	return s, nil
}

// apply scales rows x [n, d] to [n, p], within reach.
func (s *Scaling) apply(x *mat.Dense) *mat.Dense {
	n, _ := x.Dims()
	z := mat.NewDense(n, len(s.Keep), nil)
	for i := range n {
		from, to := x.RawRowView(i), z.RawRowView(i)
		for k, j := range s.Keep {
			to[k] = max(-reach, min(reach, (from[j]-s.Mean[k])/s.Scale[k]))
		}
	}
	return z
}

// fits checks that features have the columns that were scaled.
func (s *Scaling) fits(f *Features) error {
	if slices.Equal(s.Names, f.Names()) {
		return nil
	}
	what := fmt.Sprintf("fitted on %d features, the region has %d", len(s.Names), len(f.Names()))
	for i := range min(len(s.Names), len(f.Names())) {
		if a, b := s.Names[i], f.Names()[i]; a != b {
			what = fmt.Sprintf("fitted on the feature %q where the region has %q", a, b)
			break
		}
	}
	return fault.New("features", what, "Prepare the region with the bands and POI categories of the training region.")
}

// finite names the first feature that is not a number, and its cell.
func (f *Features) finite(x *mat.Dense, cells []int32) error {
	for i, cell := range cells {
		for j, v := range x.RawRowView(i) {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fault.New("features", fmt.Sprintf("%q of cell %d is %v", f.names[j], cell, v),
					"Check the inputs of that cell with: go run ./cmd/prepare --config ... --preview")
			}
		}
	}
	return nil
}
