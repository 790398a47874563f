package rivals

import (
	"opencarbon/layers"
	"opencarbon/torch"
)

// CountsView is a tile's standardized POI counts, which the image networks see in
// front of their head.
const CountsView = "counts"

// withCounts adds the counts' view where there are POIs.
func withCounts(w []layers.Width, c layers.ModelConfig) []layers.Width {
	if c.POI {
		w = append(w, layers.Width{Name: CountsView, Width: c.Categories})
	}
	return w
}

// standardCounts are the standardized counts of tiles [U, C]; nil without POIs.
func standardCounts(s *layers.Standardizer, t layers.Tiles, c layers.ModelConfig, d torch.DType) (x *torch.Tensor) {
	if s == nil {
		return nil
	}
	torch.NoGrad(func() { x = s.Forward(counts(t, d, c.LogCounts)) })
	return x
}

// standardizeCounts takes their mean and spread.
func standardizeCounts(s *layers.Standardizer, c layers.ModelConfig, d torch.DType, feed func(each func(layers.Tiles)) error) error {
	if s == nil {
		return nil
	}
	var m layers.Moments
	if err := feed(func(t layers.Tiles) {
		m.Add(counts(t, d, c.LogCounts).Cast(torch.Float64).Float64s(), c.Categories)
	}); err != nil {
		return err
	}
	s.Set(&m)
	return nil
}

// nearby are, of every cell, the cells within r of it in both axes, itself left
// out, [N].
func nearby(g layers.Ground, r int64) [][]int32 {
	at := make(map[[2]int64]int32, len(g.Col))
	for i := range g.Col {
		at[[2]int64{g.Col[i], g.Row[i]}] = int32(i)
	}
	out := make([][]int32, len(g.Col))
	for i := range out {
		for dy := -r; dy <= r; dy++ {
			for dx := -r; dx <= r; dx++ {
				if j, ok := at[[2]int64{g.Col[i] + dx, g.Row[i] + dy}]; ok && int(j) != i {
					out[i] = append(out[i], j)
				}
			}
		}
	}
	return out
}
