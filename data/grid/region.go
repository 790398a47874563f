package grid

import (
	"context"
	"fmt"
	"math"
	"slices"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
)

// maxCells bounds a region: 25 million cells of 1 km are more than Europe and
// would need 5 TB of images at 256 x 256.
const maxCells = 25_000_000

// BBox is a bounding box in degrees (WGS84). East is beyond 180 where the box
// spans the antimeridian.
type BBox struct {
	West, South, East, North float64
}

// ParseBBox checks the four numbers of the configuration: west, south, east,
// north.
func ParseBBox(v []float64) (BBox, error) {
	const where = "data.region.bbox"
	if len(v) != 4 {
		return BBox{}, fault.New(where, fmt.Sprintf("%d numbers where four numbers are wanted", len(v)), "write [west, south, east, north] in degrees")
	}
	b := BBox{v[0], v[1], v[2], v[3]}
	for _, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return BBox{}, fault.New(where, "holds a number that is not finite", "write [west, south, east, north] in degrees")
		}
	}
	fail := func(format string, args ...any) (BBox, error) {
		remedy := "write [west, south, east, north] in degrees; a box across 180 degrees is [177, -19, -178, -16] or [177, -19, 182, -16]"
		if order, as := otherOrder(v); as != nil {
			remedy = fmt.Sprintf("longitude comes first: these look like %s, and [west, south, east, north] is [%g, %g, %g, %g]", order, as[0], as[1], as[2], as[3])
			if v[0] > v[2] {
				remedy += "; a box across 180 degrees is [177, -19, -178, -16]"
			}
		}
		return BBox{}, fault.New(where, fmt.Sprintf(format, args...), remedy)
	}
	switch {
	case math.Abs(b.South) > 90 || math.Abs(b.North) > 90:
		return fail("latitudes %g and %g lie beyond 90 degrees", b.South, b.North)
	case math.Abs(b.West) > 360 || math.Abs(b.East) > 360:
		return fail("longitudes %g and %g lie beyond 360 degrees", b.West, b.East)
	case b.West > b.East && math.Abs(b.West) <= 180 && math.Abs(b.East) <= 180 && b.East+360-b.West < 180:
		b.East += 360 // as RFC 7946, section 5.2, writes a box across 180 degrees
	case b.West >= b.East || b.East-b.West > 360:
		return fail("west %g is not west of east %g", b.West, b.East)
	}
	if b.South >= b.North {
		return fail("south %g is not south of north %g", b.South, b.North)
	}
	return b, nil
}

// otherOrder tells in which other order four numbers would be a box, and the box;
// nil where in none.
func otherOrder(v []float64) (order string, box []float64) {
	for _, o := range []struct {
		name string
		at   [4]int
	}{
		{"[west, north, east, south]", [4]int{0, 3, 2, 1}},
		{"[east, south, west, north]", [4]int{2, 1, 0, 3}},
		{"[east, north, west, south]", [4]int{2, 3, 0, 1}},
		{"[south, west, north, east]", [4]int{1, 0, 3, 2}},
		{"[west, east, south, north]", [4]int{0, 2, 1, 3}},
		{"[south, north, west, east]", [4]int{2, 0, 3, 1}},
		{"[north, west, south, east]", [4]int{1, 2, 3, 0}},
	} {
		b := []float64{v[o.at[0]], v[o.at[1]], v[o.at[2]], v[o.at[3]]}
		if math.Abs(b[0]) <= 180 && math.Abs(b[2]) <= 180 && b[0] < b[2] && math.Abs(b[1]) <= 90 && math.Abs(b[3]) <= 90 && b[1] < b[3] {
			return o.name, b
		}
	}
	return "", nil
}

// Swapped is a box with longitudes and latitudes exchanged, as somebody writes it
// who puts latitude first; ok is false where that is none.
func (b BBox) Swapped() (box BBox, ok bool) {
	s := BBox{West: b.South, South: b.West, East: b.North, North: b.East}
	return s, math.Abs(s.South) <= 90 && math.Abs(s.North) <= 90
}

// ByAxes says that a vast box would be one of a city's size if its numbers were
// west, east, south, north, as many programs have them; "" where it would not.
func (b BBox) ByAxes() string {
	width, height := b.South-b.West, b.North-b.East // read so
	if !(width > 0 && height > 0 && b.East >= -90 && b.North <= 90) || (b.East-b.West)*(b.North-b.South) < 1000*max(1, width*height) {
		return ""
	}
	return fmt.Sprintf("data.region.bbox is a box of %.0f x %.0f degrees: if [west, east, south, north] was meant, stop and write [%g, %g, %g, %g], which is [west, south, east, north]",
		b.East-b.West, b.North-b.South, b.West, b.East, b.South, b.North)
}

