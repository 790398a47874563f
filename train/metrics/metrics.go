// Package metrics scores predictions as the paper does (section 5.1: R2, MAE
// and RMSE on ln emission), and beside that in the inventory's own unit, where
// a user wants to know how many tonnes the total is off.
//
// It sees slices of numbers only: no tensors, no files. What cannot be scored
// (no cells, one cell, a constant truth) is said, never printed as NaN.
package metrics

import (
	"encoding/json"
	"fmt"
	"math"
)

// Scores of predicted ln emission.
type Scores struct {
	N    int     // cells
	R2   float64 // coefficient of determination; NaN where Undefined is not empty
	MAE  float64 // mean absolute error, ln units; NaN where N is 0
	RMSE float64 // root mean squared error, ln units; NaN where N is 0

	// Undefined says why there is no R2, e.g. "all 5 targets are equal".
	Undefined string
}

// Amounts are the scores of predicted emission itself, exp(ln emission), in the
// inventory's unit (tonnes a year).
type Amounts struct {
	MAE, RMSE   float64 // per cell; NaN where there are no cells
	Total       float64 // sum of the true emissions
	Predicted   float64 // sum of the predicted emissions
	Bias        float64 // Predicted - Total
	BiasPercent float64 // 100 Bias / Total; NaN where there are no cells
}

// SplitScores are all that is said about one part of the cells.
type SplitScores struct {
	Name    string  `json:"split"` // train, validation, test, or the name of a baseline's split
	Ln      Scores  `json:"ln"`
	Amounts Amounts `json:"amounts"`
}

// Evaluate scores a split. truth and predicted are ln emission, one entry per
// cell. An entry that is NaN or infinite is an error that names its place: the
// caller leaves out cells without a target, and a model that predicts NaN is
// broken.
func Evaluate(name string, truth, predicted []float64) (SplitScores, error) {
	ln, err := Ln(truth, predicted)
	if err != nil {
		return SplitScores{}, fmt.Errorf("%s: %w", name, err)
	}
	return SplitScores{Name: name, Ln: ln, Amounts: amounts(truth, predicted)}, nil
}

// Ln computes R2, MAE and RMSE of predictions of ln emission; errors as
// Evaluate. R2 = 1 - sum (y - p)^2 / sum (y - mean y)^2, as scikit-learn's
// r2_score, except that a constant truth has none.
func Ln(truth, predicted []float64) (Scores, error) {
	if len(truth) != len(predicted) {
		return Scores{}, fmt.Errorf("%d targets but %d predictions", len(truth), len(predicted))
	}
	for i := range truth {
		if !Finite(truth[i]) {
			return Scores{}, fmt.Errorf("target %d of %d is %g", i, len(truth), truth[i])
		}
		if !Finite(predicted[i]) {
			return Scores{}, fmt.Errorf("prediction %d of %d is %g", i, len(predicted), predicted[i])
		}
	}
	s := Scores{N: len(truth), R2: math.NaN(), MAE: math.NaN(), RMSE: math.NaN()}
	if s.N == 0 {
		s.Undefined = "no cells"
		return s, nil
	}
	mean := 0.0
	for i, y := range truth {
		mean += (y - mean) / float64(i+1)
	}
	var abs, residual, total float64
	low, high := truth[0], truth[0]
	for i, y := range truth {
		e := y - predicted[i]
		abs += math.Abs(e)
		residual += e * e
		total += (y - mean) * (y - mean)
		low, high = min(low, y), max(high, y)
	}
	n := float64(s.N)
	s.MAE, s.RMSE = abs/n, math.Sqrt(residual/n)
	switch {
	case s.N == 1:
		s.Undefined = "one cell only"
	case low == high || total == 0:
		s.Undefined = fmt.Sprintf("all %d targets are equal", s.N)
	default:
		s.R2 = 1 - residual/total
	}
	return s, nil
}

func amounts(truth, predicted []float64) Amounts {
	var a Amounts
	var abs, squares float64
	for i := range truth {
		t, p := math.Exp(truth[i]), math.Exp(predicted[i])
		a.Total += t
		a.Predicted += p
		abs += math.Abs(p - t)
		squares += (p - t) * (p - t)
	}
	n := float64(len(truth)) // 0 gives NaN, as documented
	a.MAE, a.RMSE = abs/n, math.Sqrt(squares/n)
	a.Bias = a.Predicted - a.Total
	a.BiasPercent = 100 * a.Bias / a.Total
	return a
}

// Number writes x with three decimals, or a dash for what does not exist.
func Number(x float64) string {
	if !Finite(x) {
		return "-"
	}
	return fmt.Sprintf("%.3f", x)
}

// jsonNumber is nil, hence null, for what JSON cannot hold.
func jsonNumber(x float64) *float64 {
	if !Finite(x) {
		return nil
	}
	return &x
}

// MarshalJSON writes undefined numbers as null.
func (s Scores) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		N         int      `json:"n"`
		R2        *float64 `json:"r2"`
		MAE       *float64 `json:"mae"`
		RMSE      *float64 `json:"rmse"`
		Undefined string   `json:"r2_undefined,omitempty"`
	}{s.N, jsonNumber(s.R2), jsonNumber(s.MAE), jsonNumber(s.RMSE), s.Undefined})
}

// MarshalJSON writes undefined numbers as null.
func (a Amounts) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		MAE         *float64 `json:"mae"`
		RMSE        *float64 `json:"rmse"`
		Total       *float64 `json:"total"`
		Predicted   *float64 `json:"predicted"`
		Bias        *float64 `json:"bias"`
		BiasPercent *float64 `json:"bias_percent"`
	}{jsonNumber(a.MAE), jsonNumber(a.RMSE), jsonNumber(a.Total), jsonNumber(a.Predicted), jsonNumber(a.Bias), jsonNumber(a.BiasPercent)})
}
