package export

import "encoding/binary"

// thrift writes the compact protocol of Apache Thrift, as much of it as Parquet's
// headers need (thrift-compact-protocol.md of the Thrift specification).
type thrift struct {
	b    []byte
	last []int // number of the last field of each open structure
}

// Types of fields and elements.
const (
	thriftI32    = 5
	thriftI64    = 6
	thriftBinary = 8
	thriftList   = 9
	thriftStruct = 12
)

// begin opens a structure: the outermost, or an element of a list.
func (h *thrift) begin() { h.last = append(h.last, 0) }

func (h *thrift) end() {
	h.b = append(h.b, 0)
	h.last = h.last[:len(h.last)-1]
}

// field writes a field's number as the step from the last one, which is always
// less than 16 in Parquet's structures, and its type.
func (h *thrift) field(id, kind int) {
	last := &h.last[len(h.last)-1]
	h.b = append(h.b, byte((id-*last)<<4|kind))
	*last = id
}

// structure opens a structure that is a field.
func (h *thrift) structure(id int) {
	h.field(id, thriftStruct)
	h.begin()
}

func (h *thrift) i32(id, v int) {
	h.field(id, thriftI32)
	h.element(v)
}

func (h *thrift) i64(id int, v int64) {
	h.field(id, thriftI64)
	h.b = binary.AppendVarint(h.b, v) // zigzag, as Thrift has it
}

func (h *thrift) text(id int, s string) {
	h.field(id, thriftBinary)
	h.elementText(s)
}

// list begins a field that is a list; its elements follow.
func (h *thrift) list(id, kind, n int) {
	h.field(id, thriftList)
	if n < 15 {
		h.b = append(h.b, byte(n<<4|kind))
		return
	}
	h.b = append(h.b, byte(0xf0|kind))
	h.b = binary.AppendUvarint(h.b, uint64(n))
}

// element writes an i32 of a list.
func (h *thrift) element(v int) { h.b = binary.AppendVarint(h.b, int64(v)) }

func (h *thrift) elementText(s string) {
	h.b = binary.AppendUvarint(h.b, uint64(len(s)))
	h.b = append(h.b, s...)
}
