package store

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"opencarbon/data/fault"
)

// Writer builds a store in a temporary folder beside its final place. Nothing is
// to be seen at the final place until Commit, and an old store there stays
// usable until then. SetImage may be called from several goroutines at once; all
// other methods belong to one.
type Writer struct {
	dir, partial string
	lock         *os.File
	file         file
	n, imageSize int
	written      []atomic.Bool // [N] images that have arrived
	once         sync.Once     // of the clean-up

	meta     Meta
	cells    []Cell
	lonlat   []float64
	area     []float64
	coverage []float32
	targets  []float64
	splits   []Split
	poiSize  int
	offsets  []int64
	points   Points
}

// file is what the writer needs of *os.File; tests put failing disks here.
type file interface {
	WriteAt(b []byte, off int64) (int, error)
	ReadAt(b []byte, off int64) (int, error)
	Truncate(size int64) error
	Sync() error
	Close() error
}

// Create starts to build a store of n tiles in folder dir. imageSize is H = W in
// pixels, 0 for a store without images, whose disk space is reserved at once.
// Fails when another build of dir is under way. Parent folders are made.
// Exactly one of Commit and Abort must follow; Abort after Commit does nothing.
func Create(dir string, meta Meta, n, imageSize int) (*Writer, error) {
	if err := checkEndian(dir); err != nil {
		return nil, err
	}
	if n < 1 || n > maxTiles {
		return nil, fault.New(dir, fmt.Sprintf("a store of %d tiles cannot be built", n), fmt.Sprintf("The region must hold between 1 and %d cells.", maxTiles))
	}
	if imageSize < 0 || imageSize > maxImageSize {
		return nil, fault.New("data.imagery.size", fmt.Sprintf("images of %d px cannot be stored", imageSize), fmt.Sprintf("Choose a size up to %d.", maxImageSize))
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fault.Wrap(err, dir, "cannot find the store's folder", "Set data.store to a path.")
	}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, fault.New(dir, "is a file, and a store is a folder", "Set data.store to another path.")
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return nil, fault.Wrap(err, filepath.Dir(dir), "cannot make the folder for the store", "Set data.store to a place where you may write.")
	}
	w := &Writer{dir: dir, n: n, imageSize: imageSize, meta: meta}
	if w.lock, err = lock(dir); err != nil {
		return nil, err
	}
	if err := w.start(); err != nil {
		w.Abort()
		return nil, err
	}
	return w, nil
}

func (w *Writer) start() error {
	if err := cleanStale(w.dir); err != nil {
		return err
	}
	partial := partialDir(w.dir, os.Getpid())
	if err := os.Mkdir(partial, 0o777); err != nil {
		return fault.Wrap(err, partial, "cannot make the build's folder", "Set data.store to a place where you may write.")
	}
	w.partial = partial
	f, err := os.OpenFile(filepath.Join(w.partial, tilesFile), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return w.diskError(err)
	}
	w.file = f
	if w.imageSize == 0 {
		return nil
	}
	w.written = make([]atomic.Bool, w.n)
	size := headerSize + int64(w.n)*w.imageBytes()
	// A disk that is too small is found out now, not after hours of warping.
	err = reserve(f, size)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		err = f.Truncate(size)
	}
	if err != nil {
		return w.diskError(err)
	}
	return nil
}

func (w *Writer) imageBytes() int64 { return 3 * int64(w.imageSize) * int64(w.imageSize) }

// diskError makes a failed write understandable.
func (w *Writer) diskError(err error) error {
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		need := (headerSize + int64(w.n)*(w.imageBytes()+300)) >> 20
		return fault.Wrap(err, w.dir, "the disk is full (or your quota is)",
			fmt.Sprintf("The store needs about %d MB and its points. Make room, or set data.store to another disk.", need+1))
	case errors.Is(err, unix.EFBIG):
		return fault.Wrap(err, w.dir, "the file system or a limit (ulimit -f) does not allow a file this big", "Raise the limit, or set data.store to another file system.")
	}
	return fault.Wrap(err, w.dir, "cannot write the store", "Check the disk, or set data.store to another one.")
}

// Meta is the metadata that Commit will write; it may be changed until then.
func (w *Writer) Meta() *Meta { return &w.meta }

// Len is the number of tiles: what Create was told, less what Select left out.
func (w *Writer) Len() int { return w.n }

// SetImage writes tile i's image, uint8 [3, H, W]. It may be called from
// several goroutines, each with its own tiles. i counts as Create does: before
// Select.
func (w *Writer) SetImage(i int, rgb []uint8) error {
	if i < 0 || i >= w.n || int64(len(rgb)) != w.imageBytes() || w.imageSize == 0 {
		return fmt.Errorf("store: image %d of %d bytes, expected tiles 0 to %d of %d bytes", i, len(rgb), w.n-1, w.imageBytes())
	}
	if _, err := w.file.WriteAt(rgb, headerSize+int64(i)*w.imageBytes()); err != nil {
		return w.diskError(err)
	}
	w.written[i].Store(true)
	return nil
}

