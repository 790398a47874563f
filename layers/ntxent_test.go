package layers_test

import (
	"math"
	"strings"
	"testing"

	"opencarbon/layers"
	"opencarbon/torch"
)

// naiveNTXent is section 4.1's loss by loops.
func naiveNTXent(xs, xp [][]float64, temperature float64) []float64 {
	dot := func(a, b []float64) (s float64) {
		for i := range a {
			s += a[i] * b[i]
		}
		return s
	}
	similarity := func(a, b []float64) float64 {
		return dot(a, b) / math.Sqrt(dot(a, a)*dot(b, b)) / temperature
	}
	out := make([]float64, len(xs))
	for i := range xs {
		var images, points float64
		for k := range xs {
			if k != i {
				images += math.Exp(similarity(xs[i], xp[k]))
				points += math.Exp(similarity(xs[k], xp[i]))
			}
		}
		out[i] = math.Log(images) + math.Log(points) - 2*similarity(xs[i], xp[i])
	}
	return out
}

func rows(v []float64, n int) (out [][]float64) {
	for len(v) > 0 {
		out, v = append(out, v[:n]), v[n:]
	}
	return out
}

func TestNTXentByLoops(t *testing.T) {
	for _, b := range []int{2, 3, 17} {
		for _, temperature := range []float64{0.07, 0.5, 10} {
			for _, d := range []torch.DType{torch.Float64, torch.Float32, torch.BFloat16} {
				run(t, func() {
					xs, xp := fill("images", b, 5).Cast(d), fill("points", b, 5).MulScalar(20).Cast(d)
					want := naiveNTXent(rows(xs.Cast(torch.Float64).Float64s(), 5), rows(xp.Cast(torch.Float64).Float64s(), 5), temperature)
					y := layers.NTXent(xs, xp, temperature)
					if d == torch.BFloat16 && y.DType() != torch.Float32 {
						t.Errorf("computed in %v", y.DType())
					}
					for i, have := range y.Cast(torch.Float64).Float64s() {
						if math.Abs(have-want[i]) > 1e-4*math.Max(1, math.Abs(want[i])) {
							t.Errorf("B %d, tau %v, %v: %v, want %v", b, temperature, d, have, want[i])
						}
					}
				})
			}
		}
	}
}

// Extremes stay finite: equal embeddings, opposite ones, zeros, huge ones.
func TestNTXentIsFinite(t *testing.T) {
	run(t, func() {
		one := torch.Ones(torch.Float32, torch.CPU, 3, 4)
		for name, p := range map[string][2]*torch.Tensor{"equal": {one, one}, "opposite": {one, one.Neg()},
			"zero": {one.MulScalar(0), one}, "huge": {one.MulScalar(1e18), one.MulScalar(1e18)}} {
			xs, xp := p[0].Clone().SetRequiresGrad(true), p[1].Clone().SetRequiresGrad(true)
			l := layers.NTXent(xs, xp, 0.07).Sum()
			l.Backward()
			if math.IsNaN(l.Item()) || xs.Grad().IsFinite().All().Item() == 0 || xp.Grad().IsFinite().All().Item() == 0 {
				t.Errorf("%s: loss %v, gradients %v %v", name, l.Item(), xs.Grad().Float64s(), xp.Grad().Float64s())
			}
		}
	})
}

func TestNTXentNeedsNegatives(t *testing.T) {
	err := torch.Run(torch.Options{Threads: 1}, func() { layers.NTXent(fill("x", 1, 4), fill("y", 1, 4), 1) })
	if err == nil || !strings.Contains(err.Error(), "batch size of 2") {
		t.Error(err)
	}
}