// Polygon returns the box as a ring of degrees.
func (b BBox) Polygon() raster.Geometry {
	return raster.Geometry{Polygons: []raster.Polygon{{{{b.West, b.North}, {b.East, b.North}, {b.East, b.South}, {b.West, b.South}, {b.West, b.North}}}}}
}

// InBBox returns the cells whose center lies in the box, in order (Cell.Before).
func (g *Grid) InBBox(ctx context.Context, b BBox) ([]Cell, error) {
	return g.InPolygons(ctx, []raster.Geometry{b.Polygon()}, WGS84())
}

// InPolygons returns the cells whose center lies inside one of the polygons,
// given in their CRS, without repeats and in order (Cell.Before). The test is
// made in the polygons' CRS, where their edges are straight. Longitudes may go
// from 0 to 360, or beyond 180.
func (g *Grid) InPolygons(ctx context.Context, shapes []raster.Geometry, crs *raster.CRS) ([]Cell, error) {
	to, err := raster.NewTransform(crs, g.crs)
	if err != nil {
		return nil, err
	}
	defer to.Close()
	back, err := raster.NewTransform(g.crs, crs)
	if err != nil {
		return nil, err
	}
	defer back.Close()
	found := map[Cell]bool{}
	for _, shape := range shapes {
		for _, p := range shape.Polygons {
			for _, one := range turned(p, crs) {
				if err := g.collect(ctx, raster.Geometry{Polygons: []raster.Polygon{one}}, crs, to, back, found); err != nil {
					return nil, err
				}
			}
		}
	}
	cells := make([]Cell, 0, len(found))
	for c := range found {
		cells = append(cells, c)
	}
	Sort(cells)
	return cells, nil
}

// turned returns the polygon as often as it takes to have each part of it between
// -180 and 180 degrees: moved by whole turns round the earth.
func turned(p raster.Polygon, crs *raster.CRS) []raster.Polygon {
	period := crs.Period()
	minX, _, maxX, _, ok := raster.Geometry{Polygons: []raster.Polygon{p}}.Bounds()
	if !ok || period == 0 || minX >= -period/2 && maxX <= period/2 {
		return []raster.Polygon{p}
	}
	var list []raster.Polygon
	for turn := -2.0; turn <= 2; turn++ {
		by := turn * period
		if minX+by >= period/2 || maxX+by <= -period/2 {
			continue
		}
		moved := make(raster.Polygon, len(p))
		for i, ring := range p {
			for _, v := range ring {
				moved[i] = append(moved[i], [2]float64{v[0] + by, v[1]})
			}
		}
		list = append(list, moved)
	}
	return list
}

// collect adds the cells with their center in one polygon.
func (g *Grid) collect(ctx context.Context, p raster.Geometry, crs *raster.CRS, to, back *raster.Transform, found map[Cell]bool) error {
	minX, minY, maxX, maxY, ok := p.Bounds()
	if !ok {
		return nil
	}
	if half := crs.Period() / 2; half > 0 {
		minX, maxX = max(minX, -half), min(maxX, half)
	}
	lo, hi, err := g.span(minX, minY, maxX, maxY, to)
	if err != nil {
		return err
	}
	w, h := float64(hi.Col-lo.Col+1), float64(hi.Row-lo.Row+1)
	if w <= 0 || h <= 0 {
		return nil
	}
	if w*h > 4*maxCells {
		return fault.New("data.region", fmt.Sprintf("the region's frame holds %.0f cells of this grid", w*h), fmt.Sprintf("choose a smaller region or larger cells (at most %d)", maxCells))
	}
	n := int(w)
	x, y := make([]float64, n), make([]float64, n)
	for row := lo.Row; row <= hi.Row; row++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i := range n {
			x[i], y[i] = g.Center(Cell{lo.Col + int64(i), row})
		}
		// Centers without an image in the polygons' CRS come back as NaN and
		// lie in no polygon.
		_ = back.Points(x, y)
		for i := range n {
			c := Cell{lo.Col + int64(i), row}
			if g.Valid(c) && p.Contains(x[i], y[i]) {
				found[c] = true
			}
		}
		if len(found) > maxCells {
			return fault.New("data.region", fmt.Sprintf("the region holds more than %d cells", maxCells), "choose a smaller region or larger cells")
		}
	}
	return nil
}

