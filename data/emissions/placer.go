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
	period   float64 // columns of a turn round the earth, where the way cuts at 180 degrees, else 0
	x, y     []float64
	probe    [][2]float64
	dense    [][2]float64
	r        ring
}

func newPlacer(g *grid.Grid, crs *raster.CRS) (*placer, error) {
	t, err := raster.NewTransform(crs, g.CRS())
	if err != nil {
		return nil, err
	}
	p := &placer{g: g, t: t, straight: crs.Same(g.CRS())}
	if !p.straight {
		_, p.period = g.Turn()
	}
	return p, nil
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
		// Each third of an edge is shorter than half a turn.
		if d := p.x[i] - p.x[max(i-1, 0)]; p.period > 0 && math.Abs(d) > p.period/2 {
			p.x[i] -= p.period * math.Round(d/p.period)
		}
	}
	return p.x, p.y, err
}

// curveTolerance is how far, in cells, a densified edge may stray from the true
// one.
const curveTolerance = 2e-7

// place cuts a shape into pieces and returns its area in km2.
func (p *placer) place(t *target, shape raster.Geometry) (float64, error) {
	total := 0.0
	for _, polygon := range shape.Polygons {
		var u0, u1 float64 // of the outer ring, which its holes go with
		for i, edge := range polygon {
			r, err := p.ring(edge)
			if err != nil || len(r) == 0 {
				return 0, errUnplaced
			}
			a, _, b, _, ok := bounds(r)
			if !ok {
				return 0, errUnplaced
			}
			if i == 0 {
				u0, u1 = a, b
			} else if p.period > 0 { // it was unwrapped from a vertex of its own
				by := p.period * math.Round((u0-a)/p.period)
				if a+by < u0-1e-6 {
					by += p.period
				}
				for k := range r {
					r[k][0] += by
				}
			}
			a = t.cutTurned(r, u0, u1, i > 0)
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
	if n := len(edge); n > 0 && edge[0] != edge[n-1] {
		edge = append(edge[:n:n], edge[0])
	}
	if p.straight || len(edge) < 2 {
		u, v, err := p.units(edge)
		p.keep(u, v, 1)
		return p.r, err
	}
	// Each edge is probed at its thirds.
	p.probe = p.probe[:0]
	for i := 0; i+1 < len(edge); i++ {
		p.probe = append(p.probe, edge[i], between(edge[i], edge[i+1], 1./3), between(edge[i], edge[i+1], 2./3))
	}
	p.probe = append(p.probe, edge[len(edge)-1])
	u, v, err := p.units(p.probe)
	if err != nil {
		return nil, err
	}
	p.dense = p.dense[:0]
	for i := 0; i+1 < len(edge); i++ {
		n := piecesOf(u[3*i:3*i+4], v[3*i:3*i+4])
		for k := range n {
			p.dense = append(p.dense, between(edge[i], edge[i+1], float64(k)/float64(n)))
		}
	}
	if len(p.dense) == len(edge)-1 { // no edge bends
		p.keep(u, v, 3)
		return p.r, nil
	}
	p.dense = append(p.dense, edge[len(edge)-1])
	if u, v, err = p.units(p.dense); err != nil {
		return nil, err
	}
	p.keep(u, v, 1)
	return p.r, nil
}

// keep makes the ring of every step-th point.
func (p *placer) keep(u, v []float64, step int) {
	p.r = p.r[:0]
	for i := 0; i < len(u); i += step {
		p.r = append(p.r, [2]float64{u[i], v[i]})
	}
}

// between returns the point at fraction f of the way from a to b.
func between(a, b [2]float64, f float64) [2]float64 {
	if f == 0 {
		return a
	}
	return [2]float64{a[0] + f*(b[0]-a[0]), a[1] + f*(b[1]-a[1])}
}

// maxPieces bounds the pieces of one edge.
const maxPieces = 4096

// piecesOf returns into how many pieces an edge has to be cut so that each strays
// less than curveTolerance from the true line. u and v are its ends and thirds.
// The bend of an edge shrinks with the square of its length; a parabola's at the
// thirds is 8/9 of that in the middle.
func piecesOf(u, v []float64) int {
	du, dv := u[3]-u[0], v[3]-v[0]
	length := math.Hypot(du, dv)
	if !(length > 0) {
		return 1
	}
	bend := 0.0
	for k := 1; k <= 2; k++ {
		bend = math.Max(bend, math.Abs(du*(v[k]-v[0])-dv*(u[k]-u[0]))/length)
	}
	return int(math.Min(math.Max(1, math.Ceil(math.Sqrt(9./8*bend/curveTolerance))), maxPieces))
}
