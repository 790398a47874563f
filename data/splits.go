package data

import (
	"context"
	"fmt"
	"io"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/label"
	"opencarbon/data/split"
	"opencarbon/data/store"
)

// split divides the region's cells with the given numbers. A region without an
// inventory is one to predict: nothing in it trains or tests.
func (b *build) split(ctx context.Context, keep []int) ([]store.Split, *split.Report, error) {
	spec := split.Spec(b.c.Split) // the same fields in the same order, which the compiler sees to
	in := split.Input{Columns: b.gridSpec().Columns}
	samples := 0
	for _, i := range keep {
		in.Cells = append(in.Cells, store.Cell{Col: b.cells[i].Col, Row: b.cells[i].Row})
		in.LonLat = append(in.LonLat, b.place.lon[i], b.place.lat[i])
		in.HasTarget = append(in.HasTarget, b.sample(i))
		if b.sample(i) {
			samples++
		}
	}
	switch {
	case b.stock == nil:
		spec.Method = "none"
	case samples == 0:
		return nil, nil, fault.New(b.c.Emissions.Path, "no cell of the region has a positive emission", "Check data.emissions (bands, attribute, nodata) and data.region.")
	}
	splits, report, err := split.Make(ctx, spec, in)
	if err != nil {
		return nil, nil, named(err, "data.split")
	}
	return splits, report, nil
}

// fewCells is the number of cells below which a part of a split says next to nothing:
// a 90% interval wants some twenty errors, and R2 of fewer cells is chance.
const fewCells = 20

func (r *Report) printSplit(w io.Writer, line liner, some counter) {
	s := r.Split
	fmt.Fprintf(w, "split: %s\n", s.Text)
	if s.Method == "none" {
		return
	}
	share := func(n int) string {
		return fmt.Sprintf("%.1f%% of the samples", 100*float64(n)/float64(max(1, r.Cells.Samples)))
	}
	line("train", s.Train, share(s.Train))
	line("validation", s.Validation, share(s.Validation))
	line("test", s.Test, share(s.Test))
	for _, p := range []struct {
		name  string
		cells int
	}{{"training", s.Train}, {"validation", s.Validation}, {"test", s.Test}} {
		if p.cells > 0 && p.cells < fewCells {
			line("  note: few "+p.name+" cells", p.cells, "too few to say how good a model is; give that part more districts, or take data.split.method: blocks")
		}
	}
	some("in no split", s.Unused)
	some("  of these, buffered", s.Buffered, "training cells too near to a test or validation cell")
	some("lines without a cell", s.Foreign, "in the split list")
	for _, g := range s.Groups {
		if strings.EqualFold(g.Name, g.Split) { // a file of splits, not of districts
			continue
		}
		line("  "+label.Printable(g.Name), g.Cells, g.Split)
	}
	for _, o := range s.Overlap {
		line(fmt.Sprintf("overlap left, %d x %d", o.M, o.M), o.Test, fmt.Sprintf("training cells see a test cell, %d a validation cell", o.Validation))
	}
}
