package page

import (
	"cmp"
	"math"
	"slices"

	"opencarbon/data/grid"
	"opencarbon/data/raster"
	"opencarbon/train/runlog"
)

// degree is how finely a corner is written: 1e-6 degrees, a tenth of a meter.
const degree = 1e6

// corners are the corners of cells, each once, by rows from north to south: of
// cell i they are NW[i], NW[i]+1, SW[i]+1 and SW[i], clockwise.
type corners struct {
	lon, lat []int64 // in 1/degree of a degree, WGS84
	nw, sw   []int64 // [cells]
}

// cornersOf places the corners. Cells on both sides of the antimeridian get
// longitudes that go on beyond 180 degrees, so that they stay together.
func cornersOf(g *grid.Grid, rows []runlog.Prediction) (corners, error) {
	turn := cutOf(rows)
	type corner struct {
		at       grid.Cell // the cell that it is the north-western one of
		lon, lat float64
	}
	index := map[grid.Cell]int{}
	var all []corner
	for _, r := range rows {
		for _, d := range [4][2]int64{{0, 0}, {1, 0}, {1, 1}, {0, 1}} {
			at := grid.Cell{Col: r.Col + d[0], Row: r.Row + d[1]}
			if _, ok := index[at]; ok {
				continue
			}
			x, y := g.FromUnits(float64(at.Col), float64(at.Row))
			index[at] = len(all)
			all = append(all, corner{at: at, lon: x, lat: y})
		}
	}
	slices.SortFunc(all, func(a, b corner) int {
		return cmp.Or(cmp.Compare(a.at.Row, b.at.Row), cmp.Compare(a.at.Col, b.at.Col))
	})
	x, y := make([]float64, len(all)), make([]float64, len(all))
	for i, c := range all {
		index[c.at], x[i], y[i] = i, c.lon, c.lat
	}
	to, err := raster.NewTransform(g.CRS(), grid.WGS84())
	if err != nil {
		return corners{}, err
	}
	defer to.Close()
	if err := to.Points(x, y); err != nil {
		return corners{}, err
	}
	c := corners{lon: make([]int64, len(all)), lat: make([]int64, len(all)), nw: make([]int64, len(rows)), sw: make([]int64, len(rows))}
	for i, r := range rows {
		c.nw[i] = int64(index[grid.Cell{Col: r.Col, Row: r.Row}])
		c.sw[i] = int64(index[grid.Cell{Col: r.Col, Row: r.Row + 1}])
		center := r.Lon
		if center < turn {
			center += 360
		}
		for _, k := range []int64{c.nw[i], c.nw[i] + 1, c.sw[i], c.sw[i] + 1} {
			x[k] = center + math.Remainder(x[k]-center, 360)
		}
	}
	for i := range all {
		c.lon[i], c.lat[i] = int64(math.Round(x[i]*degree)), int64(math.Round(y[i]*degree))
	}
	return c, nil
}

// cutOf is the longitude west of which cells are seen 360 degrees further east, so
// that the widest gap between cells is not amid them: -180 but for regions over the
// antimeridian.
func cutOf(rows []runlog.Prediction) float64 {
	lon := make([]float64, len(rows))
	for i, r := range rows {
		lon[i] = r.Lon
	}
	slices.Sort(lon)
	gap, cut := 360-(lon[len(lon)-1]-lon[0]), math.Inf(-1)
	for i := 1; i < len(lon); i++ {
		if d := lon[i] - lon[i-1]; d > gap {
			gap, cut = d, lon[i]
		}
	}
	return cut
}
