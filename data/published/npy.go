package published

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/regular"
	"opencarbon/torch/pickle"
)

// source is a pickle in a .npy, .npz or .pkl file.
type source struct {
	io.Reader
	io.Closer
	size   int64 // bytes of the pickle; -1 where a compressed file does not say it surely
	memory int64 // bytes that reading it may allocate
}

// A file may take twice its size and some memory beside, packed or not: of its
// matrices one is in memory, and what stays of them is small. A non-zero entry is
// 12 bytes here and takes some 4 in a packed file, so that twelve million fit
// beyond twice the size, and a single matrix of 95 categories in float64.
const (
	slack     = 48 << 20 // with what the runtime takes beside it stays below 64 MiB
	directory = 4 << 20  // bytes of a .npz's directory that are read
)

// open opens a file of the dataset at the start of its pickle. member is the
// array of an .npz; where there is only one, its name does not matter.
func open(path, member string) (*source, error) {
	h, err := regular.Open(path)
	var irregular *regular.Error
	if errors.As(err, &irregular) {
		return nil, fault.New(path, err.Error(), regular.Remedy)
	}
	if err != nil {
		return nil, fault.Wrap(errors.Unwrap(err), path, "cannot be opened", "Check the path and its permissions.")
	}
	info, err := h.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("it is a folder")
	}
	var s *source
	if err == nil {
		s, err = openPickle(h, info.Size(), member)
	}
	if err != nil {
		h.Close()
		return nil, bad(path, err)
	}
	s.Closer = h
	return s, nil
}

// bad makes the user's error of a file that cannot be read.
func bad(path string, err error) error {
	var in *fault.Input
	if errors.As(err, &in) {
		return err
	}
	return fault.Wrap(err, path, "cannot be read as a file of the published dataset", "If it was cut short in a download, fetch it again.")
}

// openPickle finds the pickle in a file of some bytes.
func openPickle(h io.ReaderAt, size int64, member string) (*source, error) {
	head := make([]byte, 64)
	n, err := h.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	head = head[:n]
	if what := notOurs(head); what != "" {
		return nil, errors.New(what)
	}
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		return openNPZ(h, size, member)
	}
	s := &source{Reader: io.NewSectionReader(h, 0, size), size: size, memory: 2*size + slack}
	if bytes.HasPrefix(head, []byte(magic)) {
		n, err := skipHeader(s.Reader)
		if err != nil {
			return nil, err
		}
		s.size -= n
	}
	return s, nil
}

// notOurs says what a file is instead of a NumPy file or pickle.
func notOurs(head []byte) string {
	text := bytes.TrimLeft(head, " \t\r\n\xef\xbb\xbf")
	switch {
	case len(head) == 0:
		return "it is empty"
	case bytes.HasPrefix(head, []byte("version https://git-lfs")):
		return "it is a Git LFS pointer, not the data itself; run git lfs pull"
	case len(text) > 0 && text[0] == '<':
		return "it is an HTML page, not the data itself"
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte(magic)), head[0] == 0x80:
		return ""
	}
	return "it is neither a NumPy file nor a pickle"
}

const magic = "\x93NUMPY"

var descr = regexp.MustCompile(`'descr':\s*'([^']*)'`)

// skipHeader reads a .npy header up to the pickle of an object array and
// returns its length. (NumPy's lib/format.py, "Format Version 1.0" to 3.0.)
func skipHeader(r io.Reader) (int64, error) {
	var lead [8]byte
	if _, err := io.ReadFull(r, lead[:]); err != nil {
		return 0, errors.New("its header is cut short")
	}
	width := 4
	if lead[6] == 1 {
		width = 2
	}
	var length [4]byte
	if _, err := io.ReadFull(r, length[:width]); err != nil {
		return 0, errors.New("its header is cut short")
	}
	n := binary.LittleEndian.Uint32(length[:])
	if lead[6] < 1 || lead[6] > 3 || n > 1<<16 {
		return 0, fmt.Errorf("version %d of NumPy's format with a header of %d bytes is not known", lead[6], n)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return 0, errors.New("its header is cut short")
	}
	if m := descr.FindSubmatch(text); m == nil || !bytes.Contains(m[1], []byte("O")) {
		return 0, errors.New("it holds an array of numbers, not a dict by tile")
	}
	return int64(8 + width + int(n)), nil
}

