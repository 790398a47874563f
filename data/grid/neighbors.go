package grid

import (
	"fmt"
	"math"
)

// Neighbors returns, for an ordered list of cells, the list positions of the
// m x m cells around each: [len(cells), m*m], row by row from north to south and
// in a row from west to east; the cell itself is in the middle, and -1 stands
// for a cell that is not in the list. m is odd.
func Neighbors(cells []Cell, m int) ([]int32, error) {
	if m < 1 || m%2 == 0 || m > 255 {
		return nil, fmt.Errorf("grid: a neighborhood is an odd number of cells wide, not %d", m)
	}
	if len(cells) > math.MaxInt32 {
		return nil, fmt.Errorf("grid: %d cells are too many to number", len(cells))
	}
	at := make(map[Cell]int32, len(cells))
	for i, c := range cells {
		if j, twice := at[c]; twice {
			return nil, fmt.Errorf("grid: cell %s is listed twice (%d and %d)", c, j, i)
		}
		at[c] = int32(i)
	}
	k := int64(m-1) / 2
	ids := make([]int32, 0, len(cells)*m*m)
	for _, c := range cells {
		for dr := -k; dr <= k; dr++ {
			for dc := -k; dc <= k; dc++ {
				id, ok := at[Cell{c.Col + dc, c.Row + dr}]
				if !ok {
					id = -1
				}
				ids = append(ids, id)
			}
		}
	}
	return ids, nil
}
