package split

import (
	"slices"

	"opencarbon/data/store"
)

// nearness answers how near the cells of one split lie to those of another. It
// keeps, per split and row, the sorted columns of its cells.
type nearness struct {
	in   Input
	rows [store.Test + 1]map[int64][]int64
}

func newNearness(in Input, splits []store.Split) *nearness {
	n := &nearness{in: in}
	for s := range n.rows {
		n.rows[s] = map[int64][]int64{}
	}
	for i, c := range in.Cells {
		n.rows[splits[i]][c.Row] = append(n.rows[splits[i]][c.Row], n.column(c.Col))
	}
	for _, rows := range n.rows {
		for _, cols := range rows {
			slices.Sort(cols)
		}
	}
	return n
}

// column brings a column into one turn of a grid that closes on itself.
func (n *nearness) column(c int64) int64 {
	if k := n.in.Columns; k > 0 {
		c = (c%k + k) % k
	}
	return c
}

// within says whether a cell of split s lies within Chebyshev distance d of c.
func (n *nearness) within(c store.Cell, s store.Split, d int64) bool {
	rows := n.rows[s]
	if int64(len(rows)) < 2*d+1 {
		for row, cols := range rows {
			if row >= c.Row-d && row <= c.Row+d && n.inRow(cols, c.Col, d) {
				return true
			}
		}
		return false
	}
	for row := c.Row - d; row <= c.Row+d; row++ {
		if n.inRow(rows[row], c.Col, d) {
			return true
		}
	}
	return false
}

// inRow says whether one of the sorted columns lies within d of col.
func (n *nearness) inRow(cols []int64, col, d int64) bool {
	between := func(lo, hi int64) bool {
		i, _ := slices.BinarySearch(cols, lo)
		return i < len(cols) && cols[i] <= hi
	}
	col = n.column(col)
	if between(col-d, col+d) {
		return true
	}
	k := n.in.Columns
	return k > 0 && (between(col-d+k, col+d+k) || between(col-d-k, col+d-k))
}

// buffer takes the training cells near a validation or test cell out of training
// and returns how many they are.
func (n *nearness) buffer(splits []store.Split, d int) int {
	dropped := 0
	if d == 0 {
		return 0
	}
	for i, c := range n.in.Cells {
		if splits[i] == store.Train && (n.within(c, store.Test, int64(d)) || n.within(c, store.Validation, int64(d))) {
			splits[i] = store.None
			dropped++
		}
	}
	return dropped
}

// overlap counts the training cells that see others in their neighborhoods.
func (n *nearness) overlap(splits []store.Split) []Overlap {
	var out []Overlap
	for _, m := range []int{3, 5, 7} {
		o := Overlap{M: m}
		for i, c := range n.in.Cells {
			if splits[i] != store.Train {
				continue
			}
			if n.within(c, store.Test, int64(m/2)) {
				o.Test++
			}
			if n.within(c, store.Validation, int64(m/2)) {
				o.Validation++
			}
		}
		out = append(out, o)
	}
	return out
}
