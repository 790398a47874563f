package imagery

import (
	"context"
	"fmt"
	"math"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
)

// previewPixels bounds the source pixels that a preview reads; of larger
// mosaics without overviews every k-th pixel is taken.
const previewPixels = 24 << 20

// Picture is a small picture of a region.
type Picture struct {
	Cols, Rows               int
	RGB                      []uint8 // [3, Rows, Cols]; 0 where there is no image
	Mask                     []uint8 // [Rows, Cols]; 1 where there is
	West, South, East, North float64 // in the CRS it was asked for in
}

// Preview makes a picture of a rectangle of crs whose longer side is longest
// pixels, for a person to look at. It is the same in every run. Bytes are made
// as n says.
func (m *Mosaic) Preview(ctx context.Context, crs *raster.CRS, west, south, east, north float64, longest int, n *Normalization) (*Picture, error) {
	if !(west < east && south < north) || longest < 1 || longest > 8192 {
		return nil, fault.New("preview", fmt.Sprintf("a picture of x %g to %g, y %g to %g, %d pixels long is not possible", west, east, south, north, longest), "check the region")
	}
	p := &Picture{Cols: longest, Rows: longest, West: west, South: south, East: east, North: north}
	if w, h := east-west, north-south; w > h {
		p.Rows = max(1, int(math.Round(float64(longest)*h/w)))
	} else {
		p.Cols = max(1, int(math.Round(float64(longest)*w/h)))
	}
	frame := raster.Frame{West: west, South: south, East: east, North: north, Cols: p.Cols, Rows: p.Rows}
	w, err := m.newWorker(crs, m.levels[0])
	if err != nil {
		return nil, err
	}
	defer func() { w.close() }()
	w.place(frame)
	ratio := math.Min(w.positions.ScaleX, w.positions.ScaleY)
	best := m.levels[0]
	for _, l := range m.levels {
		if math.Max(l.fx, l.fy) <= ratio*1.0001 {
			best = l
		}
	}
	if best != m.levels[0] {
		w.close()
		if w, err = m.newWorker(crs, best); err != nil {
			return nil, err
		}
	}
	_, _, pw, ph := w.positions.Window(m.kernel, m.width, m.height)
	pixels := float64(pw) / best.fx * float64(ph) / best.fy
	if k := int(math.Ceil(math.Sqrt(pixels / previewPixels))); k > 1 {
		w.source = &skipping{source: w.source, step: k}
		w.l.width, w.l.height = max(1, best.width/k), max(1, best.height/k)
		w.l.fx, w.l.fy = best.fx*float64(k), best.fy*float64(k)
	}
	// Bands of rows, so that a cancelled context is seen.
	area := p.Cols * p.Rows
	p.RGB, p.Mask = make([]uint8, 3*area), make([]uint8, area)
	const band = 64
	rgb := make([]uint8, 3*band*p.Cols)
	for r := 0; r < p.Rows; r += band {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		f := frame
		f.Rows = min(band, p.Rows-r)
		step := (south - north) / float64(p.Rows)
		f.North, f.South = north+step*float64(r), north+step*float64(r+f.Rows)
		if _, err := w.picture(ctx, f, n); err != nil {
			return nil, err
		}
		part := p.Cols * f.Rows
		w.m.colors(n, rgb[:3*part], w.bands, w.mask)
		copy(p.Mask[r*p.Cols:], w.mask)
		for b := range 3 {
			copy(p.RGB[b*area+r*p.Cols:b*area+r*p.Cols+part], rgb[b*part:(b+1)*part])
		}
	}
	return p, nil
}

// skipping reads every step-th pixel of a source.
type skipping struct {
	source reader
	step   int
	line   raster.Patch
}

// Close closes the source.
func (s *skipping) Close() { s.source.Close() }

// ReadPatch reads p, whose place and size are in skipped pixels.
func (s *skipping) ReadPatch(bands []int, p *raster.Patch) error {
	area := p.W * p.H
	p.Bands = len(bands)
	p.Data, p.Valid = make([]float32, area*len(bands)), make([]uint8, area)
	for r := range p.H {
		l := &s.line
		l.X, l.Y, l.W, l.H = p.X*s.step, (p.Y+r)*s.step+s.step/2, p.W*s.step, 1
		if err := s.source.ReadPatch(bands, l); err != nil {
			return err
		}
		for c := range p.W {
			from := c*s.step + s.step/2
			p.Valid[r*p.W+c] = 1
			if l.Valid != nil {
				p.Valid[r*p.W+c] = l.Valid[from]
			}
			for k := range bands {
				p.Data[k*area+r*p.W+c] = l.Data[k*l.W+from]
			}
		}
	}
	return nil
}
