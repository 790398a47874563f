package train

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/train/atomicfile"
	"opencarbon/train/checkpoint"
	"opencarbon/train/conformal"
	"opencarbon/train/output"
	"opencarbon/train/totals"
)

// IntervalsFile of a run folder says how sure the predictions of BestFile are.
const IntervalsFile = "intervals.json"

// IntervalsFileOf is IntervalsFile of another checkpoint of the run folder.
func IntervalsFileOf(name string) string {
	if name == BestFile {
		return IntervalsFile
	}
	return "intervals-" + strings.TrimSuffix(name, filepath.Ext(name)) + ".json"
}

// Uncertainty is the content of IntervalsFile: prediction intervals by the split-
// conformal method from the validation cells, and how often they held on test.
type Uncertainty struct {
	Method   string               `json:"method"`
	Cells    int                  `json:"calibration_cells"`
	Trend    *Trend               `json:"trend,omitempty"` // along the dissimilarity index; nil: one width for all
	Coverage []conformal.Coverage `json:"test"`            // one per level
	Total    *TotalCheck          `json:"total,omitempty"`
	NoTotal  string               `json:"no_total,omitempty"` // why there is none
	Areas    []AreaCheck          `json:"areas,omitempty"`    // sums over blocks of test cells
	Fifths   []Fifth              `json:"fifths,omitempty"`   // of test cells, from those most like the training cells on
}

// uncertainty reports on the test cells how intervals of calibration k hold, and what
// m says of sums of them; m is nil where there is none, and why says so. predicted is
// ln emission and strange the dissimilarity index, [N] each; nil where it is not
// known: one width for all.
func (d *dataset) uncertainty(k *conformal.Calibration, m *totals.Model, why string, predicted, strange []float64) (*Uncertainty, error) {
	coverage, err := k.Report(d.of(d.ln, d.test), d.of(predicted, d.test), k.Scales(d.of(strange, d.test)), conformal.Levels())
	if err != nil {
		return nil, err
	}
	u := &Uncertainty{Method: "split conformal, absolute errors of the validation cells in ln emission", Cells: k.N(), Coverage: coverage, NoTotal: why}
	if k.Normalized() {
		u.Method += ", in units of their size along the dissimilarity index"
		u.Trend = &Trend{k.Trend().Index, k.Trend().Ln}
	}
	if m != nil && len(d.test) > 0 {
		blocks := d.testBlocks() // one bootstrap for all: every draw is of the whole region
		sums := m.Sums(totals.At(d.store.Cells(), predicted), append([]totals.Area{{Cell: d.test}}, blocks...), conformal.Levels())
		u.Total, u.Areas = d.checkTotal(m, sums[0]), d.checkAreas(blocks, sums[1:])
	}
	u.Fifths, err = d.fifths(k, predicted, strange)
	return u, err
}

// calibrate is along the dissimilarity index where that is known.
func calibrate(truth, predicted, strange []float64) (*conformal.Calibration, error) {
	if strange == nil {
		return conformal.Calibrate(truth, predicted, nil)
	}
	return conformal.CalibrateAlong(truth, predicted, strange)
}

// of are the values [N] of some cells; nil of nothing.
func (d *dataset) of(values []float64, cells []int32) []float64 {
	if values == nil {
		return nil
	}
	out := make([]float64, len(cells))
	for i, c := range cells {
		out[i] = values[c]
	}
	return out
}

// Trend is how the widths of intervals change along the dissimilarity index: by exp of
// a line through knots.
type Trend struct {
	Index []float64 `json:"index"`
	Ln    []float64 `json:"ln"`
}

// write writes it to a file.
func (u *Uncertainty) write(path string) error {
	text, err := json.MarshalIndent(u, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, append(text, '\n'))
}

// newBands makes the intervals of the usual levels around cells with a
// dissimilarity index, [n] each; nil without calibration.
func newBands(k *conformal.Calibration, predicted, strange []float64) ([]output.Band, error) {
	if k == nil {
		return nil, nil
	}
	var out []output.Band
	scales := k.Scales(strange)
	for _, level := range conformal.Levels() {
		q, err := k.Quantile(level)
		if err != nil {
			return nil, err
		}
		b := output.Band{Level: level, Low: make([]float64, len(predicted)), High: make([]float64, len(predicted))}
		for i, y := range predicted {
			spread := 0.0
			if scales != nil {
				spread = scales[i]
			}
			if b.Low[i], b.High[i] = q.Interval(y, spread); !q.Finite {
				b.Low[i], b.High[i] = math.NaN(), math.NaN()
			}
		}
		out = append(out, b)
	}
	return out, nil
}

// ensemble is a checkpoint with further ones, usually of other seeds.
type ensemble []*checkpoint.Checkpoint

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
// the mean of its members' errors, where all validated on the same cells, and its
// cells are as strange as inDomain says, where along asks for it. Widths are the
// same for all where a member does not tell that.
func (e ensemble) calibration(along bool) (*conformal.Calibration, error) {
	first := e[0].Header
	mean := make([]float64, len(first.ValidationErrors))
	each := make([][]float64, len(e))
	for m, c := range e {
		h := c.Header
		if len(h.ValidationErrors) == 0 || h.Store != first.Store || len(h.ValidationErrors) != len(mean) {
			return nil, nil
		}
		for i, x := range h.ValidationErrors {
			mean[i] += float64(x) / float64(len(e))
		}
		each[m] = c.Strange()
	}
	var strange []float64
	if along {
		strange, _ = e.inDomain(each)
	}
	return calibrate(make([]float64, len(mean)), mean, strange)
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
