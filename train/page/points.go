package page

import (
	"math"

	"opencarbon/data/label"
	"opencarbon/data/store"
)

// points are how many points of interest of each category lie in each cell.
type points struct {
	categories []string
	cells      []int64 // for each cell: the number of categories, then category and count of each
}

// countPoints counts them; at are the cells' tiles in s, -1: none.
func countPoints(s *store.Store, at []int) *points {
	p := &points{}
	for _, name := range s.Categories() {
		p.categories = append(p.categories, label.Printable(name))
	}
	for _, tile := range at {
		first := len(p.cells)
		p.cells = append(p.cells, 0)
		if tile < 0 {
			continue
		}
		here := s.POIs(tile)
		for i := 0; i < here.Len(); { // sorted by category
			k, n := here.Category[i], 0.0
			for ; i < here.Len() && here.Category[i] == k; i++ {
				n += float64(here.Count[i])
			}
			p.cells = append(p.cells, int64(k), int64(math.Round(n)))
			p.cells[first]++
		}
	}
	return p
}
