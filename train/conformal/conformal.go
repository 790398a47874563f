// Package conformal puts intervals around predictions that hold the truth as
// often as they say, whatever the model: split-conformal prediction (Vovk,
// Gammerman and Shafer 2005; Lei et al. 2018, JASA 113, algorithm 2). The errors
// on cells that the model was not trained on, those of the validation region,
// say how far off it may be on others.
//
// The promise holds for cells that are exchangeable with the calibration cells.
// Another part of the same city is nearly that, another city is not: the
// coverage that Report finds on test cells is the statement to be trusted.
//
// It sees slices of numbers only: no tensors, no files.
package conformal

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"opencarbon/train/metrics"
)

// leastSpread keeps a spread of 0, where all members of an ensemble agree, from
// promising a truth without error: 0.001 in ln emission is 0.1% of the emission.
const leastSpread = 1e-3

// Calibration holds the scores of the calibration cells: absolute errors, or
// errors in units of the spread.
type Calibration struct {
	scores     []float64 // sorted
	normalized bool
	trend      Trend
}

// Calibrate takes ln emission of the calibration cells, true and predicted, [n]
// each. spread, if not nil, is how uncertain each prediction is by another
// measure, such as the standard deviation over an ensemble, in ln emission, not
// negative: intervals are then wider where it is larger. Different lengths,
// NaN, infinity and a negative spread are errors. No cells at all are none: every
// interval is then infinite.
func Calibrate(truth, predicted, spread []float64) (*Calibration, error) {
	if err := check(truth, predicted, spread); err != nil {
		return nil, err
	}
	c := &Calibration{scores: make([]float64, len(truth)), normalized: spread != nil}
	for i := range truth {
		c.scores[i] = math.Abs(truth[i] - predicted[i])
		if spread != nil {
			c.scores[i] /= max(spread[i], leastSpread)
		}
	}
	slices.Sort(c.scores)
	return c, nil
}

// N is the number of calibration cells.
func (c *Calibration) N() int { return len(c.scores) }

// Normalized reports whether intervals need a spread.
func (c *Calibration) Normalized() bool { return c.normalized }

// Quantile is the score that a new cell stays within with probability level at
// least: the k-th smallest of n, k = ceil((n + 1) level). Where k > n the cells
// are too few for the level: Value is infinite and Why says how many it takes.
func (c *Calibration) Quantile(level float64) (Quantile, error) {
	if !(level > 0 && level < 1) {
		return Quantile{}, fmt.Errorf("level %g is not between 0 and 1: write 0.9 for 90%%", level)
	}
	n := len(c.scores)
	// The product of two exact numbers, such as 20 and 0.95, may end a hair above
	// the whole number that is meant.
	k := int(math.Ceil(float64(n+1)*level - 1e-9))
	if k > n {
		need := int(math.Ceil(level/(1-level) - 1e-9))
		return Quantile{Level: level, Value: math.Inf(1), Why: fmt.Sprintf("%d calibration cells are too few for a %g%% interval: it takes at least %d", n, 100*level, need)}, nil
	}
	return Quantile{Level: level, Finite: true, Value: c.scores[max(k, 1)-1], normalized: c.normalized}, nil
}

// Quantile makes the intervals of one level.
type Quantile struct {
	Level      float64
	Finite     bool
	Why        string  // why infinite; empty where Finite
	Value      float64 // half width in ln emission, or in units of the spread; +Inf unless Finite
	normalized bool
}

// Interval is from Low to High, ln emission; exp of both is an interval of the
// emission itself, of the same coverage. Where the quantile is infinite it is
// from -Inf to +Inf. spread is used where the calibration had one, and must then
// not be negative.
func (q Quantile) Interval(predicted, spread float64) (low, high float64) {
	half := q.Value
	if q.normalized {
		half *= max(spread, leastSpread)
	}
	return predicted - half, predicted + half
}

// Coverage is how the intervals of one level did on cells that were neither
// trained on nor calibrated with.
type Coverage struct {
	Level     float64 // promised, e.g. 0.9
	N         int     // cells
	Covered   float64 // share of cells whose truth lies within; NaN where N is 0
	MeanWidth float64 // High - Low in ln emission, mean over cells; +Inf unless Finite
	Quantile  float64 // half width in ln emission or units of the spread; +Inf unless Finite
	Finite    bool
	Why       string // why there is no finite interval or no coverage
}

// MarshalJSON writes what is infinite or does not exist as null, with the reason
// beside it.
func (c Coverage) MarshalJSON() ([]byte, error) {
	number := func(x float64) *float64 {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil
		}
		return &x
	}
	return json.Marshal(struct {
		Level     float64  `json:"level"`
		N         int      `json:"n"`
		Covered   *float64 `json:"covered"`
		MeanWidth *float64 `json:"mean_width"`
		Quantile  *float64 `json:"quantile"`
		Why       string   `json:"undefined,omitempty"`
	}{c.Level, c.N, number(c.Covered), number(c.MeanWidth), number(c.Quantile), c.Why})
}

// Levels are those that users ask for.
func Levels() []float64 { return []float64{0.8, 0.9, 0.95} }

// Report counts, for each level, how often the intervals hold the truth of other
// cells, and how wide they are. Arguments and errors as Calibrate; spread must
// be given where the calibration had one, and only there.
func (c *Calibration) Report(truth, predicted, spread []float64, levels []float64) ([]Coverage, error) {
	if err := check(truth, predicted, spread); err != nil {
		return nil, err
	}
	if c.normalized != (spread != nil) {
		return nil, fmt.Errorf("the calibration and the cells to report on must both have a spread, or neither")
	}
	var out []Coverage
	for _, level := range levels {
		q, err := c.Quantile(level)
		if err != nil {
			return nil, err
		}
		r := Coverage{Level: level, N: len(truth), Quantile: q.Value, Finite: q.Finite, Why: q.Why}
		inside, width := 0, 0.0
		for i := range truth {
			s := 0.0
			if spread != nil {
				s = spread[i]
			}
			low, high := q.Interval(predicted[i], s)
			if low <= truth[i] && truth[i] <= high {
				inside++
			}
			width += high - low
		}
		r.Covered = float64(inside) / float64(r.N) // 0/0 is NaN, as documented
		r.MeanWidth = width / float64(r.N)
		if r.N == 0 && r.Why == "" {
			r.Why = "no cells to report on"
		}
		out = append(out, r)
	}
	return out, nil
}

func check(truth, predicted, spread []float64) error {
	if len(truth) != len(predicted) {
		return fmt.Errorf("%d targets but %d predictions", len(truth), len(predicted))
	}
	if spread != nil && len(spread) != len(truth) {
		return fmt.Errorf("%d targets but %d spreads", len(truth), len(spread))
	}
	for i := range truth {
		if !metrics.Finite(truth[i]) {
			return fmt.Errorf("target %d of %d is %g", i, len(truth), truth[i])
		}
		if !metrics.Finite(predicted[i]) {
			return fmt.Errorf("prediction %d of %d is %g", i, len(predicted), predicted[i])
		}
		if spread != nil && !(spread[i] >= 0 && metrics.Finite(spread[i])) {
			return fmt.Errorf("spread %d of %d is %g", i, len(spread), spread[i])
		}
	}
	return nil
}
