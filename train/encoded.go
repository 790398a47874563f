package train

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/learn"
)

// encodedName is the file of the embeddings of the tiles done so far by the i-th
// checkpoint, while a prediction is under way.
func encodedName(i int) string {
	if i == 0 {
		return "encoded.partial"
	}
	return fmt.Sprintf("encoded-%d.partial", i+1)
}

var encodedFiles = regexp.MustCompile(`^encoded(-[0-9]+)?\.partial$`)

// forgetEncoded removes the files of embeddings in a folder of results, those of
// an interrupted ensemble of more members as well.
func forgetEncoded(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if encodedFiles.MatchString(e.Name()) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return err
}

// encoded is a file of embeddings: 32 bytes that name checkpoint and store, then
// a row for each tile, float32 [sum of widths] and their CRC-32C, appended whole
// chunks at a time.
type encoded struct {
	f     *os.File
	parts []layers.Width // of a row
	tiles int            // rows in the file
}

// encodedLayout is changed when rows are written otherwise: older files are then
// begun anew.
const encodedLayout = "rows with checksums"

const rowSum = 4 // bytes of a row's checksum

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

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
	for _, text := range []string{encodedLayout, c.Header.Config, fmt.Sprint(c.Header.State), configHash, fmt.Sprint(tiles)} {
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
// checkpoint and store, or begins it anew. Of what is there it takes whole chunks
// of sound rows: the chunks of a prediction that was interrupted are those of one
// that was not, and so are the last bits of its numbers.
func openEncoded(path string, c *Checkpoint, parts []layers.Width, s *store.Store) (*encoded, error) {
	name := c.identity(s.Identity(), s.Len())
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o666) // a link could name anybody's file
	if err != nil {
		return nil, fault.Wrap(err, path, "cannot be written", "Give another folder with --out.")
	}
	e := &encoded{f: f, parts: parts}
	have := make([]byte, len(name))
	if _, err := io.ReadFull(f, have); err == nil && bytes.Equal(have, name) {
		if err := e.count(s.Len()); err != nil {
			f.Close()
			return nil, fault.Wrap(err, path, "cannot be read", "Remove the file: its tiles are then encoded again.")
		}
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
	if _, err := f.Seek(e.at(e.tiles), io.SeekStart); err != nil { // torn and damaged rows are written over
		f.Close()
		return nil, err
	}
	return e, nil
}

// at is where the row of tile i begins.
func (e *encoded) at(i int) int64 { return sha256.Size + int64(i)*int64(4*e.width()+rowSum) }

// count sets tiles to the rows up to the first one that is missing or damaged, in
// whole chunks, of the store's n.
func (e *encoded) count(n int) error {
	row := make([]byte, 4*e.width()+rowSum)
	r := bufio.NewReaderSize(io.NewSectionReader(e.f, e.at(0), e.at(n)-e.at(0)), 1<<20)
	for e.tiles < n {
		if _, err := io.ReadFull(r, row); err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		} else if err != nil {
			return err
		}
		if binary.LittleEndian.Uint32(row[4*e.width():]) != e.sum(e.tiles, row[:4*e.width()]) {
			break
		}
		e.tiles++
	}
	if e.tiles < n {
		e.tiles -= e.tiles % learn.EvaluationTiles
	}
	return nil
}

// sum is the checksum of tile i's row.
func (e *encoded) sum(i int, row []byte) uint32 {
	place := binary.LittleEndian.AppendUint64(nil, uint64(i)) // a row in another's place is not sound
	return crc32.Update(crc32.Checksum(place, castagnoli), castagnoli, row)
}

// append adds the embeddings of the next n tiles.
func (e *encoded) append(x layers.Views, n int) error {
	var parts []*torch.Tensor
	for _, p := range e.parts {
		parts = append(parts, x.Get(p.Name))
	}
	rows, size := torch.Cat(parts, 1).Cast(torch.Float32).Bytes(), 4*e.width()
	var text []byte
	for i := range n {
		row := rows[i*size : (i+1)*size]
		text = binary.LittleEndian.AppendUint32(append(text, row...), e.sum(e.tiles+i, row))
	}
	if _, err := e.f.Write(text); err != nil {
		return fmt.Errorf("embeddings: %w", err)
	}
	e.tiles += n
	return nil
}

// all reads the embeddings of all tiles onto the device.
func (e *encoded) all(d torch.Device) (x layers.Views, err error) {
	size := 4 * e.width()
	data := make([]byte, 0, size*e.tiles)
	row := make([]byte, size+rowSum)
	r := bufio.NewReaderSize(io.NewSectionReader(e.f, e.at(0), e.at(e.tiles)-e.at(0)), 1<<20)
	for i := range e.tiles {
		if _, err := io.ReadFull(r, row); err != nil {
			return x, fmt.Errorf("embeddings: %w", err)
		}
		if binary.LittleEndian.Uint32(row[size:]) != e.sum(i, row[:size]) {
			return x, fault.New(e.f.Name(), fmt.Sprintf("the embedding of tile %d is not what was written", i),
				"Its disk is failing, or another program writes there. Give the same command again, or another folder with --out.")
		}
		data = append(data, row[:size]...)
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
