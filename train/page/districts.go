package page

import (
	"cmp"
	"context"
	"math"
	"slices"

	"opencarbon/data/areas"
	"opencarbon/data/label"
)

// Districts adds the map's amounts up over the polygons of a file, where field is
// the column of their names. Cells that a border cuts count by area. There are no
// intervals: those take a checkpoint (predict --areas). Errors are those of
// areas.Read.
func (m *Map) Districts(ctx context.Context, path, field string) (Areas, error) {
	set, err := areas.Read(ctx, path, field, m.grid, cellsOf(m.Rows))
	if err != nil {
		return Areas{}, err
	}
	amounts, _ := m.amounts()
	all := m.Total()
	var out Areas
	shapes := map[string][][][2]float64{}
	for _, a := range set.Areas {
		if len(a.Cell) == 0 {
			continue
		}
		r := Area{Name: label.Printable(a.Name), Cells: len(a.Cell), KM2: a.Covered, Low: math.NaN(), High: math.NaN(), Factor: math.NaN(), Filled: math.NaN(), Least: math.NaN(), Most: math.NaN()}
		for k, i := range a.Cell {
			r.Total += a.Share[k] * amounts[i]
		}
		r.PerKM2, r.Share = r.Total/r.KM2, r.Total/all
		out.Rows = append(out.Rows, r)
		for _, p := range a.Shape.Polygons {
			shapes[r.Name] = append(shapes[r.Name], p...)
		}
	}
	slices.SortStableFunc(out.Rows, func(a, b Area) int { return cmp.Compare(b.Total, a.Total) })
	for i := range out.Rows {
		out.Rows[i].Rank = i + 1
	}
	return out, outlinesOf(shapes, set.CRS, out.Rows)
}
