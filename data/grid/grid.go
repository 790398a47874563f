// Package grid cuts the earth into cells. A Grid knows where a cell lies, how
// large it is, which cells a region holds and which are neighbors.
//
// Three schemes: `xyz` (web-mercator tiles of a zoom, as the published datasets
// use), `degrees` (ODIAC's own cells, counted from 180 W, 90 N) and `projected`
// (squares of some meters in an EPSG system, counted from its origin).
//
// A cell is its pair (column, row). In every scheme columns grow eastward and
// rows grow southward, as map tiles do; in a projected grid rows north of the
// CRS's origin are therefore negative. The western and northern edges belong to
// a cell, the other two to its neighbors. Grids do not wrap around at 180
// degrees: the cell east of the last column does not exist.
//
// Nothing here reads rasters or knows what the cells are for.
package grid

import (
	"fmt"
	"math"
	"strconv"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
)

// The schemes of Spec.
const (
	XYZ       = "xyz"
	Degrees   = "degrees"
	Projected = "projected"
)

// Spec describes a grid. Zero values take the defaults named.
type Spec struct {
	Scheme      string  // xyz (default) | degrees | projected
	Zoom        int     // xyz: zoom, default 15
	CellDegrees float64 // degrees: edge in degrees, default 1/120
	EPSG        int     // projected: EPSG code of a projected CRS
	CellMetres  float64 // projected: edge in meters, default 1000
}

// Cell names a cell by its column (grows eastward) and row (grows southward).
type Cell struct {
	Col, Row int64
}

// String writes a cell as "col_row", the way the published datasets name tiles.
func (c Cell) String() string {
	return strconv.FormatInt(c.Col, 10) + "_" + strconv.FormatInt(c.Row, 10)
}

// Before is the order of cell lists: from north to south, and in a row from west
// to east.
func (c Cell) Before(o Cell) bool {
	return c.Row < o.Row || (c.Row == o.Row && c.Col < o.Col)
}

// mercatorRadius is the sphere of EPSG:3857, in meters.
const mercatorRadius = 6378137.0

// Grid is a scheme ready for use. It is immutable: goroutines may share it.
type Grid struct {
	spec    Spec
	crs     *raster.CRS
	size    float64 // edge of a cell in units of the CRS
	inverse float64 // cells per unit, where that is a whole number, else 0: keeps edges such as 1/120 exact
	x0, y0  float64 // upper left corner of cell (0, 0)
	cols    int64   // number of columns and rows; 0: without end
	rows    int64
}

// New checks a spec and makes its grid.
func New(s Spec) (*Grid, error) {
	where := "data.grid"
	g := &Grid{}
	var crs string
	switch s.Scheme {
	case "", XYZ:
		s.Scheme = XYZ
		if s.Zoom == 0 {
			s.Zoom = 15
		}
		if s.Zoom < 1 || s.Zoom > 24 {
			return nil, fault.New(where+".zoom", fmt.Sprintf("zoom %d is not usable", s.Zoom), "choose 1 to 24; 15 gives cells of about 1 km")
		}
		g.cols = 1 << s.Zoom
		g.rows = g.cols
		half := math.Pi * mercatorRadius
		g.size = 2 * half / float64(g.cols)
		g.x0, g.y0 = -half, half
		crs = "EPSG:3857"
	case Degrees:
		if s.CellDegrees == 0 {
			s.CellDegrees = 1.0 / 120
		}
		if !(s.CellDegrees >= 1e-5 && s.CellDegrees <= 10) {
			return nil, fault.New(where+".cell_degrees", fmt.Sprintf("%g degrees is not usable", s.CellDegrees), "choose 0.00001 to 10; 0.008333333333 (1/120) is ODIAC's")
		}
		g.size = s.CellDegrees
		// 0.0083333 written by hand is meant to be 1/120: over 360 degrees the
		// difference would add up to whole cells.
		if per := math.Round(1 / s.CellDegrees); per >= 1 && math.Abs(1/s.CellDegrees-per) < 1e-3 {
			g.inverse, g.size = per, 1/per
		}
		g.cols = int64(math.Ceil(360/g.size - 1e-6))
		g.rows = int64(math.Ceil(180/g.size - 1e-6))
		g.x0, g.y0 = -180, 90
		crs = "EPSG:4326"
	case Projected:
		if s.CellMetres == 0 {
			s.CellMetres = 1000
		}
		if !(s.CellMetres >= 1 && s.CellMetres <= 1e6) {
			return nil, fault.New(where+".cell_metres", fmt.Sprintf("%g meters is not usable", s.CellMetres), "choose 1 to 1000000; 1000 is usual")
		}
		if s.EPSG <= 0 {
			return nil, fault.New(where+".epsg", "a projected grid needs an EPSG code", "name a projected CRS of your region, e.g. 27700 or 32633")
		}
		crs = "EPSG:" + strconv.Itoa(s.EPSG)
	default:
		return nil, fault.New(where+".scheme", fmt.Sprintf("there is no scheme %q", s.Scheme), "choose xyz, degrees or projected")
	}
	var err error
	if g.crs, err = raster.ParseCRS(crs); err != nil && raster.Without() != nil {
		return nil, err // the code may well be right
	} else if err != nil {
		return nil, fault.Wrap(err, where+".epsg", "the grid's CRS cannot be used", "check the EPSG code")
	}
	if s.Scheme == Projected {
		if g.crs.Geographic() {
			return nil, fault.New(where+".epsg", crs+" counts in degrees", "name a projected CRS, or use the scheme `degrees`")
		}
		g.size = s.CellMetres / g.crs.Metres()
	}
	g.spec = s
	return g, nil
}

