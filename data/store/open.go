package store

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"opencarbon/data/fault"
	"opencarbon/data/regular"
)

// Open maps the store in folder dir. It checks the version, the header's
// checksum, every section's size, and the content of all sections but the two
// big ones (image and POI data), which Verify and BeginCheck read. Errors are *fault.Input.
func Open(dir string) (*Store, error) {
	path := filepath.Join(dir, tilesFile)
	f, err := regular.Open(path)
	if err != nil {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fault.New(dir, "there is no tile store in this folder", remedyBuild)
		case errors.As(err, new(*regular.Error)):
			return nil, fault.Wrap(err, path, "is not a regular file", remedyBuild)
		case errors.Is(err, fs.ErrPermission):
			return nil, fault.New(path, "the tile store may not be read by this user", "Grant read permission on the folder and its files.")
		}
		return nil, fault.Wrap(err, path, "cannot open the tile store", remedyBuild)
	}
	s, err := openFile(dir, path, f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return s, nil
}

// openFile is Open of the file f, which it keeps.
func openFile(dir, path string, f *os.File) (*Store, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fault.Wrap(err, path, "cannot open the tile store", remedyBuild)
	}
	if !info.Mode().IsRegular() {
		return nil, fault.New(path, "is not a regular file", remedyBuild)
	}
	if info.Size() < headerSize {
		return nil, fault.New(path, fmt.Sprintf("is cut short: %d bytes, less than its header of %d", info.Size(), headerSize), remedyBuild)
	}
	if err := checkEndian(path); err != nil {
		return nil, err
	}
	var first [headerSize]byte
	if _, err := f.ReadAt(first[:], 0); err != nil {
		return nil, fault.Wrap(err, path, "cannot read the tile store", remedyBuild)
	}
	head, err := parseHeader(first[:], info.Size())
	if err != nil {
		return nil, atPath(err, path)
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fault.Wrap(err, path, "cannot map the tile store into memory", "Check the limit on address space (ulimit -v) and that the file system allows memory mapping.")
	}
	s := &Store{dir: dir, file: f, data: data, head: head}
	if err := s.attach(); err != nil {
		s.Close()
		return nil, atPath(err, path)
	}
	return s, nil
}

const remedyBuild = "Build the store with: go run ./cmd/prepare --config YOUR.yaml"

// atPath puts the file's name on an error of the header or the sections.
func atPath(err error, path string) error {
	var in *fault.Input
	if errors.As(err, &in) && in.Where == "" {
		in.Where = path
	}
	return err
}

// attach points the store's slices into the mapped file and checks every
// section that is small.
func (s *Store) attach() error {
	for _, sec := range s.head.sections {
		if sec.bulk() {
			continue
		}
		if sum := crc32.Checksum(s.bytes(sec.name), castagnoli); sum != sec.crc {
			return damaged(sec.name, fmt.Sprintf("checksum %08x, expected %08x", sum, sec.crc))
		}
	}
	if err := s.meta.decode(s.bytes(secMeta), s.head.version()); err != nil {
		return damaged(secMeta, err.Error())
	}
	if len(s.meta.Categories) != s.head.categories {
		return damaged(secMeta, fmt.Sprintf("%d category names for %d categories", len(s.meta.Categories), s.head.categories))
	}
	if len(s.meta.Rasters) != s.head.rasters {
		return damaged(secMeta, fmt.Sprintf("%d names for %d rasters", len(s.meta.Rasters), s.head.rasters))
	}
	s.rasters = view[float32](s.bytes(secRasters))
	s.images = s.bytes(secImages)
	for _, sec := range s.head.sections {
		if sec.name == secImages {
			s.imagesAt = sec.offset
		}
	}
	s.cells = view[Cell](s.bytes(secCells))
	s.lonlat = view[float64](s.bytes(secLonLat))
	s.area = view[float64](s.bytes(secArea))
	s.coverage = view[float32](s.bytes(secCoverage))
	s.targets = view[float64](s.bytes(secTargets))
	s.neighbors = view[int32](s.bytes(secNeighbors))
	s.splits = view[Split](s.bytes(secSplits))
	s.offsets = view[int64](s.bytes(secOffsets))
	s.points = Points{
		Category: view[uint16](s.bytes(secCategory)),
		Row:      view[uint16](s.bytes(secRow)),
		Col:      view[uint16](s.bytes(secCol)),
		Count:    view[float32](s.bytes(secCount)),
	}
	n := int32(s.head.tiles)
	for i, id := range s.neighbors {
		if id < -1 || id >= n {
			return damaged(secNeighbors, fmt.Sprintf("tile %d has the neighbor %d of %d tiles", i/(MaxNeighborhood*MaxNeighborhood), id, n))
		}
	}
	for i, v := range s.splits {
		if v > Test {
			return damaged(secSplits, fmt.Sprintf("tile %d has the unknown value %d", i, v))
		}
	}
	return checkOffsets(s.offsets, s.points.Len())
}

// checkOffsets checks that the offsets of compressed sparse rows rise from 0 to
// the number of points.
func checkOffsets(offsets []int64, points int) error {
	if len(offsets) == 0 { // no POI modality
		return nil
	}
	if offsets[0] != 0 || offsets[len(offsets)-1] != int64(points) || !slices.IsSorted(offsets) {
		return damaged(secOffsets, fmt.Sprintf("offsets do not rise from 0 to %d", points))
	}
	return nil
}

// bytes is a section of the mapped file, nil when the store lacks it.
func (s *Store) bytes(name string) []byte {
	for _, sec := range s.head.sections {
		if sec.name == name {
			return s.data[sec.offset : sec.offset+sec.size : sec.offset+sec.size]
		}
	}
	return nil
}

// Verify reads the whole store and compares every section with its checksum,
// then looks at the points one by one (category and pixel in range, order). It
// stops with the context's error when that is cancelled.
func (s *Store) Verify(ctx context.Context) error {
	for _, sec := range s.head.sections {
		if err := s.verifySection(ctx, sec); err != nil {
			return err
		}
	}
	return s.verifyPoints()
}

func (s *Store) verifySection(ctx context.Context, sec section) error {
	sum, err := checksum(ctx, s.bytes(sec.name))
	if err != nil {
		return err
	}
	if sum != sec.crc {
		return atPath(damaged(sec.name, fmt.Sprintf("checksum %08x, expected %08x", sum, sec.crc)), filepath.Join(s.dir, tilesFile))
	}
	return nil
}

func (s *Store) verifyPoints() error {
	if err := checkPoints(s.offsets, s.points, s.head.categories, s.head.poiSize); err != nil {
		return atPath(damaged(secCategory, err.Error()), filepath.Join(s.dir, tilesFile))
	}
	return nil
}

// checksum is CRC-32C (Castagnoli), taken in steps so that a cancelled context
// is noticed in a big section.
func checksum(ctx context.Context, b []byte) (uint32, error) {
	const step = 16 << 20
	var sum uint32
	for len(b) > 0 {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n := min(step, len(b))
		sum = crc32.Update(sum, castagnoli, b[:n])
		b = b[n:]
	}
	return sum, ctx.Err()
}