func openNPZ(h io.ReaderAt, size int64, member string) (*source, error) {
	limited := &limitedReader{r: h, left: directory + size/64}
	z, err := zip.NewReader(limited, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("its zip directory cannot be read: %w", err)
	}
	limited.left = 1 << 62
	var found *zip.File
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
		if f.Name == member+".npy" || len(z.File) == 1 {
			found = f
		}
	}
	if found == nil {
		return nil, fmt.Errorf("it has no member %s.npy, but %.200s", member, strings.Join(names, ", "))
	}
	r, err := found.Open()
	if err != nil {
		return nil, fmt.Errorf("member %.60q: %w", found.Name, err)
	}
	s := &source{Reader: bufio.NewReaderSize(r, 1<<16), size: -1, memory: 2*size + slack}
	if found.Method == zip.Store && found.CompressedSize64 <= uint64(size) {
		s.size = int64(found.CompressedSize64)
	}
	n, err := skipHeader(s.Reader)
	if err != nil {
		return nil, fmt.Errorf("member %.60q: %w", found.Name, err)
	}
	if s.size >= 0 {
		s.size = max(0, s.size-n)
	}
	return s, nil
}

// limitedReader bounds the directory that archive/zip reads into memory.
type limitedReader struct {
	r    io.ReaderAt
	left int64
}

// ReadAt implements io.ReaderAt.
func (l *limitedReader) ReadAt(p []byte, at int64) (int, error) {
	if l.left -= int64(len(p)); l.left < 0 {
		return 0, errors.New("the directory is too large")
	}
	return l.r.ReadAt(p, at)
}

// load reads the pickle; onArray sees each numeric array.
func (s *source) load(onArray func(*pickle.Decoder, *pickle.Array) error) (any, error) {
	numpy := pickle.Numpy{OnArray: onArray}
	d := pickle.NewDecoder(s, s.size, pickle.NewBudget(s.memory), pickle.Options{
		Find: func(module, name string) (any, error) { return numpy.Find(module, name), nil },
	})
	v, err := d.Load()
	if err != nil {
		return nil, err
	}
	if a, ok := v.(*pickle.Array); ok && len(a.Items) == 1 { // an array of one object
		v = a.Items[0]
	}
	return v, nil
}

// loadDict is load of a dict by tile.
func (s *source) loadDict(onArray func(*pickle.Decoder, *pickle.Array) error) (*pickle.Dict, error) {
	v, err := s.load(onArray)
	if err != nil {
		return nil, err
	}
	d, ok := v.(*pickle.Dict)
	if !ok {
		return nil, fmt.Errorf("it holds %s, not a dict by tile", pickle.TypeName(v))
	}
	if len(d.Entries) == 0 {
		return nil, errors.New("it holds an empty dict")
	}
	return d, nil
}

// cellOf is the tile that a key (x, y) names: a tuple, list or array of two
// whole numbers.
func cellOf(v any) (grid.Cell, error) {
	var pair []any
	switch v := v.(type) {
	case pickle.Tuple:
		pair = v
	case *pickle.List:
		pair = v.Items
	case *pickle.Array:
		if v.Data != nil && len(v.Shape) == 1 && v.Shape[0] == 2 && v.Value == nil {
			pair = []any{v.At(0), v.At(1)}
		}
	}
	if len(pair) == 2 {
		x, okX := pickle.Int(pair[0])
		y, okY := pickle.Int(pair[1])
		if okX && okY {
			return grid.Cell{Col: x, Row: y}, nil
		}
	}
	return grid.Cell{}, fmt.Errorf("%s is no tile (x, y)", pickle.Show(v))
}
