package store

import (
	"context"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"time"
)

// Commit checks what it was given, writes tables, checksums and header, syncs,
// and renames the store's files to their final places, over those of an older
// store if there is one (processes that have that open keep it). On any error, and when
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
	if err := writeWhole(filepath.Join(w.partial, metaFile), meta, !w.passing); err != nil {
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
	if w.passing {
		return nil
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
	if k := len(w.meta.Rasters); k > MaxRasters || len(w.rasters) != k*w.n {
		return fmt.Errorf("store: %d numbers of %d rasters for %d tiles", len(w.rasters), k, w.n)
	}
	for i, v := range w.rasters {
		if math.IsInf(float64(v), 0) {
			return fmt.Errorf("store: tile %d has an infinite number of a raster", i/len(w.meta.Rasters))
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
	h := header{tiles: w.n, image: w.image, poiSize: w.poiSize, categories: len(w.meta.Categories), rasters: len(w.meta.Rasters)}
	w.meta.FormatVersion = h.version()
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
		secCol: raw(w.points.Col), secCount: raw(w.points.Count), secRasters: raw(w.rasters), secMeta: meta,
	}
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
	if err := w.sync(); err != nil {
		return w.diskError(err)
	}
	if err := h.check(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if _, err := w.file.WriteAt(h.encode(), 0); err != nil {
		return w.diskError(err)
	}
	if err := w.sync(); err != nil {
		return w.diskError(err)
	}
	f := w.file
	w.file = nil
	if err := f.Close(); err != nil {
		return w.diskError(err)
	}
	return ctx.Err()
}

// sync waits until the disk has the file.
func (w *Writer) sync() error {
	if w.passing {
		return nil
	}
	return w.file.Sync()
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
