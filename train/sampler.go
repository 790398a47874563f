package train

import (
	"math/rand/v2"

	"opencarbon/data/store"
)

// sampler orders the training cells of an epoch into batches. The order
// depends on the seed and the epoch alone, so that a resumed run sees the same
// batches without any state in the checkpoint.
type sampler struct {
	cells []int32 // training cells
	place []store.Cell
	batch int
	block int // 0: random order; else the edge in cells of a spatial block
	seed  uint64
}

// epoch returns the batches of an epoch. Every cell appears exactly once; a
// last batch of a single cell is joined to the one before, because batch
// statistics need two.
func (s *sampler) epoch(epoch int) [][]int32 {
	rng := rand.New(rand.NewPCG(s.seed, uint64(epoch)))
	order := append([]int32(nil), s.cells...)
	if s.block == 0 {
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	} else {
		order = s.blocks(order, rng)
	}
	var out [][]int32
	for len(order) > 0 {
		n := min(s.batch, len(order))
		if len(order)-n == 1 {
			n++
		}
		out = append(out, order[:n:n])
		order = order[n:]
	}
	if s.block > 0 { // batches of neighbors in a fixed direction would teach the direction
		rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	}
	return out
}

// blocks orders cells block by block: blocks in random order, at an offset
// that changes each epoch so that their borders move, cells within a block in
// random order.
func (s *sampler) blocks(cells []int32, rng *rand.Rand) []int32 {
	b := int64(s.block)
	dx, dy := rng.Int64N(b), rng.Int64N(b)
	type key struct{ x, y int64 }
	var keys []key
	members := map[key][]int32{}
	for _, c := range cells {
		p := s.place[c]
		k := key{floorDiv(p.Col+dx, b), floorDiv(p.Row+dy, b)}
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

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}
