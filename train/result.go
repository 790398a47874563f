package train

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"opencarbon/train/conformal"
	"opencarbon/train/metrics"
	"opencarbon/train/progress"
)

// Print writes what a person wants to know at the end of a run.
func (r *Result) Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\nOpenCarbon: best weights from epoch %d of %d", r.BestEpoch, r.Epochs)
	if r.Stopped != "" {
		fmt.Fprintf(&b, " (stopped early: %s)", r.Stopped)
	}
	fmt.Fprintf(&b, ", %s\n%s", progress.Duration(r.Elapsed), metrics.Table(r.Splits, r.Unit))
	for _, base := range r.Baselines {
		if base.Note != "" {
			fmt.Fprintf(&b, "\nBaseline %s: none. %s\n", base.Name, base.Note)
			continue
		}
		fmt.Fprintf(&b, "\nBaseline %s: %s\n%s", base.Name, base.About, metrics.Table(base.Splits, r.Unit))
	}
	if r.Stack != nil {
		fmt.Fprintf(&b, "\nStack: %s\n%s", r.Stack.About, metrics.Table(r.Stack.Splits, r.Unit))
	}
	if r.Folds != nil {
		fmt.Fprintf(&b, "\nFolds: %s. Predict with it: --checkpoint %s\n%s", r.Folds.About, r.Folds.Path, testOnly(r.Folds.Splits, r.Unit))
	}
	if r.Refit != nil { // of validation cells it says nothing: it has seen them
		fmt.Fprintf(&b, "\nRefit: %s. Predict with it: --checkpoint %s\n%s", r.Refit.About, r.Refit.Path, testOnly(r.Refit.Splits, r.Unit))
	}
	b.WriteString(r.strongest())
	b.WriteString(intervalTable(r.Intervals))
	if r.Unit != "proxy" && r.Unit != "" {
		if r.Total != nil {
			b.WriteString(r.Total.text(r.Unit))
		}
		if r.Folds != nil && r.Folds.Total != nil { // out of fold every cell says what a total is to be multiplied with
			b.WriteString("\nBy the checkpoint of folds:" + r.Folds.Total.text(r.Unit))
		}
	}
	fmt.Fprintf(&b, "\nRun folder: %s\n", r.Dir)
	for _, p := range r.Pictures {
		fmt.Fprintf(&b, "  picture %s\n", p)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "  note: %s\n", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// testOnly is the table of the test cells' scores: of the others the models have
// seen the targets.
func testOnly(splits []metrics.SplitScores, unit string) string {
	return metrics.Table(slices.DeleteFunc(slices.Clone(splits), func(s metrics.SplitScores) bool { return s.Name != "test" }), unit)
}

// strongest says which checkpoint the validation cells speak for.
func (r *Result) strongest() string {
	name, path, best := "", "", math.Inf(-1)
	say := func(n, p string, splits []metrics.SplitScores) {
		for _, s := range splits {
			if s.Name == "validation" && s.Ln.R2 > best {
				name, path, best = n, p, s.Ln.R2
			}
		}
	}
	say("OpenCarbon", filepath.Join(r.Dir, BestFile), r.Splits)
	for _, b := range r.Baselines {
		if b.Path != "" {
			say(b.Name, b.Path, b.Splits)
		}
	}
	if r.Stack != nil {
		say("the stack", r.Stack.Path, r.Stack.Splits)
	}
	if math.IsInf(best, -1) {
		return ""
	}
	return fmt.Sprintf("\nStrongest on the validation cells: %s (R2 %s). Predict with it: --checkpoint %s\n", name, metrics.Number(best), path)
}

// intervalTable says how often the prediction intervals held on test cells.
func intervalTable(levels []conformal.Coverage) string {
	if len(levels) == 0 || levels[0].N == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\nPrediction intervals from the validation errors, on %d test cells:\n", levels[0].N)
	for _, c := range levels {
		if !c.Finite {
			fmt.Fprintf(&b, "  %g%%: none, %s\n", 100*c.Level, c.Why)
			continue
		}
		fmt.Fprintf(&b, "  %g%%: held for %.1f%%; from %.3g to %.3g times the prediction in the mean\n", 100*c.Level, 100*c.Covered,
			math.Exp(-c.MeanWidth/2), math.Exp(c.MeanWidth/2))
	}
	return b.String()
}