// Block returns the cells of the block that surely covers a box given in another
// CRS, in order (Cell.Before), without those beyond the grid. A box in longitudes
// from 0 to 360 may need two blocks. The error of more than limit cells is nil
// cells and ok false.
func (g *Grid) Block(minX, minY, maxX, maxY float64, crs *raster.CRS, limit float64) (cells []Cell, ok bool, err error) {
	ring := [][2]float64{{minX, minY}, {maxX, minY}, {maxX, maxY}, {minX, maxY}, {minX, minY}}
	for _, part := range turned(raster.Polygon{ring}, crs) {
		x0, y0, x1, y1, _ := raster.Geometry{Polygons: []raster.Polygon{part}}.Bounds()
		if half := crs.Period() / 2; half > 0 {
			x0, x1 = max(x0, -half), min(x1, half)
		}
		lo, hi, err := g.Span(x0, y0, x1, y1, crs)
		if err != nil {
			return nil, false, err
		}
		if hi.Col < lo.Col || hi.Row < lo.Row {
			continue
		}
		if float64(len(cells))+float64(hi.Col-lo.Col+1)*float64(hi.Row-lo.Row+1) > limit {
			return nil, false, nil
		}
		for row := lo.Row; row <= hi.Row; row++ {
			for col := lo.Col; col <= hi.Col; col++ {
				if cell := (Cell{Col: col, Row: row}); g.Valid(cell) {
					cells = append(cells, cell)
				}
			}
		}
	}
	Sort(cells)
	return slices.Compact(cells), true, nil
}

// Span returns the corner cells of the block that surely covers a box given in
// another CRS: its edges are followed, not only its corners. Cells beyond the
// grid are cut off; an empty block has lo beyond hi.
func (g *Grid) Span(minX, minY, maxX, maxY float64, crs *raster.CRS) (lo, hi Cell, err error) {
	t, err := raster.NewTransform(crs, g.crs)
	if err != nil {
		return lo, hi, err
	}
	defer t.Close()
	return g.span(minX, minY, maxX, maxY, t)
}

func (g *Grid) span(minX, minY, maxX, maxY float64, t *raster.Transform) (lo, hi Cell, err error) {
	const n = 32 // pieces per side; inner points catch a pole inside the box
	x, y := make([]float64, 0, (n+1)*(n+1)), make([]float64, 0, (n+1)*(n+1))
	for i := range n + 1 {
		for j := range n + 1 {
			x = append(x, minX+(maxX-minX)*float64(i)/n)
			y = append(y, minY+(maxY-minY)*float64(j)/n)
		}
	}
	err = t.Points(x, y)
	u0, v0, u1, v1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for i := range x {
		u, v := g.Units(x[i], y[i])
		if math.IsNaN(u) || math.IsNaN(v) {
			continue
		}
		u0, u1 = math.Min(u0, u), math.Max(u1, u)
		v0, v1 = math.Min(v0, v), math.Max(v1, v)
	}
	if u0 > u1 {
		return Cell{}, Cell{}, err // no point of the box has a place in the grid
	}
	const far = 1 << 40
	clamp := func(f float64) int64 { return int64(math.Max(-far, math.Min(far, math.Floor(f)))) }
	// The bulge between two sampled points is below 1% of the box.
	pu, pv := (u1-u0)*0.01+1, (v1-v0)*0.01+1
	lo, hi = Cell{clamp(u0 - pu), clamp(v0 - pv)}, Cell{clamp(u1 + pu), clamp(v1 + pv)}
	if g.cols > 0 {
		lo.Col, lo.Row = max(lo.Col, 0), max(lo.Row, 0)
		hi.Col, hi.Row = min(hi.Col, g.cols-1), min(hi.Row, g.rows-1)
	}
	return lo, hi, nil
}

// Sort puts cells in the order of Cell.Before.
func Sort(cells []Cell) {
	slices.SortFunc(cells, func(a, b Cell) int {
		switch {
		case a.Before(b):
			return -1
		case b.Before(a):
			return 1
		}
		return 0
	})
}

// ReadPolygons reads the polygons of a file (GeoJSON, Shapefile, GeoPackage) with
// their CRS. A file without polygons or without a CRS is an error.
func ReadPolygons(ctx context.Context, path, layer, where string) ([]raster.Geometry, *raster.CRS, error) {
	l, err := raster.OpenVector(path, layer, where, nil)
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	var shapes []raster.Geometry
	features := 0
	err = l.Each(ctx, func(f *raster.Feature) error {
		features++
		if len(f.Geometry.Polygons) > 0 {
			shapes = append(shapes, f.Geometry)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, nil, err
	case features == 0 && where != "":
		return nil, nil, fault.New(path, fmt.Sprintf("no feature of layer %s fulfils %q", l.Name(), where), "check the names in the filter")
	case len(shapes) == 0:
		return nil, nil, fault.New(path, fmt.Sprintf("layer %s holds no polygons (%d features)", l.Name(), features), "name a file or layer of polygons")
	case l.CRS() == nil:
		return nil, nil, fault.New(path, "the file has no coordinate reference system (CRS)", "supply its .prj file, or convert it with ogr2ogr -a_srs EPSG:CODE")
	}
	return shapes, l.CRS(), nil
}
