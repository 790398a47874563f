package data

import (
	"math"
	"strconv"

	"opencarbon/data/grid"
	"opencarbon/data/raster"
	"opencarbon/data/store"
)

// GridOf makes a store's grid again.
func GridOf(m store.GridSpec) (*grid.Grid, error) {
	spec := grid.Spec{Scheme: m.Scheme, Zoom: m.Zoom, EPSG: m.EPSG}
	switch m.Scheme {
	case grid.Degrees:
		spec.CellDegrees, spec.EPSG = m.CellSize, 0
	case grid.Projected:
		spec.CellMetres = m.CellSize
		// The store has the edge in units of the CRS, which may be feet.
		if crs, err := raster.ParseCRS("EPSG:" + strconv.Itoa(m.EPSG)); err == nil && crs.Metres() > 0 {
			spec.CellMetres *= crs.Metres()
			if round := math.Round(1e6*spec.CellMetres) / 1e6; math.Abs(round-spec.CellMetres) < 1e-9*round {
				spec.CellMetres = round // what the division had taken away
			}
		}
	default:
		spec.EPSG = 0
	}
	return grid.New(spec)
}

// CellsOf is a store's grid and its cells in it, in the order of the tiles.
func CellsOf(s *store.Store) (*grid.Grid, []grid.Cell, error) {
	g, err := GridOf(s.Meta().Grid)
	if err != nil {
		return nil, nil, err
	}
	cells := make([]grid.Cell, s.Len())
	for i, c := range s.Cells() {
		cells[i] = grid.Cell{Col: c.Col, Row: c.Row}
	}
	return g, cells, nil
}
