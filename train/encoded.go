package train

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
)

// encodedName is the file of the embeddings of the tiles done so far by the i-th
// checkpoint, while a prediction is under way.
func encodedName(i int) string {
	if i == 0 {
		return "encoded.partial"
	}
	return fmt.Sprintf("encoded-%d.partial", i+1)
}

// encoded is a file of embeddings: 32 bytes that name checkpoint and store,
// then float32 rows [tiles, sum of widths], appended whole chunks at a time.
type encoded struct {
	f     *os.File
	parts []layers.Width // of a row
	tiles int            // rows in the file
}

func (e *encoded) width() int {
	n := 0
	for _, p := range e.parts {
		n += p.Width
	}
	return n
}

// identity names the checkpoint's experiment, state and every array of its
// model, together with a store's config hash and number of tiles: embeddings of
// another checkpoint must never be taken for its own.
func (c *Checkpoint) identity(configHash string, tiles int) []byte {
	h := sha256.New()
	part := func(b []byte) {
		fmt.Fprintf(h, "%d:", len(b))
		h.Write(b)
	}
	for _, text := range []string{c.Header.Config, fmt.Sprint(c.Header.State), configHash, fmt.Sprint(tiles)} {
		part([]byte(text))
	}
	var names []string
	for name := range c.arrays {
		if strings.HasPrefix(name, "model.") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		part([]byte(name))
		part(c.arrays[name].Data)
	}
	return h.Sum(nil)
}

// openEncoded takes up the file of an interrupted prediction with the same
// checkpoint and store, or begins it anew.
func openEncoded(path string, c *Checkpoint, parts []layers.Width, s *store.Store) (*encoded, error) {
	name := c.identity(s.Meta().ConfigHash, s.Len())
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o666) // a link could name anybody's file
	if err != nil {
		return nil, fault.Wrap(err, path, "cannot be written", "Give another folder with --out.")
	}
	e := &encoded{f: f, parts: parts}
	have := make([]byte, len(name))
	if _, err := io.ReadFull(f, have); err == nil && bytes.Equal(have, name) {
		st, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		e.tiles = min(int((st.Size()-int64(len(name)))/int64(4*e.width())), s.Len())
	} else {
		if err := f.Truncate(0); err != nil {
			f.Close()
			return nil, err
		}
		if _, err := f.WriteAt(name, 0); err != nil {
			f.Close()
			return nil, fmt.Errorf("%s (%s): %w", path, hex.EncodeToString(name[:4]), err)
		}
	}
	if _, err := f.Seek(int64(len(name)+4*e.width()*e.tiles), io.SeekStart); err != nil { // a torn last row is written over
		f.Close()
		return nil, err
	}
	return e, nil
}

// append adds the embeddings of the next n tiles.
func (e *encoded) append(x layers.Views, n int) error {
	var parts []*torch.Tensor
	for _, p := range e.parts {
		parts = append(parts, x.Get(p.Name))
	}
	if _, err := e.f.Write(torch.Cat(parts, 1).Cast(torch.Float32).Bytes()); err != nil {
		return fmt.Errorf("embeddings: %w", err)
	}
	e.tiles += n
	return nil
}

// all reads the embeddings of all tiles onto the device.
func (e *encoded) all(d torch.Device) (x layers.Views, err error) {
	data := make([]byte, 4*e.width()*e.tiles)
	if _, err := e.f.ReadAt(data, sha256.Size); err != nil {
		return x, fmt.Errorf("embeddings: %w", err)
	}
	for i := 0; i < len(data); i += 4 {
		if bits := binary.LittleEndian.Uint32(data[i:]); bits&0x7f800000 == 0x7f800000 {
			return x, fmt.Errorf("the embedding of tile %d is not finite: the checkpoint is broken, or an image is", i/4/e.width())
		}
	}
	all := torch.FromBytes(data, torch.Float32, e.tiles, e.width()).To(d)
	at := 0
	for _, p := range e.parts {
		x = x.With(p.Name, all.Narrow(1, at, p.Width))
		at += p.Width
	}
	return x, nil
}

func (e *encoded) close() { e.f.Close() }
