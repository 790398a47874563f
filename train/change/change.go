// Package change compares two predictions of the same cells: of two years, two
// models, or a prediction and what it was before. It reads the tables that predict
// and train leave behind, and knows no model.
package change

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/train/atomicfile"
	"opencarbon/train/metrics"
	"opencarbon/train/plots"
)

// Names of what Compare leaves.
const (
	CellsFile   = "diff.csv"
	AreasFile   = "diff-areas.csv"
	PictureFile = "diff.png"
)

// Result is what changed from A to B.
type Result struct {
	Unit       string
	Cells      int     // in both
	OnlyA      int     // cells that B has not
	OnlyB      int     // cells that A has not
	Without    int     // cells in both that one has no true amount of, left out
	A, B       float64 // sums over the cells in both
	Column     string  // whose amounts were compared, e.g. "corrected"
	Certain    int     // cells whose change is beyond both intervals of 90%; -1 without intervals
	Areas      int     // areas in both; 0: none
	Files      []string
	Notes      []string
	Increasing int // cells that B has more of
	Decreasing int // cells that B has less of
}

// table is a table of predictions or areas: its columns as text.
type table struct {
	path   string
	column map[string]int
	rows   [][]string
}

const remedy = "Give the folder or table that go run ./cmd/predict or train wrote."

// open reads name in a folder, or the table itself.
func open(path, name string) (*table, error) {
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		path = filepath.Join(path, name)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Wrap(err, path, "cannot be read", remedy)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, fault.Wrap(err, path, "is no table", remedy)
	}
	t := &table{path: path, column: map[string]int{}, rows: rows[1:]}
	for i, c := range rows[0] {
		t.column[c] = i
	}
	return t, nil
}

