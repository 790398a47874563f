package poi

import (
	"cmp"
	"math"
	"slices"

	"opencarbon/data/store"
)

// one is a point that lies inside.
type one struct {
	cell, category int32 // category: raw
	row, col       uint16
}

// found are points in the order of the input. They lie in blocks, so that they are
// not copied when more come, and counts are kept only once one is not 1.
type found struct {
	blocks [][]one
	counts [][]float64 // as blocks; none while all are 1
	n      int
}

const foundBlock = 1 << 16

func (f *found) add(p one, count float64) {
	if f.n%foundBlock == 0 {
		f.blocks = append(f.blocks, make([]one, 0, foundBlock))
	}
	last := len(f.blocks) - 1
	f.blocks[last] = append(f.blocks[last], p)
	f.n++
	switch {
	case len(f.counts) == 0 && count == 1:
		return
	case len(f.counts) == 0: // ones for those that came before
		for _, block := range f.blocks {
			ones := make([]float64, len(block), foundBlock)
			for i := range ones {
				ones[i] = 1
			}
			f.counts = append(f.counts, ones)
		}
		f.counts[last][len(f.blocks[last])-1] = count
		return
	case len(f.counts) == last:
		f.counts = append(f.counts, make([]float64, 0, foundBlock))
	}
	f.counts[last] = append(f.counts[last], count)
}

// each calls f with every point.
func (f *found) each(visit func(p one, count float64)) {
	for k, block := range f.blocks {
		for i, p := range block {
			count := 1.0
			if k < len(f.counts) {
				count = f.counts[k][i]
			}
			visit(p, count)
		}
	}
}

// merge sorts the points by cell, category, row, column and adds up those that
// share all four. It gives up what the collector keeps.
func (c *collector) merge(channel []int32) ([]int64, store.Points) {
	start := make([]int64, c.target.Cells+1) // counting sort by cell keeps the input's order
	c.kept.each(func(p one, _ float64) {
		if channel[p.category] >= 0 {
			start[p.cell+1]++
		}
	})
	for i := range c.target.Cells {
		start[i+1] += start[i]
	}
	keys := make([]uint64, start[c.target.Cells])
	var counts []float64 // nil: all are 1
	if len(c.kept.counts) > 0 {
		counts = make([]float64, len(keys))
	}
	next := slices.Clone(start)
	c.kept.each(func(p one, count float64) {
		if ch := channel[p.category]; ch >= 0 {
			keys[next[p.cell]] = uint64(ch)<<32 | uint64(p.row)<<16 | uint64(p.col)
			if counts != nil {
				counts[next[p.cell]] = count
			}
			next[p.cell]++
		}
	})
	c.kept = found{}
	pixels := 0
	for cell := range c.target.Cells {
		part := keys[start[cell]:start[cell+1]]
		if counts == nil {
			slices.Sort(part)
		} else {
			sortTogether(part, counts[start[cell]:start[cell+1]])
		}
		for i := range part {
			if i == 0 || part[i] != part[i-1] {
				pixels++
			}
		}
	}
	offsets := make([]int64, c.target.Cells+1)
	p := store.Points{Category: make([]uint16, 0, pixels), Row: make([]uint16, 0, pixels), Col: make([]uint16, 0, pixels), Count: make([]float32, 0, pixels)}
	for cell := range c.target.Cells {
		for i, end := start[cell], start[cell+1]; i < end; {
			sum, key := 0.0, keys[i]
			for ; i < end && keys[i] == key; i++ {
				if counts == nil {
					sum++
				} else {
					sum += counts[i]
				}
			}
			p.Category = append(p.Category, uint16(key>>32))
			p.Row = append(p.Row, uint16(key>>16))
			p.Col = append(p.Col, uint16(key))
			p.Count = append(p.Count, float32(min(sum, math.MaxFloat32)))
		}
		offsets[cell+1] = int64(p.Len())
	}
	return offsets, p
}

// sortTogether sorts keys and takes counts along; equal keys stay in their order,
// so that sums are the same each time.
func sortTogether(keys []uint64, counts []float64) {
	type entry struct {
		key   uint64
		count float64
	}
	all := make([]entry, len(keys))
	for i := range all {
		all[i] = entry{keys[i], counts[i]}
	}
	slices.SortStableFunc(all, func(a, b entry) int { return cmp.Compare(a.key, b.key) })
	for i, e := range all {
		keys[i], counts[i] = e.key, e.count
	}
}
