// Package columnar writes Apache Parquet: tables of named columns for data frames
// (pandas, polars, R's arrow, DuckDB). What columns there are is known only when
// the program runs, and their order is that of every other format; the library's
// own schemas come from Go types or are sorted by name, hence this package.
//
// It is given numbers and writes a stream of bytes. It knows nothing of cells,
// files or maps; the metadata that make it GeoParquet are train/mapfiles'.
package columnar

import (
	"fmt"
	"io"
	"math"

	"github.com/parquet-go/parquet-go"
)

// Kind is what a column holds.
type Kind int

const (
	Text    Kind = iota // string, UTF-8
	Integer             // int64
	Real                // float64
	Float               // float32
	Binary              // []byte
)

// Column is a column of n values.
type Column struct {
	Name string
	Kind Kind
	// Gaps makes the column nullable: NaN is written as null.
	Gaps bool
	// Value is that of row i, of the type that Kind names.
	Value func(i int) any
}

// GroupRows is the number of rows in a row group: enough for readers to be quick,
// little enough for a writer to hold it.
const GroupRows = 1 << 16

// table is a schema's root whose columns keep their order; parquet.Group sorts
// them by name.
type table struct {
	parquet.Group
	names []string
}

func (t table) Fields() []parquet.Field {
	by := map[string]parquet.Field{}
	for _, f := range t.Group.Fields() {
		by[f.Name()] = f
	}
	fields := make([]parquet.Field, len(t.names))
	for i, n := range t.names {
		fields[i] = by[n]
	}
	return fields
}

func schema(name string, columns []Column) (*parquet.Schema, error) {
	root := table{Group: parquet.Group{}}
	for _, c := range columns {
		if _, twice := root.Group[c.Name]; twice {
			return nil, fmt.Errorf("column %s: there are two of that name", c.Name)
		}
		var node parquet.Node
		switch c.Kind {
		case Text:
			node = parquet.String()
		case Integer:
			node = parquet.Leaf(parquet.Int64Type)
		case Real:
			node = parquet.Leaf(parquet.DoubleType)
		case Float:
			node = parquet.Leaf(parquet.FloatType)
		case Binary:
			node = parquet.Leaf(parquet.ByteArrayType)
		default:
			return nil, fmt.Errorf("column %s: unknown kind %d", c.Name, c.Kind)
		}
		if c.Gaps {
			node = parquet.Optional(node)
		}
		root.Group[c.Name] = node
		root.names = append(root.names, c.Name)
	}
	return parquet.NewSchema(name, root), nil
}

// Write writes the rows 0 ... n-1 of the columns as a Parquet file, compressed by
// Snappy, which every reader knows. name is the schema's; metadata are the file's
// key-value pairs. Memory holds one row group.
func Write(w io.Writer, name string, n int, columns []Column, metadata map[string]string) error {
	s, err := schema(name, columns)
	if err != nil {
		return err
	}
	options := []parquet.WriterOption{s, parquet.Compression(&parquet.Snappy), parquet.MaxRowsPerRowGroup(GroupRows), parquet.CreatedBy("OpenCarbon", "", "")}
	for k, v := range metadata {
		options = append(options, parquet.KeyValueMetadata(k, v))
	}
	out := parquet.NewWriter(w, options...)
	row := make(parquet.Row, len(columns))
	for i := range n {
		for k, c := range columns {
			v, err := c.at(i)
			if err != nil {
				return err
			}
			level := 0
			if c.Gaps && !v.IsNull() {
				level = 1
			}
			row[k] = v.Level(0, level, k)
		}
		if _, err := out.WriteRows([]parquet.Row{row}); err != nil {
			return err
		}
	}
	return out.Close()
}

// at is the value of row i as Parquet has it.
func (c *Column) at(i int) (parquet.Value, error) {
	v := c.Value(i)
	right := false
	missing := false
	switch x := v.(type) {
	case string:
		right = c.Kind == Text
	case int64:
		right = c.Kind == Integer
	case float64:
		right, missing = c.Kind == Real, math.IsNaN(x)
	case float32:
		right, missing = c.Kind == Float, x != x
	case []byte:
		right = c.Kind == Binary
	}
	if !right {
		return parquet.Value{}, fmt.Errorf("column %s, row %d: a %T does not fit", c.Name, i, v)
	}
	if c.Gaps && missing {
		return parquet.NullValue(), nil
	}
	return parquet.ValueOf(v), nil
}
