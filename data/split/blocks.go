package split

import (
	"fmt"

	"opencarbon/data/fault"
	"opencarbon/data/store"
)

// parts are the three splits in the order of fractions.
var parts = [3]store.Split{store.Train, store.Validation, store.Test}

// byBlocks draws whole blocks of k x k cells. Blocks lie where the grid's own
// columns and rows are multiples of k, so that a region that grows keeps its
// blocks. Each block in the seeded order goes to the split that lacks most of
// its share of the cells with a target; no share ends further than two blocks
// from what was asked.
func byBlocks(spec Spec, in Input, r *Report) ([]store.Split, error) {
	if spec.Block < 1 {
		return nil, fault.New("data.split.block", fmt.Sprintf("is %d", spec.Block), "Give the edge of a block in cells, e.g. 8.")
	}
	if err := checkFractions(spec.Fractions); err != nil {
		return nil, err
	}
	k := int64(spec.Block)
	blocks, order := in.blocks(k, spec.Seed, 0x626c6f636b73) // the second word is "blocks"
	total := 0
	for _, n := range blocks {
		total += n
	}

	wanted := 0
	for _, f := range spec.Fractions {
		if f > 0 {
			wanted++
		}
	}
	if len(order) < wanted {
		return nil, fault.New("data.split.block", fmt.Sprintf("blocks of %d x %d cells make %d with a target, too few for %d splits", spec.Block, spec.Block, len(order), wanted),
			"Make data.split.block smaller, or choose a bigger region.")
	}
	assigned := map[store.Cell]store.Split{}
	var have [3]int
	for n, b := range order {
		empty := 0
		for i, f := range spec.Fractions {
			if f > 0 && have[i] == 0 {
				empty++
			}
		}
		// The last blocks are kept for splits whose share is less than a block.
		reserved := len(order)-n <= empty
		best, lack := -1, 0.0
		for i, f := range spec.Fractions {
			if f == 0 || reserved && have[i] > 0 {
				continue
			}
			if l := f*float64(total) - float64(have[i]); best < 0 || l > lack {
				best, lack = i, l
			}
		}
		have[best] += blocks[b]
		assigned[b] = parts[best]
	}
	splits := make([]store.Split, len(in.Cells))
	for i, c := range in.Cells {
		if in.HasTarget[i] {
			splits[i] = assigned[c.Block(k)]
		}
	}
	r.Text = fmt.Sprintf("%d blocks of %d x %d cells, seed %d, fractions %v", len(order), spec.Block, spec.Block, spec.Seed, spec.Fractions)
	return splits, nil
}
