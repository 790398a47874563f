package torch_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"opencarbon/torch"
)

// ReLUMaxPool2d must be MaxPool2d of ReLU to the bit, forward and backward: for
// channels that fill its lanes and that do not, ties, values that are all
// negative, NaN and infinity.
func TestReLUMaxPool2dEqualsBoth(t *testing.T) {
	shapes := []struct{ n, c, h, w, kernel, stride, padding int }{
		{2, 64, 16, 16, 3, 2, 1}, {1, 1, 7, 5, 3, 2, 1}, {3, 65, 9, 12, 3, 2, 1}, {2, 130, 6, 6, 2, 2, 0}, {2, 5, 11, 8, 5, 1, 2},
		{1, 16, 8, 8, 3, 5, 0}, {1, 3, 20, 20, 15, 2, 7}, {1, 2, 34, 34, 16, 3, 8}, {2, 8, 1, 1, 3, 2, 1},
	}
	for _, dtype := range []torch.DType{torch.Float32, torch.Float64, torch.BFloat16} {
		for _, s := range shapes {
			for _, values := range []string{"normal", "ties", "negative", "special"} {
				t.Run(fmt.Sprintf("%v/%v/%s", dtype, s, values), func(t *testing.T) {
					if err := torch.Run(torch.Options{Threads: 2}, func() {
						torch.ManualSeed(5)
						x := torch.Normal(0, 1, torch.Float32, torch.CPU, s.n, s.c, s.h, s.w)
						switch values {
						case "ties":
							x = x.MulScalar(2).Round()
						case "negative":
							x = x.Abs().Neg()
						case "special":
							v := x.Float64s()
							for i := range v {
								switch i % 13 {
								case 3:
									v[i] = math.NaN()
								case 7:
									v[i] = math.Inf(1)
								case 11:
									v[i] = math.Inf(-1)
								}
							}
							x = torch.FromSlice(v, s.n, s.c, s.h, s.w)
						}
						x = x.Cast(dtype).ChannelsLast()
						both := func(f func(x *torch.Tensor) *torch.Tensor) (y, d []float64) {
							leaf := x.Detach().Clone().SetRequiresGrad(true)
							out := f(leaf)
							up := torch.FromSlice(ramp(out.Numel()), out.Shape()...).Cast(dtype)
							out.BackwardWith(up, false)
							return out.Float64s(), leaf.Grad().Float64s()
						}
						y, d := both(func(x *torch.Tensor) *torch.Tensor { return torch.ReLUMaxPool2d(x, s.kernel, s.stride, s.padding) })
						wantY, wantD := both(func(x *torch.Tensor) *torch.Tensor { return torch.MaxPool2d(x.ReLU(), s.kernel, s.stride, s.padding) })
						if !slices.EqualFunc(y, wantY, same) {
							t.Errorf("%v, want %v", y, wantY)
						}
						if values != "special" && !slices.EqualFunc(d, wantD, same) {
							t.Errorf("gradient %v, want %v", d, wantD)
						}
						torch.NoGrad(func() {
							if plain := torch.ReLUMaxPool2d(x, s.kernel, s.stride, s.padding).Float64s(); !slices.EqualFunc(plain, y, same) {
								t.Errorf("without gradients %v, with them %v", plain, y)
							}
						})
					}); err != nil {
						t.Fatal(err)
					}
				})
			}
		}
	}
}

// ramp is n different numbers around 0, so that a gradient at a wrong place shows.
func ramp(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = float64(i%97)/8 - 5
	}
	return v
}

func same(a, b float64) bool { return a == b || a != a && b != b }
