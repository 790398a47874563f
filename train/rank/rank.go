// Package rank asks whether predictions put cells in the right order, which is
// what survives when a model goes to a region it has not seen (paper, section
// 5.4): Spearman's and Kendall's rank correlation, the best monotone
// recalibration, and how sure one may be of them where neighboring cells are
// not independent (bootstrap by spatial blocks).
//
// It sees slices of numbers only: no tensors, no file names. What has no value
// (constant predictions, too few cells) is said in words, never left as a NaN
// for somebody to print.
package rank

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"

	"opencarbon/train/metrics"
)

// Result is a statistic, or the reason why there is none.
type Result struct {
	Defined bool    // whether Value exists
	Why     string  // why not, e.g. "all 40 predictions are equal"; empty where Defined
	Value   float64 // NaN unless Defined
	P       float64 // two-sided p-value of no association; NaN where the statistic has none
	N       int     // cells
}

func undefined(n int, format string, args ...any) Result {
	return Result{Why: fmt.Sprintf(format, args...), Value: math.NaN(), P: math.NaN(), N: n}
}

// String writes the value with three decimals, or the reason why there is none.
func (r Result) String() string {
	if !r.Defined {
		return "undefined: " + r.Why
	}
	return fmt.Sprintf("%.3f", r.Value)
}

// MarshalJSON writes what does not exist as null, with the reason beside it.
func (r Result) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Value *float64 `json:"value"`
		P     *float64 `json:"p,omitempty"`
		N     int      `json:"n"`
		Why   string   `json:"undefined,omitempty"`
	}{number(r.Value), number(r.P), r.N, r.Why})
}

func number(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}

// Ranks gives each value its place from 1 to n in rising order; equal values
// share the mean of their places (scipy.stats.rankdata, method "average").
// Values must not be NaN.
func Ranks(v []float64) []float64 {
	ranks := make([]float64, len(v))
	order := sorted(v)
	for lo := 0; lo < len(order); {
		hi := tie(v, order, lo)
		mean := float64(lo+1+hi) / 2 // of places lo+1 ... hi
		for _, i := range order[lo:hi] {
			ranks[i] = mean
		}
		lo = hi
	}
	return ranks
}

// sorted is the order in which v rises; equal values stay as they were.
func sorted(v []float64) []int {
	order := make([]int, len(v))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(v[a], v[b]) })
	return order
}

// tie is the end of the run of equal values that begins at order[lo].
func tie(v []float64, order []int, lo int) int {
	hi := lo + 1
	for hi < len(order) && v[order[hi]] == v[order[lo]] {
		hi++
	}
	return hi
}

// check refuses what is a mistake of the caller (different lengths, NaN) and
// says what merely has no rank correlation: fewer than 3 cells, where no
// p-value exists, or a side that does not vary. ok is false in that case.
func check(predicted, truth []float64) (why Result, ok bool, err error) {
	if len(predicted) != len(truth) {
		return Result{}, false, fmt.Errorf("%d predictions but %d targets", len(predicted), len(truth))
	}
	n := len(truth)
	for i := range n {
		if !metrics.Finite(predicted[i]) {
			return Result{}, false, fmt.Errorf("prediction %d of %d is %g", i, n, predicted[i])
		}
		if !metrics.Finite(truth[i]) {
			return Result{}, false, fmt.Errorf("target %d of %d is %g", i, n, truth[i])
		}
	}
	switch {
	case n == 0:
		return undefined(n, "no cells"), false, nil
	case n == 1:
		return undefined(n, "one cell only"), false, nil
	case n == 2:
		return undefined(n, "two cells only: a rank correlation needs three"), false, nil
	case constant(predicted):
		return undefined(n, "all %d predictions are equal", n), false, nil
	case constant(truth):
		return undefined(n, "all %d targets are equal", n), false, nil
	}
	return Result{}, true, nil
}

func constant(v []float64) bool {
	for _, x := range v {
		if x != v[0] {
			return false
		}
	}
	return true
}

// Spearman is Spearman's rank correlation coefficient: Pearson's correlation of
// the ranks, ties averaged. P is the two-sided p-value by Student's t
// distribution with n - 2 degrees of freedom, as scipy.stats.spearmanr gives it;
// it takes cells for independent, which neighboring cells are not, so that the
// interval by blocks (SpearmanInterval) is the honest statement.
// Different lengths, NaN and infinity are errors.
func Spearman(predicted, truth []float64) (Result, error) {
	why, ok, err := check(predicted, truth)
	if err != nil || !ok {
		return why, err
	}
	n := len(truth)
	rho := pearson(Ranks(predicted), Ranks(truth))
	return Result{Defined: true, Value: rho, P: studentP(rho, n), N: n}, nil
}

// pearson needs two sides that vary.
func pearson(x, y []float64) float64 {
	// Ranks have the known mean (n+1)/2, ties or not.
	mean := float64(len(x)+1) / 2
	var xx, yy, xy float64
	for i := range x {
		a, b := x[i]-mean, y[i]-mean
		xx += a * a
		yy += b * b
		xy += a * b
	}
	return max(-1, min(1, xy/math.Sqrt(xx)/math.Sqrt(yy)))
}

// studentP is P(|T| >= |t|) for t = rho sqrt(v / (1 - rho^2)), v = n - 2, by the
// incomplete beta function: I_{v/(v+t^2)}(v/2, 1/2), where v/(v+t^2) = 1 - rho^2.
func studentP(rho float64, n int) float64 {
	return mathext.RegIncBeta(float64(n-2)/2, 0.5, max(0, (1-rho)*(1+rho)))
}
