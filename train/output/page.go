package output

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"opencarbon/data/grid"
	"opencarbon/data/store"
	"opencarbon/train/change"
	"opencarbon/train/metrics"
	"opencarbon/train/page"
	"opencarbon/train/runlog"
	"opencarbon/train/totals"
)

// PageFile is the page that Write writes where it is asked for one.
const PageFile = "predictions.html"

// writePage writes what was predicted as a page to look around in.
func (p *Predictions) writePage(by Model, s *store.Store, g *grid.Grid, rows []runlog.Prediction, x runlog.Extra, known *KnownTotals, o Options) error {
	m, why, err := page.NewMap(g, rows, x, s)
	if err != nil {
		return err
	}
	if m != nil && o.Since != "" {
		if m.Since, err = since(o.Since, &runlog.Table{Rows: rows, Extra: x, Unit: p.Unit}); err != nil {
			return err
		}
	}
	content := page.Page{Title: s.Meta().Name, About: about(by, known.year), Map: m, NoMap: why, Unit: p.Unit}
	if known.set != nil {
		if content.Areas, err = page.ReadAreas(o.Out); err != nil {
			return err
		}
	}
	f := page.Facts{Score: heldOut(by, s, rows), Notes: p.Notes}
	if !x.Scaled { // where totals are known the notes say so
		f.Filled, f.Sum = p.pageSums(rows)
	}
	content.Findings = page.Findings(m, p.Unit, f)
	path := filepath.Join(o.Out, PageFile)
	if err := content.Write(path); err != nil {
		return err
	}
	p.Files = append(p.Files, path)
	return nil
}

// pageSums are the totals that a page tells: the one that can be defended, with the
// inventory's own numbers as far as it has some (nil: it has none), and the one that
// is predicted throughout (nil: nothing corrects it, and uncorrected it is too low).
func (p *Predictions) pageSums(rows []runlog.Prediction) (filled, predicted *page.Sum) {
	count := func(n int) string { return metrics.Amount(float64(n)) }
	sum := func(of string, total float64, intervals []totals.Interval) *page.Sum {
		s := &page.Sum{Of: of, True: math.NaN(), Total: total, Low: math.NaN(), High: math.NaN()}
		for _, i := range intervals {
			if i.Level == 0.9 {
				s.Level, s.Low, s.High = i.Level, i.Low, i.High
			}
		}
		return s
	}
	known := 0.0 // NaN: of some cell there is no number
	for _, r := range rows {
		known += math.Exp(r.True)
	}
	switch f := p.Filled; {
	case f != nil:
		filled = sum(fmt.Sprintf("With the inventory's own numbers for the %s, and predictions for the other %s, the %s cells", haveOne(f.Cells, count), count(p.Cells-f.Cells), count(p.Cells)),
			f.Sum.Corrected, f.Sum.Intervals)
	case !math.IsNaN(known):
		filled = sum(fmt.Sprintf("By the inventory, which has a number for each of them, the %s cells", count(p.Cells)), known, nil)
	}
	of := fmt.Sprintf("The %s cells", count(p.Cells))
	if filled != nil {
		of = fmt.Sprintf("By predictions alone, the same %s cells", count(p.Cells))
	}
	if p.Sum != nil {
		predicted = sum(of, p.Sum.Corrected, p.Sum.Intervals)
	}
	return filled, predicted
}

// haveOne says of how many cells there is a number; count writes numbers.
func haveOne(n int, count func(int) string) string {
	if n == 1 {
		return "one cell that has one"
	}
	return count(n) + " cells that have one"
}

// since compares a prediction with an earlier one, which a page calls by the name of
// its folder.
func since(path string, now *runlog.Table) (*page.Since, error) {
	c, err := change.Against(path, now)
	if err != nil {
		return nil, err
	}
	return &page.Since{Name: change.Name(path), Before: c.Before, Now: c.Now, Low: c.Low, High: c.High}, nil
}

// about says what predicted, and of when.
func about(m Model, year string) string {
	text := "Predicted by OpenCarbon with " + filepath.Base(m.Path)
	if m.Others > 0 {
		text += fmt.Sprintf(" and %d more checkpoints", m.Others)
	}
	if m.Experiment != "" {
		text += ", trained as " + m.Experiment
	}
	if year = strings.TrimSpace(year); year != "" {
		text += "; year " + year
	}
	return text + "."
}

// heldOut scores the test cells of the store that the checkpoint was trained on;
// nil for any other store, which may hold cells that it was trained on under
// another split.
func heldOut(by Model, s *store.Store, rows []runlog.Prediction) *page.Score {
	if by.Store == "" || by.Store != s.Meta().ConfigHash {
		return nil
	}
	var truth, guess []float64
	for _, r := range rows {
		if r.Split == store.Test.String() && !math.IsNaN(r.True) {
			truth, guess = append(truth, r.True), append(guess, r.Predicted)
		}
	}
	v, err := metrics.Evaluate("test", truth, guess)
	if err != nil || math.IsNaN(v.Ln.R2) {
		return nil
	}
	return &page.Score{Of: metrics.Amount(float64(len(truth))) + " cells held out", R2: v.Ln.R2, MAE: v.Ln.MAE}
}
