package export

import (
	"encoding/binary"
	"io"
	"math"
)

// Parquet's numbers for what is used of it (parquet.thrift of the format's
// specification, version 2.10).
const (
	typeInt64  = 2
	typeFloat  = 4
	typeDouble = 5
	typeBytes  = 6

	convertedUTF8 = 0 // what bytes mean; no other column needs to say it

	required = 0
	optional = 1

	plain = 0 // encoding of values
	rle   = 3 // encoding of definition levels
)

// groupRows is the number of rows in a row group: enough for readers to be
// quick, little enough for a column of it to be one page.
const groupRows = 1 << 16

// column is a column of numbers or text without nesting.
type column struct {
	name string
	kind int
	// missing tells whether row i has no value; nil for a column without gaps.
	missing func(i int) bool
	// value appends the bytes of row i.
	value func(b []byte, i int) []byte
}

func (t *Table) parquetColumns() []column {
	names := t.Columns()
	double := func(name string, v []float64) column {
		return column{name: name, kind: typeDouble, value: func(b []byte, i int) []byte {
			return binary.LittleEndian.AppendUint64(b, math.Float64bits(v[i]))
		}}
	}
	gappy := func(name string, v []float64) column {
		c := double(name, v)
		c.missing = func(i int) bool { return math.IsNaN(v[i]) }
		return c
	}
	integer := func(name string, v []int64) column {
		return column{name: name, kind: typeInt64, value: func(b []byte, i int) []byte {
			return binary.LittleEndian.AppendUint64(b, uint64(v[i]))
		}}
	}
	text := func(name string, v func(i int) string) column {
		return column{name: name, kind: typeBytes, value: func(b []byte, i int) []byte {
			s := v(i)
			return append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...)
		}}
	}
	columns := []column{
		text(names[0], t.cell), integer(names[1], t.Col), integer(names[2], t.Row),
		double(names[3], t.Lon), double(names[4], t.Lat), text(names[5], func(i int) string { return t.Split[i] }),
		gappy(names[6], t.LnTrue), gappy(names[7], t.LnPredicted),
	}
	for k := range t.D {
		columns = append(columns, column{name: names[labels+k], kind: typeFloat, value: func(b []byte, i int) []byte {
			return binary.LittleEndian.AppendUint32(b, math.Float32bits(t.Embedding[i*t.D+k]))
		}})
	}
	return columns
}

// WriteParquet writes the table as an Apache Parquet file: cell and split are
// text, col and row INT64, features FLOAT, the others DOUBLE; ln_true and
// ln_predicted are null where there is none. Values are plain and not compressed: random-looking numbers do not
// shrink. The writer is our own because that subset of the format is small; a
// general library brings ten modules and a web server's worth of code along.
func (t *Table) WriteParquet(path string) error {
	if err := t.check(); err != nil {
		return err
	}
	columns := t.parquetColumns()
	return put(path, func(w io.Writer) error {
		const magic = "PAR1"
		if _, err := io.WriteString(w, magic); err != nil {
			return err
		}
		at := int64(len(magic))
		var groups []rowGroup
		for lo := 0; lo < t.N(); lo += groupRows {
			hi := min(t.N(), lo+groupRows)
			g := rowGroup{rows: hi - lo}
			for _, c := range columns {
				p := c.page(lo, hi)
				if _, err := w.Write(p); err != nil {
					return err
				}
				g.chunks = append(g.chunks, chunk{at, int64(len(p))})
				at += int64(len(p))
			}
			groups = append(groups, g)
		}
		b := footer(columns, groups, t.N())
		b = binary.LittleEndian.AppendUint32(b, uint32(len(b)))
		_, err := w.Write(append(b, magic...))
		return err
	})
}

type rowGroup struct {
	rows   int
	chunks []chunk // one a column
}

type chunk struct{ at, size int64 } // bytes from the file's beginning, header included

// page is rows lo ... hi-1 of the column as one data page with its header.
func (c *column) page(lo, hi int) []byte {
	var data []byte
	if c.missing != nil {
		data = c.levels(lo, hi)
	}
	for i := lo; i < hi; i++ {
		if c.missing == nil || !c.missing(i) {
			data = c.value(data, i)
		}
	}
	var h thrift
	h.begin()
	h.i32(1, 0) // a data page, version 1
	h.i32(2, len(data))
	h.i32(3, len(data)) // compressed: it is not
	h.structure(5)
	h.i32(1, hi-lo)
	h.i32(2, plain)
	h.i32(3, rle)
	h.i32(4, rle)
	h.end()
	h.end()
	return append(h.b, data...)
}

// levels tells which rows have a value: their number of bytes, then one run of
// bits, lowest first, filled up to whole bytes.
func (c *column) levels(lo, hi int) []byte {
	bits := make([]byte, (hi-lo+7)/8)
	for i := lo; i < hi; i++ {
		if !c.missing(i) {
			bits[(i-lo)/8] |= 1 << ((i - lo) % 8)
		}
	}
	run := binary.AppendUvarint(nil, uint64(len(bits))<<1|1)
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(run)+len(bits)))
	return append(append(b, run...), bits...)
}

// footer is FileMetaData.
func footer(columns []column, groups []rowGroup, rows int) []byte {
	var h thrift
	h.begin()
	h.i32(1, 1) // version
	h.list(2, thriftStruct, 1+len(columns))
	h.begin()
	h.text(4, "embeddings")
	h.i32(5, len(columns))
	h.end()
	for _, c := range columns {
		h.begin()
		h.i32(1, c.kind)
		if c.missing != nil {
			h.i32(3, optional)
		} else {
			h.i32(3, required)
		}
		h.text(4, c.name)
		if c.kind == typeBytes {
			h.i32(6, convertedUTF8)
		}
		h.end()
	}
	h.i64(3, int64(rows))
	h.list(4, thriftStruct, len(groups))
	for _, g := range groups {
		h.begin()
		h.list(1, thriftStruct, len(columns))
		var size int64
		for k, c := range columns {
			h.begin()
			h.i64(2, g.chunks[k].at)
			h.structure(3)
			h.i32(1, c.kind)
			h.list(2, thriftI32, 2)
			h.element(plain)
			h.element(rle)
			h.list(3, thriftBinary, 1)
			h.elementText(c.name)
			h.i32(4, 0) // not compressed
			h.i64(5, int64(g.rows))
			h.i64(6, g.chunks[k].size)
			h.i64(7, g.chunks[k].size)
			h.i64(9, g.chunks[k].at)
			h.end()
			h.end()
			size += g.chunks[k].size
		}
		h.i64(2, size)
		h.i64(3, int64(g.rows))
		h.end()
	}
	h.text(6, "OpenCarbon")
	h.end()
	return h.b
}
