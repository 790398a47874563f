package raster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Polygon is a list of closed rings of (x, y) vertices: the first is the outer
// one, the others are holes. The last vertex of a ring repeats the first.
type Polygon [][][2]float64

// Geometry is a feature's shape in the CRS of its layer, as plain Go values.
// Heights are dropped and curves made of straight pieces. An empty Geometry has
// neither points nor polygons.
type Geometry struct {
	Points   [][2]float64 // of a Point or MultiPoint; vertices of lines
	Polygons []Polygon    // of a Polygon, MultiPolygon or collection
}

// Empty reports whether there is nothing in g.
func (g Geometry) Empty() bool { return len(g.Points) == 0 && len(g.Polygons) == 0 }

// Bounds returns the bounding box; ok is false for an empty geometry.
func (g Geometry) Bounds() (minX, minY, maxX, maxY float64, ok bool) {
	minX, minY, maxX, maxY = math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	add := func(ps [][2]float64) {
		for _, p := range ps {
			minX, maxX = math.Min(minX, p[0]), math.Max(maxX, p[0])
			minY, maxY = math.Min(minY, p[1]), math.Max(maxY, p[1])
		}
	}
	add(g.Points)
	for _, p := range g.Polygons {
		for _, ring := range p {
			add(ring)
		}
	}
	return minX, minY, maxX, maxY, minX <= maxX
}

// Contains reports whether (x, y) lies inside one of g's polygons, by the
// even-odd rule over its rings. A point on a border belongs to at most one of
// two polygons that share it.
func (g Geometry) Contains(x, y float64) bool {
	for _, p := range g.Polygons {
		inside := false
		for _, ring := range p {
			for i := 1; i < len(ring); i++ {
				a, b := ring[i-1], ring[i]
				if (a[1] > y) != (b[1] > y) && x < a[0]+(y-a[1])/(b[1]-a[1])*(b[0]-a[0]) {
					inside = !inside
				}
			}
		}
		if inside {
			return true
		}
	}
	return false
}

// The well-known-binary codes of the simple features (OGC 06-103r4, table 7).
const (
	wkbPoint = iota + 1
	wkbLineString
	wkbPolygon
	wkbMultiPoint
	wkbMultiLineString
	wkbMultiPolygon
	wkbCollection
)

var errWKB = errors.New("the geometry's binary form is cut short or damaged")

// parseWKB reads well-known binary, ISO or extended, either byte order.
func parseWKB(b []byte) (Geometry, error) {
	var g Geometry
	r := wkbReader{b: b}
	err := r.geometry(&g, 0)
	return g, err
}

type wkbReader struct {
	b     []byte
	order binary.ByteOrder
}

func (r *wkbReader) uint32() (uint32, error) {
	if len(r.b) < 4 {
		return 0, errWKB
	}
	v := r.order.Uint32(r.b)
	r.b = r.b[4:]
	return v, nil
}

// count reads a number of items that each take at least size bytes.
func (r *wkbReader) count(size int) (int, error) {
	n, err := r.uint32()
	if err != nil || int64(n)*int64(size) > int64(len(r.b)) {
		return 0, errWKB
	}
	return int(n), nil
}

func (r *wkbReader) points(n, dim int) ([][2]float64, error) {
	if n*dim*8 > len(r.b) {
		return nil, errWKB
	}
	ps := make([][2]float64, n)
	for i := range ps {
		ps[i][0] = math.Float64frombits(r.order.Uint64(r.b))
		ps[i][1] = math.Float64frombits(r.order.Uint64(r.b[8:]))
		r.b = r.b[dim*8:]
	}
	return ps, nil
}

func (r *wkbReader) geometry(g *Geometry, depth int) error {
	if len(r.b) < 5 || depth > 8 {
		return errWKB
	}
	r.order = binary.BigEndian
	if r.b[0] == 1 {
		r.order = binary.LittleEndian
	}
	r.b = r.b[1:]
	code, _ := r.uint32()
	dim := 2
	if code&0x80000000 != 0 { // extended WKB: Z
		dim++
	}
	if code&0x40000000 != 0 { // extended WKB: M
		dim++
	}
	code &= 0x0fffffff
	switch code / 1000 { // ISO: 1000 Z, 2000 M, 3000 ZM
	case 1, 2:
		dim++
	case 3:
		dim += 2
	}
	switch kind := code % 1000; kind {
	case wkbPoint:
		ps, err := r.points(1, dim)
		if err == nil && !math.IsNaN(ps[0][0]) && !math.IsNaN(ps[0][1]) { // NaN NaN is an empty point
			g.Points = append(g.Points, ps[0])
		}
		return err
	case wkbLineString:
		n, err := r.count(dim * 8)
		if err != nil {
			return err
		}
		ps, err := r.points(n, dim)
		g.Points = append(g.Points, ps...)
		return err
	case wkbPolygon:
		rings, err := r.count(4)
		if err != nil {
			return err
		}
		var p Polygon
		for range rings {
			n, err := r.count(dim * 8)
			if err != nil {
				return err
			}
			ring, err := r.points(n, dim)
			if err != nil {
				return err
			}
			p = append(p, ring)
		}
		if len(p) > 0 && len(p[0]) > 0 {
			g.Polygons = append(g.Polygons, p)
		}
		return nil
	case wkbMultiPoint, wkbMultiLineString, wkbMultiPolygon, wkbCollection:
		n, err := r.count(5)
		if err != nil {
			return err
		}
		for range n {
			if err := r.geometry(g, depth+1); err != nil {
				return err
			}
		}
		return nil
	default:
		return fmt.Errorf("geometry type %d is not supported", kind)
	}
}

// wkb writes g as little-endian well-known binary: polygons where it has any,
// else points; nil when it is empty. Open rings are closed.
func (g Geometry) wkb() []byte {
	le := binary.LittleEndian
	head := func(b []byte, kind uint32) []byte { return le.AppendUint32(append(b, 1), kind) }
	xy := func(b []byte, p [2]float64) []byte {
		return le.AppendUint64(le.AppendUint64(b, math.Float64bits(p[0])), math.Float64bits(p[1]))
	}
	polygon := func(b []byte, p Polygon) []byte {
		b = le.AppendUint32(head(b, wkbPolygon), uint32(len(p)))
		for _, ring := range p {
			open := len(ring) > 0 && ring[0] != ring[len(ring)-1]
			n := len(ring)
			if open {
				n++
			}
			b = le.AppendUint32(b, uint32(n))
			for _, v := range ring {
				b = xy(b, v)
			}
			if open {
				b = xy(b, ring[0])
			}
		}
		return b
	}
	switch {
	case len(g.Polygons) == 1:
		return polygon(nil, g.Polygons[0])
	case len(g.Polygons) > 1:
		b := le.AppendUint32(head(nil, wkbMultiPolygon), uint32(len(g.Polygons)))
		for _, p := range g.Polygons {
			b = polygon(b, p)
		}
		return b
	case len(g.Points) == 1:
		return xy(head(nil, wkbPoint), g.Points[0])
	case len(g.Points) > 1:
		b := le.AppendUint32(head(nil, wkbMultiPoint), uint32(len(g.Points)))
		for _, p := range g.Points {
			b = xy(head(b, wkbPoint), p)
		}
		return b
	}
	return nil
}
