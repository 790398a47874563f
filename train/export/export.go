// Package export writes the embeddings of cells for other programs: CSV for
// spreadsheets, Parquet for data frames, .npy for numpy, and the files of
// TensorBoard's projector. All hold the same columns and, digit for digit, the
// same numbers: cell, col, row, lon, lat, split, ln_true, ln_predicted, as in
// predictions.csv, then e0, e1, ...
//
// It is given slices of numbers and writes files, each whole or not at all. It
// reads nothing and knows no tensors.
package export

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"

	"opencarbon/data/fault"
	"opencarbon/data/sheet"
	"opencarbon/train/atomicfile"
	"opencarbon/train/metrics"
	"opencarbon/train/runlog"
)

// Table is what is exported: N cells, one row each.
type Table struct {
	Col, Row    []int64   // [N] place in the grid; "col_row" is the first column of every format
	Lon, Lat    []float64 // [N] center, degrees WGS84
	Split       []string  // [N] train, validation, test or none
	LnTrue      []float64 // [N] true ln emission; NaN where there is none
	LnPredicted []float64 // [N] predicted ln emission; NaN where there is none
	Embedding   []float32 // [N, D]
	D           int       // 32 as the paper has it
}

// labels is the number of columns before the features.
const labels = 8

// N is the number of rows.
func (t *Table) N() int { return len(t.Col) }

// cell is the key of row i.
func (t *Table) cell(i int) string { return runlog.Key(t.Col[i], t.Row[i]) }

// Columns are the names of the columns, in the order of all formats.
func (t *Table) Columns() []string {
	names := []string{"cell", "col", "row", "lon", "lat", "split", "ln_true", "ln_predicted"}
	for k := range t.D {
		names = append(names, "e"+strconv.Itoa(k))
	}
	return names
}

// check refuses what would make a wrong file: no rows, columns of unequal
// length, numbers that are none where one must be.
func (t *Table) check() error {
	n := t.N()
	if n == 0 || t.D <= 0 {
		return fault.New("export", fmt.Sprintf("%d cells with %d features: nothing to write", n, t.D), "choose a checkpoint and a store that have embeddings for some cells")
	}
	for _, c := range []struct {
		name   string
		length int
		want   int
	}{
		{"row", len(t.Row), n}, {"lon", len(t.Lon), n}, {"lat", len(t.Lat), n}, {"split", len(t.Split), n}, {"ln_true", len(t.LnTrue), n},
		{"ln_predicted", len(t.LnPredicted), n}, {"embeddings", len(t.Embedding), n * t.D},
	} {
		if c.length != c.want {
			return fault.New("export", fmt.Sprintf("%d values of %s do not fit %d cells with %d features", c.length, c.name, n, t.D), "give every cell a row in every column")
		}
	}
	for i := range n {
		if !metrics.Finite(t.Lon[i]) || !metrics.Finite(t.Lat[i]) {
			return fault.New("export", fmt.Sprintf("cell %s lies at %g, %g", t.cell(i), t.Lon[i], t.Lat[i]), "every cell needs a place")
		}
		if math.IsInf(t.LnTrue[i], 0) || math.IsInf(t.LnPredicted[i], 0) {
			return fault.New("export", fmt.Sprintf("cell %s has ln emission %g, predicted %g", t.cell(i), t.LnTrue[i], t.LnPredicted[i]), "the logarithm must be of positive emissions; the model must predict numbers")
		}
	}
	for i, v := range t.Embedding {
		if !metrics.Finite(float64(v)) {
			return fault.New("export", fmt.Sprintf("feature e%d of cell %s is %g", i%t.D, t.cell(i/t.D), v), "the model that made it is broken: choose another checkpoint")
		}
	}
	return nil
}

// row writes the fields of row i into fields, which has as many places as there
// are columns. Numbers have as many digits as it takes to read back the same
// one; what is missing is empty.
func (t *Table) row(i int, fields []string) {
	fields[0], fields[5] = t.cell(i), t.Split[i]
	fields[1], fields[2] = strconv.FormatInt(t.Col[i], 10), strconv.FormatInt(t.Row[i], 10)
	for _, c := range []struct {
		column int
		v      float64
	}{{3, t.Lon[i]}, {4, t.Lat[i]}, {6, t.LnTrue[i]}, {7, t.LnPredicted[i]}} {
		fields[c.column] = ""
		if !math.IsNaN(c.v) {
			fields[c.column] = strconv.FormatFloat(c.v, 'g', -1, 64)
		}
	}
	for k := range t.D {
		fields[labels+k] = feature(t.Embedding[i*t.D+k])
	}
}

func feature(v float32) string { return strconv.FormatFloat(float64(v), 'g', -1, 32) }

// WriteCSV writes the table as RFC 4180 has it, with a header line. A table that
// does not hold together is a *fault.Input error, here and in the other formats.
func (t *Table) WriteCSV(path string) error {
	if err := t.check(); err != nil {
		return err
	}
	return put(path, func(w io.Writer) error {
		out := sheet.NewWriter(w)
		fields := t.Columns()
		if err := out.Write(fields); err != nil {
			return err
		}
		for i := range t.N() {
			t.row(i, fields)
			if err := out.Write(fields); err != nil {
				return err
			}
		}
		out.Flush()
		return out.Error()
	})
}

// put writes a file whole or not at all. A folder that is missing or full is the
// user's to mend.
func put(path string, fill func(io.Writer) error) error {
	if err := atomicfile.Write(path, fill); err != nil {
		return fault.Wrap(err, path, "cannot be written", "see that the folder exists, may be written to, and has room")
	}
	return nil
}

// lines writes n lines of text, each by line.
func lines(path string, n int, line func(w *bufio.Writer, i int)) error {
	return put(path, func(w io.Writer) error {
		out := bufio.NewWriter(w)
		for i := range n {
			line(out, i)
		}
		return out.Flush()
	})
}
