package pickle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
)

// DType is a NumPy dtype: kind f, i, u, b or O, size in bytes, byte order.
type DType struct {
	Kind byte
	Size int
	Big  bool
}

// String is the dtype as NumPy spells it, e.g. "<f8".
func (t DType) String() string {
	if t.Kind == 'O' {
		return "object"
	}
	order := "<"
	if t.Big {
		order = ">"
	} else if t.Size == 1 {
		order = "|"
	}
	return order + string(t.Kind) + strconv.Itoa(t.Size)
}

// Array is a NumPy array. Data holds the elements of a numeric one, in C order
// or (Fortran) with the first axis fastest; Items those of an object array.
type Array struct {
	Shape   []int
	DType   DType
	Fortran bool
	Data    *Bytes
	Items   []any
	Value   any // what Numpy.OnArray made of it

	hook func(d *Decoder, a *Array) error
}

// Numpy is the table of NumPy's names, of NumPy 1 and 2, for Options.Find.
// Scalars come as plain numbers.
type Numpy struct {
	// OnArray, where given, sees each numeric array as soon as it is whole. It
	// may leave its result in Value and Recycle the Data, so that of many large
	// arrays only one is in memory at a time.
	OnArray func(d *Decoder, a *Array) error
}

type ndarray struct{}

// Find returns what one of NumPy's globals stands for, nil for other names.
func (n Numpy) Find(module, name string) any {
	switch module {
	case "numpy":
		switch name {
		case "ndarray":
			return ndarray{}
		case "dtype":
			return ClassFunc(newDType)
		}
	case "numpy.core.multiarray", "numpy._core.multiarray":
		switch name {
		case "_reconstruct":
			return ClassFunc(func(d *Decoder, args Tuple) (any, error) {
				if len(args) != 3 || args[0] != (any)(ndarray{}) {
					return nil, errors.New("a NumPy array of a class of its own is not read")
				}
				return &Array{hook: n.OnArray}, d.Take(120)
			})
		case "scalar":
			return ClassFunc(newScalar)
		}
	case "numpy.core.numeric", "numpy._core.numeric":
		if name == "_frombuffer" {
			return ClassFunc(n.fromBuffer)
		}
	}
	return nil
}

// newDType makes numpy.dtype('f8', False, True); its byte order comes as state.
func newDType(d *Decoder, args Tuple) (any, error) {
	if len(args) == 0 {
		return nil, errors.New("numpy.dtype without arguments")
	}
	code, ok := args[0].(string)
	if !ok || len(code) < 2 {
		return nil, fmt.Errorf("numpy.dtype of %s is not read", TypeName(args[0]))
	}
	t := &DType{Kind: code[0]}
	t.Size, _ = strconv.Atoi(code[1:])
	switch code {
	case "f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1", "O8", "O4":
		return t, nil
	}
	return nil, fmt.Errorf("NumPy's dtype %q is not read; numbers are (float16 to float64, integers, bool) and objects", code)
}

// Build implements Builder: (version, byte order, ...).
func (t *DType) Build(_ *Decoder, state any) error {
	s, ok := state.(Tuple)
	if !ok || len(s) < 2 {
		return errors.New("a NumPy dtype has a strange state")
	}
	order, ok := s[1].(string)
	if b, isBytes := s[1].(*Bytes); isBytes {
		order, ok = string(b.Data), true
	}
	if !ok || len(order) != 1 {
		return errors.New("a NumPy dtype has a strange byte order")
	}
	t.Big = order == ">"
	return nil
}

// Build implements Builder: (version, shape, dtype, fortran, data).
func (a *Array) Build(d *Decoder, state any) error {
	s, ok := state.(Tuple)
	if !ok || len(s) != 5 || a.Shape != nil {
		return errors.New("a NumPy array has a strange state")
	}
	t, ok := s[2].(*DType)
	if !ok {
		return errors.New("a NumPy array without a dtype")
	}
	fortran, _ := Int(s[3])
	return a.set(d, s[1], *t, fortran != 0, s[4])
}

// fromBuffer is how protocol 5 makes arrays: (data, dtype, shape, order).
func (n Numpy) fromBuffer(d *Decoder, args Tuple) (any, error) {
	if len(args) != 4 {
		return nil, errors.New("numpy's _frombuffer without its four arguments")
	}
	t, ok := args[1].(*DType)
	order, okOrder := args[3].(string)
	if !ok || !okOrder {
		return nil, errors.New("numpy's _frombuffer with strange arguments")
	}
	a := &Array{hook: n.OnArray}
	return a, a.set(d, args[2], *t, order == "F", args[0])
}

