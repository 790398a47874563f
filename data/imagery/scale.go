package imagery

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
)

// The ways in which a mosaic's numbers become bytes. Whatever the way, it is
// decided once for the whole mosaic, never for a cell: a dark cell stays dark.
const (
	ScaleNone       = "none"       // the number itself, rounded and clamped to 0..255
	ScaleMinMax     = "minmax"     // each band's least and greatest valid value become 0 and 255
	ScalePercentile = "percentile" // two percentiles of each band become 0 and 255
	ScaleRange      = "range"      // two given numbers become 0 and 255, in all bands or in each its own
)

// Percentiles are exact for mosaics of up to sampleWhole pixels (at the finest
// resolution that has no more, if there are overviews); of larger ones without
// overviews, sampleGrid x sampleGrid windows of sampleEdge pixels are read.
const (
	sampleWhole = 64 << 20
	sampleGrid  = 16
	sampleEdge  = 512
)

// window is a part of a level that is read at once.
type window struct{ x, y, w, h int }

// tiling cuts a level into windows of about 2 million pixels along the borders
// of its blocks, so that each block is decoded once.
func (m *Mosaic) tiling(l level) []window {
	edge := m.edge(1448)
	w, h := m.block[0]*((edge+m.block[0]-1)/m.block[0]), m.block[1]*((edge+m.block[1]-1)/m.block[1])
	if m.block[0] >= l.width { // strips
		w = l.width
		h = m.block[1] * max(1, edge*edge/l.width/m.block[1])
	}
	if w, h = min(w, l.width), min(h, l.height); w*h > m.patchPixels() {
		w, h = l.width, max(1, edge*edge/l.width) // a huge block: memory matters more
	}
	var list []window
	for y := 0; y < l.height; y += h {
		for x := 0; x < l.width; x += w {
			list = append(list, window{x, y, min(w, l.width-x), min(h, l.height-y)})
		}
	}
	return list
}

// lattice spreads windows evenly over a level.
func lattice(l level) []window {
	var list []window
	w, h := min(sampleEdge, l.width), min(sampleEdge, l.height)
	for j := 0; j < sampleGrid; j++ {
		for i := 0; i < sampleGrid; i++ {
			list = append(list, window{(l.width - w) * i / (sampleGrid - 1), (l.height - h) * j / (sampleGrid - 1), w, h})
		}
	}
	return list
}

// samples chooses what percentiles are taken from.
func (m *Mosaic) samples() (level, []window) {
	for _, l := range m.levels {
		if l.width*l.height <= sampleWhole {
			return l, m.tiling(l)
		}
	}
	return m.levels[0], lattice(m.levels[0])
}

// bandCounts counts one band's valid values by the upper or lower 16 bits of
// their order (see order).
type bandCounts struct {
	n        int64
	min, max float32
	bins     [][]int64 // each 65536 long
}

// order maps float32 to integers such that the order is the same.
func order(v float32) uint32 {
	b := math.Float32bits(v)
	if b>>31 != 0 {
		return ^b
	}
	return b | 1<<31
}

// value is the inverse of order.
func value(k uint32) float32 {
	if k>>31 != 0 {
		return math.Float32frombits(k &^ (1 << 31))
	}
	return math.Float32frombits(^k)
}

// scan reads the windows with several workers. use is called with the number of
// the worker and its patch.
func (m *Mosaic) scan(ctx context.Context, l level, windows []window, workers int, use func(worker int, p *raster.Patch)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for k := 0; k < workers; k++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r, err := m.open(l)
			if err != nil {
				cancel(err)
				return
			}
			defer r.Close()
			var p raster.Patch
			for i := k; i < len(windows); i += workers {
				if ctx.Err() != nil {
					return
				}
				w := windows[i]
				p.X, p.Y, p.W, p.H = w.x, w.y, w.w, w.h
				if err := r.ReadPatch(m.read, &p); err != nil {
					cancel(err)
					return
				}
				use(k, &p)
			}
		}()
	}
	wg.Wait()
	return context.Cause(ctx)
}

