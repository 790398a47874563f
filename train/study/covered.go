package study

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"opencarbon/train"
	"opencarbon/train/conformal"
)

// pool adds the seeds' test cells up, level by level.
func (r *CoverageResult) pool() {
	for k := range r.Seeds[0] {
		p := conformal.Coverage{Level: r.Seeds[0][k].Level, Finite: true}
		inside := 0.0
		for _, levels := range r.Seeds {
			p.N += levels[k].N
			inside += levels[k].Covered * float64(levels[k].N)
		}
		p.Covered = inside / float64(p.N) // 0/0 is NaN: no test cells
		r.Pooled = append(r.Pooled, p)
	}
	r.poolFifths()
	r.poolSums()
}

// poolFifths adds the fifths of all seeds up; a model that does not tell them
// leaves them out for all.
func (r *CoverageResult) poolFifths() {
	for f := range 5 {
		var levels []conformal.Coverage
		for _, u := range r.all {
			if len(u.Fifths) != 5 {
				r.Fifths = nil
				return
			}
			levels = add(levels, u.Fifths[f].Coverage)
		}
		r.Fifths = append(r.Fifths, levels)
	}
}

// add pools b into a.
func add(a, b []conformal.Coverage) []conformal.Coverage {
	if a == nil {
		return slices.Clone(b)
	}
	for k := range a {
		inside := a[k].Covered*float64(a[k].N) + b[k].Covered*float64(b[k].N)
		a[k].N += b[k].N
		a[k].Covered = inside / float64(a[k].N)
	}
	return a
}

// middle is the median, NaN of nothing.
func middle(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// poolSums counts how often the intervals of sums held, and how far totals were
// off.
func (r *CoverageResult) poolSums() {
	var raw, corrected, filled []float64
	for _, u := range r.all {
		if t := u.Total; t != nil {
			raw, corrected = append(raw, math.Abs(t.Raw/t.True-1)), append(corrected, math.Abs(t.Corrected/t.True-1))
			truth, all := t.Filled()
			filled = append(filled, math.Abs(all/truth-1))
			r.Totals = add(r.Totals, held(train.AreaCheck{True: t.True, Intervals: t.Intervals}))
		}
		for _, a := range u.Areas {
			r.Areas = add(r.Areas, held(a))
		}
	}
	r.Off = [3]float64{middle(raw), middle(corrected), middle(filled)}
}

// seed is that of the i-th model.
func (r *CoverageResult) seed(i int) string { return strconv.FormatInt(r.first+int64(i), 10) }

// held is whether a sum is in its intervals, level by level.
func held(a train.AreaCheck) (one []conformal.Coverage) {
	for k, in := range a.Holds() {
		c := conformal.Coverage{Level: a.Intervals[k].Level, N: 1}
		if in {
			c.Covered = 1
		}
		one = append(one, c)
	}
	return one
}

func (r *CoverageResult) write() error {
	var rows [][]string
	add := func(who string, levels []conformal.Coverage) {
		for _, c := range levels {
			rows = append(rows, []string{who, number(c.Level), strconv.Itoa(c.N), number(c.Covered), number(100 * (c.Covered - c.Level))})
		}
	}
	for i, levels := range r.Seeds {
		add(r.seed(i), levels)
	}
	add("all", r.Pooled)
	for f, levels := range r.Fifths {
		add(fmt.Sprintf("all, fifth %d by dissimilarity", f+1), levels)
	}
	add("sums over blocks", r.Areas)
	add("totals of the test cells", r.Totals)
	return writeTable(r.File, []string{"seed", "level", "test_cells", "covered", "difference_points"}, rows)
}

// Print writes it for a terminal.
func (r *CoverageResult) Print(out io.Writer) error {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "seed\ttest cells\t")
	for _, c := range r.Pooled {
		fmt.Fprintf(t, "%g%%\t", 100*c.Level)
	}
	fmt.Fprintln(t)
	line := func(who string, levels []conformal.Coverage) {
		fmt.Fprintf(t, "%s\t%d\t", who, levels[0].N)
		for _, c := range levels {
			fmt.Fprintf(t, "%.1f%%\t", 100*c.Covered)
		}
		fmt.Fprintln(t)
	}
	for i, levels := range r.Seeds {
		line(r.seed(i), levels)
	}
	line("all", r.Pooled)
	for f, levels := range r.Fifths {
		line(fmt.Sprintf("fifth %d", f+1), levels)
	}
	if r.Areas != nil {
		line("sums", r.Areas)
	}
	if r.Totals != nil {
		line("totals", r.Totals)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	worst := 0.0
	for _, c := range r.Pooled {
		worst = max(worst, math.Abs(100*(c.Covered-c.Level)))
	}
	if r.Fifths != nil {
		b.WriteString("Fifths: the test cells from those most like the training cells to those least like them.\n")
	}
	if r.Areas != nil {
		b.WriteString("Sums: over the test cells of blocks of 8 x 8, totals: over all test cells, by the intervals of sums.\n")
	}
	if !math.IsNaN(r.Off[0]) {
		fmt.Fprintf(&b, "Total of the test cells, median error over seeds: %.1f%% as the model says it, %.1f%% corrected;\n  total of all cells, with the inventory's own numbers but for the test cells: %.1f%%\n", 100*r.Off[0], 100*r.Off[1], 100*r.Off[2])
	}
	fmt.Fprintf(&b, "Farthest from what is promised, over all seeds: %.1f points\n  %s\n", worst, r.File)
	_, err := io.WriteString(out, b.String())
	return err
}
