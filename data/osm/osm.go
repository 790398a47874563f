// Package osm reads OpenStreetMap's binary files (.osm.pbf), block by block and
// several blocks at a time, and writes small ones. It knows nothing of points of
// interest, and no GDAL: what a tag means is the caller's business.
//
// It reads files as osmium and Geofabrik write them: nodes, then ways, then
// relations, each by growing number, stored plainly or by zlib. Any other file is
// an error here, and OGR's to read; no error of this package is meant for people.
package osm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
)

// Limits of the format: of a blob's header, and of what a blob holds.
const (
	maxHeader = 64 << 10
	maxBlob   = 32 << 20
)

// Kind is what an element is, in the order in which a file has them.
type Kind int

// The kinds.
const (
	Nodes Kind = iota
	Ways
	Relations
)

// File is an open file whose blobs are known. Its blocks may be read by several
// goroutines.
type File struct {
	f       *os.File
	inflate func(dst, src []byte) error
	blobs   []span // of data, in the file's order
	// begin[k] is the first block that holds an element of kind k or a later one,
	// end[k] the first that holds only later ones.
	begin, end [3]int
}

// span is where a blob lies in the file.
type span struct {
	at   int64
	size int
}

// Open finds the blobs of a file, and where its nodes end and its relations
// begin, without reading it all. inflate unpacks zlib's format: it fills dst, and
// fails where src holds less or more. It is called by several goroutines.
func Open(path string, inflate func(dst, src []byte) error) (*File, error) {
	h, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f := &File{f: h, inflate: inflate}
	if err := f.index(); err != nil {
		h.Close()
		return nil, err
	}
	return f, nil
}

// Close closes the file.
func (f *File) Close() error { return f.f.Close() }

// Part lists the blocks that hold elements of a kind.
func (f *File) Part(k Kind) []int {
	var list []int
	for i := f.begin[k]; i < f.end[k]; i++ {
		list = append(list, i)
	}
	return list
}

// index lists the blobs of data and finds the parts.
func (f *File) index() error {
	info, err := f.f.Stat()
	if err != nil {
		return err
	}
	head := make([]byte, maxHeader)
	for at := int64(0); at < info.Size(); {
		if _, err := f.f.ReadAt(head[:4], at); err != nil {
			return fmt.Errorf("byte %d: %w", at, io.ErrUnexpectedEOF)
		}
		n := int(binary.BigEndian.Uint32(head))
		if n > maxHeader {
			return fmt.Errorf("byte %d: a header of %d bytes", at, n)
		}
		if _, err := f.f.ReadAt(head[:n], at+4); err != nil {
			return fmt.Errorf("byte %d: %w", at, io.ErrUnexpectedEOF)
		}
		kind, size, err := blobHeader(head[:n])
		blob := span{at + 4 + int64(n), size}
		if err != nil || size < 0 || size > maxBlob || blob.at+int64(size) > info.Size() {
			return fmt.Errorf("byte %d: no header of a blob, or one that is cut short", at)
		}
		switch {
		case kind == "OSMData":
			f.blobs = append(f.blobs, blob)
		case kind != "OSMHeader" || at > 0:
			return fmt.Errorf("byte %d: a blob of type %q", at, kind)
		default:
			if err := f.features(blob); err != nil {
				return err
			}
		}
		at = blob.at + int64(size)
	}
	var failure error
	first := func(holds func(b *Block) bool) int {
		var d decoder
		return sort.Search(len(f.blobs), func(i int) bool {
			b, err := d.block(f, i)
			if err != nil {
				failure = errors.Join(failure, err)
				return false
			}
			return holds(b)
		})
	}
	for k := Nodes; k <= Relations; k++ {
		f.begin[k] = first(func(b *Block) bool { return b.max >= k })
		f.end[k] = first(func(b *Block) bool { return b.min > k })
	}
	return failure
}

// blobHeader reads a blob's type and size.
func blobHeader(b []byte) (kind string, size int, err error) {
	size = -1
	m := message(b)
	for m.next() {
		switch {
		case m.field == 1 && m.wire == wireBytes:
			kind = string(m.bytes)
		case m.field == 3 && m.wire == wireVarint:
			size = int(min(m.number, maxBlob+1))
		}
	}
	return kind, size, m.err
}

// features refuses a file that needs a reader to know more than this one does.
func (f *File) features(blob span) error {
	var d decoder
	data, err := d.content(f, blob)
	if err != nil {
		return err
	}
	m := message(data)
	for m.next() {
		if m.field != 4 || m.wire != wireBytes {
			continue
		}
		if s := string(m.bytes); s != "OsmSchema-V0.6" && s != "DenseNodes" {
			return fmt.Errorf("the file needs %q", s)
		}
	}
	return m.err
}

// check says whether a block holds what its place in a sorted file lets expect.
func (f *File) check(i int, b *Block) error {
	wantMin, wantMax := Nodes, Nodes
	for k := Nodes; k < Relations; k++ {
		if i >= f.end[k] {
			wantMin = k + 1
		}
		if i >= f.begin[k+1] {
			wantMax = k + 1
		}
	}
	if b.min != wantMin || b.max != wantMax {
		return errors.New("nodes, ways and relations are mixed")
	}
	return nil
}
