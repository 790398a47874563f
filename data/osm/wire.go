package osm

import (
	"encoding/binary"
	"errors"
)

// The wire types of protocol buffers that OpenStreetMap's format uses, and the
// two of fixed width that a reader has to pass over.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

var errWire = errors.New("a message is damaged or cut short")

// reader walks through the fields of a message.
type reader struct {
	rest   []byte
	field  int
	wire   int
	number uint64 // of a varint
	bytes  []byte // of a field with a length; a view
	err    error
}

func message(b []byte) reader { return reader{rest: b} }

// next takes the next field; false at the end or at an error.
func (r *reader) next() bool {
	if len(r.rest) == 0 || r.err != nil {
		return false
	}
	key := r.varint()
	r.field, r.wire = int(key>>3), int(key&7)
	switch r.wire {
	case wireVarint:
		r.number = r.varint()
	case wireBytes:
		if n := r.varint(); n <= uint64(len(r.rest)) {
			r.bytes, r.rest = r.rest[:n], r.rest[n:]
		} else {
			r.err = errWire
		}
	case wireFixed64, wireFixed32:
		n := 4
		if r.wire == wireFixed64 {
			n = 8
		}
		if len(r.rest) < n {
			r.err = errWire
			return false
		}
		r.rest = r.rest[n:]
	default:
		r.err = errWire
	}
	return r.err == nil
}

func (r *reader) varint() uint64 {
	if len(r.rest) > 0 && r.rest[0] < 0x80 {
		v := uint64(r.rest[0])
		r.rest = r.rest[1:]
		return v
	}
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.err, r.rest = errWire, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// unzigzag is the signed number that a varint stands for.
func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// zigzag is the reverse.
func zigzag(v int64) uint64 { return uint64(v<<1) ^ uint64(v>>63) }

// Deltas calls f with every number of a packed list of differences, such as the
// nodes of a way. It reports false where the list is cut short.
func Deltas(packed []byte, f func(int64)) bool {
	r := reader{rest: packed}
	v := int64(0)
	for len(r.rest) > 0 {
		v += unzigzag(r.varint())
		if r.err != nil {
			return false
		}
		f(v)
	}
	return true
}

// appendVarint and appendBytes write fields.
func appendVarint(b []byte, field int, v uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, uint64(field<<3|wireVarint)), v)
}

func appendBytes(b []byte, field int, v []byte) []byte {
	b = binary.AppendUvarint(b, uint64(field<<3|wireBytes))
	return append(binary.AppendUvarint(b, uint64(len(v))), v...)
}
