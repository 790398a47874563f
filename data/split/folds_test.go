package split

import (
	"testing"

	"opencarbon/data/store"
)

// Every cell with a target tests once; its block goes with it; within the buffer
// nothing trains; folds are of about one size, and the draw is the seed's.
func TestFolds(t *testing.T) {
	var in Input
	for row := range int64(30) {
		for col := range int64(40) {
			in.Cells = append(in.Cells, store.Cell{Col: col - 7, Row: row - 3})
			in.HasTarget = append(in.HasTarget, (row*col)%7 != 3)
		}
	}
	const k, block, buffer = 5, 6, 2
	folds, err := Folds(in, k, block, 1)
	if err != nil {
		t.Fatal(err)
	}
	sizes := make([]int, k)
	of := map[store.Cell]int{}
	targets := 0
	for i, f := range folds {
		if (f >= 0) != in.HasTarget[i] {
			t.Fatalf("cell %d, target %v, fold %d", i, in.HasTarget[i], f)
		}
		if f < 0 {
			continue
		}
		targets++
		sizes[f]++
		b := in.Cells[i].Block(block)
		if before, seen := of[b]; seen && before != f {
			t.Fatalf("block %v is in folds %d and %d", b, before, f)
		}
		of[b] = f
	}
	for f, n := range sizes {
		if n < targets/k-block*block || n > targets/k+block*block {
			t.Errorf("fold %d has %d of %d cells", f, n, targets)
		}
	}
	tested := make([]int, len(folds))
	for f := range k {
		splits := Fold(in, folds, k, f, buffer)
		for i, s := range splits {
			if s == store.Test {
				tested[i]++
			}
			if s != store.Train {
				continue
			}
			for j, other := range splits {
				if a, b := in.Cells[i], in.Cells[j]; (other == store.Test || other == store.Validation) && max(abs(a.Col-b.Col), abs(a.Row-b.Row)) <= buffer {
					t.Fatalf("fold %d trains on cell %d, near cell %d", f, i, j)
				}
			}
		}
	}
	for i, n := range tested {
		if n != map[bool]int{true: 1}[in.HasTarget[i]] {
			t.Fatalf("cell %d tests %d times", i, n)
		}
	}
	again, _ := Folds(in, k, block, 1)
	other, _ := Folds(in, k, block, 2)
	same, differ := true, false
	for i := range folds {
		same, differ = same && folds[i] == again[i], differ || folds[i] != other[i]
	}
	if !same || !differ {
		t.Errorf("the same seed gives the same folds: %v; another one others: %v", same, differ)
	}
}

func abs(x int64) int64 { return max(x, -x) }
