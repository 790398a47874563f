package split

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"opencarbon/data/fault"
	"opencarbon/data/store"
)

// Folds deals whole blocks of block x block cells to k folds for spatial cross-
// validation (Roberts et al., "Cross-validation strategies for data with
// temporal, spatial, hierarchical, or phylogenetic structure", Ecography 2017):
// the largest blocks first, each to the fold that has fewest cells, in an order
// that the seed draws among equals. It returns the fold of each cell, [N], -1
// for cells without a target. Errors are *fault.Input.
func Folds(in Input, k, block int, seed int64) ([]int, error) {
	switch {
	case len(in.HasTarget) != len(in.Cells):
		return nil, fmt.Errorf("split: %d cells, %d flags", len(in.Cells), len(in.HasTarget))
	case k < 3:
		return nil, fault.New("folds", fmt.Sprintf("%d are too few", k), "Use 3 or more: one tests, one validates, the rest trains.")
	case block < 1:
		return nil, fault.New("block", fmt.Sprintf("is %d", block), "Give the edge of a block in cells, e.g. 8.")
	}
	blocks, order := in.blocks(int64(block), seed, 0x666f6c6473) // the second word is "folds"
	if len(order) < k {
		return nil, fault.New("folds", fmt.Sprintf("blocks of %d x %d cells make %d with a target, too few for %d folds", block, block, len(order), k),
			"Make the blocks smaller, or use fewer folds.")
	}
	slices.SortStableFunc(order, func(a, b store.Cell) int { return cmp.Compare(blocks[b], blocks[a]) })
	have := make([]int, k)
	of := map[store.Cell]int{}
	for _, b := range order {
		least := 0
		for i := range have {
			if have[i] < have[least] {
				least = i
			}
		}
		of[b] = least
		have[least] += blocks[b]
	}
	folds := make([]int, len(in.Cells))
	for i, c := range in.Cells {
		folds[i] = -1
		if in.HasTarget[i] {
			folds[i] = of[c.Block(int64(block))]
		}
	}
	return folds, nil
}

// Fold is the split in which fold test tests, the next one validates and the rest
// trains, but for cells within buffer of either.
func Fold(in Input, folds []int, k, test, buffer int) []store.Split {
	splits := make([]store.Split, len(folds))
	for i, f := range folds {
		switch {
		case f < 0:
		case f == test:
			splits[i] = store.Test
		case f == (test+1)%k:
			splits[i] = store.Validation
		default:
			splits[i] = store.Train
		}
	}
	if buffer > 0 {
		newNearness(in, splits).buffer(splits, buffer)
	}
	return splits
}

// HoldOut is the split in which one fold validates and the others train, but for
// cells within buffer of it.
func HoldOut(in Input, folds []int, held, buffer int) []store.Split {
	splits := make([]store.Split, len(folds))
	for i, f := range folds {
		switch {
		case f < 0:
		case f == held:
			splits[i] = store.Validation
		default:
			splits[i] = store.Train
		}
	}
	if buffer > 0 {
		newNearness(in, splits).buffer(splits, buffer)
	}
	return splits
}

// blocks counts the cells with a target in each block of k x k cells, and lists
// the blocks in an order that seed and word draw.
func (in Input) blocks(k, seed int64, word uint64) (map[store.Cell]int, []store.Cell) {
	blocks := map[store.Cell]int{}
	for i, c := range in.Cells {
		if in.HasTarget[i] {
			blocks[c.Block(k)]++
		}
	}
	order := make([]store.Cell, 0, len(blocks))
	for b := range blocks {
		order = append(order, b)
	}
	slices.SortFunc(order, func(a, b store.Cell) int { return cmp.Or(cmp.Compare(a.Row, b.Row), cmp.Compare(a.Col, b.Col)) })
	rng := rand.New(rand.NewPCG(uint64(seed), word))
	rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return blocks, order
}
