package imagery

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"sync"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

// Options of Warp. The zero value uses all cores and reports nothing.
type Options struct {
	Workers  int                   // goroutines, each with a dataset handle of its own; 0: all cores
	Progress func(done, total int) // called after each cell, by one goroutine at a time; may be nil
	Sparse   bool                  // the cells are a piece of a region, which may lie beyond the mosaic: none of them has to have a valid pixel
}

// Sink receives the picture of cell i, [B, H, W] numbers of Normalization.Type (bytes: red, green, blue), and
// the share of its pixels that have a value; the others are 0. It is called from
// several goroutines at once, once for each cell that is kept, in no particular
// order; pixels is good until it returns. An error ends the warp.
type Sink func(i int, coverage float64, pixels []byte) error

// Report says what became of the cells.
type Report struct {
	Coverage []float32 // [N] share of the cell's pixels that have a value
	Kept     []bool    // [N] coverage reaches the minimum; only these went to the sink
	Dropped  int       // cells with some image, but less than the minimum
	Empty    int       // cells with none
	Blank    Blank     // of the kept
}

// Warp makes the cells' pictures and hands them to sink. Memory does not grow
// with the number of cells, besides the report's five bytes each. Pictures do
// not depend on the number of workers. Errors are *fault.Input, the sink's, or
// ctx's; a file that is damaged anywhere under the cells is an error, never a
// black picture.
func (m *Mosaic) Warp(ctx context.Context, g *grid.Grid, cells []grid.Cell, n *Normalization, o Options, sink Sink) (*Report, error) {
	plan, err := m.plan(g, cells, o.Sparse)
	if err != nil {
		return nil, err
	}
	report := &Report{Coverage: make([]float32, len(cells)), Kept: make([]bool, len(cells))}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	jobs := make(chan group)
	var wg sync.WaitGroup
	var progress sync.Mutex
	done := 0
	var blank blanks
	finish := func(i int, coverage float64, pixels []byte) error {
		report.Coverage[i] = float32(coverage)
		if report.Kept[i] = coverage >= m.spec.MinCoverage; report.Kept[i] {
			if err := sink(i, coverage, pixels); err != nil {
				return err
			}
		}
		progress.Lock()
		defer progress.Unlock()
		done++
		if o.Progress != nil {
			o.Progress(done, len(cells))
		}
		return nil
	}
	for range min(crew(o.Workers), max(1, len(plan.groups))) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			w, err := m.newWorker(g.CRS(), plan.level)
			if err != nil {
				cancel(err)
				return
			}
			defer w.close()
			defer func() {
				progress.Lock()
				defer progress.Unlock()
				blank.add(&w.blank)
			}()
			for job := range jobs {
				if err := w.group(ctx, g, cells, job, n, finish); err != nil {
					cancel(err)
					return
				}
			}
		}()
	}
	for _, job := range plan.groups {
		select {
		case jobs <- job:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(jobs)
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	report.Blank = blank.most()
	for i, kept := range report.Kept {
		switch {
		case kept:
		case report.Coverage[i] == 0:
			report.Empty++
		default:
			report.Dropped++
		}
	}
	if len(cells) > 0 && report.Empty == len(cells) && !o.Sparse {
		l, windows := m.samples()
		if empty, err := m.emptyBands(ctx, l, windows, crew(o.Workers)); err != nil || len(empty) > 0 {
			return nil, cmp.Or(err, m.emptyFault(empty))
		}
		return nil, fault.New(m.spec.Path, fmt.Sprintf("not one of the %d cells has a valid pixel", len(cells)), "check the mosaic's nodata value and mask (gdalinfo), and the region")
	}
	return report, nil
}

// A group is some neighboring cells and the window of the mosaic under them,
// which is read in one call: many small reads cost more than a large one, and
// decode the same blocks again.
type group struct {
	cells  []int
	window window // empty: the cells are read one by one
}

// plan is the division of the work.
type plan struct {
	level  level
	groups []group
}

// groupEdge is the edge in pixels of the window that a group of cells reads.
// patchPixels bounds what a worker holds in memory for one cell: 13 bytes each.
const (
	groupEdge   = 1024
	patchPixels = 8 << 20
)

// maxScale is how many times finer than the pictures the resolution that is read
// may be; beyond it one pixel would need a kernel of ten thousand taps.
const maxScale = 4096

// worker makes pictures; it owns a dataset handle, a projection and scratch.
type worker struct {
	m         *Mosaic
	l         level
	source    reader
	transform *raster.Transform
	shared    raster.Patch // of the group
	own       raster.Patch // of a cell whose window the group's does not hold
	positions raster.Positions
	resampler raster.Resampler
	bands     []float32
	mask      []uint8
	pixels    []byte // the picture as it is kept
	blank     blanks

	// How a cell's points come into the mosaic (Mosaic.turns): near ref, and so much
	// further on.
	ref, turn float64
}

func (m *Mosaic) newWorker(crs *raster.CRS, l level) (*worker, error) {
	w := &worker{m: m, l: l, ref: math.NaN()}
	var err error
	if w.source, err = m.open(l); err != nil {
		return nil, err
	}
	if !crs.Same(m.crs) {
		if w.transform, err = raster.NewTransform(crs, m.crs); err != nil {
			w.source.Close()
			return nil, err
		}
	}
	return w, nil
}

func (w *worker) close() {
	w.source.Close()
	w.transform.Close()
}

// group makes the pictures of a group's cells.
func (w *worker) group(ctx context.Context, g *grid.Grid, cells []grid.Cell, job group, n *Normalization, finish Sink) error {
	size := w.m.spec.Size
	w.shared.W, w.shared.H = 0, 0
	if job.window.w > 0 {
		w.shared.X, w.shared.Y, w.shared.W, w.shared.H = job.window.x, job.window.y, job.window.w, job.window.h
		if err := w.source.ReadPatch(w.m.read, &w.shared); err != nil {
			return err
		}
	}
	for _, i := range job.cells {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		west, south, east, north := g.Bounds(cells[i])
		frame := raster.Frame{West: west, South: south, East: east, North: north, Cols: size, Rows: size}
		valid, err := w.turned(ctx, frame, n)
		if err != nil {
			return err
		}
		coverage := float64(valid) / float64(size*size)
		if coverage >= w.m.spec.MinCoverage {
			w.blank.count(w.bands, w.mask)
		}
		if err := finish(i, coverage, w.pixels); err != nil {
			return err
		}
	}
	return nil
}

// picture renders a frame into w.pixels [B, Rows, Cols] and w.mask, and returns the
// number of its pixels that have a value.
func (w *worker) picture(ctx context.Context, f raster.Frame, n *Normalization) (valid int, err error) {
	w.fit(f.Cols*f.Rows, n)
	valid, err = w.render(ctx, f, w.bands, w.mask)
	if err != nil {
		return 0, err
	}
	w.bytes(n, valid)
	return valid, nil
}

// fit makes room for pictures of so many pixels.
func (w *worker) fit(area int, n *Normalization) {
	if len(w.mask) != area {
		w.bands, w.mask, w.pixels = make([]float32, len(w.m.read)*area), make([]uint8, area), make([]byte, len(w.m.pick)*n.bytes()*area)
	}
}

// bytes makes w.pixels of what was rendered.
func (w *worker) bytes(n *Normalization, valid int) {
	mask := w.mask
	if valid == len(mask) {
		mask = nil
	}
	w.m.bytes(n, w.pixels, w.bands, mask)
}

// render resamples a frame into bands [B, Rows, Cols] and mask [Rows, Cols]. A
// frame that would need too much of the source at once is cut in two.
func (w *worker) render(ctx context.Context, f raster.Frame, bands []float32, mask []uint8) (valid int, err error) {
	if ctx.Err() != nil { // a picture of a large part of a mosaic is made of many parts
		return 0, context.Cause(ctx)
	}
	p := &w.positions
	w.place(f)
	var need window
	need.x, need.y, need.w, need.h = p.Window(w.m.kernel, w.l.width, w.l.height)
	if p.ScaleX > maxScale || p.ScaleY > maxScale || (need.w*need.h > w.m.patchPixels() && f.Cols*f.Rows == 1) {
		return 0, fault.New(w.m.spec.Path, fmt.Sprintf("the mosaic is %.0f times finer than the pictures", math.Max(p.ScaleX, p.ScaleY)),
			"add overviews (gdaladdo -r average), choose a larger data.imagery.size, or check its CRS and pixel size")
	}
	patch := &w.shared
	if need.w == 0 || !holds(&w.shared, need) {
		patch = &w.own
		patch.X, patch.Y, patch.W, patch.H, patch.Bands = need.x, need.y, need.w, need.h, len(w.m.read)
		if need.w*need.h > w.m.patchPixels() {
			return w.halves(ctx, f, bands, mask)
		}
		if need.w > 0 {
			if err := w.source.ReadPatch(w.m.read, patch); err != nil {
				return 0, err
			}
		}
	}
	valid, m := w.resampler.Resample(bands, patch, p, w.m.kernel, w.l.width, w.l.height)
	if m == nil {
		for i := range mask {
			mask[i] = 1
		}
	} else {
		copy(mask, m)
	}
	return valid, nil
}

// place finds where the frame's pixels fall in the level that is read.
func (w *worker) place(f raster.Frame) {
	var to func(x, y []float64)
	if w.transform != nil {
		to = func(x, y []float64) {
			_ = w.transform.Points(x, y) // points without an image become NaN
			if !math.IsNaN(w.ref) {
				for i := range x {
					x[i] = unwrap(x[i], w.ref, w.m.period) + w.turn
				}
			}
		}
	} else { // a frame of the mosaic's own CRS is in one piece
		f.West, f.East = f.West+w.turn, f.East+w.turn
	}
	inverse := w.m.inverse
	for i := range 3 {
		inverse[i] /= w.l.fx
		inverse[3+i] /= w.l.fy
	}
	w.positions.Place(f, inverse, to)
}

// halves renders the two halves of a frame, cut across its longer side.
func (w *worker) halves(ctx context.Context, f raster.Frame, bands []float32, mask []uint8) (valid int, err error) {
	area := f.Cols * f.Rows
	a, b := f, f
	down := f.Rows >= f.Cols
	if down {
		a.Rows = f.Rows / 2
		b.Rows = f.Rows - a.Rows
		a.South = f.North + (f.South-f.North)*float64(a.Rows)/float64(f.Rows)
		b.North = a.South
	} else {
		a.Cols = f.Cols / 2
		b.Cols = f.Cols - a.Cols
		a.East = f.West + (f.East-f.West)*float64(a.Cols)/float64(f.Cols)
		b.West = a.East
	}
	offset := 0
	for _, half := range []raster.Frame{a, b} {
		part := half.Cols * half.Rows
		values, ok := make([]float32, part*len(w.m.read)), make([]uint8, part)
		v, err := w.render(ctx, half, values, ok)
		if err != nil {
			return 0, err
		}
		valid += v
		for r := 0; r < half.Rows; r++ {
			from, to := r*half.Cols, offset+r*f.Cols
			copy(mask[to:to+half.Cols], ok[from:])
			for k := range w.m.read {
				copy(bands[k*area+to:k*area+to+half.Cols], values[k*part+from:])
			}
		}
		if down {
			offset += part
		} else {
			offset += half.Cols
		}
	}
	return valid, nil
}

// holds reports whether a patch contains a window.
func holds(p *raster.Patch, need window) bool {
	return p.W > 0 && need.x >= p.X && need.y >= p.Y && need.x+need.w <= p.X+p.W && need.y+need.h <= p.Y+p.H
}

// bounded is v within [0, limit].
func bounded(v float64, limit int) int { return int(math.Max(0, math.Min(v, float64(limit)))) }
