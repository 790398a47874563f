package compare

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"

	"gonum.org/v1/gonum/stat"

	"opencarbon/data"
	"opencarbon/data/areas"
	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/train/method"
	"opencarbon/train/metrics"
)

// Part is a part of the cells whose scores stand beside those of all: an area of a
// file, or all but the largest emitters. A score over two cities is to a large
// part the difference between the two, and a score with power plants among the
// cells hangs on a few of them.
type Part struct {
	Name  string     `json:"name"`
	Cells int        `json:"test_cells"`
	R2    []*float64 `json:"r2"` // of each row of the table, the mean over its seeds; nil where there is none
	in    map[int32]bool
}

// PartOptions say which parts there are.
type PartOptions struct {
	Areas, Field string // polygons and their column of names; empty: none
	WithoutTop   int    // so many cells with the largest emissions are left out; 0: no such part
}

// partsOf finds the cells of each part. A cell is an area's that holds most of it;
// what is in none is elsewhere.
func partsOf(ctx context.Context, s *store.Store, ln []float64, o PartOptions) ([]Part, error) {
	var out []Part
	if o.WithoutTop < 0 {
		return nil, fault.New("--without-top", fmt.Sprintf("%d is below 0", o.WithoutTop), "Give the number of cells with the largest emissions to leave out.")
	}
	if o.WithoutTop > 0 {
		order := make([]int32, 0, len(ln))
		for i, y := range ln {
			if y == y {
				order = append(order, int32(i))
			}
		}
		sort.SliceStable(order, func(a, b int) bool { return ln[order[a]] > ln[order[b]] })
		if o.WithoutTop >= len(order) {
			return nil, fault.New("--without-top", fmt.Sprintf("%d leaves none of %d cells", o.WithoutTop, len(order)), "Give a smaller number.")
		}
		p := Part{Name: fmt.Sprintf("without the %d largest", o.WithoutTop), in: map[int32]bool{}}
		for _, c := range order[o.WithoutTop:] {
			p.in[c] = true
		}
		out = append(out, p)
	}
	if o.Areas == "" {
		if o.Field != "" {
			return nil, fault.New("--field", "is given without --areas", "Give the file of polygons as well.")
		}
		return out, nil
	}
	g, cells, err := data.CellsOf(s)
	if err != nil {
		return nil, err
	}
	set, err := areas.Read(ctx, o.Areas, o.Field, g, cells)
	if err != nil {
		return nil, err
	}
	elsewhere := Part{Name: "elsewhere", in: map[int32]bool{}}
	for i := range ln {
		elsewhere.in[int32(i)] = true
	}
	for _, a := range set.Areas {
		p := Part{Name: a.Name, in: map[int32]bool{}}
		for i, c := range a.Cell {
			if a.Share[i] > 0.5 {
				p.in[c] = true
				delete(elsewhere.in, c)
			}
		}
		out = append(out, p)
	}
	if all := inAreas(set, len(ln), elsewhere.in); len(set.Areas) > 1 {
		out = append(out, all)
	}
	return append(out, elsewhere), nil
}

// inAreas are the cells of all areas together.
func inAreas(set *areas.Set, n int, elsewhere map[int32]bool) Part {
	p := Part{Name: fmt.Sprintf("all %d areas", len(set.Areas)), in: map[int32]bool{}}
	for i := range n {
		if !elsewhere[int32(i)] {
			p.in[int32(i)] = true
		}
	}
	return p
}

// scoreParts fills in the parts' scores by every row.
func (t *Table) scoreParts(folds []*method.Dataset, parts []Part) {
	for _, p := range parts {
		for _, r := range t.results {
			var r2 []float64
			for _, seed := range r.seeds {
				var truth, guess []float64
				for k, d := range folds {
					for i, c := range d.Test {
						if p.in[c] {
							truth, guess = append(truth, d.Ln[c]), append(guess, seed[k].Test[i])
						}
					}
				}
				p.Cells = len(truth)
				if v, err := metrics.Ln(truth, guess); err == nil && v.Undefined == "" {
					r2 = append(r2, v.R2)
				}
			}
			var mean *float64
			if len(r2) > 0 {
				m := stat.Mean(r2, nil)
				mean = &m
			}
			p.R2 = append(p.R2, mean)
		}
		if p.Cells > 0 {
			t.Parts = append(t.Parts, p)
		}
	}
}

// partsMarkdown writes R2 within the parts.
func (t *Table) partsMarkdown(w io.Writer) {
	if len(t.Parts) == 0 {
		return
	}
	fmt.Fprintf(w, "\nR2 within parts of the test cells, mean over seeds:\n\n| %-28s |", "method")
	for _, p := range t.Parts {
		fmt.Fprintf(w, " %s (%d cells) |", strings.ReplaceAll(p.Name, "|", "/"), p.Cells)
	}
	fmt.Fprintf(w, "\n|%s|%s\n", strings.Repeat("-", 30), strings.Repeat("--:|", len(t.Parts)))
	for i, r := range t.results {
		if len(r.seeds) == 0 {
			continue
		}
		fmt.Fprintf(w, "| %-28s |", r.entry.Name)
		for _, p := range t.Parts {
			text := "none"
			if p.R2[i] != nil {
				text = metrics.Number(*p.R2[i])
			}
			fmt.Fprintf(w, " %s |", text)
		}
		fmt.Fprintln(w)
	}
}

// cells is the table of what every row says of every test cell.
func (t *Table) cells(folds []*method.Dataset) (rows [][]string) {
	head := []string{"cell", "lon", "lat", "fold", "ln_true"}
	var taking []result
	for _, r := range t.results {
		if len(r.seeds) > 0 {
			head, taking = append(head, "ln_"+column(r.entry.Name)), append(taking, r)
		}
	}
	type line struct {
		cell int32
		text []string
	}
	var lines []line
	for k, d := range folds {
		at, lonlat := d.Store.Cells(), d.Store.LonLat()
		for i, c := range d.Test {
			text := []string{fmt.Sprintf("%d_%d", at[c].Col, at[c].Row), fmt.Sprintf("%.7f", lonlat[2*c]), fmt.Sprintf("%.7f", lonlat[2*c+1]),
				fmt.Sprint(k + 1), fmt.Sprintf("%.6g", d.Ln[c])}
			for _, r := range taking {
				sum := 0.0
				for _, seed := range r.seeds {
					sum += seed[k].Test[i] / float64(len(r.seeds))
				}
				text = append(text, fmt.Sprintf("%.6g", sum))
			}
			lines = append(lines, line{c, text})
		}
	}
	slices.SortFunc(lines, func(a, b line) int { return int(a.cell - b.cell) })
	rows = append(rows, head)
	for _, l := range lines {
		rows = append(rows, l.text)
	}
	return rows
}

// column is a row's name as the name of a column.
func column(name string) string {
	return strings.NewReplacer(", ", "_", " ", "_").Replace(name)
}
