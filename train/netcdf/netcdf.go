// Package netcdf writes NetCDF in its classic form (64-bit offsets), which every
// reader knows: netCDF4, xarray, CDO, NCO, Panoply, GDAL. The form is small and
// fully specified (NetCDF User's Guide, "File Format Specifications"), and GDAL's
// driver cannot write what the CF conventions ask for: bounds, several quantities
// on one grid, coordinates in two dimensions.
//
// It is given names and numbers and writes a stream of bytes. What they mean (CF's
// attributes) is its caller's business: train/mapfiles.
package netcdf

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"regexp"
)

// File is what is written.
type File struct {
	Dims       []Dim
	Attributes []Attribute // global
	Variables  []Variable
}

// Dim is a dimension.
type Dim struct {
	Name   string
	Length int
}

// Attribute is a text, or numbers of one type: string, float64, []float64, int32,
// int8.
type Attribute struct {
	Name  string
	Value any
}

// Variable is an array over dimensions, the last one fastest; without any it is
// one number. Values are []float64, []int32, []int8 or Later.
type Variable struct {
	Name       string
	Dims       []string
	Attributes []Attribute
	Values     any
}

// Later are N values that are made when they are written, so that a file of many
// variables needs the memory of one.
type Later struct {
	N    int
	Make func() ([]float64, error)
}

// Types and tags of the format.
const (
	typeByte, typeChar, typeInt, typeDouble = 1, 2, 4, 6

	tagDims, tagVariables, tagAttributes = 0x0A, 0x0B, 0x0C
)

// MaxBytes is the size that no variable may reach: a limit of the format.
const MaxBytes = 1<<32 - 4

