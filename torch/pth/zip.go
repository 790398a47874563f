package pth

import (
	"archive/zip"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path"
	"strings"

	"opencarbon/torch/pickle"
)

// zip reads the layout of PyTorch 1.6 and later: a zip of uncompressed members
// NAME/data.pkl, NAME/data/KEY, NAME/byteorder, NAME/version.
func (l *loader) zip() (any, error) {
	if err := l.budget.Take(l.size / 3); err != nil { // the directory, as it may claim to be
		return nil, err
	}
	z, err := zip.NewReader(&meteredReader{l.r, l.budget}, l.size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		if errors.Is(err, zip.ErrFormat) {
			err = errors.New("the zip has no directory at its end: truncated?")
		}
		return nil, err
	}
	members := make(map[string]*zip.File, len(z.File))
	base, other := "", ""
	for _, f := range z.File {
		members[f.Name] = f
		switch {
		case f.Name == "data.pkl" || strings.HasSuffix(f.Name, "/data.pkl"):
			base = strings.TrimSuffix(f.Name, "data.pkl")
		case strings.HasSuffix(f.Name, ".npy"):
			other = "this is a NumPy .npz file, not a PyTorch checkpoint"
		case path.Base(f.Name) == "constants.pkl":
			other = "this is a TorchScript archive, not a checkpoint"
		}
	}
	pkl := members[base+"data.pkl"]
	if other != "" && (pkl == nil || members[base+"constants.pkl"] != nil) {
		return nil, &Error{What: other, Remedy: "Name a file that torch.save(model.state_dict(), path) wrote."}
	}
	if pkl == nil {
		return nil, &Error{What: "this is a zip archive, but not one of PyTorch's (it has no data.pkl)", Remedy: "Unpack it, and name the checkpoint in it."}
	}
	if order := members[base+"byteorder"]; order != nil {
		b, err := l.member(order, 16)
		if err != nil {
			return nil, err
		}
		if string(b) != "little" {
			return nil, fmt.Errorf("its numbers are stored %q-endian; only little is read", b)
		}
	}
	at, err := l.locate(pkl)
	if err != nil {
		return nil, err
	}
	n := int64(pkl.UncompressedSize64)
	sum := crc32.NewIEEE()
	content := io.TeeReader(io.NewSectionReader(l.r, at, n), sum)
	root, err := l.decoder(content, n, l.persistent).Load()
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, content); err != nil {
		return nil, err
	}
	if sum.Sum32() != pkl.CRC32 {
		return nil, fmt.Errorf("member %.60q is damaged (checksum %08x, not %08x)", pkl.Name, sum.Sum32(), pkl.CRC32)
	}
	keys := make(map[*storage]string, len(l.storages))
	for key, s := range l.storages {
		keys[s] = key
	}
	for _, s := range l.order {
		name := base + "data/" + keys[s]
		f := members[name]
		if f == nil {
			return nil, fmt.Errorf("member %q is missing in the zip", name)
		}
		if f.UncompressedSize64 != uint64(s.numel*s.kind.Size) {
			return nil, fmt.Errorf("member %q has %d bytes, not %d", name, f.UncompressedSize64, s.numel*s.kind.Size)
		}
		if s.data, err = l.member(f, l.size); err != nil {
			return nil, err
		}
	}
	return root, nil
}

// locate returns where an uncompressed member's bytes start.
func (l *loader) locate(f *zip.File) (int64, error) {
	if f.Method != zip.Store || f.Flags&1 != 0 {
		return 0, fmt.Errorf("member %.60q is compressed or encrypted, which torch.save never does: save the checkpoint again from PyTorch", f.Name)
	}
	at, err := f.DataOffset()
	if err != nil {
		return 0, fmt.Errorf("member %.60q: %w", f.Name, err)
	}
	if n := f.UncompressedSize64; n != f.CompressedSize64 || at < 0 || at > l.size || n > uint64(l.size-at) {
		return 0, fmt.Errorf("member %.60q claims %d bytes: truncated?", f.Name, n)
	}
	return at, nil
}

// member reads an uncompressed member of at most limit bytes.
func (l *loader) member(f *zip.File, limit int64) ([]byte, error) {
	at, err := l.locate(f)
	if err != nil {
		return nil, err
	}
	n := int64(f.UncompressedSize64)
	if n > limit {
		return nil, fmt.Errorf("member %.60q has %d bytes", f.Name, n)
	}
	if err := l.budget.Take(n); err != nil {
		return nil, err
	}
	b := make([]byte, n)
	if _, err := l.r.ReadAt(b, at); err != nil && !(errors.Is(err, io.EOF) && n == 0) {
		return nil, fmt.Errorf("member %.60q: %w", f.Name, err)
	}
	if sum := crc32.ChecksumIEEE(b); sum != f.CRC32 {
		return nil, fmt.Errorf("member %.60q is damaged (checksum %08x, not %08x)", f.Name, sum, f.CRC32)
	}
	return b, nil
}

// meteredReader pays for what archive/zip makes of a directory: up to eight
// bytes of memory for each byte of it.
type meteredReader struct {
	r      io.ReaderAt
	budget *pickle.Budget
}

// ReadAt implements io.ReaderAt.
func (m *meteredReader) ReadAt(p []byte, at int64) (int, error) {
	if err := m.budget.Take(8 * int64(len(p))); err != nil {
		return 0, err
	}
	return m.r.ReadAt(p, at)
}