// Select keeps the tiles whose numbers are given, in rising order, and leaves
// out the others: which cells have enough valid pixels is known only after their
// images are made. Images move up; the setters below, called afterwards, speak
// of the tiles that are left.
func (w *Writer) Select(keep []int) error {
	for k, i := range keep {
		if i < 0 || i >= w.n || k > 0 && i <= keep[k-1] {
			return fmt.Errorf("store: tiles to keep must rise within 0 to %d, got %d at place %d", w.n-1, i, k)
		}
	}
	if w.cells != nil || w.lonlat != nil || w.area != nil || w.coverage != nil || w.targets != nil || w.splits != nil || w.offsets != nil {
		return errors.New("store: Select must come before the setters of tables")
	}
	if len(keep) == 0 {
		return fault.New(w.dir, "no tile is left to store", "Check that the region, the imagery and data.imagery.min_coverage fit together.")
	}
	if w.imageSize > 0 {
		buf := make([]byte, w.imageBytes())
		for k, i := range keep {
			if k != i {
				if _, err := w.file.ReadAt(buf, headerSize+int64(i)*w.imageBytes()); err != nil {
					return w.diskError(err)
				}
				if _, err := w.file.WriteAt(buf, headerSize+int64(k)*w.imageBytes()); err != nil {
					return w.diskError(err)
				}
			}
			w.written[k].Store(w.written[i].Load())
		}
		w.written = w.written[:len(keep)]
	}
	w.n = len(keep)
	return nil
}

// SetCells gives every tile's place in the grid, [N]. Neighbors follow from it.
func (w *Writer) SetCells(cells []Cell) { w.cells = cells }

// SetLonLat gives every tile's centre in degrees, [N, 2], longitude first.
func (w *Writer) SetLonLat(lonlat []float64) { w.lonlat = lonlat }

// SetAreaKM2 gives every tile's geodesic area in square kilometres, [N].
func (w *Writer) SetAreaKM2(area []float64) { w.area = area }

// SetCoverage gives the share of valid pixels per tile, [N]; 1 when never set.
func (w *Writer) SetCoverage(coverage []float32) { w.coverage = coverage }

// SetTargets gives the yearly emission per tile, [N], in Meta().TargetUnit; NaN
// is no sample. All NaN when never set.
func (w *Writer) SetTargets(targets []float64) { w.targets = targets }

// SetSplits gives every tile's split, [N]; all None when never set.
func (w *Writer) SetSplits(splits []Split) { w.splits = splits }

// SetPOIs gives the POI modality: the categories' names [C], the edge of the
// frame that points are counted in (pixels), and the points of all tiles in
// tile order, tile i's from offsets[i] to offsets[i+1] (offsets is [N+1]),
// sorted by category, row, column without repetition.
func (w *Writer) SetPOIs(categories []string, size int, offsets []int64, points Points) {
	w.meta.Categories, w.poiSize, w.offsets, w.points = categories, size, offsets, points
}

// Commit checks what it was given, writes tables, checksums and header, syncs,
// and puts the store in its final place in one rename, over an older store if
// there is one (processes that have that open keep it). On any error, and when
// ctx is cancelled, the build is removed and an older store is left as it was.
func (w *Writer) Commit(ctx context.Context) error {
	defer w.Abort()
	if err := w.complete(); err != nil {
		return err
	}
	if err := w.writeFile(ctx); err != nil {
		return err
	}
	meta, err := w.meta.encode()
	if err != nil {
		return err
	}
	if err := writeSynced(filepath.Join(w.partial, metaFile), meta); err != nil {
		return w.diskError(err)
	}
	if err := os.MkdirAll(w.dir, 0o777); err != nil {
		return w.diskError(err)
	}
	for _, name := range []string{tilesFile, metaFile} {
		if err := os.Rename(filepath.Join(w.partial, name), filepath.Join(w.dir, name)); err != nil {
			return w.diskError(err)
		}
	}
	for _, folder := range []string{w.dir, filepath.Dir(w.dir)} {
		if err := syncDir(folder); err != nil {
			return w.diskError(err)
		}
	}
	return nil
}

// complete fills in what was left out and checks the rest.
func (w *Writer) complete() error {
	if w.coverage == nil {
		w.coverage = make([]float32, w.n)
		for i := range w.coverage {
			w.coverage[i] = 1
		}
	}
	if w.targets == nil {
		w.targets = make([]float64, w.n)
		for i := range w.targets {
			w.targets[i] = math.NaN()
		}
	}
	if w.splits == nil {
		w.splits = make([]Split, w.n)
	}
	for _, l := range []struct {
		name      string
		got, want int
	}{
		{secCells, len(w.cells), w.n}, {secLonLat, len(w.lonlat), 2 * w.n}, {secArea, len(w.area), w.n},
		{secCoverage, len(w.coverage), w.n}, {secTargets, len(w.targets), w.n}, {secSplits, len(w.splits), w.n},
	} {
		if l.got != l.want {
			return fmt.Errorf("store: %s has %d values, expected %d", l.name, l.got, l.want)
		}
	}
	at := make(map[Cell]int, w.n)
	for i, c := range w.cells {
		c = wrap(c, w.meta.Grid.Columns)
		if j, ok := at[c]; ok {
			return fmt.Errorf("store: tiles %d and %d are both cell (%d, %d)", j, i, c.Col, c.Row)
		}
		at[c] = i
	}
	for i, t := range w.targets {
		if math.IsInf(t, 0) || t <= 0 {
			return fmt.Errorf("store: tile %d has the target %v; targets are positive, or NaN for no sample", i, t)
		}
	}
	for i, s := range w.splits {
		if s > Test {
			return fmt.Errorf("store: tile %d has the unknown split %d", i, s)
		}
	}
	for i := range w.written {
		if !w.written[i].Load() {
			return fmt.Errorf("store: tile %d has no image", i)
		}
	}
	return w.completePOIs()
}

