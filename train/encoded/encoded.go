// Package encoded keeps the embeddings of the tiles that are done in a file, while a
// prediction is under way: an interrupted one goes on there, to the same bits.
package encoded

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

	"golang.org/x/sys/unix"

	"opencarbon/data/fault"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/learn"
)

// Name is the file of the embeddings of the tiles done so far by the i-th
// checkpoint, while a prediction is under way.
func Name(i int) string {
	if i == 0 {
		return "encoded.partial"
	}
	return fmt.Sprintf("encoded-%d.partial", i+1)
}

var files = regexp.MustCompile(`^encoded(-[0-9]+)?\.partial$`)

// Forget removes the files of embeddings in a folder of results, those of
// an interrupted ensemble of more members as well.
func Forget(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if files.MatchString(e.Name()) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return err
}

// File is a file of embeddings: 32 bytes that name checkpoint and store, then a row
// for each tile, float32 [sum of widths] and their CRC-32C, appended whole chunks at
// a time.
type File struct {
	Tiles int // rows in the file

	f     *os.File
	parts []layers.Width // of a row
}

// Layout is changed when rows are written otherwise: older files are then
// begun anew.
const Layout = "rows with checksums"

const rowSum = 4 // bytes of a row's checksum

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (e *File) width() int {
	n := 0
	for _, p := range e.parts {
		n += p.Width
	}
	return n
}

// Open takes up the file of an interrupted prediction of the same name, a SHA-256 of
// checkpoint and store, or begins it anew; the store has n tiles. Of what is there it takes whole chunks
// of sound rows: the chunks of a prediction that was interrupted are those of one
// that was not, and so are the last bits of its numbers.
func Open(path string, name []byte, parts []layers.Width, n int) (*File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o666) // a link could name anybody's file
	if err != nil {
		return nil, fault.Wrap(err, path, "cannot be written", "Give another folder with --out.")
	}
	e := &File{f: f, parts: parts}
	have := make([]byte, len(name))
	if _, err := io.ReadFull(f, have); err == nil && bytes.Equal(have, name) {
		if err := e.count(n); err != nil {
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
	if _, err := f.Seek(e.at(e.Tiles), io.SeekStart); err != nil { // torn and damaged rows are written over
		f.Close()
		return nil, err
	}
	return e, nil
}

// at is where the row of tile i begins.
func (e *File) at(i int) int64 { return sha256.Size + int64(i)*int64(4*e.width()+rowSum) }

// count sets Tiles to the rows up to the first one that is missing or damaged, in
// whole chunks, of the store's n.
func (e *File) count(n int) error {
	row := make([]byte, 4*e.width()+rowSum)
	r := bufio.NewReaderSize(io.NewSectionReader(e.f, e.at(0), e.at(n)-e.at(0)), 1<<20)
	for e.Tiles < n {
		if _, err := io.ReadFull(r, row); err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		} else if err != nil {
			return err
		}
		if binary.LittleEndian.Uint32(row[4*e.width():]) != e.sum(e.Tiles, row[:4*e.width()]) {
			break
		}
		e.Tiles++
	}
	if e.Tiles < n {
		e.Tiles -= e.Tiles % learn.EvaluationTiles
	}
	return nil
}

// sum is the checksum of tile i's row.
func (e *File) sum(i int, row []byte) uint32 {
	place := binary.LittleEndian.AppendUint64(nil, uint64(i)) // a row in another's place is not sound
	return crc32.Update(crc32.Checksum(place, castagnoli), castagnoli, row)
}

// Append adds the embeddings of the next n tiles.
func (e *File) Append(x layers.Views, n int) error {
	var parts []*torch.Tensor
	for _, p := range e.parts {
		parts = append(parts, x.Get(p.Name))
	}
	rows, size := torch.Cat(parts, 1).Cast(torch.Float32).Bytes(), 4*e.width()
	var text []byte
	for i := range n {
		row := rows[i*size : (i+1)*size]
		text = binary.LittleEndian.AppendUint32(append(text, row...), e.sum(e.Tiles+i, row))
	}
	if _, err := e.f.Write(text); err != nil {
		return fmt.Errorf("embeddings: %w", err)
	}
	e.Tiles += n
	return nil
}

// All reads the embeddings of all tiles onto the device.
func (e *File) All(d torch.Device) (x layers.Views, err error) {
	size := 4 * e.width()
	data := make([]byte, 0, size*e.Tiles)
	row := make([]byte, size+rowSum)
	r := bufio.NewReaderSize(io.NewSectionReader(e.f, e.at(0), e.at(e.Tiles)-e.at(0)), 1<<20)
	for i := range e.Tiles {
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
	all := torch.FromBytes(data, torch.Float32, e.Tiles, e.width()).To(d)
	at := 0
	for _, p := range e.parts {
		x = x.With(p.Name, all.Narrow(1, at, p.Width))
		at += p.Width
	}
	return x, nil
}

// Close closes the file, which stays.
func (e *File) Close() { e.f.Close() }
