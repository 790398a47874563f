package emissions

import (
	"context"
	"fmt"
	"slices"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

// Part is the ground that a shape and a cell have in common.
type Part struct {
	Cell int32   // position in the list of cells
	KM2  float64 // geodesic area, positive
}

// Cut cuts shapes in the given CRS along the borders of cells, as polygons of an
// inventory are: for each shape its parts in the cells of the list, in the list's
// order, and its whole area in km2, be it in cells or not. A shape that has no
// place in the grid, or that is no area, is a *fault.Input error that names its
// number, from 0.
func Cut(ctx context.Context, g *grid.Grid, cells []grid.Cell, shapes []raster.Geometry, crs *raster.CRS) (parts [][]Part, km2 []float64, err error) {
	t, err := newTarget(g, cells)
	if err != nil {
		return nil, nil, err
	}
	defer t.close()
	p, err := newPlacer(g, crs)
	if err != nil {
		return nil, nil, err
	}
	defer p.close()
	for n, shape := range shapes {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		if !shape.Valid() {
			if fixed, err := shape.Repair(); err == nil && len(fixed.Polygons) > 0 {
				shape = fixed
			}
		}
		t.pieces = t.pieces[:0]
		area, err := p.place(t, shape)
		if err != nil || !(area > 0) {
			return nil, nil, fault.New(fmt.Sprintf("polygon %d", n), "has no area in the grid "+g.String(), "Check its coordinates and the coordinate reference system (CRS) of its file.")
		}
		sum := map[int32]float64{}
		for _, x := range t.pieces {
			if x.cell >= 0 {
				sum[x.cell] += x.area // holes are negative
			}
		}
		var own []Part
		for cell, a := range sum {
			if a > 1e-12 { // km2: a square millimeter, what a hole leaves by rounding
				own = append(own, Part{cell, a})
			}
		}
		slices.SortFunc(own, func(a, b Part) int { return int(a.Cell) - int(b.Cell) })
		parts, km2 = append(parts, own), append(km2, area)
	}
	return parts, km2, t.measure.Err()
}
