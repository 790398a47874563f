package mapfiles

import (
	"math"
	"testing"

	"opencarbon/data/grid"
	"opencarbon/train/runlog"
)

// cells are some of a grid, with a gap between them: one without truth, one
// outside the domain.
func cells(t *testing.T, s grid.Spec, first grid.Cell) *Cells {
	t.Helper()
	g, err := grid.New(s)
	if err != nil {
		t.Fatal(err)
	}
	m, err := g.NewMeasure()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	c := &Cells{Grid: g, Unit: "tCO2/yr", Extra: runlog.Extra{Corrected: true, Domain: true, Levels: []float64{0.9}}}
	for i, at := range [][2]int64{{0, 0}, {1, 0}, {3, 0}, {0, 2}, {1, 2}, {2, 2}} {
		r := runlog.Prediction{Col: first.Col + at[0], Row: first.Row + at[1], Split: "test", True: float64(i) + 1, Predicted: float64(i) + 1.5,
			Corrected: 1.3 * math.Exp(float64(i)+1.5), Scaled: math.NaN(), Spread: math.NaN(), Dissimilarity: 0.1 * float64(i), InDomain: i != 4,
			Low: []float64{float64(i)}, High: []float64{float64(i) + 3}}
		if i == 2 {
			r.Split, r.True = "none", math.NaN()
		}
		lon, lat, err := m.Centers([]grid.Cell{{Col: r.Col, Row: r.Row}})
		if err != nil {
			t.Fatal(err)
		}
		r.Lon, r.Lat = lon[0], lat[0]
		c.Rows = append(c.Rows, r)
	}
	return c
}

// grids of each kind that there is, with a cell of each.
var grids = map[string]struct {
	spec  grid.Spec
	first grid.Cell
}{
	"xyz":       {grid.Spec{Scheme: "xyz", Zoom: 15}, grid.Cell{Col: 29100, Row: 12900}},
	"degrees":   {grid.Spec{Scheme: "degrees", CellDegrees: 1.0 / 120}, grid.Cell{Col: 21600, Row: 4600}},
	"projected": {grid.Spec{Scheme: "projected", EPSG: 27700, CellMetres: 1000}, grid.Cell{Col: 503, Row: -200}},
}
