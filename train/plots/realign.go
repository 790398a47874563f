package plots

import (
	"encoding/binary"
	"io"

	"golang.org/x/image/font/sfnt"
)

// maxRealigned bounds the bytes of a font that is read into memory.
const maxRealigned = 64 << 20

// realigned reads the font whose list of tables begins at offset into memory and
// lays its tables out anew, each at a multiple of four bytes as OpenType asks for:
// WenQuanYi's fonts are not, and are refused otherwise. Tables that drawing does not
// need, and which are of unusual kinds in many fonts, stay away. nil where it cannot
// be done.
func realigned(f io.ReaderAt, offset int64) *sfnt.Font {
	be := binary.BigEndian
	var head [12]byte
	if _, err := f.ReadAt(head[:], offset); err != nil {
		return nil
	}
	n := int(be.Uint16(head[4:]))
	list := make([]byte, 16*n)
	if n > 256 {
		return nil
	}
	if _, err := f.ReadAt(list, offset+12); err != nil {
		return nil
	}
	type table struct {
		tag  string
		data []byte
	}
	var tables []table
	size := 0
	for ; len(list) > 0; list = list[16:] {
		t := table{tag: string(list[:4])}
		switch t.tag {
		case "CFF ", "OS/2", "cmap", "glyf", "head", "hhea", "hmtx", "loca", "maxp", "name", "post":
		default:
			continue
		}
		long := int(be.Uint32(list[12:]))
		if size += long; size > maxRealigned {
			return nil
		}
		t.data = make([]byte, long)
		if _, err := f.ReadAt(t.data, int64(be.Uint32(list[8:]))); err != nil {
			return nil
		}
		if t.tag == "post" && len(t.data) >= 32 { // version 3: without names of glyphs
			be.PutUint32(t.data, 0x00030000)
			t.data = t.data[:32]
		}
		tables = append(tables, t)
	}
	out := append([]byte(nil), head[:4]...)
	out = be.AppendUint16(out, uint16(len(tables)))
	out = append(out, make([]byte, 6)...) // for binary searches, which nobody makes
	at := 12 + 16*len(tables)
	for _, t := range tables {
		out = append(out, t.tag...)
		out = be.AppendUint32(out, 0) // checksum, which nobody looks at
		out = be.AppendUint32(out, uint32(at))
		out = be.AppendUint32(out, uint32(len(t.data)))
		at += (len(t.data) + 3) &^ 3
	}
	for _, t := range tables {
		out = append(out, t.data...)
		out = append(out, make([]byte, (4-len(t.data)%4)%4)...)
	}
	font, err := sfnt.Parse(out)
	if err != nil {
		return nil
	}
	return font
}

// fontOffset is where the list of tables of a collection's i-th font begins; 0 in a
// file of a single font.
func fontOffset(f io.ReaderAt, i int) int64 {
	var head [12]byte
	if _, err := f.ReadAt(head[:], 0); err != nil || string(head[:4]) != "ttcf" {
		return 0
	}
	var at [4]byte
	if _, err := f.ReadAt(at[:], int64(12+4*i)); err != nil {
		return 0
	}
	return int64(binary.BigEndian.Uint32(at[:]))
}
