package data

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/half"
	"opencarbon/data/raster"
	"opencarbon/data/store"
)

// sourceMap says which of a mosaic's two sources a pixel of a cell comes from: the
// one within the polygons of data.imagery.sources, or the one beyond them.
type sourceMap struct {
	g     *grid.Grid
	rings []ring
}

// ring is a border in the grid's CRS.
type ring struct {
	points       [][2]float64
	polygon      int
	south, north float64
}

// newSourceMap reads the polygons.
func newSourceMap(ctx context.Context, path string, g *grid.Grid) (*sourceMap, error) {
	shapes, crs, err := grid.ReadPolygons(ctx, path, "", "")
	if err != nil {
		return nil, named(err, "data.imagery.sources")
	}
	t, err := raster.NewTransform(crs, g.CRS())
	if err != nil {
		return nil, err
	}
	defer t.Close()
	m := &sourceMap{g: g}
	polygon := 0
	for _, s := range shapes {
		for _, p := range s.Polygons {
			for _, points := range p {
				x, y := make([]float64, len(points)), make([]float64, len(points))
				for i, at := range points {
					x[i], y[i] = at[0], at[1]
				}
				if err := t.Points(x, y); err != nil {
					return nil, fault.Wrap(err, path, "its polygons do not lie where the grid is defined", "Check the file's CRS. The key: data.imagery.sources")
				}
				r := ring{polygon: polygon, south: slices.Min(y), north: slices.Max(y)}
				for i := range x {
					r.points = append(r.points, [2]float64{x[i], y[i]})
				}
				m.rings = append(m.rings, r)
			}
			polygon++
		}
	}
	return m, nil
}

// crossing is where a line of pixels meets a border.
type crossing struct {
	x       float64
	polygon int
}

// mark writes to inside [size, size] which pixels of a cell have their middle within
// the polygons, row 0 in the north.
func (m *sourceMap) mark(c grid.Cell, size int, inside []bool) {
	west, south, east, north := m.g.Bounds(c)
	clear(inside)
	var meets []crossing
	for row := range size {
		y := north + (south-north)*(float64(row)+0.5)/float64(size)
		meets = meets[:0]
		for _, r := range m.rings {
			if y < r.south || y > r.north {
				continue
			}
			for i := range r.points {
				a, b := r.points[i], r.points[(i+1)%len(r.points)]
				if (a[1] > y) != (b[1] > y) {
					meets = append(meets, crossing{a[0] + (y-a[1])/(b[1]-a[1])*(b[0]-a[0]), r.polygon})
				}
			}
		}
		slices.SortFunc(meets, func(a, b crossing) int { return cmp.Or(cmp.Compare(a.polygon, b.polygon), cmp.Compare(a.x, b.x)) })
		pixel := (east - west) / float64(size)
		for i := 0; i+1 < len(meets); i += 2 { // of one polygon always, which a line leaves as often as it enters
			from := max(0, int(math.Ceil((meets[i].x-west)/pixel-0.5)))
			to := min(size, int(math.Ceil((meets[i+1].x-west)/pixel-0.5)))
			for col := from; col < to; col++ {
				inside[row*size+col] = true
			}
		}
	}
}

// SourceReport is the account of one of a mosaic's two sources.
type SourceReport struct {
	Name   string    `json:"name"`
	Pixels int64     `json:"pixels"`
	Mean   []float64 `json:"mean"` // of each band, as images are kept
	SD     []float64 `json:"sd"`
}

