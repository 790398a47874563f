package train

import (
	"fmt"
	"slices"

	"opencarbon/data/store"
	"opencarbon/train/config"
)

// border counts the cells that lack a neighbor among M x M: in the published
// program they depend on the tile that it found first.
func border(s *store.Store, m int) (n int, err error) {
	neighbors, err := s.Neighbors(m)
	for at := 0; at < len(neighbors); at += m * m {
		if slices.ContainsFunc(neighbors[at:at+m*m], func(t int32) bool { return t < 0 }) {
			n++
		}
	}
	return n, err
}

// borderNote says what these cells depend on, and how to say otherwise.
func borderNote(cells int, first [2]int64, key string) string {
	return fmt.Sprintf("%d cells depend on which image the published program found first: it takes that tile for missing neighbors. Here it is %d_%d,\n"+
		"the first in the folder's own order; if the dataset was copied, the original's may be another: name it with %s.", cells, first[0], first[1], key)
}

// borderNotes are a training's notes on that.
func borderNotes(c *config.Config, s *store.Store) ([]string, error) {
	if !c.Model.Published() || c.Model.Neighborhood < 2 || c.Data.Published.Dir == "" || len(c.Data.PublishedFirstTile) > 0 {
		return nil, nil
	}
	n, err := border(s, c.Model.Neighborhood)
	if err != nil || n == 0 {
		return nil, err
	}
	return []string{borderNote(n, [2]int64{s.Cells()[0].Col, s.Cells()[0].Row}, "data.published_first_tile: [X, Y]")}, nil
}
