// Package pickle reads Python pickles (protocols 0 to 5) as plain data and
// writes protocol 2. Nothing in a pickle is ever executed: a global is looked
// up in a table that the caller gives, and one that is not there is an error
// with its name. Every byte that a pickle makes the reader allocate is taken
// from a Budget first, so that a hostile length, a deep nest or a wide memo
// ends in an error and never in an exhausted machine.
//
// The package also knows NumPy's arrays and scalars (numpy.go). It knows no
// libtorch and no file layouts: see package pth for PyTorch's, and the
// importers of datasets for NumPy's. An own machine and not a library's: those
// of the Go world allocate whatever length a pickle claims, and keep all of a
// file in memory until its end.
//
// Specification: the comments of CPython's Lib/pickletools.py.
package pickle

import (
	"errors"
	"fmt"
	"math/big"
)

// Tuple is a Python tuple.
type Tuple []any

// List is a Python list or set.
type List struct{ Items []any }

// Entry is one item of a Dict.
type Entry struct{ Key, Value any }

// Dict is a Python dict, in the order of its items. A key that was set twice
// is there twice; the last one counts, as Get does.
type Dict struct {
	Entries []Entry
	Ordered bool  // it was, or shall be written as, a collections.OrderedDict
	Attrs   *Dict // attributes set on the object, such as a state dict's _metadata; nil without
}

// Get returns the value of a text key.
func (d *Dict) Get(key string) (any, bool) {
	for i := len(d.Entries) - 1; i >= 0; i-- {
		if s, ok := d.Entries[i].Key.(string); ok && s == key {
			return d.Entries[i].Value, true
		}
	}
	return nil, false
}

// Set appends an item, or replaces the value of a text key that is there.
func (d *Dict) Set(key, value any) {
	if s, ok := key.(string); ok {
		for i := len(d.Entries) - 1; i >= 0; i-- {
			if t, ok := d.Entries[i].Key.(string); ok && s == t {
				d.Entries[i].Value = value
				return
			}
		}
	}
	d.Entries = append(d.Entries, Entry{key, value})
}

// Bytes is a Python bytes or bytearray, or (Text) a str longer than 64 KiB.
// It is a pointer in the tree of values, so that Decoder.Recycle can give its
// memory back while the pickle's memo still names it.
type Bytes struct {
	Data []byte
	Text bool
	gone bool
}

// Class is what a global stands for where it may be called. Call must not do
// more than build a value.
type Class interface {
	Call(d *Decoder, args Tuple) (any, error)
}

// ClassFunc is a function as a Class.
type ClassFunc func(d *Decoder, args Tuple) (any, error)

// Call implements Class.
func (f ClassFunc) Call(d *Decoder, args Tuple) (any, error) { return f(d, args) }

// Builder is a value that takes a state after it was made (opcode BUILD).
type Builder interface {
	Build(d *Decoder, state any) error
}

// ErrMemory is the error of a pickle that wants more memory than its Budget.
var ErrMemory = errors.New("the content wants more memory than a sound file of this size needs")

// Budget is an amount of memory in bytes that may be allocated, once and for
// all: what is freed does not come back, so that garbage counts too.
type Budget struct{ left int64 }

// NewBudget makes a budget of some bytes.
func NewBudget(bytes int64) *Budget { return &Budget{left: bytes} }

// Take takes n bytes out of the budget, or returns ErrMemory.
func (b *Budget) Take(n int64) error {
	if n < 0 || n > b.left {
		return ErrMemory
	}
	b.left -= n
	return nil
}

// Int returns the integer that a value is: an int, a bool, or a float without
// a fraction.
func Int(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case float64:
		if i := int64(v); v >= -1<<53 && v <= 1<<53 && float64(i) == v {
			return i, true
		}
	}
	return 0, false
}

// Float returns the number that a value is: a float, an int or a bool.
func Float(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		return f, true
	}
	i, ok := Int(v)
	return float64(i), ok
}

// Show writes a short text or an int, and of all else the type, for messages.
// A hostile pickle's values must not be printed with %v: a few bytes can stand
// for a tree that has no end.
func Show(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("%.60q", v)
	case int64:
		return fmt.Sprint(v)
	}
	return TypeName(v)
}

// TypeName says in Python's words what a value is, for messages.
func TypeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return "a bool"
	case int64, *big.Int:
		return "an int"
	case float64:
		return "a float"
	case string:
		return "a str"
	case *Bytes:
		if v.Text {
			return "a str"
		}
		return "bytes"
	case Tuple:
		return fmt.Sprintf("a tuple of %d", len(v))
	case *List:
		return fmt.Sprintf("a list of %d", len(v.Items))
	case *Dict:
		return fmt.Sprintf("a dict of %d", len(v.Entries))
	case *Array:
		return fmt.Sprintf("a NumPy array %v of %s", v.Shape, v.DType)
	}
	return fmt.Sprintf("a %T", v)
}
