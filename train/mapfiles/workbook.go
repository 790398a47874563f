package mapfiles

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"

	"opencarbon/data/fault"
	"opencarbon/train/atomicfile"
)

// Sheet is a table of a workbook.
type Sheet struct {
	Name    string
	Columns []Column
	Rows    [][]any // string, int64 or float64; NaN is an empty cell
}

// Column is a column of a sheet.
type Column struct{ Name, Unit, Meaning string }

// maxRows is what a sheet of the format holds, its header included.
const maxRows = 1 << 20

// columns of the table of cells, with what they mean.
func (c *Cells) columns() []Column {
	var out []Column
	for _, name := range c.Extra.Columns(c.Unit) {
		x := Column{Name: name, Meaning: meaning(name)}
		amount := c.Unit
		if amount == "" {
			amount = "proxy"
		}
		switch {
		case strings.HasSuffix(name, "_"+strings.ReplaceAll(amount, "/", "_per_")):
			x.Unit = amount
		case name == "ln_true" || name == "ln_predicted":
			x.Unit = "ln " + amount
		case name == "lon" || name == "lat":
			x.Unit = "degrees"
		}
		out = append(out, x)
	}
	return out
}

// WriteWorkbook writes an .xlsx workbook: the sheet cells with the columns of
// predictions.csv, further sheets (areas), what the columns mean with their units,
// and what made the numbers. More cells than a sheet holds are a *fault.Input.
func (c *Cells) WriteWorkbook(path string, more ...Sheet) error {
	if len(c.Rows) >= maxRows {
		return fault.New(path, fmt.Sprintf("a sheet holds %d rows, and there are %d cells", maxRows-1, len(c.Rows)), "Leave the format xlsx out, or ask for parquet.")
	}
	sheets := append([]Sheet{{Name: "cells", Columns: c.columns(), Rows: c.values()}}, more...)
	explained := Sheet{Name: "columns", Columns: []Column{{Name: "sheet"}, {Name: "column"}, {Name: "unit"}, {Name: "meaning"}}}
	for _, s := range sheets {
		for _, x := range s.Columns {
			explained.Rows = append(explained.Rows, []any{s.Name, x.Name, x.Unit, x.Meaning})
		}
	}
	about := Sheet{Name: "about", Columns: []Column{{Name: "what"}, {Name: "is"}}}
	for _, k := range slices.Sorted(maps.Keys(c.About)) {
		if k != "BAND_1" {
			about.Rows = append(about.Rows, []any{strings.ToLower(k), c.About[k]})
		}
	}
	f := excelize.NewFile()
	defer f.Close()
	for i, s := range append(sheets, explained, about) {
		if err := s.add(f, i == 0); err != nil {
			return fmt.Errorf("%s: sheet %s: %w", path, s.Name, err)
		}
	}
	var text bytes.Buffer
	if _, err := f.WriteTo(&text); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return atomicfile.Write(path, func(w io.Writer) error { return inOrder(w, text.Bytes()) })
}

// inOrder writes a zip archive with its parts in the order of their names, which
// came in that of a map: the same content is then the same file.
func inOrder(w io.Writer, archive []byte) error {
	in, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return err
	}
	slices.SortFunc(in.File, func(a, b *zip.File) int { return strings.Compare(a.Name, b.Name) })
	out := zip.NewWriter(w)
	for _, f := range in.File {
		if err := out.Copy(f); err != nil {
			return err
		}
	}
	return out.Close()
}

// add writes the sheet: a bold header that stays in sight, columns as wide as what
// they hold, amounts with commas.
func (s *Sheet) add(f *excelize.File, first bool) error {
	if first {
		if err := f.SetSheetName("Sheet1", s.Name); err != nil {
			return err
		}
	} else if _, err := f.NewSheet(s.Name); err != nil {
		return err
	}
	bold, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return err
	}
	grouped := "#,##0"
	amount, err := f.NewStyle(&excelize.Style{CustomNumFmt: &grouped})
	if err != nil {
		return err
	}
	w, err := f.NewStreamWriter(s.Name)
	if err != nil {
		return err
	}
	for k := range s.Columns {
		if err := w.SetColWidth(k+1, k+1, s.width(k)); err != nil {
			return err
		}
	}
	if err := w.SetPanes(&excelize.Panes{Freeze: true, XSplit: 1, YSplit: 1, TopLeftCell: "B2", ActivePane: "bottomRight"}); err != nil {
		return err
	}
	line := make([]any, len(s.Columns))
	for k, c := range s.Columns {
		line[k] = excelize.Cell{StyleID: bold, Value: c.Name}
	}
	if err := w.SetRow("A1", line); err != nil {
		return err
	}
	for i, r := range s.Rows {
		for k, v := range r {
			line[k] = v
			if x, ok := v.(float64); ok {
				switch {
				case math.IsNaN(x) || math.IsInf(x, 0):
					line[k] = nil
				case math.Abs(x) >= 1000:
					line[k] = excelize.Cell{StyleID: amount, Value: x}
				}
			}
		}
		if err := w.SetRow(fmt.Sprintf("A%d", i+2), line); err != nil {
			return err
		}
	}
	return w.Flush()
}

// width of column k in characters, from its name and its first rows.
func (s *Sheet) width(k int) float64 {
	const least, most, looked = 8, 90, 200
	n := len([]rune(s.Columns[k].Name))
	for _, r := range s.Rows[:min(looked, len(s.Rows))] {
		if text, ok := r[k].(string); ok {
			n = max(n, len([]rune(text)))
		}
	}
	return float64(min(max(n+2, least), most))
}
