// Package export writes the embeddings of cells for other programs: CSV for
// spreadsheets, Parquet for data frames, .npy for numpy, and the files of
// TensorBoard's projector. All hold the same columns and, digit for digit, the
// same numbers: cell, lon, lat, ln_emission, prediction, e0, e1, ...
//
// It is given slices of numbers and writes files, each whole or not at all. It
// reads nothing and knows no tensors.
package export

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"

	"opencarbon/data/fault"
	"opencarbon/train/atomicfile"
)

// Table is what is exported: N cells, one row each.
type Table struct {
	Cell       []int64   // [N] tile id in the store
	Lon, Lat   []float64 // [N] center, degrees WGS84
	LnEmission []float64 // [N] true ln emission; NaN where there is none
	Prediction []float64 // [N] predicted ln emission; NaN where there is none
	Embedding  []float32 // [N, D]
	D          int       // 32 as the paper has it
}

// N is the number of rows.
func (t *Table) N() int { return len(t.Cell) }

// Columns are the names of the columns, in the order of all formats.
func (t *Table) Columns() []string {
	names := []string{"cell", "lon", "lat", "ln_emission", "prediction"}
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
		{"lon", len(t.Lon), n}, {"lat", len(t.Lat), n}, {"ln_emission", len(t.LnEmission), n},
		{"prediction", len(t.Prediction), n}, {"embeddings", len(t.Embedding), n * t.D},
	} {
		if c.length != c.want {
			return fault.New("export", fmt.Sprintf("%d values of %s do not fit %d cells with %d features", c.length, c.name, n, t.D), "give every cell a row in every column")
		}
	}
	for i := range n {
		if !finite(t.Lon[i]) || !finite(t.Lat[i]) {
			return fault.New("export", fmt.Sprintf("cell %d lies at %g, %g", t.Cell[i], t.Lon[i], t.Lat[i]), "every cell needs a place")
		}
		if math.IsInf(t.LnEmission[i], 0) || math.IsInf(t.Prediction[i], 0) {
			return fault.New("export", fmt.Sprintf("cell %d has ln emission %g, predicted %g", t.Cell[i], t.LnEmission[i], t.Prediction[i]), "the logarithm must be of positive emissions; the model must predict numbers")
		}
	}
	for i, v := range t.Embedding {
		if !finite(float64(v)) {
			return fault.New("export", fmt.Sprintf("feature e%d of cell %d is %g", i%t.D, t.Cell[i/t.D], v), "the model that made it is broken: choose another checkpoint")
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// row writes the fields of row i into fields, which has as many places as there
// are columns. Numbers have as many digits as it takes to read back the same
// one; what is missing is empty.
func (t *Table) row(i int, fields []string) {
	fields[0] = strconv.FormatInt(t.Cell[i], 10)
	for k, v := range []float64{t.Lon[i], t.Lat[i], t.LnEmission[i], t.Prediction[i]} {
		fields[1+k] = ""
		if !math.IsNaN(v) {
			fields[1+k] = strconv.FormatFloat(v, 'g', -1, 64)
		}
	}
	for k := range t.D {
		fields[5+k] = feature(t.Embedding[i*t.D+k])
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
		out := csv.NewWriter(w)
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
