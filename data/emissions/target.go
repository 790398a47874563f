package emissions

import (
	"math"

	"opencarbon/data/grid"
)

// target is the cells that receive, and what they have received.
type target struct {
	g       *grid.Grid
	measure *grid.Measure
	split   splitter

	lo, hi grid.Cell // the block around all cells, inclusive
	width  int64
	dense  []int32             // list position by place in the block, -1: no cell
	sparse map[grid.Cell]int32 // instead of dense where the block is too large

	sum  []float64 // mass in t, or value x km2 for a proxy
	area []float64 // km2 of valid source ground

	from, period float64 // of a turn round the earth, in columns; period 0: none
	turned       ring

	pieces []piece // of the source element at hand
}

// piece is the part of a source element in one cell.
type piece struct {
	cell int32 // list position, or -1: outside the list
	area float64
}

// denseLimit is the largest block, in cells, that is held as an array.
const denseLimit = 64 << 20

func newTarget(g *grid.Grid, cells []grid.Cell) (*target, error) {
	m, err := g.NewMeasure()
	if err != nil {
		return nil, err
	}
	t := &target{g: g, measure: m, sum: make([]float64, len(cells)), area: make([]float64, len(cells))}
	t.from, t.period = g.Turn()
	t.lo, t.hi = cells[0], cells[0]
	for _, c := range cells {
		t.lo.Col, t.hi.Col = min(t.lo.Col, c.Col), max(t.hi.Col, c.Col)
		t.lo.Row, t.hi.Row = min(t.lo.Row, c.Row), max(t.hi.Row, c.Row)
	}
	t.width = t.hi.Col - t.lo.Col + 1
	if n := float64(t.width) * float64(t.hi.Row-t.lo.Row+1); n <= denseLimit {
		t.dense = make([]int32, int(n))
		for i := range t.dense {
			t.dense[i] = -1
		}
		for i, c := range cells {
			t.dense[(c.Row-t.lo.Row)*t.width+c.Col-t.lo.Col] = int32(i)
		}
		return t, nil
	}
	t.sparse = make(map[grid.Cell]int32, len(cells))
	for i, c := range cells {
		t.sparse[c] = int32(i)
	}
	return t, nil
}

func (t *target) close() { t.measure.Close() }

// position returns the list position of a cell, or -1.
func (t *target) position(col, row int64) int32 {
	if col < t.lo.Col || col > t.hi.Col || row < t.lo.Row || row > t.hi.Row {
		return -1
	}
	if t.dense != nil {
		return t.dense[(row-t.lo.Row)*t.width+col-t.lo.Col]
	}
	if i, ok := t.sparse[grid.Cell{Col: col, Row: row}]; ok {
		return i
	}
	return -1
}

// reaches reports whether a box in cell units touches the block of cells.
func (t *target) reaches(u0, v0, u1, v1 float64) bool {
	return u1 > float64(t.lo.Col) && u0 < float64(t.hi.Col+1) && v1 > float64(t.lo.Row) && v0 < float64(t.hi.Row+1)
}

// turns returns by how many columns a shape from u0 to u1 has to be moved to lie
// on the grid: by whole turns round the earth, and by two different ones where
// the edge of the grid, 180 degrees, cuts it. Only the first n count.
func (t *target) turns(u0, u1 float64) (by [2]float64, n int) {
	if t.period == 0 {
		return by, 1
	}
	by[0] = -t.period * math.Floor((u0-t.from)/t.period)
	by[1] = by[0] - t.period
	if u1+by[0] > t.from+t.period {
		return by, 2
	}
	return by, 1
}

// reachesTurned is reaches for a box anywhere round the earth.
func (t *target) reachesTurned(u0, v0, u1, v1 float64) bool {
	by, n := t.turns(u0, u1)
	for _, d := range by[:n] {
		if t.reaches(u0+d, v0, u1+d, v1) {
			return true
		}
	}
	return false
}

// cutTurned is cut for a ring anywhere round the earth that spans the columns u0
// to u1. The pieces that lie in no cell count once for each turn, and the area
// that it returns but once.
func (t *target) cutTurned(r ring, u0, u1 float64, hole bool) float64 {
	by, n := t.turns(u0, u1)
	area := math.NaN()
	for _, d := range by[:n] {
		moved := r
		if d != 0 {
			moved = append(t.turned[:0], r...)
			for i := range moved {
				moved[i][0] += d
			}
			t.turned = moved
		}
		if area = t.cut(moved, hole); area != area {
			break
		}
	}
	return area
}

// cut adds the pieces of a ring to t.pieces: outer rings with positive areas,
// holes with negative ones, whichever way they turn. It returns the ring's area
// in km2 with that sign; a ring with a vertex that has no place gives NaN.
func (t *target) cut(r ring, hole bool) float64 {
	if len(r) < 4 {
		return 0
	}
	u0, v0, u1, v1, ok := bounds(r)
	if !ok {
		return math.NaN()
	}
	from := len(t.pieces)
	t.rows(r, int64(math.Floor(v0)), int64(math.Ceil(v1)), int64(math.Floor(u0)), int64(math.Ceil(u1)))
	total := 0.0
	for _, p := range t.pieces[from:] {
		total += p.area
	}
	if (total < 0) != hole {
		total = -total
		for i := range t.pieces[from:] {
			t.pieces[from+i].area = -t.pieces[from+i].area
		}
	}
	return total
}

// coarse is the edge, in cells, of the largest piece that is measured whole
// where no cell of the list lies: small enough for a projected grid's scale.
const coarse = 8

// rows halves a ring until each part lies in one row, then hands it to columns.
// lo and hi bound the rows [lo, hi), c0 and c1 the columns.
func (t *target) rows(r ring, lo, hi, c0, c1 int64) {
	if len(r) < 4 {
		return
	}
	outside := hi <= t.lo.Row || lo > t.hi.Row || c1 <= t.lo.Col || c0 > t.hi.Col
	if hi-lo <= 1 || (outside && hi-lo <= coarse) {
		t.columns(r, lo, hi, c0, c1)
		return
	}
	mid := lo + (hi-lo)/2
	a, b := t.split.split(r, 1, float64(mid))
	t.rows(a, lo, mid, c0, c1)
	t.rows(b, mid, hi, c0, c1)
	t.split.put(a)
	t.split.put(b)
}

// columns halves a row of a ring until each part lies in one cell.
func (t *target) columns(r ring, row, rowEnd, lo, hi int64) {
	if len(r) < 4 {
		return
	}
	outside := rowEnd <= t.lo.Row || row > t.hi.Row || hi <= t.lo.Col || lo > t.hi.Col
	if hi-lo <= 1 || (outside && hi-lo <= coarse) {
		a := t.measure.RingUnitsArea(r)
		if a == 0 {
			return
		}
		cell := int32(-1)
		if !outside {
			cell = t.position(lo, row)
		}
		t.pieces = append(t.pieces, piece{cell, a})
		return
	}
	mid := lo + (hi-lo)/2
	a, b := t.split.split(r, 0, float64(mid))
	t.columns(a, row, rowEnd, lo, mid)
	t.columns(b, row, rowEnd, mid, hi)
	t.split.put(a)
	t.split.put(b)
}

// give distributes an amount over the pieces by their share of the area, clears
// them and returns what the cells of the list received.
func (t *target) give(mass, area float64) (inside float64) {
	density := mass / area
	for _, p := range t.pieces {
		if p.cell >= 0 {
			t.sum[p.cell] += density * p.area
			t.area[p.cell] += p.area
			inside += density * p.area
		}
	}
	t.pieces = t.pieces[:0]
	return inside
}
