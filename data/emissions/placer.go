package emissions

import (
	"errors"
	"math"

	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

// errUnplaced marks an element whose shape has no place in the grid.
var errUnplaced = errors.New("no place in the grid")

// placer carries shapes from the source's CRS into cell units.
type placer struct {
	g        *grid.Grid
	t        *raster.Transform
	straight bool    // both CRSs are one: edges stay straight
	piece    float64 // longest piece of an edge in cells
	x, y     []float64
	r        ring
}

func newPlacer(g *grid.Grid, crs *raster.CRS) (*placer, error) {
	t, err := raster.NewTransform(crs, g.CRS())
	if err != nil {
		return nil, err
	}
	return &placer{g: g, t: t, straight: crs.Same(g.CRS())}, nil
}

func (p *placer) close() { p.t.Close() }

// units carries points into cell units.
func (p *placer) units(points [][2]float64) (u, v []float64, err error) {
	p.x, p.y = p.x[:0], p.y[:0]
	for _, q := range points {
		p.x, p.y = append(p.x, q[0]), append(p.y, q[1])
	}
	err = p.t.Points(p.x, p.y)
	for i := range p.x {
		p.x[i], p.y[i] = p.g.Units(p.x[i], p.y[i])
	}
	return p.x, p.y, err
}

// curveTolerance is how far, in cells, a densified edge may stray from the true
// one.
const curveTolerance = 5e-7

// place cuts a shape into pieces and returns its area in km2.
func (p *placer) place(t *target, shape raster.Geometry) (float64, error) {
	total := 0.0
	for _, polygon := range shape.Polygons {
		for i, edge := range polygon {
			r, err := p.ring(edge)
			if err != nil {
				return 0, errUnplaced
			}
			a := t.cut(r, i > 0)
			if math.IsNaN(a) {
				return 0, errUnplaced
			}
			total += a
		}
	}
	return total, nil
}

// ring carries a ring into cell units; edges that bend on the way are followed.
func (p *placer) ring(edge [][2]float64) (ring, error) {
	u, v, err := p.units(edge)
	if err != nil {
		return nil, err
	}
	p.r = p.r[:0]
	for i := range u {
		p.r = append(p.r, [2]float64{u[i], v[i]})
	}
	if n := len(p.r); n > 0 && p.r[0] != p.r[n-1] {
		p.r = append(p.r, p.r[0])
		edge = append(edge[:n:n], edge[0])
	}
	if p.straight {
		return p.r, nil
	}
	if p.piece == 0 && len(p.r) > 0 {
		if p.piece, err = p.longestPiece(p.r[0]); err != nil {
			return nil, err
		}
	}
	dense := make([][2]float64, 0, 2*len(edge))
	for i := 0; i+1 < len(edge); i++ {
		a, b := edge[i], edge[i+1]
		dense = append(dense, a)
		length := math.Hypot(p.r[i+1][0]-p.r[i][0], p.r[i+1][1]-p.r[i][1])
		n := int(min(math.Ceil(length/p.piece), 4096))
		for k := 1; k < n; k++ {
			f := float64(k) / float64(n)
			dense = append(dense, [2]float64{a[0] + f*(b[0]-a[0]), a[1] + f*(b[1]-a[1])})
		}
	}
	dense = append(dense, edge[len(edge)-1])
	if len(dense) == len(edge) {
		return p.r, nil
	}
	if u, v, err = p.units(dense); err != nil {
		return nil, err
	}
	p.r = p.r[:0]
	for i := range u {
		p.r = append(p.r, [2]float64{u[i], v[i]})
	}
	return p.r, nil
}

// longestPiece returns the length in cells below which a straight line of one
// CRS strays less than curveTolerance from straight in the other. A line of
// length l bends by l^2 / 8R, with a radius of curvature R that for usual
// projections at usual latitudes is no less than a quarter of the earth's.
func (p *placer) longestPiece(at [2]float64) (float64, error) {
	m, err := p.g.NewMeasure()
	if err != nil {
		return 0, err
	}
	defer m.Close()
	cell := grid.Cell{Col: int64(math.Floor(at[0])), Row: int64(math.Floor(at[1]))}
	areas, err := m.Areas([]grid.Cell{cell})
	if err != nil || !(areas[0] > 0) {
		return 1, nil
	}
	return math.Sqrt(8 * 6371 / 4 * curveTolerance / math.Sqrt(areas[0])), nil
}
