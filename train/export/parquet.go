package export

import (
	"io"

	"opencarbon/train/columnar"
)

// WriteParquet writes the table as an Apache Parquet file: cell and split are
// text, col and row INT64, features FLOAT, the others DOUBLE; ln_true and
// ln_predicted are null where there is none.
func (t *Table) WriteParquet(path string) error {
	if err := t.check(); err != nil {
		return err
	}
	names := t.Columns()
	text := func(at int, v func(i int) string) columnar.Column {
		return columnar.Column{Name: names[at], Kind: columnar.Text, Value: func(i int) any { return v(i) }}
	}
	integer := func(at int, v []int64) columnar.Column {
		return columnar.Column{Name: names[at], Kind: columnar.Integer, Value: func(i int) any { return v[i] }}
	}
	real := func(at int, v []float64, gaps bool) columnar.Column {
		return columnar.Column{Name: names[at], Kind: columnar.Real, Gaps: gaps, Value: func(i int) any { return v[i] }}
	}
	columns := []columnar.Column{
		text(0, t.cell), integer(1, t.Col), integer(2, t.Row), real(3, t.Lon, false), real(4, t.Lat, false),
		text(5, func(i int) string { return t.Split[i] }), real(6, t.LnTrue, true), real(7, t.LnPredicted, true),
	}
	for k := range t.D {
		columns = append(columns, columnar.Column{Name: names[labels+k], Kind: columnar.Float, Value: func(i int) any { return t.Embedding[i*t.D+k] }})
	}
	return put(path, func(w io.Writer) error { return columnar.Write(w, "embeddings", t.N(), columns, nil) })
}
