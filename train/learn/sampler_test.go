package learn

import (
	"fmt"
	"slices"
	"testing"

	"opencarbon/data/store"
)

// square is n x n cells of which every third is no training cell.
func square(n int) (cells []int32, place []store.Cell) {
	for i := range n * n {
		place = append(place, store.Cell{Col: int64(i%n) - 5, Row: int64(i/n) - 3})
		if i%3 != 0 {
			cells = append(cells, int32(i))
		}
	}
	return cells, place
}

func TestSamplerCoversEachEpoch(t *testing.T) {
	all, place := square(9)
	for _, block := range []int{-1, 0, 1, 3, 50} {
		for _, batch := range []int{2, 7, 9, 53, 1000} {
			for _, n := range []int{2, 3, 15, len(all)} { // 15 = 2*7 + 1: a cell alone is left
				s := &Sampler{Cells: all[:n], Place: place, Batch: batch, Blocks: block >= 0, Block: max(0, block), Seed: 3}
				name := fmt.Sprintf("block %d, batch %d, %d cells", block, batch, n)
				var before [][]int32
				for epoch := range 3 {
					batches := s.Epoch(epoch)
					var seen []int32
					for _, b := range batches {
						if len(b) < 2 || len(b) > batch+1 {
							t.Errorf("%s: a batch of %d", name, len(b))
						}
						seen = append(seen, b...)
					}
					slices.Sort(seen)
					if !slices.Equal(seen, all[:n]) {
						t.Errorf("%s, epoch %d: cells %v", name, epoch, seen)
					}
					if again := s.Epoch(epoch); fmt.Sprint(again) != fmt.Sprint(batches) {
						t.Errorf("%s: epoch %d is not the same twice", name, epoch)
					}
					if n > 10 && fmt.Sprint(batches) == fmt.Sprint(before) {
						t.Errorf("%s: epochs %d and %d are the same", name, epoch-1, epoch)
					}
					before = batches
				}
				if other := (&Sampler{Cells: all[:n], Place: place, Batch: batch, Blocks: block >= 0, Block: max(0, block), Seed: 4}).Epoch(0); n > 10 &&
					fmt.Sprint(other) == fmt.Sprint(s.Epoch(0)) {
					t.Errorf("%s: the seed does not matter", name)
				}
			}
		}
	}
	if fmt.Sprint(all[:5]) != "[1 2 4 5 7]" {
		t.Error("the sampler changed its input")
	}
}

// With blocks, the cells of a batch come from as many blocks as they must, and
// the blocks' borders move from epoch to epoch.
func TestSamplerBlocksAreContiguous(t *testing.T) {
	all, place := square(12)
	s := &Sampler{Cells: all, Place: place, Batch: 1000, Blocks: true, Block: 4, Seed: 1}
	type key struct{ x, y int64 }
	borders := map[string]bool{}
	for epoch := range 6 {
		order := s.Epoch(epoch)[0]
		found := false
		for dx := range int64(4) {
			for dy := range int64(4) { // is there an offset at which each block is one stretch of the order?
				done := map[key]bool{}
				last := key{-99, -99}
				whole := true
				for _, c := range order {
					k := key{(place[c].Col + dx + 40) / 4, (place[c].Row + dy + 40) / 4}
					if k != last && done[k] {
						whole = false
						break
					}
					done[k], last = true, k
				}
				if whole {
					found = true
					borders[fmt.Sprint(dx, dy)] = true
				}
			}
		}
		if !found {
			t.Errorf("epoch %d is not ordered by blocks: %v", epoch, order)
		}
	}
	if len(borders) < 2 {
		t.Errorf("the blocks' borders never move: %v", borders)
	}
}

// Patches touch few neighbors: on a full grid of 24 x 24 cells a batch of 32 has
// at most 28 more tiles around it at M = 3 in the mean (a patch of 4 x 8 away
// from the border has 28), where a random one has some 220; and their borders
// move.
func TestSamplerPatchesAreCompact(t *testing.T) {
	const n = 24
	var all []int32
	var place []store.Cell
	for i := range n * n {
		all, place = append(all, int32(i)), append(place, store.Cell{Col: int64(i % n), Row: int64(i / n)})
	}
	s := &Sampler{Cells: all, Place: place, Batch: 32, Blocks: true, Seed: 1}
	seen := map[string]bool{}
	for epoch := range 5 {
		around, batches := 0, s.Epoch(epoch)
		for _, b := range batches {
			tiles := map[store.Cell]bool{}
			for _, c := range b {
				for k := range int64(9) {
					p := store.Cell{Col: place[c].Col + k%3 - 1, Row: place[c].Row + k/3 - 1}
					if p.Col >= 0 && p.Row >= 0 && p.Col < n && p.Row < n {
						tiles[p] = true
					}
				}
			}
			around += len(tiles) - len(b)
			slices.Sort(b)
			seen[fmt.Sprint(b)] = true
		}
		if mean := float64(around) / float64(len(batches)); mean > 28 {
			t.Errorf("epoch %d: %.1f tiles around a batch", epoch, mean)
		}
	}
	if len(seen) < 4*len(s.Epoch(0)) {
		t.Errorf("of 5 epochs of %d patches only %d differ", len(s.Epoch(0)), len(seen))
	}
}