const maxDims = 64

func (a *Array) set(d *Decoder, shape any, t DType, fortran bool, data any) error {
	dims, ok := shape.(Tuple)
	if !ok || len(dims) > maxDims {
		return errors.New("a NumPy array without a shape")
	}
	if err := d.Take(120 + 8*int64(len(dims))); err != nil {
		return err
	}
	a.Shape, a.DType, a.Fortran = make([]int, len(dims)), t, fortran
	count := int64(1)
	for i, v := range dims {
		n, ok := Int(v)
		if !ok || n < 0 || n > 0 && count > (1<<40)/n {
			return fmt.Errorf("a NumPy array has an impossible size along axis %d", i)
		}
		a.Shape[i] = int(n)
		count *= n
	}
	if t.Kind == 'O' {
		list, ok := data.(*List)
		if !ok || int64(len(list.Items)) != count {
			return fmt.Errorf("a NumPy array %v of objects has %s as content", a.Shape, TypeName(data))
		}
		a.Items = list.Items
		return nil
	}
	switch v := data.(type) {
	case *Bytes:
		a.Data = v
	case string: // Python 2
		if err := d.Take(int64(len(v)) + 40); err != nil {
			return err
		}
		a.Data = &Bytes{Data: []byte(v)}
	default:
		return fmt.Errorf("a NumPy array has %s as content", TypeName(data))
	}
	if a.Data.gone {
		return errors.New("two NumPy arrays share their content, which is not supported")
	}
	if int64(len(a.Data.Data)) != count*int64(t.Size) {
		return fmt.Errorf("a NumPy array %v of %s has %d bytes, not %d", a.Shape, t, len(a.Data.Data), count*int64(t.Size))
	}
	if a.hook != nil {
		return a.hook(d, a)
	}
	return nil
}

// newScalar makes a NumPy scalar: (dtype, bytes).
func newScalar(d *Decoder, args Tuple) (any, error) {
	if len(args) != 2 {
		return nil, errors.New("a NumPy scalar without its two arguments")
	}
	t, ok := args[0].(*DType)
	var raw []byte
	switch v := args[1].(type) {
	case *Bytes:
		raw = v.Data
	case string:
		raw = []byte(v)
	default:
		ok = false
	}
	if !ok || t.Kind == 'O' || len(raw) != t.Size {
		return nil, errors.New("a NumPy scalar that is no number")
	}
	if t.Kind == 'f' {
		return t.float(raw), nil
	}
	if v := t.bits(raw); t.Kind == 'u' && v > math.MaxInt64 {
		return new(big.Int).SetUint64(v), nil
	}
	if t.Kind == 'b' {
		return raw[0] != 0, nil
	}
	return t.integer(raw), nil
}

func (t DType) bits(b []byte) uint64 {
	var w [8]byte
	copy(w[:], b[:t.Size])
	if t.Big {
		for i := range t.Size {
			w[i] = b[t.Size-1-i]
		}
	}
	return binary.LittleEndian.Uint64(w[:])
}

func (t DType) integer(b []byte) int64 {
	v := int64(t.bits(b))
	if t.Kind == 'i' {
		s := 64 - 8*t.Size
		v = v << s >> s
	}
	return v
}

func (t DType) float(b []byte) float64 {
	switch v := t.bits(b); t.Size {
	case 8:
		return math.Float64frombits(v)
	case 4:
		return float64(math.Float32frombits(uint32(v)))
	default:
		return half(uint16(v))
	}
}

// half turns an IEEE 754 binary16 number into a float64.
func half(h uint16) float64 {
	f := float64(h & 0x3ff)
	switch e := int(h >> 10 & 31); {
	case e == 31 && f > 0:
		return math.NaN()
	case e == 31:
		f = math.Inf(1)
	case e == 0:
		f = math.Ldexp(f, -24)
	default:
		f = math.Ldexp(f+1024, e-25)
	}
	if h&0x8000 != 0 {
		return -f
	}
	return f
}

// At returns element i of a numeric array's memory (C order, or Fortran order
// in an array that has it) as a number; integers beyond 2^53 are rounded.
func (a *Array) At(i int) float64 {
	b := a.Data.Data[i*a.DType.Size:]
	switch a.DType.Kind {
	case 'f':
		return a.DType.float(b)
	case 'u':
		return float64(a.DType.bits(b))
	case 'b':
		return float64(b[0])
	}
	return float64(a.DType.integer(b))
}

// Len is the number of elements.
func (a *Array) Len() int {
	n := 1
	for _, s := range a.Shape {
		n *= s
	}
	return n
}
