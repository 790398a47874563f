package synth

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"text/tabwriter"
)

// Report prints what was made and how well a model can do on it, for people.
func Report(w io.Writer, dir string, cities []*City) error {
	for _, c := range cities {
		at := dir
		if len(cities) > 1 {
			at = filepath.Join(dir, c.Name)
		}
		if err := c.report(w, at); err != nil {
			return err
		}
	}
	return nil
}

func (c *City) report(w io.Writer, dir string) error {
	all, splits := c.Bounds()
	total := 0.0
	for _, m := range c.Month {
		for _, v := range m {
			total += float64(v)
		}
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(t, "made city %s: %d x %d cells of 1/120 degree, %d px each, in %s\n", c.Name, c.Rows, c.Cols, c.Size, dir)
	fmt.Fprintf(t, "  POI rows\t%d\t(%d repeat an id, %d lie outside)\n", len(c.POIs), c.Duplicates, c.Outside)
	fmt.Fprintf(t, "  emission\t%.0f tC/yr\t= %.0f tCO2/yr, in 12 monthly files\n", total, total*CarbonToCO2)
	fmt.Fprintf(t, "  noise\t%.3g\tstandard deviation in ln emission\n", c.Noise)
	t.Flush()
	fmt.Fprintln(t, "\n  best reachable R2, 1 - noise^2 / variance\n  cells\tnumber\tvariance\tbest R2\toracle R2")
	for _, b := range []struct {
		name string
		Bound
	}{{"all", all}, {"train", splits.Train}, {"validation", splits.Validation}, {"test", splits.Test}} {
		fmt.Fprintf(t, "  %s\t%d\t%.3f\t%.4f\t%.4f\n", b.name, b.Cells, b.Variance, b.BestR2, b.OracleR2)
	}
	t.Flush()
	fmt.Fprintln(t, "\n  what least squares on the true features reaches (all cells)")
	for _, s := range c.Ladder().Steps() {
		value := "too few cells to tell"
		if !math.IsNaN(s.R2) {
			value = fmt.Sprintf("%.3f", s.R2)
		}
		fmt.Fprintf(t, "  %s\t%s\n", s.Name, value)
	}
	fmt.Fprintf(t, "\n  try it:  go run ./cmd/prepare --config %s --preview\n\n", filepath.Join(dir, ExperimentFile(c.Name)))
	return t.Flush()
}
