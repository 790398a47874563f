package data

import (
	"opencarbon/data/grid"
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
	default:
		spec.EPSG = 0
	}
	return grid.New(spec)
}
