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
	"math"
	"os"
	"path/filepath"
	"sort"
)

// MaxHeader is the largest header read, as in the reference implementation.
const MaxHeader = 100 << 20

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

type entry struct {
	DType   string   `json:"dtype"`
	Shape   []int64  `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

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

func bytesOf(dtype string, shape []int) (int64, error) {
	size, ok := sizes[dtype]
	if !ok {
		return 0, fmt.Errorf("unknown dtype %q", dtype)
	}
	total := int64(size)
	for _, s := range shape {
		if s < 0 || (s > 0 && total > math.MaxInt64/int64(s)) {
			return 0, fmt.Errorf("impossible shape %v", shape)
		}
		total *= int64(s)
	}
	return total, nil
}

// Read decodes a file of the given size (of all its bytes).
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
	if _, err := r.ReadAt(text, 8); err != nil {
		return fail("header: %w", err)
	}
	if len(text) == 0 || text[0] != '{' {
		return fail("the header is not a JSON object")
	}
	raw, err := decodeObject(text)
	if err != nil {
		return fail("header: %w", err)
	}
	f := File{Arrays: make(map[string]Array, len(raw))}
	if m, ok := raw["__metadata__"]; ok {
		if err := json.Unmarshal(m, &f.Metadata); err != nil {
			return fail("__metadata__: %w", err)
		}
		delete(raw, "__metadata__")
	}
	body := size - 8 - int64(n)
	entries := make(map[string]entry, len(raw))
	names := make([]string, 0, len(raw))
	for name, m := range raw {
		var e entry
		d := json.NewDecoder(bytes.NewReader(m))
		d.DisallowUnknownFields()
		if err := d.Decode(&e); err != nil {
			return fail("array %q: %w", name, err)
		}
		shape := make([]int, len(e.Shape))
		for i, s := range e.Shape {
			shape[i] = int(s)
		}
		want, err := bytesOf(e.DType, shape)
		if err != nil {
			return fail("array %q: %w", name, err)
		}
		b, end := e.Offsets[0], e.Offsets[1]
		if b < 0 || end < b || end > body || end-b != want {
			return fail("array %q: offsets %d to %d do not fit %s %v in %d bytes of data", name, b, end, e.DType, e.Shape, body)
		}
		entries[name] = e
		names = append(names, name)
		f.Arrays[name] = Array{DType: e.DType, Shape: shape}
	}
	// The arrays must tile the data exactly: no overlaps, no holes.
	sort.Slice(names, func(i, j int) bool {
		a, b := entries[names[i]].Offsets, entries[names[j]].Offsets
		return a[0] < b[0] || (a[0] == b[0] && a[1] < b[1])
	})
	var at int64
	for _, name := range names {
		e := entries[name]
		if e.Offsets[0] != at {
			return fail("array %q starts at %d, where %d is expected: arrays overlap or leave a hole", name, e.Offsets[0], at)
		}
		at = e.Offsets[1]
	}
	if at != body {
		return fail("%d bytes of data, the arrays account for %d", body, at)
	}
	for _, name := range names {
		e := entries[name]
		a := f.Arrays[name]
		a.Data = make([]byte, e.Offsets[1]-e.Offsets[0])
		if _, err := r.ReadAt(a.Data, 8+int64(n)+e.Offsets[0]); err != nil && !(errors.Is(err, io.EOF) && len(a.Data) == 0) {
			return fail("array %q: %w", name, err)
		}
		f.Arrays[name] = a
	}
	return f, nil
}

// decodeObject decodes one JSON object and refuses duplicate names, which
// encoding/json would let the last of win.
func decodeObject(text []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	out := map[string]json.RawMessage{}
	for d.More() {
		k, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := k.(string)
		if !ok {
			return nil, fmt.Errorf("a name is missing at byte %d", d.InputOffset())
		}
		if _, dup := out[name]; dup {
			return nil, fmt.Errorf("%q appears twice", name)
		}
		var m json.RawMessage
		if err := d.Decode(&m); err != nil {
			return nil, err
		}
		out[name] = m
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if rest := bytes.TrimSpace(text[d.InputOffset():]); len(rest) > 0 {
		return nil, errors.New("text after the JSON object")
	}
	return out, nil
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

// WriteFile writes f to a temporary file beside path, syncs it and renames it,
// so that path is never half-written.
func WriteFile(path string, f File) (err error) {
	h, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			h.Close()
			os.Remove(h.Name())
		}
	}()
	if err = h.Chmod(0o644); err != nil {
		return err
	}
	if err = Write(h, f); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err = h.Sync(); err != nil {
		return err
	}
	if err = h.Close(); err != nil {
		return err
	}
	return os.Rename(h.Name(), path)
}
