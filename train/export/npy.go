package export

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"

	"opencarbon/data/fault"
)

const quietNaN = 0x7ff8000000000000 // as numpy.nan

// WriteNPY writes the table as a structured array, one record a cell:
// numpy.load(path)["cell"], ["lon"], ... ["e0"]. cell and split are text (<U, as
// wide as the longest), col and row <i8, lon to ln_predicted <f8, features <f4;
// what is missing is NaN.
func (t *Table) WriteNPY(path string) error {
	if err := t.check(); err != nil {
		return err
	}
	wideCell, wideSplit := 1, 1
	for i := range t.N() {
		wideCell, wideSplit = max(wideCell, len(t.cell(i))), max(wideSplit, len(t.Split[i]))
	}
	kinds := []string{fmt.Sprint("<U", wideCell), "<i8", "<i8", "<f8", "<f8", fmt.Sprint("<U", wideSplit), "<f8", "<f8"}
	var descr strings.Builder
	descr.WriteString("[")
	for k, name := range t.Columns() {
		kind := "<f4"
		if k < labels {
			kind = kinds[k]
		}
		if k > 0 {
			descr.WriteString(", ")
		}
		fmt.Fprintf(&descr, "('%s', '%s')", name, kind)
	}
	descr.WriteString("]")
	return writeNPY(path, descr.String(), fmt.Sprintf("(%d,)", t.N()), func(w io.Writer) error {
		b := make([]byte, 0, 4*(wideCell+wideSplit)+6*8+4*t.D)
		for i := range t.N() {
			b = appendText(b[:0], t.cell(i), wideCell)
			b = binary.LittleEndian.AppendUint64(b, uint64(t.Col[i]))
			b = binary.LittleEndian.AppendUint64(b, uint64(t.Row[i]))
			b = appendDoubles(b, t.Lon[i], t.Lat[i])
			b = appendText(b, t.Split[i], wideSplit)
			b = appendDoubles(b, t.LnTrue[i], t.LnPredicted[i])
			b = appendFloats(b, t.Embedding[i*t.D:(i+1)*t.D])
			if _, err := w.Write(b); err != nil {
				return err
			}
		}
		return nil
	})
}

// appendText appends text of ASCII as numpy keeps it, four bytes a character,
// filled up with zeros.
func appendText(b []byte, text string, width int) []byte {
	for i := range width {
		var c uint32
		if i < len(text) {
			c = uint32(text[i])
		}
		b = binary.LittleEndian.AppendUint32(b, c)
	}
	return b
}

func appendDoubles(b []byte, values ...float64) []byte {
	for _, v := range values {
		bits := math.Float64bits(v)
		if math.IsNaN(v) {
			bits = quietNaN // Go's own NaN differs from everybody's in a bit
		}
		b = binary.LittleEndian.AppendUint64(b, bits)
	}
	return b
}

func appendFloats(b []byte, v []float32) []byte {
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

// writeNPY writes format version 1.0 (numpy.lib.format): magic, version, length
// of the header, header, padded so that the data begin at a multiple of 64.
func writeNPY(path, descr, shape string, data func(io.Writer) error) error {
	header := fmt.Sprintf("{'descr': %s, 'fortran_order': False, 'shape': %s, }", descr, shape)
	const before = 10 // bytes ahead of the header
	header += strings.Repeat(" ", 63-(before+len(header))%64) + "\n"
	if len(header) > math.MaxUint16 {
		return fault.New(path, fmt.Sprintf("the header takes %d bytes; version 1.0 of the format has room for %d", len(header), math.MaxUint16), "write fewer columns")
	}
	return put(path, func(w io.Writer) error {
		b := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
		if _, err := w.Write(append(b, header...)); err != nil {
			return err
		}
		return data(w)
	})
}
