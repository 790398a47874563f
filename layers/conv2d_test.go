package layers_test

import (
	"math"
	"testing"

	"opencarbon/layers"
	"opencarbon/torch"
)

// Without the weights that only meet padding a convolution and its gradients are
// the same; where more of them count it is left alone.
func TestSkipPadding(t *testing.T) {
	for _, c := range []struct{ edge, stride, kernel, padding int }{{1, 1, 3, 1}, {1, 2, 3, 1}, {2, 2, 3, 1}, {2, 1, 3, 1}, {3, 2, 3, 1}, {1, 1, 1, 0}} {
		run(t, func() {
			s := layers.NewParams(torch.CPU)
			defer s.Close()
			s.DType = torch.Float64
			torch.ManualSeed(3)
			l := layers.NewConv2d(s.Root(), layers.Conv2dConfig{In: 5, Out: 4, Kernel: c.kernel, Stride: c.stride, Padding: c.padding, NoBias: true})
			values := torch.Uniform(-1, 1, torch.Float64, torch.CPU, 3, 5, c.edge, c.edge).ChannelsLast()
			result := func() (y, dx, dw []float64, shape []int) {
				x := values.Clone().SetRequiresGrad(true)
				out := l.Forward(x)
				torch.ZeroGrad(s.Parameters())
				out.Square().Sum().Backward()
				return out.Contiguous().Float64s(), x.Grad().Contiguous().Float64s(), s.Parameters()[0].Grad().Contiguous().Float64s(), out.Shape()
			}
			y, dx, dw, shape := result()
			l.SkipPadding()
			y2, dx2, dw2, shape2 := result()
			for k, pair := range [][2][]float64{{y, y2}, {dx, dx2}, {dw, dw2}} {
				for i := range pair[0] {
					if math.Abs(pair[0][i]-pair[1][i]) > 1e-12 {
						t.Fatalf("%+v: result %d, number %d: %v and %v", c, k, i, pair[0][i], pair[1][i])
					}
				}
			}
			if len(y) != len(y2) || len(shape) != 4 || shape2[2] != shape[2] {
				t.Errorf("%+v: %v and %v", c, shape, shape2)
			}
		})
	}
}

// BenchmarkSmallTiles is a step of the image encoder on 32 tiles of 32 pixels, with
// and without the weights that only meet padding.
func BenchmarkSmallTiles(b *testing.B) {
	for _, name := range []string{"all", "reachable"} {
		b.Run(name, func(b *testing.B) {
			if err := torch.Run(torch.Options{Threads: 1}, func() {
				s := layers.NewParams(torch.CPU)
				defer s.Close()
				e := layers.NewImageEncoder(s.Root(), 32)
				if name == "reachable" {
					e.SkipPadding()
				}
				x := images("tiles", 32, 3, 32, 32)
				for b.Loop() {
					torch.InScope(func(*torch.Scope) {
						torch.ZeroGrad(s.Parameters())
						e.Forward(x).Square().Sum().Backward()
					})
				}
			}); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// An encoder with Winograd's convolutions gives the same embeddings within rounding,
// on images that its tiles of 4 x 4 fill and on others. The statistics are running
// ones: those of three images are too few for numbers that hold still.
func TestWinograd(t *testing.T) {
	for _, edge := range []int{32, 72} {
		run(t, func() {
			s := layers.NewParams(torch.CPU)
			defer s.Close()
			torch.ManualSeed(3)
			e := layers.NewImageEncoder(s.Root(), 8)
			s.Eval()
			x := images("tiles", 3, 3, edge, edge)
			want := e.Forward(x).Float64s()
			e.Winograd()
			most, off := 0.0, 0.0
			for i, v := range e.Forward(x).Float64s() {
				most, off = max(most, math.Abs(want[i])), max(off, math.Abs(want[i]-v))
			}
			if off > 1e-3*most {
				t.Errorf("%d px: off by %v of %v", edge, off, most)
			}
		})
	}
}
