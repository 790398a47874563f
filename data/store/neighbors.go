package store

// neighborhoods finds the tiles around every cell, [N, 7*7] row-major from
// north to south and west to east; -1 where there is none. columns is the
// number of columns round the globe, 0 for a grid that does not close.
func neighborhoods(cells []Cell, columns int64) []int32 {
	const k = MaxNeighborhood / 2
	at := make(map[Cell]int32, len(cells))
	for i, c := range cells {
		at[wrap(c, columns)] = int32(i)
	}
	out := make([]int32, 0, len(cells)*MaxNeighborhood*MaxNeighborhood)
	for _, c := range cells {
		for dr := int64(-k); dr <= k; dr++ {
			for dc := int64(-k); dc <= k; dc++ {
				id, ok := at[wrap(Cell{Col: c.Col + dc, Row: c.Row + dr}, columns)]
				if !ok {
					id = -1
				}
				out = append(out, id)
			}
		}
	}
	return out
}

// wrap brings a column into 0 .. columns-1 of a grid that closes on itself.
func wrap(c Cell, columns int64) Cell {
	if columns > 0 {
		c.Col = (c.Col%columns + columns) % columns
	}
	return c
}
