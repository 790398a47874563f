package emissions

import (
	"context"
	"math"
	"slices"

	"opencarbon/data/raster"
)

// strip is some rows of the source window.
type strip struct {
	src     *rasterSource
	t       *target
	r       *Report
	l       *lattice
	factor  float64
	weights []float64 // [parts] of each band of each set in the year
	x0, w   int
	raw     []float64
	mask    []uint8
	sum     []float64 // of the valid numbers of a pixel
	valid   []int32   // how many of them
	touched int
	ring    ring
	numbers *numbers // what receives, where the raster is no inventory; nil: it is one
}

// read sums the bands of all files over n rows from top.
func (b *strip) read(top, n int) error {
	size := b.w * n
	if cap(b.raw) < size {
		b.raw, b.sum, b.valid = make([]float64, size), make([]float64, size), make([]int32, size)
	}
	b.raw, b.sum, b.valid = b.raw[:size], b.sum[:size], b.valid[:size]
	clear(b.sum)
	clear(b.valid)
	part := -1
	for k, d := range b.src.sets {
		for j, band := range b.src.bands[k] {
			part++
			if err := d.Read(band, b.x0, top, b.w, n, b.raw); err != nil {
				return err
			}
			weight := b.weights[part]
			masked := b.src.masked[k][j]
			if masked {
				b.mask = slices.Grow(b.mask[:0], size)[:size]
				if err := d.ReadMask(band, b.x0, top, b.w, n, b.mask); err != nil {
					return err
				}
			}
			info, err := d.Band(band)
			if err != nil {
				return err
			}
			for i, v := range b.raw {
				if d.IsNodata(band, v) || math.IsInf(v, 0) || masked && b.mask[i] < raster.MaskThreshold {
					continue
				}
				v = (v*info.Scale + info.Offset) * weight
				if v < 0 && b.numbers == nil {
					b.r.Negative++
					b.r.NegativeSum += v * b.factor
					continue
				}
				b.sum[i] += v
				b.valid[i]++
			}
		}
	}
	return nil
}

// spread gives the pixels' amounts to the cells.
func (b *strip) spread(ctx context.Context, top, n int) {
	l, w := b.l, b.w
	across, down := w*l.n+1, l.n-1
	l.x, l.y = l.x[:0], l.y[:0]
	step := 1 / float64(l.n)
	for j := range n + 1 {
		l.line(float64(b.x0), float64(top+j), step, 0, across)
	}
	sides := len(l.x) // from here on: inner points of the vertical edges
	for j := range n {
		for i := range w + 1 {
			if down > 0 {
				l.line(float64(b.x0+i), float64(top+j)+step, 0, step, down)
			}
		}
	}
	l.flush()
	parts := int32(b.src.count())
	for j := range n {
		if ctx.Err() != nil {
			return
		}
		for i := range w {
			ring := b.pixel(i, j, across, down, sides)
			b.give(ring, b.sum[j*w+i], b.valid[j*w+i], parts)
		}
	}
}

// pixel gathers the outline of pixel (i, j) of the strip.
func (b *strip) pixel(i, j, across, down, sides int) ring {
	l := b.l
	r := b.ring[:0]
	at := func(k int) {
		u := l.x[k]
		if l.period > 0 && len(r) > 0 {
			u = l.unwrap(u, r[0][0])
		}
		r = append(r, [2]float64{u, l.y[k]})
	}
	upper, lower := j*across+i*l.n, (j+1)*across+i*l.n
	left, right := sides+(j*(b.w+1)+i)*down, sides+(j*(b.w+1)+i+1)*down
	for k := range l.n + 1 {
		at(upper + k)
	}
	for k := range down {
		at(right + k)
	}
	for k := l.n; k >= 0; k-- {
		at(lower + k)
	}
	for k := down - 1; k >= 0; k-- {
		at(left + k)
	}
	at(upper)
	b.ring = r
	return r
}

// give distributes one pixel.
func (b *strip) give(r ring, sum float64, valid, parts int32) {
	u0, v0, u1, v1, ok := bounds(r)
	if ok && !b.t.reachesTurned(u0, v0, u1, v1) {
		return
	}
	b.r.Elements++
	if valid == 0 {
		if ok {
			b.touched++ // it lies in the region, only without a value
		}
		b.r.Nodata++
		return
	}
	if valid < parts {
		b.r.Partial++
	}
	amount := sum * b.factor
	if !ok {
		b.r.Unplaced++
		b.r.UnplacedMass += amount
		return
	}
	b.touched++
	area := b.t.cutTurned(r, u0, u1, false)
	if b.numbers != nil {
		if area > 0 {
			b.numbers.give(b.t, amount, area)
		}
		b.t.pieces = b.t.pieces[:0]
		return
	}
	mass := amount
	if b.src.s.Per != "cell" || b.src.s.proxy() {
		mass = amount * area
	}
	if !(area > 0) {
		b.t.pieces = b.t.pieces[:0]
		b.r.Unplaced++
		b.r.UnplacedMass += mass
		return
	}
	b.r.Valid++
	if mass == 0 {
		b.r.Zero++
	}
	b.r.SourceTotal += mass
	b.r.InRegion += b.t.give(mass, area)
}
