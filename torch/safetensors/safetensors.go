// Package safetensors reads and writes the safetensors format (an eight-byte
// length, a JSON header, raw little-endian arrays), the form of our
// checkpoints. A hostile file is refused before anything of its claimed size
// is allocated. The package knows no libtorch: arrays are byte slices.
//
// Specification: the "Format" section of the safetensors project's README.
package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
)

// Bounds on what Read believes. MaxHeader is the reference implementation's.
const (
	MaxHeader  = 100 << 20 // bytes
	MaxEntries = 1 << 15   // arrays, and as many metadata keys
	maxEntry   = 4096      // bytes of one array's description
)

// Array is one entry of a file.
type Array struct {
	DType string // "F32", "F64", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"
	Shape []int
	Data  []byte // little-endian, row-major
}

// File is a whole file: arrays by name, and free text by key.
type File struct {
	Arrays   map[string]Array
	Metadata map[string]string
}

var sizes = map[string]int{"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1,
	"BOOL": 1}

// Write encodes f. Arrays are written in the order of their names, so that the
// same content gives the same bytes.
func Write(w io.Writer, f File) error {
	names := make([]string, 0, len(f.Arrays))
	for name := range f.Arrays {
		names = append(names, name)
	}
	sort.Strings(names)
	header := make(map[string]any, len(names)+1)
	if len(f.Metadata) > 0 {
		header["__metadata__"] = f.Metadata
	}
	var at int64
	for _, name := range names {
		a := f.Arrays[name]
		size, err := bytesOf(a.DType, a.Shape)
		if err != nil {
			return fmt.Errorf("safetensors: array %q: %w", name, err)
		}
		if name == "__metadata__" || int64(len(a.Data)) != size {
			return fmt.Errorf("safetensors: array %q: %d bytes given, %s %v needs %d", name, len(a.Data), a.DType, a.Shape, size)
		}
		shape := make([]int64, len(a.Shape))
		for i, s := range a.Shape {
			shape[i] = int64(s)
		}
		header[name] = entry{a.DType, shape, [2]int64{at, at + size}}
		at += size
	}
	text, err := json.Marshal(header) // sorts keys
	if err != nil {
		return fmt.Errorf("safetensors: header: %w", err)
	}
	text = append(text, bytes.Repeat([]byte{' '}, (8-len(text)%8)%8)...) // keep the data aligned
	if err := binary.Write(w, binary.LittleEndian, uint64(len(text))); err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	for _, name := range names {
		if _, err := w.Write(f.Arrays[name].Data); err != nil {
			return err
		}
	}
	return nil
}

// Read decodes a file of the given size (of all its bytes). Whatever the file
// claims, no more than about twice its size is allocated.
func Read(r io.ReaderAt, size int64) (File, error) {
	fail := func(format string, args ...any) (File, error) {
		return File{}, fmt.Errorf("safetensors: "+format, args...)
	}
	var length [8]byte
	if size < 8 {
		return fail("the file has %d bytes, too short for a header", size)
	}
	if _, err := r.ReadAt(length[:], 0); err != nil {
		return fail("header length: %w", err)
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > MaxHeader || int64(n) > size-8 {
		return fail("the header claims %d bytes, the file has %d in all", n, size)
	}
	text := make([]byte, n)
	if _, err := r.ReadAt(text, 8); err != nil && n > 0 {
		return fail("header: %w", err)
	}
	if len(text) == 0 || text[0] != '{' {
		return fail("the header is not a JSON object")
	}
	if !json.Valid(text) {
		return fail("the header is not JSON")
	}
	f := File{Arrays: map[string]Array{}}
	var entries []entry
	var names []string
	body := size - 8 - int64(n)
	err := members(text, func(name string, value []byte) error {
		if name == "__metadata__" {
			if f.Metadata != nil {
				return errors.New("__metadata__ appears twice")
			}
			var err error
			f.Metadata, err = decodeMetadata(value)
			return err
		}
		if _, twice := f.Arrays[name]; twice {
			return fmt.Errorf("array %q appears twice", name)
		}
		if len(names) == MaxEntries {
			return fmt.Errorf("more than %d arrays", MaxEntries)
		}
		e, shape, err := decodeEntry(value, body)
		if err != nil {
			return fmt.Errorf("array %q: %w", name, err)
		}
		entries = append(entries, e)
		names = append(names, name)
		f.Arrays[name] = Array{DType: e.DType, Shape: shape}
		return nil
	})
	if err != nil {
		return fail("header: %w", err)
	}
	// The arrays must tile the data exactly: no overlaps, no holes.
	order := make([]int, len(names))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool {
		a, b := entries[order[i]].Offsets, entries[order[j]].Offsets
		return a[0] < b[0] || (a[0] == b[0] && a[1] < b[1])
	})
	var at int64
	for _, i := range order {
		if b := entries[i].Offsets[0]; b != at {
			return fail("array %q starts at %d, where %d is expected: arrays overlap or leave a hole", names[i], b, at)
		}
		at = entries[i].Offsets[1]
	}
	if at != body {
		return fail("%d bytes of data, the arrays account for %d", body, at)
	}
	for i, name := range names {
		b, end := entries[i].Offsets[0], entries[i].Offsets[1]
		a := f.Arrays[name]
		a.Data = make([]byte, end-b)
		if _, err := r.ReadAt(a.Data, 8+int64(n)+b); err != nil && !(errors.Is(err, io.EOF) && len(a.Data) == 0) {
			return fail("array %q: %w", name, err)
		}
		f.Arrays[name] = a
	}
	return f, nil
}

// ReadFile reads the file at path.
func ReadFile(path string) (File, error) {
	h, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer h.Close()
	st, err := h.Stat()
	if err != nil {
		return File{}, err
	}
	f, err := Read(h, st.Size())
	if err != nil {
		return File{}, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}
