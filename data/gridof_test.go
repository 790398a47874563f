package data

import (
	"math"
	"testing"

	"opencarbon/data/grid"
)

// A store's grid made again has its cells where they were, in feet as well.
func TestGridOf(t *testing.T) {
	for _, spec := range []grid.Spec{
		{Scheme: grid.XYZ, Zoom: 14},
		{Scheme: grid.Degrees},
		{Scheme: grid.Degrees, CellDegrees: 0.013},
		{Scheme: grid.Projected, EPSG: 27700, CellMetres: 250},
		{Scheme: grid.Projected, EPSG: 2263, CellMetres: 1000}, // New York: US survey feet
		{Scheme: grid.Projected, EPSG: 2263, CellMetres: 312.5},
	} {
		g, err := grid.New(spec)
		if err != nil {
			t.Fatal(err)
		}
		kept := (&build{grid: g}).gridSpec()
		if m := kept.Metres(); spec.Scheme == grid.Projected && math.Abs(kept.CellSize*m-spec.CellMetres) > 1e-6 {
			t.Errorf("%s: the store has an edge of %g units of %g m", g, kept.CellSize, m)
		}
		again, err := GridOf(kept)
		if err != nil {
			t.Fatalf("%+v: %v", spec, err)
		}
		cell := grid.Cell{Col: 1234, Row: 321}
		w, s, e, n := g.Bounds(cell)
		w2, s2, e2, n2 := again.Bounds(cell)
		if d := math.Abs(w-w2) + math.Abs(s-s2) + math.Abs(e-e2) + math.Abs(n-n2); d > 1e-6*(e-w) {
			t.Errorf("%s: %g %g %g %g, and made again %g %g %g %g", g, w, s, e, n, w2, s2, e2, n2)
		}
	}
}
