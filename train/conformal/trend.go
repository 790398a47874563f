package conformal

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"opencarbon/train/metrics"
)

// Trend says how errors change with how unlike the training cells a cell is: one width
// for all is too wide for usual cells and too narrow for strange ones. Mostly errors
// grow, but not everywhere: in London cells with hardly a point of interest are alike,
// and their emissions are not. With one width for all, 80% intervals there hold 52% of the fifth
// of the test cells that is most like the training cells, and 96% of the fifth that is least.
// Absolute errors at an index are in the mean as large as exp of a line through the
// knots says. The zero Trend is one width for all.
type Trend struct {
	Index []float64 // knots, ascending: from the lowest index of the calibration cells to the highest, a part of the cells between each two
	Ln    []float64 // there ln of how large errors are; 0 in the mean of the calibration cells
}

// Scale is how large errors are at an index, 1 in the mean. An index below the knots
// counts as the first. Beyond the last, or where it is not finite, nothing was seen:
// widths there are not narrower than in the mean.
func (t Trend) Scale(index float64) float64 {
	n := len(t.Index)
	if n == 0 {
		return 1
	}
	if !metrics.Finite(index) || index > t.Index[n-1] {
		return max(1, math.Exp(t.Ln[n-1]))
	}
	k, share := t.at(index)
	return math.Exp((1-share)*t.Ln[k] + share*t.Ln[k+1])
}

// at is the knot below an index, and how far towards the next it lies.
func (t Trend) at(index float64) (k int, share float64) {
	k, _ = slices.BinarySearch(t.Index, index)
	k = max(1, min(k, len(t.Index)-1)) - 1
	return k, max(0, min(1, (index-t.Index[k])/(t.Index[k+1]-t.Index[k])))
}

// Limits of a trend.
const (
	leastTrend = 40 // calibration cells that it takes
	trendParts = 5  // parts of the calibration cells between knots
	trendFolds = 10 // parts of the calibration cells, each of which is scored by the trend of the others
)

// stiffness is how many cells a knot would need to speak against the opinion that
// errors are there as large as at the next one.
const stiffness = 20

// fitTrend finds the trend of absolute errors, [n], along an index, [n]: a gamma
// regression with a log link on a line with knots, in which the squares of the
// differences between neighboring knots are penalized. The cells from from to below to
// are left out.
func fitTrend(index, errors []float64, from, to int) Trend {
	var d, e []float64
	mean := 0.0
	for i, x := range index {
		if i < from || i >= to {
			d, e = append(d, x), append(e, errors[i])
			mean += errors[i]
		}
	}
	n := float64(len(d))
	if mean /= n; len(d) < leastTrend || !(mean > 0) {
		return Trend{}
	}
	sorted := slices.Sorted(slices.Values(d))
	var t Trend
	for k := range trendParts + 1 {
		x := metrics.Quantile(sorted, float64(k)/trendParts)
		if last := len(t.Index) - 1; last < 0 || x > t.Index[last]+1e-9*math.Abs(x) {
			t.Index = append(t.Index, x)
		}
	}
	knots := len(t.Index)
	if knots < 2 { // all alike
		return Trend{}
	}
	t.Ln = make([]float64, knots)
	for range 50 { // Newton's method on a convex function
		gradient, hessian := mat.NewVecDense(knots, nil), mat.NewSymDense(knots, nil)
		add := func(i, j int, v float64) { hessian.SetSym(i, j, hessian.At(i, j)+v) }
		for i, x := range d {
			k, share := t.at(x)
			u := e[i] / mean * math.Exp(-(1-share)*t.Ln[k]-share*t.Ln[k+1])
			gradient.SetVec(k, gradient.AtVec(k)+(1-share)*(u-1))
			gradient.SetVec(k+1, gradient.AtVec(k+1)+share*(u-1))
			add(k, k, (1-share)*(1-share)*u)
			add(k, k+1, share*(1-share)*u)
			add(k+1, k+1, share*share*u)
		}
		for k := range knots - 1 {
			step := t.Ln[k+1] - t.Ln[k]
			gradient.SetVec(k, gradient.AtVec(k)+stiffness*step)
			gradient.SetVec(k+1, gradient.AtVec(k+1)-stiffness*step)
			add(k, k, stiffness)
			add(k, k+1, -stiffness)
			add(k+1, k+1, stiffness)
		}
		var c mat.Cholesky
		if !c.Factorize(hessian) {
			return Trend{}
		}
		var step mat.VecDense
		if c.SolveVecTo(&step, gradient) != nil {
			return Trend{}
		}
		largest := 0.0
		for k := range knots {
			largest = max(largest, math.Abs(step.AtVec(k)))
		}
		for k := range knots {
			t.Ln[k] += step.AtVec(k) * min(1, 1/largest)
		}
		if largest < 1e-10 {
			break
		}
	}
	usual := 0.0
	for _, x := range d {
		k, share := t.at(x)
		usual += ((1-share)*t.Ln[k] + share*t.Ln[k+1]) / n
	}
	for k := range t.Ln {
		t.Ln[k] -= usual
	}
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
	if trend.Index == nil {
		return Calibrate(truth, predicted, nil)
	}
	scale := make([]float64, len(index))
	for k := range trendFolds {
		from, to := k*len(index)/trendFolds, (k+1)*len(index)/trendFolds
		own := fitTrend(index, errors, from, to)
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
	if c.trend.Index == nil {
		return nil
	}
	out := make([]float64, len(index))
	for i, x := range index {
		out[i] = c.trend.Scale(x)
	}
	return out
}