// limits finds the numbers that become 0 and 255 in each band that is read, and
// how many valid pixels they were found from.
func (m *Mosaic) limits(ctx context.Context, workers int) (low, high []float64, n int64, err error) {
	workers = min(workers, max(1, 256/len(m.read))) // each counts in 1.5 MB a band
	l, windows := m.levels[0], m.tiling(m.levels[0])
	if m.spec.Scale == ScalePercentile {
		l, windows = m.samples()
	}
	// First pass: extremes, and counts by the upper half of the order.
	count := func(bins int, which func(band int, k uint32) (bin int, at uint32)) ([]bandCounts, error) {
		each := make([][]bandCounts, workers)
		for k := range each {
			each[k] = newCounts(len(m.read), bins)
		}
		err := m.scan(ctx, l, windows, workers, func(worker int, p *raster.Patch) {
			area := p.W * p.H
			for b := range each[worker] {
				each[worker][b].add(p.Data[b*area:(b+1)*area], p.Valid, func(k uint32) (int, uint32) { return which(b, k) })
			}
		})
		for _, other := range each[1:] {
			for b := range other {
				each[0][b].merge(&other[b])
			}
		}
		return each[0], err
	}
	upper, err := count(1, func(_ int, k uint32) (int, uint32) { return 0, k >> 16 })
	if err != nil {
		return nil, nil, 0, err
	}
	for _, u := range upper {
		if u.n == 0 {
			return nil, nil, 0, m.nothing(ctx, l, windows, workers)
		}
		low, high, n = append(low, float64(u.min)), append(high, float64(u.max)), u.n
	}
	if m.spec.Scale == ScaleMinMax {
		return low, high, n, nil
	}
	// Second pass: the lower half, within the two bins of each band in which its
	// percentiles lie.
	ranks, places := make([][2]int64, len(upper)), make([][2]uint32, len(upper))
	for b, u := range upper {
		for i, p := range m.spec.Percentile {
			rank := int64(p / 100 * float64(u.n-1))
			places[b][i], ranks[b][i], _ = find(u.bins[0], rank)
		}
	}
	lower, err := count(2, func(b int, k uint32) (int, uint32) {
		switch k >> 16 {
		case places[b][0]:
			return 0, k & 0xffff
		case places[b][1]:
			return 1, k & 0xffff
		}
		return -1, 0
	})
	if err != nil {
		return nil, nil, 0, err
	}
	for b := range lower {
		for i := range 2 {
			bins := lower[b].bins[i]
			if places[b][1] == places[b][0] {
				bins = lower[b].bins[0]
			}
			at, _, ok := find(bins, ranks[b][i])
			if !ok {
				return nil, nil, 0, fault.New(m.spec.Path, "the file changed while it was read", "run again when nothing writes to it")
			}
			v := float64(value(places[b][i]<<16 | at))
			if i == 0 {
				low[b] = v
			} else {
				high[b] = v
			}
		}
	}
	return low, high, n, nil
}

// nothing is the error of a mosaic without a valid pixel.
func (m *Mosaic) nothing(ctx context.Context, l level, windows []window, workers int) error {
	empty, err := m.emptyBands(ctx, l, windows, workers)
	switch {
	case err != nil:
		return err
	case len(empty) > 0:
		return m.emptyFault(empty)
	}
	return fault.New(m.spec.Path, "the mosaic has no valid pixel (all are nodata or NaN)", "check the file and its nodata value (data.imagery.nodata)")
}

// emptyBands are those of the bands that are read that have no value anywhere in the
// windows, where others have: a pixel needs a value in every band, and one that is
// empty takes them all away. nil where that is not so.
func (m *Mosaic) emptyBands(ctx context.Context, l level, windows []window, workers int) (empty []int, err error) {
	for _, b := range m.read {
		with, some := *m, make([]bool, workers)
		with.read = []int{b}
		err := with.scan(ctx, l, windows, workers, func(worker int, p *raster.Patch) {
			some[worker] = some[worker] || p.Valid == nil || slices.Contains(p.Valid, 1)
		})
		if err != nil {
			return nil, err
		}
		if !slices.Contains(some, true) {
			empty = append(empty, b)
		}
	}
	if len(empty) == len(m.read) {
		return nil, nil
	}
	return empty, nil
}

// emptyFault names them.
func (m *Mosaic) emptyFault(empty []int) error {
	return fault.New(m.spec.Path, fmt.Sprintf("no pixel has a value in all bands: band(s) %v are nodata or NaN everywhere", empty),
		"leave them out of data.imagery.bands, or check the file")
}

// find returns the bin of a rank (from 0) and the rank within that bin; false if
// there are not so many.
func find(bins []int64, rank int64) (uint32, int64, bool) {
	for i, c := range bins {
		if rank < c {
			return uint32(i), rank, true
		}
		rank -= c
	}
	return 0, 0, false
}

func newCounts(bands, bins int) []bandCounts {
	c := make([]bandCounts, bands)
	for b := range c {
		c[b].min, c[b].max = float32(math.Inf(1)), float32(math.Inf(-1))
		for range bins {
			c[b].bins = append(c[b].bins, make([]int64, 1<<16))
		}
	}
	return c
}

func (c *bandCounts) add(data []float32, valid []uint8, which func(k uint32) (int, uint32)) {
	for i, v := range data {
		if valid != nil && valid[i] == 0 {
			continue
		}
		c.n++
		c.min, c.max = min(c.min, v), max(c.max, v)
		if bin, at := which(order(v)); bin >= 0 {
			c.bins[bin][at]++
		}
	}
}

func (c *bandCounts) merge(o *bandCounts) {
	c.n += o.n
	c.min, c.max = min(c.min, o.min), max(c.max, o.max)
	for i := range c.bins {
		for k, v := range o.bins[i] {
			c.bins[i][k] += v
		}
	}
}
