package conformal

import (
	"fmt"
	"math"
	"slices"

	"opencarbon/train/metrics"
)

// Trend says how errors change with how unlike the training cells a cell is. Mostly
// they grow: one width for all is too wide for usual cells and too narrow for strange
// ones. Where the usual cells are the ones that are hard to tell they fall: in London
// cells with hardly a point of interest are alike, and their emissions are not. With
// one width for all, 80% intervals there hold 52% of the fifth of the test cells that is most like the
// training cells, and 96% of the fifth that is least. Absolute errors of cells with the index d are in the mean as large as
// exp(Slope (d - Center)) says. The zero Trend is one width for all.
type Trend struct {
	Slope  float64 // per unit of the index; 0: errors do not change
	Center float64 // mean index of the calibration cells
	Low    float64 // their indices reach from Low
	High   float64 // to High; what lies beyond is taken for the end, since nobody knows more
}

// Scale is how large errors are at an index, 1 at Center. An index that is not
// finite counts as beyond High. There nothing was seen, and widths are not narrower than
// in the mean.
func (t Trend) Scale(index float64) float64 {
	if t.Slope == 0 {
		return 1
	}
	if !metrics.Finite(index) || index > t.High {
		return max(1, math.Exp(t.Slope*(t.High-t.Center)))
	}
	return math.Exp(t.Slope * (min(max(index, t.Low), t.High) - t.Center))
}

// Limits of a trend.
const (
	leastTrend = 40 // calibration cells that it takes
	steepest   = 1  // change of ln error per standard deviation of the index
	trendFolds = 10 // parts of the calibration cells, each of which is scored by the trend of the others
)

// fitTrend finds the trend of absolute errors, [n], along an index, [n]: a gamma
// regression with a log link. The slope is shrunk to 0 by how uncertain it is: b
// becomes b b^2 / (b^2 + s^2), s its standard error. The cells from from to below to
// are left out.
func fitTrend(index, errors []float64, from, to int) Trend {
	var d, e []float64
	for i, x := range index {
		if i < from || i >= to {
			d, e = append(d, x), append(e, errors[i])
		}
	}
	if len(d) < leastTrend {
		return Trend{}
	}
	n := float64(len(d))
	t := Trend{Low: slices.Min(d), High: slices.Max(d)}
	mean := 0.0
	for i, x := range d {
		t.Center, mean = t.Center+x/n, mean+e[i]/n
	}
	squares := 0.0
	for _, x := range d {
		squares += (x - t.Center) * (x - t.Center) / n
	}
	sd := math.Sqrt(squares)
	if !(sd > 1e-9*math.Abs(t.Center)) || !(mean > 0) { // all alike, or no errors
		return Trend{}
	}
	a, b := math.Log(mean), 0.0
	var s2 float64
	for range 50 { // Newton's method on a convex function
		var g0, g1, h00, h01, h11, v float64
		for i, x := range d {
			z := (x - t.Center) / sd
			u := e[i] * math.Exp(-a-b*z)
			g0, g1 = g0+u-1, g1+(u-1)*z
			h00, h01, h11 = h00+u, h01+u*z, h11+u*z*z
			v += (u - 1) * (u - 1) * z * z
		}
		det := h00*h11 - h01*h01
		if !(det > 1e-12*h00*h11) {
			return Trend{}
		}
		s2 = v / (h11 * h11)
		da, db := (h11*g0-h01*g1)/det, (h00*g1-h01*g0)/det
		a, b = a+max(-1, min(1, da)), b+max(-0.5, min(0.5, db))
		if math.Abs(da)+math.Abs(db) < 1e-10 {
			break
		}
	}
	if !metrics.Finite(b) || b == 0 {
		return Trend{}
	}
	t.Slope = max(-steepest, min(steepest, b*b*b/(b*b+s2))) / sd
	return t
}

// CalibrateAlong is Calibrate with intervals that are wider, or narrower, where the index is
// higher: how unlike the training cells a cell is, [n], finite. Errors count in
// units of a Trend. The promise of split conformal prediction needs scores that do
// not depend on what they are compared with: each tenth of the cells, in their
// order, which keeps neighbors together, is scored by the trend of the other nine.
func CalibrateAlong(truth, predicted, index []float64) (*Calibration, error) {
	if err := check(truth, predicted, nil); err != nil {
		return nil, err
	}
	if len(index) != len(truth) {
		return nil, fmt.Errorf("%d targets but %d indices", len(truth), len(index))
	}
	errors := make([]float64, len(truth))
	for i := range truth {
		errors[i] = math.Abs(truth[i] - predicted[i])
		if !metrics.Finite(index[i]) {
			return nil, fmt.Errorf("index %d of %d is %g", i, len(index), index[i])
		}
	}
	trend := fitTrend(index, errors, 0, 0)
	if trend.Slope == 0 {
		return Calibrate(truth, predicted, nil)
	}
	scale := make([]float64, len(index))
	for k := range trendFolds {
		from, to := k*len(index)/trendFolds, (k+1)*len(index)/trendFolds
		own := fitTrend(index, errors, from, to)
		own.Center = trend.Center // one unit for all parts
		for i := from; i < to; i++ {
			scale[i] = own.Scale(index[i])
		}
	}
	c, err := Calibrate(truth, predicted, scale)
	if err != nil {
		return nil, err
	}
	c.trend = trend
	return c, nil
}

// Trend is what CalibrateAlong found; zero where widths are the same for all.
func (c *Calibration) Trend() Trend { return c.trend }

// Scales are the spreads that Report and Interval take for cells with an index; nil
// where the calibration has no trend.
func (c *Calibration) Scales(index []float64) []float64 {
	if c.trend.Slope == 0 {
		return nil
	}
	out := make([]float64, len(index))
	for i, x := range index {
		out[i] = c.trend.Scale(x)
	}
	return out
}
