package layers_test

import (
	"math"
	"testing"

	"opencarbon/layers"
	"opencarbon/torch"
)

// The quick product and its gradients are those of torch.Linear, for any number of
// dimensions, rows and outputs, with a bias and without.
func TestQuickLinear(t *testing.T) {
	for _, c := range []struct {
		rows    []int
		in, out int
		bias    bool
	}{
		{[]int{40}, 33, 48, true}, {[]int{40}, 33, 48, false}, {[]int{3, 4, 5}, 33, 48, true}, // by oneDNN
		{[]int{40}, 33, 1, true}, {[]int{2}, 33, 48, true}, {nil, 33, 48, true}, // too few
	} {
		run(t, func() {
			draw := func(shape ...int) *torch.Tensor {
				return torch.Uniform(-1, 1, torch.Float32, torch.CPU, shape...).SetRequiresGrad(true)
			}
			torch.ManualSeed(5)
			in := []*torch.Tensor{draw(append(append([]int(nil), c.rows...), c.in)...), draw(c.out, c.in), nil}
			if c.bias {
				in[2] = draw(c.out)
			}
			result := func(f func(x, w, b *torch.Tensor) *torch.Tensor) (all [][]float64, shape []int) {
				out := f(in[0], in[1], in[2])
				for _, x := range in {
					if x != nil {
						torch.ZeroGrad([]*torch.Tensor{x})
					}
				}
				out.Square().Sum().Backward()
				all = append(all, out.Contiguous().Float64s())
				for _, x := range in {
					if x != nil {
						all = append(all, x.Grad().Contiguous().Float64s())
					}
				}
				return all, out.Shape()
			}
			want, shape := result(torch.Linear)
			got, shape2 := result(layers.QuickLinear)
			if len(shape) != len(shape2) || shape2[len(shape2)-1] != c.out {
				t.Errorf("%+v: shape %v, want %v", c, shape2, shape)
			}
			for k := range want {
				scale := 1e-3
				for _, v := range want[k] {
					scale = max(scale, math.Abs(v))
				}
				for i := range want[k] {
					if !(math.Abs(got[k][i]-want[k][i]) <= 1e-5*scale) {
						t.Fatalf("%+v: result %d, number %d: %v, want %v", c, k, i, got[k][i], want[k][i])
					}
				}
			}
		})
	}
}
