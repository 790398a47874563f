package train

import (
	"fmt"
	"io"
	"strings"

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
		fmt.Fprintf(&b, "\nBaseline %s: %s\n%s", base.Name, base.About, metrics.Table(base.Splits, r.Unit))
	}
	fmt.Fprintf(&b, "\nRun folder: %s\n", r.Dir)
	for _, p := range r.Pictures {
		fmt.Fprintf(&b, "  picture %s\n", p)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