// balance gives the images of both sources the mean and the standard deviation that
// they have together, band by band. A seam between two sources is then no step of
// color that a model could take for a difference of emissions; but neither is a true
// difference of the two sides one any more. Pixels without a value (0 in all bands)
// stay.
func (b *build) balance(ctx context.Context, w *store.Writer, keep []int) error {
	if b.c.Imagery.Sources == "" || b.mosaic == nil {
		return nil
	}
	m, err := newSourceMap(ctx, b.c.Imagery.Sources, b.grid)
	if err != nil {
		return err
	}
	shape := ImageShape(b.report.Images)
	area := shape.Size * shape.Size
	inside, image, values := make([]bool, area), make([]byte, shape.Bytes()), make([]float64, shape.Bands*area)
	each := func(f func(i int) error) error {
		for k, i := range keep {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := w.Image(k, image); err != nil {
				return err
			}
			for j := range values {
				values[j] = float64(shape.Pixel.At(image, j))
			}
			m.mark(b.cells[i], shape.Size, inside)
			if err := f(k); err != nil {
				return err
			}
		}
		return nil
	}
	empty := func(p int) bool {
		for k := range shape.Bands {
			if values[k*area+p] != 0 {
				return false
			}
		}
		return true
	}
	of := func(p int) int {
		if inside[p] {
			return 1
		}
		return 0
	}
	var n [2]float64
	sum, squares := [2][]float64{}, [2][]float64{}
	for s := range 2 {
		sum[s], squares[s] = make([]float64, shape.Bands), make([]float64, shape.Bands)
	}
	if err := each(func(int) error {
		for p := range area {
			if empty(p) {
				continue
			}
			s := of(p)
			n[s]++
			for k := range shape.Bands {
				v := values[k*area+p]
				sum[s][k] += v
				squares[s][k] += v * v
			}
		}
		return nil
	}); err != nil {
		return err
	}
	for s, name := range []string{"beyond", "within"} {
		if n[s] == 0 {
			return fault.New(b.c.Imagery.Sources, "has no pixel "+name+" its polygons in any cell that is kept", "Give polygons of one of the mosaic's sources, or remove data.imagery.sources.")
		}
	}
	mean, sd := make([][2]float64, shape.Bands), make([][2]float64, shape.Bands)
	goal, spread := make([]float64, shape.Bands), make([]float64, shape.Bands)
	for s, name := range []string{"beyond", "within"} {
		r := SourceReport{Name: name, Pixels: int64(n[s])}
		for k := range shape.Bands {
			mean[k][s] = sum[s][k] / n[s]
			variance := math.Max(0, squares[s][k]/n[s]-mean[k][s]*mean[k][s])
			sd[k][s] = math.Sqrt(variance)
			goal[k] += sum[s][k] / (n[0] + n[1])
			spread[k] += n[s] * variance / (n[0] + n[1])
			r.Mean, r.SD = append(r.Mean, mean[k][s]), append(r.SD, sd[k][s])
		}
		b.report.Sources = append(b.report.Sources, r)
	}
	b.report.Images.Balanced = true
	return each(func(at int) error {
		for p := range area {
			if empty(p) {
				continue
			}
			s := of(p)
			for k := range shape.Bands {
				v := &values[k*area+p]
				if *v -= mean[k][s]; sd[k][s] > 0 {
					*v *= math.Sqrt(spread[k]) / sd[k][s]
				}
				*v += goal[k]
			}
		}
		encode(values, shape.Pixel, image)
		return w.SetImage(at, image)
	})
}

// encode writes numbers as images are kept, the reverse of store.Pixel.At.
func encode(values []float64, pixel store.Pixel, out []byte) {
	for i, v := range values {
		switch pixel {
		case store.UInt8:
			out[i] = uint8(math.Max(0, math.Min(255, math.Round(255*v))))
		case store.Float16:
			binary.LittleEndian.PutUint16(out[2*i:], half.From(float32(v)))
		case store.Float32:
			binary.LittleEndian.PutUint32(out[4*i:], math.Float32bits(float32(v)))
		}
	}
}

// printSources writes the account of the mosaic's sources.
func (r *Report) printSources(line liner) {
	for _, s := range r.Sources {
		line("  source "+s.Name, s.Pixels, fmt.Sprintf("pixels %s the polygons of data.imagery.sources: mean %.3g, sd %.3g of each band; both sources now have one mean and sd", s.Name, s.Mean, s.SD))
	}
}
