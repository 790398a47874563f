package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

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
	n            int
	image        Shape
	written      []atomic.Bool // [N] images that have arrived
	once         sync.Once     // of the clean-up
	passing      bool          // the store need not outlive the system

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
	rasters  []float32
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
	return CreateAs(dir, meta, n, Shape{Size: imageSize, Bands: 3})
}

// CreateAs is Create of a store with images of any shape; of the zero Shape there
// are none.
func CreateAs(dir string, meta Meta, n int, image Shape) (*Writer, error) {
	if image.Size == 0 {
		image = Shape{}
	}
	if err := checkEndian(dir); err != nil {
		return nil, err
	}
	if n < 1 || n > maxTiles {
		return nil, fault.New(dir, fmt.Sprintf("a store of %d tiles cannot be built", n), fmt.Sprintf("The region must hold between 1 and %d cells.", maxTiles))
	}
	if err := image.check(); err != nil {
		return nil, err
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
	w := &Writer{dir: dir, n: n, image: image, meta: meta}
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
	if w.image.Size == 0 {
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

func (w *Writer) imageBytes() int64 { return w.image.Bytes() }

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

// SetImage writes tile i's image, uint8 [3, H, W], or what Shape says (numbers of
// more than a byte little-endian). It may be called from
// several goroutines, each with its own tiles. i counts as Create does: before
// Select.
func (w *Writer) SetImage(i int, image []byte) error {
	if i < 0 || i >= w.n || int64(len(image)) != w.imageBytes() || w.image.Size == 0 {
		return fmt.Errorf("store: image %d of %d bytes, expected tiles 0 to %d of %d bytes", i, len(image), w.n-1, w.imageBytes())
	}
	if _, err := w.file.WriteAt(image, headerSize+int64(i)*w.imageBytes()); err != nil {
		return w.diskError(err)
	}
	w.written[i].Store(true)
	return nil
}

// Image reads tile i's image back into dst, as SetImage has it; i counts as it does
// there, after Select among the tiles that are left.
func (w *Writer) Image(i int, dst []byte) error {
	if i < 0 || i >= w.n || int64(len(dst)) != w.imageBytes() || w.image.Size == 0 || !w.written[i].Load() {
		return fmt.Errorf("store: image %d of %d tiles into %d bytes", i, w.n, len(dst))
	}
	if _, err := w.file.ReadAt(dst, headerSize+int64(i)*w.imageBytes()); err != nil {
		return w.diskError(err)
	}
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
	if w.cells != nil || w.lonlat != nil || w.area != nil || w.coverage != nil || w.targets != nil || w.splits != nil || w.offsets != nil || w.rasters != nil {
		return errors.New("store: Select must come before the setters of tables")
	}
	if len(keep) == 0 {
		return fault.New(w.dir, "no tile is left to store", "Check that the region, the imagery and data.imagery.min_coverage fit together.")
	}
	if w.image.Size > 0 {
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

// SetLonLat gives every tile's center in degrees, [N, 2], longitude first.
func (w *Writer) SetLonLat(lonlat []float64) { w.lonlat = lonlat }

// SetAreaKM2 gives every tile's geodesic area in square kilometers, [N].
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

// SetRasters gives further numbers of every tile, values [N, len(rasters)]; NaN is
// no value. There are none when never set.
func (w *Writer) SetRasters(rasters []Raster, values []float32) {
	w.meta.Rasters, w.rasters = rasters, values
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
