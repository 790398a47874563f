package grid

import (
	"math"
	"sync"

	"opencarbon/data/raster"
)

// The WGS84 ellipsoid.
const (
	wgs84A = 6378.137 // km
	wgs84F = 1 / 298.257223563
	wgs84B = wgs84A * (1 - wgs84F)
)

var wgs84E = math.Sqrt(wgs84F * (2 - wgs84F))

// zone returns the area in km2, per radian of longitude, between the equator
// and a latitude on the WGS84 ellipsoid; it is the y of an equal-area cylinder
// (Snyder, Map Projections - A Working Manual, equation 3-12, times a^2/2).
func zone(latDegrees float64) float64 {
	s := math.Sin(latDegrees * math.Pi / 180)
	es := wgs84E * s
	return wgs84B * wgs84B / 2 * (s/(1-es*es) + math.Atanh(es)/wgs84E)
}

// mercatorLat returns the latitude in degrees of a web-mercator y in meters.
func mercatorLat(y float64) float64 {
	return math.Atan(math.Sinh(y/mercatorRadius)) * 180 / math.Pi
}

// RingArea returns the geodesic area in km2 (WGS84) of a closed ring of
// longitudes and latitudes in degrees, whichever way it turns. Edges are taken
// as straight on the equal-area cylinder: for edges of a few km the difference
// to geodesics is below 1e-6 of the area; densify longer ones.
func RingArea(lon, lat []float64) float64 {
	if len(lon) < 3 {
		return 0
	}
	const rad = math.Pi / 180
	// Coordinates relative to the first vertex keep small rings exact.
	z0 := zone(lat[0])
	var sum, px, py float64
	for i := 1; i < len(lon); i++ {
		d := math.Remainder(lon[i]-lon[0], 360) // a ring may straddle 180 degrees
		x, y := d*rad, zone(lat[i])-z0
		sum += px*y - x*py
		px, py = x, y
	}
	return math.Abs(sum) / 2
}

// Measure measures areas on a grid and carries cells to other CRSs. It holds a
// GDAL handle: one goroutine at a time, and Close frees it.
type Measure struct {
	g      *Grid
	lonlat *raster.Transform
	nodes  map[Cell]float64 // projected: km2 per squared cell unit at lattice nodes
	err    error
	zones  [2]cachedZone
}

type cachedZone struct{ v, z float64 }

// WGS84 returns longitude and latitude, EPSG:4326. It is made at the first call,
// not when the program starts: without PROJ's tables (raster.Ready) even --help
// would panic.
var WGS84 = sync.OnceValue(func() *raster.CRS {
	c, err := raster.ParseCRS("EPSG:4326")
	if err != nil {
		panic("PROJ's tables are missing, which raster.Ready tells: " + err.Error())
	}
	return c
})

// NewMeasure prepares measuring.
func (g *Grid) NewMeasure() (*Measure, error) {
	t, err := raster.NewTransform(g.crs, WGS84())
	if err != nil {
		return nil, err
	}
	return &Measure{g: g, lonlat: t, nodes: map[Cell]float64{}}, nil
}

// Close frees the measure.
func (m *Measure) Close() { m.lonlat.Close() }

// lonLat carries points from the grid's CRS to degrees, in place. For the two
// schemes that have a formula it is pure arithmetic.
func (m *Measure) lonLat(x, y []float64) error {
	switch m.g.spec.Scheme {
	case XYZ:
		for i := range x {
			x[i], y[i] = x[i]/mercatorRadius*180/math.Pi, mercatorLat(y[i])
		}
		return nil
	case Degrees:
		return nil
	}
	return m.lonlat.Points(x, y)
}

// Centers returns the longitudes and latitudes in degrees of the cells' centers.
func (m *Measure) Centers(cells []Cell) (lon, lat []float64, err error) {
	lon, lat = make([]float64, len(cells)), make([]float64, len(cells))
	for i, c := range cells {
		lon[i], lat[i] = m.g.Center(c)
	}
	return lon, lat, m.lonLat(lon, lat)
}

// edgePieces is the number of pieces into which a projected cell's edge is cut
// to follow its curve over the ellipsoid. For 1 km cells the error of the area
// is below 1e-9.
const edgePieces = 4

// Areas returns the cells' geodesic areas in km2 on the WGS84 ellipsoid.
func (m *Measure) Areas(cells []Cell) ([]float64, error) {
	areas := make([]float64, len(cells))
	if m.g.spec.Scheme != Projected {
		for i, c := range cells {
			v := float64(c.Row)
			areas[i] = m.dlon(1) * (m.zoneAt(v) - m.zoneAt(v+1))
		}
		return areas, nil
	}
	n := 4*edgePieces + 1
	x, y := make([]float64, 0, n*len(cells)), make([]float64, 0, n*len(cells))
	for _, c := range cells {
		for _, p := range m.g.Outline(c, edgePieces) {
			x, y = append(x, p[0]), append(y, p[1])
		}
	}
	if err := m.lonLat(x, y); err != nil {
		return nil, err
	}
	for i := range cells {
		areas[i] = RingArea(x[i*n:(i+1)*n], y[i*n:(i+1)*n])
	}
	return areas, nil
}

