package data

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"opencarbon/data/store"
)

// scattered writes a store of cells without images.
func scattered(t *testing.T, columns int64, cells []store.Cell) *store.Store {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	w, err := store.Create(dir, store.Meta{Name: "x", Grid: store.GridSpec{Scheme: "xyz", Columns: columns}}, len(cells), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	w.SetCells(cells)
	w.SetLonLat(make([]float64, 2*len(cells)))
	w.SetAreaKM2(make([]float64, len(cells)))
	w.SetRasters([]store.Raster{{Name: "a", How: "mean"}, {Name: "b", How: "mean"}}, numbered(len(cells)))
	if err := w.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// numbered are two numbers a cell, of which the second is missing for odd cells.
func numbered(n int) (v []float32) {
	nan := float32(0)
	nan /= nan
	for i := range n {
		v = append(v, float32(i), float32(2*i))
		if i%2 == 1 {
			v[2*i+1] = nan
		}
	}
	return v
}

// Blocks begin in the north-western corner of a region, are as even as can be, and no
// larger than they may be.
func TestBlocking(t *testing.T) {
	corners := func(west, north, east, south int64) []store.Cell {
		return []store.Cell{{Col: west, Row: south}, {Col: east, Row: north}}
	}
	for _, c := range []struct {
		cells []store.Cell
		want  Blocking
		east  Block // of the cell in the south-eastern corner
	}{
		{corners(18040, 8300, 18099, 8359), Blocking{18040, 8300, 60, 60}, Block{0, 0}}, // a city
		{corners(-5, -70, 58, -7), Blocking{-5, -70, 64, 64}, Block{0, 0}},
		{corners(-5, -70, 59, -7), Blocking{-5, -70, 33, 64}, Block{1, 0}},
		{corners(0, 0, 149, 449), Blocking{0, 0, 50, 57}, Block{2, 7}},
		{corners(7, 7, 7, 7), Blocking{7, 7, 1, 1}, Block{0, 0}},
	} {
		got := BlockingOf(c.cells, BlockEdge)
		if got != c.want {
			t.Errorf("%v: %v, want %v", c.cells, got, c.want)
		}
		if at := got.Of(store.Cell{Col: c.cells[1].Col, Row: c.cells[0].Row}); at != c.east {
			t.Errorf("%v: the last cell lies in %v, want %v", c.cells, at, c.east)
		}
		if at := got.Of(store.Cell{Col: got.West - 1, Row: got.North - got.Height}); at != (Block{-1, -1}) {
			t.Errorf("%v: a cell before the first block lies in %v", c.cells, at)
		}
	}
}

// Every cell is own in one block, and a block has all cells of the region that lie
// within the halo, over the line where the grid closes too, and no others.
func TestBlocksHaveTheirHalo(t *testing.T) {
	var cells []store.Cell
	const round = 256
	for row := int64(-5); row < 70; row++ {
		for col := int64(0); col < round; col++ {
			if col < 70 || col > 200 {
				cells = append(cells, store.Cell{Col: col, Row: row})
			}
		}
	}
	s := scattered(t, round, cells)
	k := Blocking{West: 0, North: -5, Width: 64, Height: 25}
	for _, halo := range []int{0, 1, 3} {
		own := 0
		for _, p := range k.Pieces(s, halo) {
			near := func(c store.Cell) bool {
				for _, turn := range []int64{-round, 0, round} {
					d := func(v, first, edge int64) int64 { return max(first-v, v-(first+edge-1), 0) }
					if max(d(c.Col+turn, k.West+p.Block.Col*k.Width, k.Width), d(c.Row, k.North+p.Block.Row*k.Height, k.Height)) <= int64(halo) {
						return true
					}
				}
				return false
			}
			var want []int
			n := 0
			for i, c := range s.Cells() {
				if near(c) {
					want = append(want, i)
				}
				if k.Of(c) == p.Block {
					n++
				}
			}
			if !slices.Equal(p.Tiles, want) || p.Own != n {
				t.Errorf("halo %d, block %v: %d tiles, want %d; %d own, want %d", halo, p.Block, len(p.Tiles), len(want), p.Own, n)
			}
			own += p.Own
		}
		if own != len(cells) {
			t.Errorf("halo %d: %d cells have a block, of %d", halo, own, len(cells))
		}
	}
}

// A cut store has its tiles' content under new numbers; numbers that rasters did not
// give are filled with what is given for them.
func TestCut(t *testing.T) {
	s := scattered(t, 0, []store.Cell{{Col: 5, Row: 1}, {Col: 6, Row: 1}, {Col: 7, Row: 1}, {Col: 8, Row: 1}})
	fill := Means(s)
	if fill[0] != 1.5 || fill[1] != 2 {
		t.Fatalf("means %v", fill)
	}
	dir := filepath.Join(t.TempDir(), "cut")
	if n, err := s.Cut(context.Background(), dir, store.Cut{Tiles: []int{1, 2}, Hash: "h", Fill: fill}); err != nil || n != 2 {
		t.Fatal(n, err)
	}
	c, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Len() != 2 || c.Cells()[0] != (store.Cell{Col: 6, Row: 1}) || c.Meta().ConfigHash != "h" || !slices.Equal(c.Rasters(), []float32{1, 2, 2, 4}) {
		t.Errorf("%d tiles, %v, %v", c.Len(), c.Cells(), c.Rasters())
	}
	if _, err := s.Cut(context.Background(), dir, store.Cut{Tiles: []int{2, 1}}); err == nil {
		t.Error("tiles that fall were taken")
	}
}
