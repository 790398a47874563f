// Package totals turns predicted ln emission into tonnes that may be added up.
//
// A model of ln emission, fitted to medians, is too low in tonnes: the mean of a
// skewed quantity lies above its median, and a total is a sum of means. Cells
// that the model was not fitted on (the validation cells) say by how much
// (Correction), and how far a sum of many cells may be off (Model.Sum): errors of
// neighboring cells go together, so whole blocks of cells are drawn, never single
// ones. Scores of ln emission are not touched by any of this.
//
// It sees slices of numbers only: no tensors, no files.
package totals

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"opencarbon/data/store"
)

// Held are cells that the model was not fitted on: ln emission, true and
// predicted, and the place in the grid, [n] each.
type Held struct {
	True, Predicted []float64
	Col, Row        []int64

	ratio []float64 // true by predicted emission; nil: not yet computed
}

// ratios are true by predicted emission, [n].
func (h Held) ratios() []float64 {
	if h.ratio != nil {
		return h.ratio
	}
	v := make([]float64, len(h.True))
	for i, y := range h.True {
		v[i] = math.Exp(y - h.Predicted[i])
	}
	return v
}

// Least cells and blocks that a correction can be fitted on. With fewer of
// either the spread between blocks says nothing.
const (
	LeastCells  = 20
	LeastBlocks = 5
)

// Model is what held-out cells say about sums.
type Model struct {
	Correction Correction
	Chosen     string // why this method, in words
	Block      int    // edge in cells of the blocks that are drawn
	Blocks     int    // number of them
	Cells      int    // held-out cells
	held       Held   // true and predicted, in the order of blocks, in each from the lowest prediction to the highest
	first      []int  // [Blocks + 1] where each block begins
}

// Fit makes a model of sums. Fewer cells than LeastCells, or cells that make
// fewer than LeastBlocks blocks however small, give an error that says so;
// values that are not finite are errors, too.
func Fit(h Held) (*Model, error) {
	n := len(h.True)
	if len(h.Predicted) != n || len(h.Col) != n || len(h.Row) != n {
		return nil, fmt.Errorf("%d targets for %d predictions at %d places", n, len(h.Predicted), len(h.Col))
	}
	for i := range n {
		if d := h.True[i] - h.Predicted[i]; math.IsNaN(d) || math.IsInf(d, 0) {
			return nil, fmt.Errorf("held-out cell %d of %d: true %g, predicted %g", i, n, h.True[i], h.Predicted[i])
		}
	}
	if n < LeastCells {
		return nil, fmt.Errorf("%d held-out cells are too few for a total: it takes %d", n, LeastCells)
	}
	m := &Model{Cells: n}
	if !m.block(h) {
		return nil, fmt.Errorf("the held-out cells lie in %d places, too few for a total: it takes %d blocks apart", m.Blocks, LeastBlocks)
	}
	m.choose()
	return m, nil
}

// block sorts the cells by the largest blocks, of 8 x 8 cells or less, of which
// there are enough.
func (m *Model) block(h Held) bool {
	const enough = 8 // smaller blocks are more of them, but what goes together in a large one is lost: intervals are then far too narrow
	for m.Block = 8; ; m.Block /= 2 {
		m.sort(h)
		if m.Blocks >= enough || m.Block == 1 {
			return m.Blocks >= LeastBlocks
		}
	}
}

func (m *Model) sort(h Held) {
	var order []int
	order, m.first = blocks(h.Col, h.Row, m.Block)
	rank(order, m.first, h.Predicted)
	m.Blocks, m.held = len(m.first)-1, Held{}
	for _, i := range order {
		m.held.True, m.held.Predicted = append(m.held.True, h.True[i]), append(m.held.Predicted, h.Predicted[i])
	}
	m.held.ratio = m.held.ratios()
}

// blocks sorts the cells at places by the blocks of edge x edge cells in which
// they lie: order holds them, first where in it each block begins, and at its end
// their number. Blocks lie where the grid's columns and rows are multiples of
// edge.
func blocks(col, row []int64, edge int) (order, first []int) {
	order = make([]int, len(col))
	for i := range order {
		order[i] = i
	}
	at := func(i int) store.Cell { return store.Cell{Col: col[i], Row: row[i]}.Block(int64(edge)) }
	slices.SortStableFunc(order, func(i, j int) int {
		a, b := at(i), at(j)
		return cmp.Or(cmp.Compare(a.Row, b.Row), cmp.Compare(a.Col, b.Col))
	})
	for k, i := range order {
		if k == 0 || at(i) != at(order[k-1]) {
			first = append(first, k)
		}
	}
	return order, append(first, len(order))
}

// rank sorts the cells of each block, as blocks gives them, by what is predicted
// there, from the lowest up.
func rank(order, first []int, predicted []float64) {
	for b := range len(first) - 1 {
		slices.SortStableFunc(order[first[b]:first[b+1]], func(i, j int) int { return cmp.Compare(predicted[i], predicted[j]) })
	}
}
