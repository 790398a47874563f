// Package sheet writes CSV tables that a spreadsheet shows and does not run: names
// of categories, districts and files come from strangers' data, and a cell that
// begins with = is a formula to whoever opens the table.
package sheet

import (
	"encoding/csv"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// Writer is a csv.Writer that escapes such cells (OWASP, "CSV Injection").
type Writer struct{ *csv.Writer }

// NewWriter returns a writer to w.
func NewWriter(w io.Writer) Writer { return Writer{csv.NewWriter(w)} }

// Write writes a row; the slice stays as it is.
func (w Writer) Write(row []string) error {
	safe := row
	for i, s := range row {
		if e := Cell(s); e != s {
			if &safe[0] == &row[0] {
				safe = append([]string(nil), row...)
			}
			safe[i] = e
		}
	}
	return w.Writer.Write(safe)
}

// WriteAll writes rows and flushes.
func (w Writer) WriteAll(rows [][]string) error {
	for _, r := range rows {
		if err := w.Write(r); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// cellKey is what our own tables call a cell, column and row: -5_12.
var cellKey = regexp.MustCompile(`^-?[0-9]+_-?[0-9]+$`)

// Cell puts an apostrophe before a text that a spreadsheet would take for a
// formula: one that begins with = + - @, their full-width forms, a tab or a
// carriage return. Numbers, the keys of cells and a lone dash stay as they are.
func Cell(s string) string {
	if s == "" || s == "-" || !strings.ContainsRune("=+-@\t\r＝＋－＠", first(s)) {
		return s
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil || cellKey.MatchString(s) {
		return s
	}
	return "'" + s
}

func first(s string) rune {
	for _, r := range s {
		return r
	}
	return 0
}