// dlon returns the radians of longitude that u columns span.
func (m *Measure) dlon(u float64) float64 {
	if m.g.spec.Scheme == XYZ {
		return u * m.g.size / mercatorRadius
	}
	return u * m.g.size * math.Pi / 180
}

// zoneAt returns zone for the fractional row v of an xyz or degrees grid.
func (m *Measure) zoneAt(v float64) float64 {
	slot := &m.zones[int64(math.Floor(v))&1]
	if slot.v == v && slot.z != 0 {
		return slot.z
	}
	_, y := m.g.FromUnits(0, v)
	if m.g.spec.Scheme == XYZ {
		y = mercatorLat(y)
	}
	z := zone(math.Max(-90, math.Min(90, y)))
	*slot = cachedZone{v, z}
	return z
}

// RingUnitsArea returns the signed geodesic area in km2 of a closed ring given in
// cell units (see Grid.Units). It is positive where the ring turns clockwise on
// the map. Rings should be no larger than a few cells of a projected grid: there
// the areal scale is taken at the ring's middle. Err tells whether a projected
// grid's scale could not be had.
func (m *Measure) RingUnitsArea(ring [][2]float64) float64 {
	if len(ring) < 3 {
		return 0
	}
	u0, v0 := ring[0][0], ring[0][1]
	if m.g.spec.Scheme == Projected {
		var sum, px, py, mu, mv float64
		for _, p := range ring[1:] {
			x, y := p[0]-u0, p[1]-v0
			sum += px*y - x*py
			px, py = x, y
			mu, mv = mu+x, mv+y
		}
		n := float64(len(ring) - 1)
		return sum / 2 * m.scaleAt(u0+mu/n, v0+mv/n)
	}
	z0 := m.zoneAt(v0)
	var sum, px, py float64
	for _, p := range ring[1:] {
		x, y := p[0]-u0, z0-m.zoneAt(p[1])
		sum += px*y - x*py
		px, py = x, y
	}
	return m.dlon(sum / 2)
}

// nodeStep is the distance in cells of the lattice on which the areal scale of a
// projected grid is computed; between its nodes it is interpolated. Over 8 km
// the scale of a conformal or equal-area projection is linear to about 1e-6.
const nodeStep = 8

// scaleAt returns the km2 per squared cell unit of a projected grid at (u, v).
func (m *Measure) scaleAt(u, v float64) float64 {
	fu, fv := math.Floor(u/nodeStep), math.Floor(v/nodeStep)
	c, r := int64(fu), int64(fv)
	a, b := u/nodeStep-fu, v/nodeStep-fv
	return (1-b)*((1-a)*m.node(c, r)+a*m.node(c+1, r)) + b*((1-a)*m.node(c, r+1)+a*m.node(c+1, r+1))
}

// node returns the areal scale at a lattice node: the true area of a cell-sized
// square around it.
func (m *Measure) node(c, r int64) float64 {
	key := Cell{c, r}
	if s, ok := m.nodes[key]; ok {
		return s
	}
	u, v := float64(c*nodeStep)-0.5, float64(r*nodeStep)-0.5
	ring := m.g.outline(u, v, edgePieces)
	x, y := make([]float64, len(ring)), make([]float64, len(ring))
	for i, p := range ring {
		x[i], y[i] = p[0], p[1]
	}
	s := 0.0
	if err := m.lonLat(x, y); err != nil {
		if m.err == nil {
			m.err = err
		}
	} else {
		s = RingArea(x, y)
	}
	m.nodes[key] = s
	return s
}

// Err returns the first failure of RingUnitsArea.
func (m *Measure) Err() error { return m.err }

// Outline returns the cell's closed outline in the grid's CRS, clockwise from
// the north-western corner, each edge in n pieces: 4n + 1 points.
func (g *Grid) Outline(c Cell, n int) [][2]float64 {
	return g.outline(float64(c.Col), float64(c.Row), n)
}

func (g *Grid) outline(u, v float64, n int) [][2]float64 {
	ring := make([][2]float64, 0, 4*n+1)
	corners := [5][2]float64{{0, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 0}}
	for i := range 4 {
		a, b := corners[i], corners[i+1]
		for k := range n {
			f := float64(k) / float64(n)
			x, y := g.FromUnits(u+a[0]+f*(b[0]-a[0]), v+a[1]+f*(b[1]-a[1]))
			ring = append(ring, [2]float64{x, y})
		}
	}
	return append(ring, ring[0])
}

// OutlineIn returns the cell's closed outline in another CRS, each edge in n
// pieces.
func (g *Grid) OutlineIn(c Cell, crs *raster.CRS, n int) ([][2]float64, error) {
	t, err := raster.NewTransform(g.crs, crs)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	ring := g.Outline(c, n)
	x, y := make([]float64, len(ring)), make([]float64, len(ring))
	for i, p := range ring {
		x[i], y[i] = p[0], p[1]
	}
	if err := t.Points(x, y); err != nil {
		return nil, err
	}
	for i := range ring {
		ring[i] = [2]float64{x[i], y[i]}
	}
	return ring, nil
}
