package pickle

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
)

// Encoder writes one pickle of protocol 2 without a memo: a value that is
// reached twice is written twice.
type Encoder struct {
	buf   []byte
	depth int
	// Custom writes values of types that the encoder does not know, by calls of
	// the encoder's methods; it says whether it knew the type.
	Custom func(e *Encoder, v any) (bool, error)
}

const maxDepth = 100

// Encode writes v: nil, bool, int, int64, *big.Int, float64, string, Tuple,
// *List, *Dict, and what Custom knows.
func (e *Encoder) Encode(v any) ([]byte, error) {
	e.buf = append(e.buf[:0], 0x80, 2)
	if err := e.Value(v); err != nil {
		return nil, err
	}
	return append(e.buf, '.'), nil
}

// Op writes opcodes as they are.
func (e *Encoder) Op(ops ...byte) { e.buf = append(e.buf, ops...) }

// Global writes a reference to a global.
func (e *Encoder) Global(module, name string) {
	e.buf = append(e.buf, "c"+module+"\n"+name+"\n"...)
}

// Value writes one value.
func (e *Encoder) Value(v any) error {
	if e.depth++; e.depth > maxDepth {
		return fmt.Errorf("pickle: the value is nested more than %d deep, or holds itself", maxDepth)
	}
	defer func() { e.depth-- }()
	if e.Custom != nil {
		if ok, err := e.Custom(e, v); ok || err != nil {
			return err
		}
	}
	switch v := v.(type) {
	case nil:
		e.Op('N')
	case bool:
		if v {
			e.Op(0x88)
		} else {
			e.Op(0x89)
		}
	case int:
		e.Int(int64(v))
	case int64:
		e.Int(v)
	case *big.Int:
		return e.bigInt(v)
	case float64:
		e.Op('G')
		e.buf = binary.BigEndian.AppendUint64(e.buf, math.Float64bits(v))
	case string:
		e.Op('X')
		v = strings.ToValidUTF8(v, "\uFFFD")
		e.buf = binary.LittleEndian.AppendUint32(e.buf, uint32(len(v)))
		e.buf = append(e.buf, v...)
	case Tuple:
		return e.tuple(v)
	case *List:
		e.Op(']', '(')
		for _, item := range v.Items {
			if err := e.Value(item); err != nil {
				return err
			}
		}
		e.Op('e')
	case *Dict:
		return e.dict(v)
	default:
		return fmt.Errorf("pickle: %s cannot be written", TypeName(v))
	}
	return nil
}

// Int writes an int.
func (e *Encoder) Int(v int64) {
	if v == int64(int32(v)) {
		e.Op('J')
		e.buf = binary.LittleEndian.AppendUint32(e.buf, uint32(v))
		return
	}
	e.Op(0x8a, 8)
	e.buf = binary.LittleEndian.AppendUint64(e.buf, uint64(v))
}

// bigInt writes an int as two's complement, little-endian.
func (e *Encoder) bigInt(v *big.Int) error {
	n := v.BitLen()/8 + 1
	if n > 255 {
		return fmt.Errorf("pickle: an int of %d bits cannot be written", v.BitLen())
	}
	if v.Sign() < 0 {
		v = new(big.Int).Add(v, new(big.Int).Lsh(big.NewInt(1), uint(8*n)))
	}
	b := v.FillBytes(make([]byte, n))
	slices.Reverse(b)
	e.Op(0x8a, byte(n))
	e.Op(b...)
	return nil
}

func (e *Encoder) tuple(v Tuple) error {
	if len(v) == 0 {
		e.Op(')')
		return nil
	}
	e.Op('(')
	for _, item := range v {
		if err := e.Value(item); err != nil {
			return err
		}
	}
	e.Op('t')
	return nil
}

func (e *Encoder) dict(v *Dict) error {
	if v.Ordered {
		e.Global("collections", "OrderedDict")
		e.Op(')', 'R')
	} else {
		e.Op('}')
	}
	e.Op('(')
	for _, item := range v.Entries {
		if err := e.Value(item.Key); err != nil {
			return err
		}
		if err := e.Value(item.Value); err != nil {
			return err
		}
	}
	e.Op('u')
	if v.Attrs != nil {
		if err := e.dict(v.Attrs); err != nil {
			return err
		}
		e.Op('b')
	}
	return nil
}
