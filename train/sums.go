package train

import (
	"fmt"
	"math"
	"slices"

	"opencarbon/train/metrics"
	"opencarbon/train/totals"
)

// sums is what the validation cells of the checkpoints say about totals: of an
// ensemble, those of its mean. Where they say nothing it is nil, and why says so.
func (e ensemble) sums() (m *totals.Model, why string) {
	var mean totals.Held
	for _, c := range e {
		h, ok := c.Held()
		if !ok {
			return nil, fmt.Sprintf("%s does not tell its validation cells (an older program wrote it, or PyTorch): train again for totals that are corrected", c.Path)
		}
		if mean.True == nil {
			mean = totals.Held{True: h.True, Predicted: make([]float64, len(h.True)), Col: h.Col, Row: h.Row}
		}
		if c.Header.Store != e[0].Header.Store || !slices.Equal(h.Col, mean.Col) || !slices.Equal(h.Row, mean.Row) {
			return nil, fmt.Sprintf("%s and %s were not validated on the same cells", e[0].Path, c.Path)
		}
		for i, y := range h.Predicted {
			mean.Predicted[i] += y / float64(len(e))
		}
	}
	m, err := totals.Fit(mean)
	if err != nil {
		return nil, err.Error()
	}
	return m, ""
}

// sums fits on a run's validation cells; predicted is ln emission [N].
func (d *dataset) sums(predicted []float64) (m *totals.Model, why string) {
	var h totals.Held
	at := d.store.Cells()
	for _, c := range d.validation {
		h.True, h.Predicted = append(h.True, d.ln[c]), append(h.Predicted, predicted[c])
		h.Col, h.Row = append(h.Col, at[c].Col), append(h.Row, at[c].Row)
	}
	m, err := totals.Fit(h)
	if err != nil {
		return nil, err.Error()
	}
	return m, ""
}

// corrected are the amounts of cells whose sums are right, [N]; nil without m.
func corrected(m *totals.Model, ln []float64) []float64 {
	if m == nil {
		return nil
	}
	v := make([]float64, len(ln))
	for i, y := range ln {
		v[i] = m.Correction.Amount(y)
	}
	return v
}

// TotalCheck is how the total of the test cells comes out, corrected by what the
// validation cells say.
type TotalCheck struct {
	Cells      int               `json:"cells"`
	True       float64           `json:"true"`
	Raw        float64           `json:"raw"`       // sum of exp(predicted ln)
	Corrected  float64           `json:"corrected"` // sum of corrected amounts
	Known      float64           `json:"known"`     // true sum of the training and validation cells
	Intervals  []totals.Interval `json:"intervals"`
	Correction totals.Correction `json:"correction"`
	Chosen     string            `json:"chosen"` // why this correction
}

// checkTotal takes the sum of the test cells.
func (d *dataset) checkTotal(m *totals.Model, sum totals.Sum) *TotalCheck {
	t := &TotalCheck{Cells: len(d.test), Raw: sum.Raw, Corrected: sum.Corrected, Intervals: sum.Intervals, Correction: m.Correction, Chosen: m.Chosen}
	for _, c := range d.test {
		t.True += math.Exp(d.ln[c])
	}
	for _, c := range slices.Concat(d.train, d.validation) {
		t.Known += math.Exp(d.ln[c])
	}
	return t
}

// Filled is the total of all cells with the inventory as it is where the model was
// trained and validated, true and predicted: what a city's total comes to of which
// the inventory lacks the test cells.
func (t *TotalCheck) Filled() (truth, predicted float64) {
	return t.Known + t.True, t.Known + t.Corrected
}

// text says it for a terminal.
func (t *TotalCheck) text(unit string) string {
	off := func(v float64) string { return fmt.Sprintf("%s (%+.1f%%)", metrics.Amount(v), 100*(v/t.True-1)) }
	s := fmt.Sprintf("\nTotal of the %d test cells, %s: true %s, predicted %s, corrected %s\n  correction: %s\n", t.Cells, unit,
		metrics.Amount(t.True), off(t.Raw), off(t.Corrected), t.Correction)
	for _, i := range t.Intervals {
		held := "holds"
		if t.True < i.Low || t.True > i.High {
			held = "does not hold"
		}
		s += fmt.Sprintf("  %g%% interval of the total: %s to %s, %s the true one\n", 100*i.Level, metrics.Amount(i.Low), metrics.Amount(i.High), held)
	}
	if truth, filled := t.Filled(); t.Known > 0 {
		s += fmt.Sprintf("  total of all cells, with the inventory's own numbers but for the test cells: true %s, %s (%+.1f%%)\n", metrics.Amount(truth), metrics.Amount(filled), 100*(filled/truth-1))
	}
	if text := totals.Vague(t.Intervals); text != "" {
		s += "  do not report this total: " + text + "\n"
	}
	return s
}
