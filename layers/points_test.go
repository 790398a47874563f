package layers_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"opencarbon/layers"
	"opencarbon/torch"
)

// sparseTiles makes n points per tile, with repeats at the same place.
func sparseTiles(tiles, categories, size, n int, dtype torch.DType) *torch.Points {
	rng := rand.New(rand.NewPCG(7, uint64(size)))
	var tile []int32
	var category, row, col []uint16
	var count []float32
	for u := range tiles {
		for range n {
			tile = append(tile, int32(u))
			category = append(category, uint16(rng.IntN(categories)))
			row, col = append(row, uint16(rng.IntN(size))), append(col, uint16(rng.IntN(size)))
			count = append(count, float32(1+rng.IntN(3)))
		}
	}
	return torch.NewPoints(tile, category, row, col, count, tiles, categories, size, size, dtype, torch.CPU)
}

// The sparse path must equal the dense one, forward and in every gradient, for
// both encoders, with and without gates, on few points and on so many that it
// turns dense itself.
func TestSparsePOIsEqualDense(t *testing.T) {
	for _, kernel := range []string{"k7", "k37"} {
		for _, se := range []bool{true, false} {
			for _, n := range []int{0, 1, 12, 3000} {
				if kernel == "k37" && n != 12 {
					continue // its dense twin takes seconds
				}
				t.Run(fmt.Sprintf("%s se=%v n=%d", kernel, se, n), func(t *testing.T) {
					run(t, func() {
						torch.ManualSeed(3)
						store := layers.NewParams(torch.CPU)
						store.DType = torch.Float64 // so that a wrong place shows among rounding
						defer store.Close()
						size := map[string]int{"k7": 64, "k37": 256}[kernel]
						e, err := layers.NewPOIEncoder(store.Root(), layers.POIEncoderConfig{Categories: 5, Embedding: 8, Size: size,
							Kernel: kernel, SE: se, SERatio: 2})
						if err != nil {
							t.Fatal(err)
						}
						for _, x := range store.Entries() { // off ReLU's kink, where rounding decides
							if strings.HasPrefix(x.Name, "bn") && strings.HasSuffix(x.Name, ".bias") {
								torch.NoGrad(func() { x.Tensor.FillInPlace(0.3) })
							}
						}
						p := sparseTiles(3, 5, size, n, torch.Float64)
						up := torch.Normal(0, 1, torch.Float64, torch.CPU, 3, 8)
						gradients := func(y *torch.Tensor) (out [][]float64) {
							torch.ZeroGrad(store.Parameters())
							y.Mul(up).Sum().Backward()
							for _, x := range store.Parameters() {
								if g := x.Grad(); g != nil {
									out = append(out, g.Float64s())
								}
							}
							return append(out, y.Float64s())
						}
						dense := gradients(e.Forward(p.Dense()))
						sparse := gradients(e.ForwardPoints(p))
						for i := range dense {
							var worst, scale float64
							for k := range dense[i] {
								worst = math.Max(worst, math.Abs(dense[i][k]-sparse[i][k]))
								scale = math.Max(scale, math.Abs(dense[i][k]))
							}
							if worst > 1e-9*math.Max(scale, 1) {
								t.Errorf("array %d: differs by %.2g, its largest value is %.2g", i, worst, scale)
							}
						}
					})
				})
			}
		}
	}
}

// The road that GPUs take gives what the loop gives, forward and in every
// gradient, in both encoders' first convolutions, at the tiles' borders too.
func TestGatheredConvolutionEqualsLoop(t *testing.T) {
	for _, c := range []struct{ size, kernel, n int }{{64, 7, 40}, {49, 7, 200}, {50, 37, 30}, {32, 7, 0}} {
		run(t, func() {
			torch.ManualSeed(2)
			p := sparseTiles(3, 5, c.size, c.n, torch.Float64)
			w := torch.Normal(0, 1, torch.Float64, torch.CPU, 6, 5, c.kernel, c.kernel).SetRequiresGrad(true)
			b := torch.Normal(0, 1, torch.Float64, torch.CPU, 6).SetRequiresGrad(true)
			v := p.Count.Clone().SetRequiresGrad(true)
			var want [][]float64
			for _, conv := range []func(values, w, b *torch.Tensor, stride, padding int) *torch.Tensor{p.Conv2d, p.Conv2dGathered} {
				torch.ZeroGrad([]*torch.Tensor{w, b, v})
				y := conv(v, w, b, 3, 3)
				y.Square().Sum().Backward()
				have := [][]float64{y.Float64s(), w.Grad().Float64s(), b.Grad().Float64s(), v.Grad().Float64s()}
				for i := range want {
					worst, scale := 0.0, 1e-30
					for k := range want[i] {
						worst, scale = math.Max(worst, math.Abs(want[i][k]-have[i][k])), math.Max(scale, math.Abs(want[i][k]))
					}
					if worst > 1e-12*scale {
						t.Errorf("%+v, array %d: differs by %.2g of %.2g", c, i, worst, scale)
					}
				}
				want = have
			}
		})
	}
}