// Spec returns the spec with its defaults filled in.
func (g *Grid) Spec() Spec { return g.spec }

// CRS returns the grid's own CRS: EPSG:3857, EPSG:4326 or the one named.
func (g *Grid) CRS() *raster.CRS { return g.crs }

// String describes the grid for a person.
func (g *Grid) String() string {
	switch g.spec.Scheme {
	case XYZ:
		return fmt.Sprintf("xyz tiles of zoom %d", g.spec.Zoom)
	case Degrees:
		if n := math.Round(1 / g.size); n > 1 && math.Abs(n*g.size-1) < 1e-9 {
			return fmt.Sprintf("cells of 1/%.0f degree", n)
		}
		return fmt.Sprintf("cells of %g degrees", g.size)
	}
	return fmt.Sprintf("%s, cells of %g m", g.crs, g.spec.CellMetres)
}

// Valid reports whether the cell exists in the grid.
func (g *Grid) Valid(c Cell) bool {
	return g.cols == 0 || (c.Col >= 0 && c.Col < g.cols && c.Row >= 0 && c.Row < g.rows)
}

// Units turns a point in the grid's CRS into fractional cell coordinates: u
// counts columns eastward, v rows southward; cell (c, r) is [c, c+1) x [r, r+1).
func (g *Grid) Units(x, y float64) (u, v float64) {
	if g.inverse != 0 {
		return (x - g.x0) * g.inverse, (g.y0 - y) * g.inverse
	}
	return (x - g.x0) / g.size, (g.y0 - y) / g.size
}

// Turn returns the columns of one turn round the earth, and the column at which
// the grid's own turn begins; period is 0 where the grid covers a part of it.
func (g *Grid) Turn() (from, period float64) {
	p := g.crs.Period()
	if p == 0 {
		return 0, 0
	}
	from, _ = g.Units(-p/2, 0)
	to, _ := g.Units(p/2, 0)
	if g.spec.Scheme == XYZ { // exactly
		from, to = 0, float64(g.cols)
	}
	return from, to - from
}

// FromUnits is the inverse of Units.
func (g *Grid) FromUnits(u, v float64) (x, y float64) {
	if g.inverse != 0 {
		return g.x0 + u/g.inverse, g.y0 - v/g.inverse
	}
	return g.x0 + u*g.size, g.y0 - v*g.size
}

// At returns the cell that holds a point given in the grid's CRS; whether it
// exists says Valid.
func (g *Grid) At(x, y float64) Cell {
	u, v := g.Units(x, y)
	return Cell{int64(math.Floor(u)), int64(math.Floor(v))}
}

// Bounds returns a cell's edges in the grid's CRS.
func (g *Grid) Bounds(c Cell) (minX, minY, maxX, maxY float64) {
	minX, maxY = g.FromUnits(float64(c.Col), float64(c.Row))
	maxX, minY = g.FromUnits(float64(c.Col+1), float64(c.Row+1))
	return minX, minY, maxX, maxY
}

// Center returns a cell's center in the grid's CRS.
func (g *Grid) Center(c Cell) (x, y float64) {
	return g.FromUnits(float64(c.Col)+0.5, float64(c.Row)+0.5)
}