func (w *Writer) completePOIs() error {
	if w.poiSize == 0 && w.offsets == nil {
		w.meta.Categories = []string{}
		return nil
	}
	if n := len(w.meta.Categories); n < 1 || n > MaxCategories || w.poiSize < 1 || w.poiSize > maxImageSize {
		return fmt.Errorf("store: %d categories in a frame of %d pixels", n, w.poiSize)
	}
	p := w.points
	if len(w.offsets) != w.n+1 || len(p.Row) != p.Len() || len(p.Col) != p.Len() || len(p.Count) != p.Len() {
		return fmt.Errorf("store: POIs have %d offsets for %d tiles and %d, %d, %d, %d values", len(w.offsets), w.n, p.Len(), len(p.Row), len(p.Col), len(p.Count))
	}
	if err := checkOffsets(w.offsets, p.Len()); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := checkPoints(w.offsets, p, len(w.meta.Categories), w.poiSize); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// writeFile writes the sections behind the images, and the header last, so that
// a file is no store before it is whole.
func (w *Writer) writeFile(ctx context.Context) error {
	w.meta.FormatVersion = Version
	if w.meta.Built == "" {
		w.meta.Built = time.Now().UTC().Format(time.RFC3339)
	}
	meta, err := w.meta.encode()
	if err != nil {
		return err
	}
	content := map[string][]byte{
		secCells: raw(w.cells), secLonLat: raw(w.lonlat), secArea: raw(w.area), secCoverage: raw(w.coverage),
		secTargets: raw(w.targets), secNeighbors: raw(neighborhoods(w.cells, w.meta.Grid.Columns)), secSplits: raw(w.splits),
		secOffsets: raw(w.offsets), secCategory: raw(w.points.Category), secRow: raw(w.points.Row),
		secCol: raw(w.points.Col), secCount: raw(w.points.Count), secMeta: meta,
	}
	h := header{tiles: w.n, imageSize: w.imageSize, poiSize: w.poiSize, categories: len(w.meta.Categories)}
	want := h.wanted()
	end := int64(headerSize)
	for _, name := range sectionOrder {
		e, ok := want[name]
		if !ok {
			continue
		}
		s := section{name: name, elem: e.elem, offset: (end + align - 1) / align * align}
		if name == secImages {
			s.size = int64(w.n) * w.imageBytes()
			if s.crc, err = w.imageChecksum(ctx, s.size); err != nil {
				return err
			}
			if err := w.file.Truncate(headerSize + s.size); err != nil { // drops the room of tiles left out
				return w.diskError(err)
			}
		} else {
			b := content[name]
			s.size = int64(len(b))
			if s.crc, err = checksum(ctx, b); err != nil {
				return err
			}
			if _, err := w.file.WriteAt(b, s.offset); err != nil {
				return w.diskError(err)
			}
		}
		end = s.offset + s.size
		h.sections = append(h.sections, s)
	}
	h.fileSize = end
	if err := w.file.Truncate(end); err != nil {
		return w.diskError(err)
	}
	if err := w.file.Sync(); err != nil {
		return w.diskError(err)
	}
	if err := h.check(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if _, err := w.file.WriteAt(h.encode(), 0); err != nil {
		return w.diskError(err)
	}
	if err := w.file.Sync(); err != nil {
		return w.diskError(err)
	}
	f := w.file
	w.file = nil
	if err := f.Close(); err != nil {
		return w.diskError(err)
	}
	return ctx.Err()
}

// imageChecksum reads the images back, which also shows a disk that does not
// keep what it was given.
func (w *Writer) imageChecksum(ctx context.Context, size int64) (uint32, error) {
	buf := make([]byte, min(size, 4<<20))
	var sum uint32
	for off := int64(0); off < size; {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n := min(int64(len(buf)), size-off)
		if _, err := w.file.ReadAt(buf[:n], headerSize+off); err != nil {
			return 0, w.diskError(err)
		}
		sum = crc32.Update(sum, castagnoli, buf[:n])
		off += n
	}
	return sum, ctx.Err()
}

// Abort removes what was built and lets others build. It does nothing after
// Commit or another Abort.
func (w *Writer) Abort() {
	w.once.Do(func() {
		if w.file != nil {
			w.file.Close()
			w.file = nil
		}
		if w.partial != "" {
			os.RemoveAll(w.partial)
		}
		unlock(w.lock)
	})
}
