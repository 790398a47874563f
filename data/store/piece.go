package store

import "slices"

// InOnePiece returns the cells where a map has them side by side: those of a region
// over the antimeridian lie at both ends of a grid that closes on itself, and the
// ones in the east of it go on beyond its last column. Other cells come as they are.
func (g GridSpec) InOnePiece(cells []Cell) []Cell {
	if g.Columns <= 0 || len(cells) == 0 {
		return cells
	}
	cols := make([]int64, len(cells))
	for i, c := range cells {
		cols[i] = c.Col
	}
	slices.Sort(cols)
	cols = slices.Compact(cols)
	// The widest stretch of columns without a cell is where the map ends; it is the
	// one from the last column to the first unless another is wider.
	widest, first := cols[0]+g.Columns-cols[len(cols)-1], cols[0]
	for i := 1; i < len(cols); i++ {
		if gap := cols[i] - cols[i-1]; gap > widest {
			widest, first = gap, cols[i]
		}
	}
	if first == cols[0] {
		return cells
	}
	out := slices.Clone(cells)
	for i := range out {
		if out[i].Col < first {
			out[i].Col += g.Columns
		}
	}
	return out
}
