package learn

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"opencarbon/data/store"
)

// Sampler orders the training cells of an epoch into batches. The order
// depends on the seed and the epoch alone, so that a resumed run sees the same
// batches without any state in the checkpoint.
type Sampler struct {
	Cells  []int32      // training cells
	Place  []store.Cell // of every tile, [N]
	Batch  int          // cells a batch
	Blocks bool         // spatially contiguous batches; else random order
	Block  int          // edge in cells of the blocks that batches are filled from; 0: each batch is a compact patch of its own
	Seed   uint64
}

// Epoch returns the batches of an epoch. Every cell appears exactly once; a
// last batch of a single cell is joined to the one before, because batch
// statistics need two.
func (s *Sampler) Epoch(epoch int) [][]int32 {
	rng := rand.New(rand.NewPCG(s.Seed, uint64(epoch)))
	order := append([]int32(nil), s.Cells...)
	switch {
	case !s.Blocks:
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	case s.Block > 0:
		order = s.blocks(order, rng)
	default:
		order = s.patches(order, nil, rng)
	}
	var out [][]int32
	for len(order) > 0 {
		n := min(s.Batch, len(order))
		if len(order)-n == 1 {
			n++
		}
		out = append(out, order[:n:n])
		order = order[n:]
	}
	if s.Blocks { // batches of neighbors in a fixed direction would teach the direction
		rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	}
	return out
}

// blocks orders cells block by block: blocks in random order, at an offset
// that changes each epoch so that their borders move, cells within a block in
// random order.
func (s *Sampler) blocks(cells []int32, rng *rand.Rand) []int32 {
	b := int64(s.Block)
	dx, dy := rng.Int64N(b), rng.Int64N(b)
	var keys []store.Cell
	members := map[store.Cell][]int32{}
	for _, c := range cells {
		p := s.Place[c]
		k := store.Cell{Col: p.Col + dx, Row: p.Row + dy}.Block(b)
		if members[k] == nil {
			keys = append(keys, k)
		}
		members[k] = append(members[k], c)
	}
	rng.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	var out []int32
	for _, k := range keys {
		m := members[k]
		rng.Shuffle(len(m), func(i, j int) { m[i], m[j] = m[j], m[i] })
		out = append(out, m...)
	}
	return out
}

// patches appends to out the cells in an order whose every Batch cells lie
// close together: the set is cut in two across its longer side, at a multiple
// of Batch from a random end and near the middle, and again until a batch is
// left. Whatever the region's shape, patches come out about as wide as high;
// cuts differ from epoch to epoch.
func (s *Sampler) patches(cells, out []int32, rng *rand.Rand) []int32 {
	n := (len(cells) + s.Batch - 1) / s.Batch // batches
	if n <= 1 {
		rng.Shuffle(len(cells), func(i, j int) { cells[i], cells[j] = cells[j], cells[i] })
		return append(out, cells...)
	}
	first, last := s.Place[cells[0]], s.Place[cells[0]]
	for _, c := range cells {
		p := s.Place[c]
		first = store.Cell{Col: min(first.Col, p.Col), Row: min(first.Row, p.Row)}
		last = store.Cell{Col: max(last.Col, p.Col), Row: max(last.Row, p.Row)}
	}
	wide, high := last.Col-first.Col+1, last.Row-first.Row+1
	across := wide > high
	if 4*min(wide, high) > 3*max(wide, high) { // about square: either
		across = rng.IntN(2) == 0
	}
	flip := rng.IntN(2) == 0
	slices.SortFunc(cells, func(a, b int32) int {
		p, q := s.Place[a], s.Place[b]
		if flip {
			p, q = q, p
		}
		if across {
			return cmp.Or(cmp.Compare(p.Col, q.Col), cmp.Compare(p.Row, q.Row), cmp.Compare(a, b))
		}
		return cmp.Or(cmp.Compare(p.Row, q.Row), cmp.Compare(p.Col, q.Col), cmp.Compare(a, b))
	})
	// Between two fifths and three fifths of the batches; the part that is no whole batch stays behind the cut.
	low := max(1, 2*n/5)
	cut := (low + rng.IntN(max(1, 3*n/5-low+1))) * s.Batch
	if cut >= len(cells) {
		cut = s.Batch
	}
	return s.patches(cells[cut:], s.patches(cells[:cut], out, rng), rng)
}