// number is a column's value in a row; NaN where there is none.
func (t *table) number(row []string, column string) float64 {
	i, ok := t.column[column]
	if !ok {
		return math.NaN()
	}
	v, err := strconv.ParseFloat(row[i], 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

// unit of a table's amounts, from the column predicted_<unit> or total_<unit>.
func (t *table) unit(prefix string) (string, error) {
	for c := range t.column {
		if unit, ok := strings.CutPrefix(c, prefix); ok {
			return unit, nil
		}
	}
	return "", fault.New(t.path, fmt.Sprintf("has no column %s...", prefix), remedy)
}

// Compare writes into folder out what changed from a to b, cell by cell and, where
// both folders have areas.csv, area by area. The amounts are the best that both
// tables have: scaled, corrected, predicted. The range of a change takes the 90%
// intervals of both as if their errors had nothing to do with each other, which is
// on the safe side for two dates of one model. Tables of other cells or units are
// *fault.Input errors.
func Compare(a, b, out string) (*Result, error) { return compare(a, b, out, false) }

// CompareTrue is Compare for the amounts that two runs were trained on, those of
// two inventories: they have no intervals. Cells that one of them has no amount of
// are left out, and areas are not compared.
func CompareTrue(a, b, out string) (*Result, error) { return compare(a, b, out, true) }

func compare(a, b, out string, truth bool) (*Result, error) {
	ta, err := open(a, "predictions.csv")
	if err != nil {
		return nil, err
	}
	tb, err := open(b, "predictions.csv")
	if err != nil {
		return nil, err
	}
	ua, err := ta.unit("predicted_")
	if err != nil {
		return nil, err
	}
	ub, err := tb.unit("predicted_")
	if err != nil {
		return nil, err
	}
	if ua != ub {
		return nil, fault.New(tb.path, fmt.Sprintf("is in %s, %s in %s", ub, ta.path, ua), "Compare predictions of one unit.")
	}
	for _, t := range []*table{ta, tb} {
		for _, c := range []string{"col", "row", "lon", "lat"} {
			if _, ok := t.column[c]; !ok {
				return nil, fault.New(t.path, fmt.Sprintf("has no column %q", c), remedy)
			}
		}
	}
	r := &Result{Unit: strings.ReplaceAll(ua, "_per_", "/"), Certain: -1}
	kinds := []string{"scaled", "corrected", "predicted"}
	if truth {
		kinds = []string{"true"}
	}
	for _, column := range kinds {
		_, inA := ta.column[column+"_"+ua]
		_, inB := tb.column[column+"_"+ua]
		if inA && inB {
			r.Column = column
			break
		}
		if inA || inB {
			r.Notes = append(r.Notes, fmt.Sprintf("only one of the two has %s amounts", column))
		}
	}
	if r.Column == "" {
		return nil, fault.New("diff", fmt.Sprintf("%s and %s have no column of %s amounts in common", ta.path, tb.path, strings.Join(kinds, ", ")), remedy)
	}
	if err := os.MkdirAll(out, 0o777); err != nil {
		return nil, fault.Wrap(err, out, "the folder of the results cannot be made", "Give another one with --out.")
	}
	if err := r.cells(ta, tb, r.Column+"_"+ua, ua, out); err != nil {
		return nil, err
	}
	return r, r.areas(a, b, ua, out)
}

// half is half the width, in ln, of a row's 90% interval; NaN without one.
func (t *table) half(row []string, end string) float64 {
	return math.Log(t.number(row, "high_90"+end)/t.number(row, "low_90"+end)) / 2
}

// span is the range of b / a by both half widths in ln.
func span(a, b, ha, hb float64) (low, high float64) {
	h := math.Hypot(ha, hb)
	return b / a * math.Exp(-h), b / a * math.Exp(h)
}

func (r *Result) cells(ta, tb *table, column, unit, out string) error {
	at := map[[2]string][]string{}
	key := func(t *table, row []string) [2]string { return [2]string{row[t.column["col"]], row[t.column["row"]]} }
	for _, row := range ta.rows {
		at[key(ta, row)] = row
	}
	picture := plots.MapsData{Title: Name(ta.path) + " to " + Name(tb.path)}
	var change []float64
	lines := [][]string{{"cell", "col", "row", "lon", "lat", "a_" + unit, "b_" + unit, "change_" + unit, "ratio", "ratio_low_90", "ratio_high_90"}}
	limit := 0.0
	for _, row := range tb.rows {
		before, ok := at[key(tb, row)]
		if !ok {
			r.OnlyB++
			continue
		}
		delete(at, key(tb, row))
		a, b := ta.number(before, column), tb.number(row, column)
		if !(a > 0 && b > 0) && r.Column == "true" {
			r.Without++
			continue
		}
		if !(a > 0 && b > 0) {
			return fault.New(tb.path, fmt.Sprintf("cell %s %s has no amount in column %s, here or in %s", row[tb.column["col"]], row[tb.column["row"]], column, ta.path), remedy)
		}
		r.Cells, r.A, r.B = r.Cells+1, r.A+a, r.B+b
		if b > a {
			r.Increasing++
		} else if b < a {
			r.Decreasing++
		}
		low, high := math.NaN(), math.NaN()
		if r.Column != "true" {
			low, high = span(a, b, ta.half(before, "_"+unit), tb.half(row, "_"+unit))
		}
		if !math.IsNaN(low) {
			r.Certain = max(r.Certain, 0)
			if low > 1 || high < 1 {
				r.Certain++
			}
		}
		lines = append(lines, []string{row[tb.column["col"]] + "_" + row[tb.column["row"]], row[tb.column["col"]], row[tb.column["row"]], row[tb.column["lon"]], row[tb.column["lat"]],
			text(a), text(b), text(b - a), text(b / a), text(low), text(high)})
		col, errCol := strconv.ParseInt(row[tb.column["col"]], 10, 64)
		line, errRow := strconv.ParseInt(row[tb.column["row"]], 10, 64)
		if err := errors.Join(errCol, errRow); err != nil {
			return fault.Wrap(err, tb.path, "has a cell without a place", remedy)
		}
		picture.Col, picture.Row = append(picture.Col, col), append(picture.Row, line)
		picture.LonLat = append(picture.LonLat, tb.number(row, "lon"), tb.number(row, "lat"))
		// A table that does not say is of cells that may be trusted, as far as it goes.
		picture.Outside = append(picture.Outside, r.Column != "true" && (ta.number(before, "in_domain") == 0 || tb.number(row, "in_domain") == 0))
		change = append(change, math.Log(b/a))
		limit = max(limit, math.Abs(math.Log(b/a)))
	}
	r.OnlyA = len(at)
	if r.Cells == 0 {
		return fault.New(tb.path, "has no cell in common with "+ta.path, "Compare predictions of one grid and region.")
	}
	if err := r.write(filepath.Join(out, CellsFile), lines); err != nil {
		return err
	}
	picture.Layers = []plots.Layer{{Title: "change", Values: change, Label: "change, ln (0.1 is about 10%)", Diverging: true}}
	path := filepath.Join(out, PictureFile)
	if err := plots.Attempt(path, func() (*plots.Figure, error) { return plots.Maps(picture) }); err != nil {
		r.Notes = append(r.Notes, err.Error())
	} else {
		r.Files = append(r.Files, path)
	}
	return nil
}

// areas compares the areas of both folders; none where one has no table.
func (r *Result) areas(a, b, unit, out string) error {
	ta, err := open(a, "areas.csv")
	if missing(a, err) {
		return nil
	} else if err != nil {
		return err
	}
	tb, err := open(b, "areas.csv")
	if missing(b, err) {
		return nil
	} else if err != nil {
		return err
	}
	total := "total_" + unit
	if r.Column == "true" {
		total = "true_" + unit
	}
	for _, t := range []*table{ta, tb} {
		for _, c := range []string{"name", total} {
			if _, ok := t.column[c]; !ok {
				return fault.New(t.path, fmt.Sprintf("has no column %q", c), remedy)
			}
		}
	}
	before := map[string][]string{}
	for _, row := range ta.rows {
		before[row[ta.column["name"]]] = row
	}
	var lines [][]string
	for _, row := range tb.rows {
		name := row[tb.column["name"]]
		old, ok := before[name]
		x, y := math.NaN(), tb.number(row, total)
		if ok {
			x = ta.number(old, total)
		}
		if !(x > 0 && y > 0) {
			continue // only in one of them, or outside the region
		}
		r.Areas++
		low, high := math.NaN(), math.NaN()
		if r.Column != "true" {
			low, high = span(x, y, ta.half(old, ""), tb.half(row, ""))
		}
		lines = append(lines, []string{name, text(x), text(y), text(y - x), text(y / x), text(low), text(high)})
	}
	slices.SortStableFunc(lines, func(p, q []string) int { return -cmp.Compare(size(p[3]), size(q[3])) })
	return r.write(filepath.Join(out, AreasFile), append([][]string{{"name", "a_" + unit, "b_" + unit, "change_" + unit, "ratio", "ratio_low_90", "ratio_high_90"}}, lines...))
}

// missing says whether a folder has no table of areas; a path to a table has none
// beside it either.
func missing(path string, err error) bool {
	st, e := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist) || e == nil && !st.IsDir()
}

func size(s string) float64 {
	v, _ := strconv.ParseFloat(s, 64)
	return math.Abs(v)
}

func text(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', 9, 64)
}

func (r *Result) write(path string, lines [][]string) error {
	r.Files = append(r.Files, path)
	return atomicfile.Write(path, func(w io.Writer) error {
		c := csv.NewWriter(w)
		return c.WriteAll(lines)
	})
}

// Print writes it for a terminal.
func (r *Result) Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d cells in both, %s amounts: %s, then %s %s (%+.1f%%); more in %d cells, less in %d\n", r.Cells, r.Column, metrics.Amount(r.A), metrics.Amount(r.B),
		r.Unit, 100*(r.B/r.A-1), r.Increasing, r.Decreasing)
	if r.OnlyA+r.OnlyB > 0 {
		fmt.Fprintf(&b, "  %d cells only in A, %d only in B: left out\n", r.OnlyA, r.OnlyB)
	}
	if r.Without > 0 {
		fmt.Fprintf(&b, "  %d cells without an amount in one of them: left out\n", r.Without)
	}
	if r.Column == "true" {
		b.WriteString("  true amounts, which have no intervals\n")
	} else if r.Certain >= 0 {
		fmt.Fprintf(&b, "  in %d cells the change is beyond the 90%% intervals of both\n", r.Certain)
	} else {
		b.WriteString("  no intervals: nothing says whether a change is more than the models' error\n")
	}
	if r.Areas > 0 {
		fmt.Fprintf(&b, "  %d areas compared\n", r.Areas)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "  note: %s\n", n)
	}
	for _, f := range r.Files {
		fmt.Fprintf(&b, "  %s\n", f)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
