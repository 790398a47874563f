package data

import (
	"context"
	"math"

	"opencarbon/data/emissions"
	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/imagery"
	"opencarbon/data/raster"
)

// regionCells returns the cells of the region of interest, in the grid's order,
// and whether they follow from the inventory alone: then the cells on its edge
// are in, too, of which it covers a part, and those that it does not touch have
// yet to be left out.
func regionCells(ctx context.Context, c *Config, g *grid.Grid, m *imagery.Mosaic) (cells []grid.Cell, fromInventory bool, err error) {
	none := "No cell's center lies inside: choose a larger region or smaller cells (data.region, data.grid)."
	var where string
	switch {
	case len(c.Region.BBox) > 0:
		where = "data.region.bbox"
		var box grid.BBox
		if box, err = grid.ParseBBox(c.Region.BBox); err == nil {
			cells, err = g.InBBox(ctx, box)
		}
	case c.Region.File != "":
		where = c.Region.File
		var shapes []raster.Geometry
		var crs *raster.CRS
		if shapes, crs, err = grid.ReadPolygons(ctx, c.Region.File, c.Region.Layer, c.Region.Where); err == nil {
			cells, err = g.InPolygons(ctx, shapes, crs)
		}
		err = named(err, "data.region")
	case m != nil:
		where = c.Imagery.Path
		none = "The mosaic is smaller than a cell, or its CRS is wrong: check data.imagery.crs and data.grid."
		west, south, east, north := m.Bounds()
		frame := raster.Geometry{Polygons: []raster.Polygon{{{{west, north}, {east, north}, {east, south}, {west, south}, {west, north}}}}}
		cells, err = g.InPolygons(ctx, []raster.Geometry{frame}, m.CRS())
	case c.Emissions.Path != "":
		where, fromInventory = c.Emissions.Path, true
		cells, err = inventoryBlock(ctx, c, g)
		err = named(err, "data.emissions")
	default:
		return nil, false, fault.New("data.region", "no region is given, and neither imagery nor emissions that would say it",
			"Give data.region.bbox: [west, south, east, north], or data.region.file.")
	}
	if err == nil && len(cells) == 0 {
		err = fault.New(where, "the region holds no cell of the grid "+g.String(), none)
	}
	return cells, fromInventory, err
}

// maxBlock bounds the cells around an inventory that is the region itself.
const maxBlock = 25_000_000

// inventoryBlock returns the cells of the block around the inventory's ground.
func inventoryBlock(ctx context.Context, c *Config, g *grid.Grid) ([]grid.Cell, error) {
	shapes, crs, err := emissions.Extent(ctx, c.emissionsSpec())
	if err != nil {
		return nil, err
	}
	box := [4]float64{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	for _, s := range shapes {
		if x0, y0, x1, y1, ok := s.Bounds(); ok {
			box = [4]float64{min(box[0], x0), min(box[1], y0), max(box[2], x1), max(box[3], y1)}
		}
	}
	cells, ok, err := g.Block(box[0], box[1], box[2], box[3], crs, maxBlock)
	if err == nil && !ok {
		err = fault.New("data.region", "the whole inventory holds too many cells of this grid", "Give data.region.bbox or data.region.file.")
	}
	return cells, err
}

// place is where the cells lie, for points in degrees.
type place struct {
	g    *grid.Grid
	to   *raster.Transform // degrees to the grid's CRS
	at   map[grid.Cell]int32
	box  [4]float64 // west, south, east, north of all cells, degrees
	area []float64  // [N] km2
	lon  []float64  // [N] of the centers, degrees
	lat  []float64
}

// newPlace measures the cells.
func newPlace(g *grid.Grid, cells []grid.Cell) (*place, error) {
	p := &place{g: g, at: make(map[grid.Cell]int32, len(cells))}
	lo, hi := cells[0], cells[0]
	for i, c := range cells {
		p.at[c] = int32(i)
		lo.Col, hi.Col = min(lo.Col, c.Col), max(hi.Col, c.Col)
		lo.Row, hi.Row = min(lo.Row, c.Row), max(hi.Row, c.Row)
	}
	m, err := g.NewMeasure()
	if err != nil {
		return nil, err
	}
	defer m.Close()
	if p.lon, p.lat, err = m.Centers(cells); err != nil {
		return nil, err
	}
	if p.area, err = m.Areas(cells); err != nil {
		return nil, err
	}
	if p.to, err = raster.NewTransform(grid.WGS84(), g.CRS()); err != nil {
		return nil, err
	}
	if p.box, err = blockBounds(g, lo, hi); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *place) close() { p.to.Close() }

// blockBounds returns the bounds in degrees of the block from cell lo to hi: its
// edges are followed, since they may be curved there.
func blockBounds(g *grid.Grid, lo, hi grid.Cell) (box [4]float64, err error) {
	back, err := raster.NewTransform(g.CRS(), grid.WGS84())
	if err != nil {
		return box, err
	}
	defer back.Close()
	const pieces = 64
	var x, y []float64
	u0, v0, u1, v1 := float64(lo.Col), float64(lo.Row), float64(hi.Col+1), float64(hi.Row+1)
	for i := range pieces + 1 {
		t := float64(i) / pieces
		for _, p := range [4][2]float64{{u0 + (u1-u0)*t, v0}, {u0 + (u1-u0)*t, v1}, {u0, v0 + (v1-v0)*t}, {u1, v0 + (v1-v0)*t}} {
			px, py := g.FromUnits(p[0], p[1])
			x, y = append(x, px), append(y, py)
		}
	}
	if err := back.Points(x, y); err != nil {
		return box, err
	}
	box = [4]float64{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	for i := range x {
		box = [4]float64{min(box[0], x[i]), min(box[1], y[i]), max(box[2], x[i]), max(box[3], y[i])}
	}
	return box, nil
}

// locate is poi.Target's Locate: lon and lat are overwritten. Points that
// cannot be placed come as NaN and lie nowhere.
func (p *place) locate(lon, lat []float64) (cell []int32, u, v []float64) {
	cell, u, v = make([]int32, len(lon)), make([]float64, len(lon)), make([]float64, len(lon))
	_ = p.to.Points(lon, lat) // what has no place in the grid's CRS becomes NaN
	for i := range lon {
		cell[i] = -1
		fu, fv := p.g.Units(lon[i], lat[i])
		if math.IsNaN(fu) || math.IsNaN(fv) || math.Abs(fu) > 1e15 || math.Abs(fv) > 1e15 {
			continue
		}
		c := grid.Cell{Col: int64(math.Floor(fu)), Row: int64(math.Floor(fv))}
		if at, ok := p.at[c]; ok {
			cell[i], u[i], v[i] = at, fu-float64(c.Col), fv-float64(c.Row)
		}
	}
	return cell, u, v
}

// subset keeps the cells with the given numbers.
func (p *place) subset(keep []int) (lon, lat, area []float64) {
	for _, i := range keep {
		lon, lat, area = append(lon, p.lon[i]), append(lat, p.lat[i]), append(area, p.area[i])
	}
	return lon, lat, area
}
