package train

import (
	"encoding/json"
	"fmt"
	"math"

	"opencarbon/data/fault"
	"opencarbon/train/conformal"
	"opencarbon/train/output"
)

// IntervalsFile of a run folder says how sure its predictions are.
const IntervalsFile = "intervals.json"

// Uncertainty is the content of IntervalsFile: prediction intervals by the split-
// conformal method from the validation cells, and how often they held on test.
type Uncertainty struct {
	Method   string               `json:"method"`
	Cells    int                  `json:"calibration_cells"`
	Coverage []conformal.Coverage `json:"test"` // one per level
	Total    *TotalCheck          `json:"total,omitempty"`
	NoTotal  string               `json:"no_total,omitempty"` // why there is none
	Areas    []AreaCheck          `json:"areas,omitempty"`    // sums over blocks of test cells
	Fifths   []Fifth              `json:"fifths,omitempty"`   // of test cells, from those most like the training cells on
}

// uncertainty calibrates on the validation cells and reports on the test cells.
// predicted is ln emission [N].
func (d *dataset) uncertainty(predicted []float64) (*conformal.Calibration, *Uncertainty, error) {
	pick := func(cells []int32) (truth, guess []float64) {
		for _, c := range cells {
			truth, guess = append(truth, d.ln[c]), append(guess, predicted[c])
		}
		return truth, guess
	}
	truth, guess := pick(d.validation)
	k, err := conformal.Calibrate(truth, guess, nil)
	if err != nil {
		return nil, nil, err
	}
	truth, guess = pick(d.test)
	coverage, err := k.Report(truth, guess, nil, conformal.Levels())
	if err != nil {
		return nil, nil, err
	}
	return k, &Uncertainty{Method: "split conformal, absolute errors of the validation cells in ln emission", Cells: k.N(), Coverage: coverage}, nil
}

func (u *Uncertainty) encode() ([]byte, error) {
	text, err := json.MarshalIndent(u, "", "  ")
	return append(text, '\n'), err
}

// newBands makes the intervals of the usual levels; nil without calibration.
func newBands(k *conformal.Calibration, predicted []float64) ([]output.Band, error) {
	if k == nil {
		return nil, nil
	}
	var out []output.Band
	for _, level := range conformal.Levels() {
		q, err := k.Quantile(level)
		if err != nil {
			return nil, err
		}
		b := output.Band{Level: level, Half: q.Value, Low: make([]float64, len(predicted)), High: make([]float64, len(predicted))}
		if !q.Finite {
			b.Half = math.NaN()
		}
		for i, y := range predicted {
			b.Low[i], b.High[i] = y-b.Half, y+b.Half
		}
		out = append(out, b)
	}
	return out, nil
}

// ensemble is a checkpoint with further ones, usually of other seeds.
type ensemble []*Checkpoint

// check refuses members that do not predict the same thing.
func (e ensemble) check() error {
	first := e[0].Header
	for _, c := range e[1:] {
		if c.Header.TargetUnit != first.TargetUnit {
			return fault.New(c.Path, fmt.Sprintf("predicts %s, but %s predicts %s", c.Header.TargetUnit, e[0].Path, first.TargetUnit),
				"Members of an ensemble must be trained on the same kind of target.")
		}
	}
	return nil
}

// calibration is made from the validation errors that the checkpoints carry,
// nil where one carries none (an older file). The error of an ensemble's mean is
// the mean of its members' errors, where all validated on the same cells.
func (e ensemble) calibration() (*conformal.Calibration, error) {
	first := e[0].Header
	mean := make([]float64, len(first.ValidationErrors))
	for _, c := range e {
		h := c.Header
		if len(h.ValidationErrors) == 0 || h.Store != first.Store || len(h.ValidationErrors) != len(mean) {
			return nil, nil
		}
		for i, x := range h.ValidationErrors {
			mean[i] += float64(x) / float64(len(e))
		}
	}
	return conformal.Calibrate(make([]float64, len(mean)), mean, nil)
}

// combine returns the mean of the members' ln emission, and its standard
// deviation over members (n - 1), nil for one member.
func combine(members [][]float64) (mean, spread []float64) {
	if len(members) == 1 {
		return members[0], nil
	}
	n := float64(len(members))
	mean, spread = make([]float64, len(members[0])), make([]float64, len(members[0]))
	for i := range mean {
		for _, m := range members {
			mean[i] += m[i] / n
		}
		for _, m := range members {
			spread[i] += (m[i] - mean[i]) * (m[i] - mean[i]) / (n - 1)
		}
		spread[i] = math.Sqrt(spread[i])
	}
	return mean, spread
}
