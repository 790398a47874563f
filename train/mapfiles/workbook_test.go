package mapfiles

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/xuri/excelize/v2"

	"opencarbon/data/fault"
	"opencarbon/train/runlog"
)

// What is read back are the numbers themselves, not their pictures; text that looks
// like a formula stays text; every column of every sheet is explained.
func TestWorkbook(t *testing.T) {
	c := cells(t, grids["xyz"].spec, grids["xyz"].first)
	c.About = map[string]string{"REGION": "=1+1"}
	areas := Sheet{Name: "areas", Columns: []Column{{"name", "", "name of the area"}, {"total", "tCO2/yr", "sum"}},
		Rows: [][]any{{"=HYPERLINK(\"x\")", 1234567.891}, {"Öst", math.NaN()}}}
	path := filepath.Join(t.TempDir(), "p.xlsx")
	if err := c.WriteWorkbook(path, areas); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 { // the same content is the same file
		again := filepath.Join(t.TempDir(), "p.xlsx")
		if err := c.WriteWorkbook(again, areas); err != nil {
			t.Fatal(err)
		}
		if other, err := os.ReadFile(again); err != nil || !bytes.Equal(text, other) {
			t.Fatalf("%v, or another file", err)
		}
	}
	f, err := excelize.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := f.GetSheetList(); !slices.Equal(got, []string{"cells", "areas", "columns", "about"}) {
		t.Fatal(got)
	}
	rows := func(sheet string) [][]string {
		r, err := f.GetRows(sheet, excelize.Options{RawCellValue: true})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	got := rows("cells")
	names := c.Extra.Columns(c.Unit)
	if len(got) != 1+len(c.Rows) || !slices.Equal(got[0], names) {
		t.Fatal(got)
	}
	at := slices.Index(names, "corrected_tCO2_per_yr")
	for i, r := range c.Rows {
		v, err := strconv.ParseFloat(got[i+1][at], 64)
		if err != nil || v != r.Corrected || got[i+1][0] != runlog.Key(r.Col, r.Row) {
			t.Errorf("row %d: %v", i, got[i+1])
		}
		if truth := got[i+1][slices.Index(names, "ln_true")]; (truth == "") != math.IsNaN(r.True) {
			t.Errorf("row %d: truth %q", i, truth)
		}
	}
	if a := rows("areas"); a[1][0] != `=HYPERLINK("x")` || a[1][1] != "1234567.891" || a[2][0] != "Öst" || len(a[2]) > 1 && a[2][1] != "" {
		t.Error(a)
	}
	if formula, err := f.GetCellFormula("areas", "A2"); formula != "" || err != nil {
		t.Error(formula, err)
	}
	if x := rows("columns"); len(x) != 1+len(names)+2 || !slices.Equal(x[1+at], []string{"cells", names[at], "tCO2/yr", meaning("corrected")}) {
		t.Error(x)
	}
	if x := rows("about"); len(x) != 2 || !slices.Equal(x[1], []string{"region", "=1+1"}) {
		t.Error(x)
	}
}

func TestTooManyRows(t *testing.T) {
	dir := t.TempDir()
	c := &Cells{Rows: make([]runlog.Prediction, maxRows)}
	if err := c.WriteWorkbook(filepath.Join(dir, "p.xlsx")); !fault.IsInput(err) {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Error(left)
	}
}