var name = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.@+-]*$`)

// Write writes the file. A name that the format does not know, a dimension that is
// not there, and values that do not fill their dimensions are errors.
func (f *File) Write(w io.Writer) error {
	// The places of the values depend on the length of the header, in which they have
	// a fixed width: it is written twice.
	header, err := f.header(make([]int64, len(f.Variables)))
	if err != nil {
		return err
	}
	at, begin := int64(len(header)), make([]int64, len(f.Variables))
	for i, v := range f.Variables {
		begin[i] = at
		_, size, _, _ := v.content()
		at += padded(size)
	}
	if header, err = f.header(begin); err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 1<<16)
	if _, err := out.Write(header); err != nil {
		return err
	}
	for _, v := range f.Variables {
		if err := v.write(out); err != nil {
			return err
		}
	}
	return out.Flush()
}

var be = binary.BigEndian

func padded(n int64) int64 { return (n + 3) &^ 3 }

func (f *File) header(begin []int64) ([]byte, error) {
	b := []byte{'C', 'D', 'F', 2, 0, 0, 0, 0} // no records
	dims := map[string]int{}
	b = list(b, tagDims, len(f.Dims))
	for i, d := range f.Dims {
		if _, twice := dims[d.Name]; twice || d.Length < 1 || int64(d.Length) > math.MaxInt32 || !name.MatchString(d.Name) {
			return nil, fmt.Errorf("netcdf: dimension %q of length %d cannot be written", d.Name, d.Length)
		}
		dims[d.Name] = i
		b = be.AppendUint32(text(b, d.Name), uint32(d.Length))
	}
	b, err := attributes(b, f.Attributes)
	if err != nil {
		return nil, err
	}
	b = list(b, tagVariables, len(f.Variables))
	seen := map[string]bool{}
	for i, v := range f.Variables {
		if seen[v.Name] || !name.MatchString(v.Name) {
			return nil, fmt.Errorf("netcdf: a variable %q cannot be written", v.Name)
		}
		seen[v.Name] = true
		kind, size, n, err := v.content()
		if err != nil {
			return nil, err
		}
		b = be.AppendUint32(text(b, v.Name), uint32(len(v.Dims)))
		want := 1
		for _, d := range v.Dims {
			k, ok := dims[d]
			if !ok {
				return nil, fmt.Errorf("netcdf: %s: there is no dimension %q", v.Name, d)
			}
			want *= f.Dims[k].Length
			b = be.AppendUint32(b, uint32(k))
		}
		if n != want {
			return nil, fmt.Errorf("netcdf: %s: %d values for dimensions of %d", v.Name, n, want)
		}
		if size > MaxBytes {
			return nil, fmt.Errorf("netcdf: %s: %d bytes are more than the format holds", v.Name, size)
		}
		if b, err = attributes(b, v.Attributes); err != nil {
			return nil, fmt.Errorf("%w of %s", err, v.Name)
		}
		b = be.AppendUint32(be.AppendUint32(b, uint32(kind)), uint32(padded(size)))
		b = be.AppendUint64(b, uint64(begin[i]))
	}
	return b, nil
}

func list(b []byte, tag uint32, n int) []byte {
	if n == 0 {
		tag = 0
	}
	return be.AppendUint32(be.AppendUint32(b, tag), uint32(n))
}

func text(b []byte, s string) []byte {
	b = append(be.AppendUint32(b, uint32(len(s))), s...)
	return append(b, make([]byte, padded(int64(len(s)))-int64(len(s)))...)
}

func attributes(b []byte, all []Attribute) ([]byte, error) {
	b = list(b, tagAttributes, len(all))
	for _, a := range all {
		if !name.MatchString(a.Name) {
			return nil, fmt.Errorf("netcdf: an attribute %q cannot be written", a.Name)
		}
		b = text(b, a.Name)
		switch v := a.Value.(type) {
		case string:
			b = text(be.AppendUint32(b, typeChar), v)
		case int8:
			b = append(be.AppendUint32(be.AppendUint32(b, typeByte), 1), byte(v), 0, 0, 0)
		case int32:
			b = be.AppendUint32(be.AppendUint32(be.AppendUint32(b, typeInt), 1), uint32(v))
		case float64:
			b = be.AppendUint64(be.AppendUint32(be.AppendUint32(b, typeDouble), 1), math.Float64bits(v))
		case []float64:
			b = be.AppendUint32(be.AppendUint32(b, typeDouble), uint32(len(v)))
			for _, x := range v {
				b = be.AppendUint64(b, math.Float64bits(x))
			}
		default:
			return nil, fmt.Errorf("netcdf: attribute %s: a %T cannot be written", a.Name, v)
		}
	}
	return b, nil
}

// content is the type of v's values, their bytes and their number.
func (v *Variable) content() (kind int, size int64, n int, err error) {
	switch x := v.Values.(type) {
	case []float64:
		return typeDouble, 8 * int64(len(x)), len(x), nil
	case Later:
		return typeDouble, 8 * int64(x.N), x.N, nil
	case []int32:
		return typeInt, 4 * int64(len(x)), len(x), nil
	case []int8:
		return typeByte, int64(len(x)), len(x), nil
	}
	return 0, 0, 0, fmt.Errorf("netcdf: %s: a %T cannot be written", v.Name, v.Values)
}

func (v *Variable) write(w *bufio.Writer) (err error) {
	put := func(b []byte) {
		if err == nil {
			_, err = w.Write(b)
		}
	}
	var word [8]byte
	values := v.Values
	if x, ok := values.(Later); ok {
		made, err := x.Make()
		if err == nil && len(made) != x.N {
			err = fmt.Errorf("netcdf: %s: %d values were made, not %d", v.Name, len(made), x.N)
		}
		if err != nil {
			return err
		}
		values = made
	}
	switch x := values.(type) {
	case []float64:
		for _, y := range x {
			put(be.AppendUint64(word[:0], math.Float64bits(y)))
		}
	case []int32:
		for _, y := range x {
			put(be.AppendUint32(word[:0], uint32(y)))
		}
	case []int8:
		for _, y := range x {
			put(append(word[:0], byte(y)))
		}
		put(make([]byte, padded(int64(len(x)))-int64(len(x))))
	}
	return err
}
