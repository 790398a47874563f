package store

import (
	"fmt"
	"math"
)

// checkPoints checks that every point lies in its frame, that its category is
// one of the categories, and that each tile's points are sorted by category,
// row, column without repetition.
func checkPoints(offsets []int64, p Points, categories, size int) error {
	for t := 0; t+1 < len(offsets); t++ {
		prev := int64(-1)
		for i := offsets[t]; i < offsets[t+1]; i++ {
			c, r, col := int(p.Category[i]), int(p.Row[i]), int(p.Col[i])
			if c >= categories {
				return fmt.Errorf("tile %d has a point of category %d of %d", t, c, categories)
			}
			if r >= size || col >= size {
				return fmt.Errorf("tile %d has a point at row %d, col %d of %d x %d pixels", t, r, col, size, size)
			}
			if n := p.Count[i]; !(n > 0) || math.IsInf(float64(n), 0) {
				return fmt.Errorf("tile %d has a point with the count %v", t, n)
			}
			key := (int64(c)<<16|int64(r))<<16 | int64(col)
			if key <= prev {
				return fmt.Errorf("tile %d's points are not sorted by category, row, column", t)
			}
			prev = key
		}
	}
	return nil
}
