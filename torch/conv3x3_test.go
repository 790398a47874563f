package torch_test

import (
	"bytes"
	"math"
	"testing"

	"opencarbon/torch"
)

// Conv3x3 and its gradients are Conv2d's within rounding, whatever the edges, with
// and without gradients; what is not for Winograd's algorithm is the same to the bit.
func TestConv3x3(t *testing.T) {
	plain := torch.Conv2dOptions{Padding: [2]int{1, 1}}
	for _, c := range []struct {
		n, in, out, h, w int
		quick            bool
	}{
		{2, 32, 64, 16, 16, true}, {1, 64, 32, 7, 9, true}, {3, 32, 32, 4, 3, true}, {2, 96, 32, 13, 4, true}, {20, 32, 32, 12, 12, true},
		{2, 32, 32, 2, 2, false}, {2, 31, 32, 8, 8, false}, {2, 32, 20, 8, 8, false},
	} {
		run(t, func() {
			torch.ManualSeed(5)
			values := torch.Normal(0.3, 1, torch.Float32, torch.CPU, c.n, c.in, c.h, c.w).ChannelsLast()
			filters := torch.Normal(0, 0.1, torch.Float32, torch.CPU, c.out, c.in, 3, 3)
			toward := torch.Normal(0.1, 1, torch.Float32, torch.CPU, c.n, c.out, c.h, c.w)
			pass := func(f func(x, w *ten) *ten) []*ten {
				x, w := values.Clone().SetRequiresGrad(true), filters.Clone().SetRequiresGrad(true)
				y := f(x, w)
				y.Mul(toward).Sum().Backward()
				return tensors{y.Detach(), x.Grad(), w.Grad()}
			}
			want := pass(func(x, w *ten) *ten { return torch.Conv2d(x, w, nil, plain) })
			have := pass(torch.Conv3x3)
			equal := true
			for k := range want {
				if e := relative(t, have[k].Contiguous().Float64s(), want[k].Contiguous().Float64s()); e > 3e-5 {
					t.Errorf("%+v: result %d is off by %v", c, k, e)
				}
				equal = equal && identical(have[k], want[k])
			}
			if equal == c.quick && torch.FastBFloat16(torch.CPU) { // else the processor may have no kernel
				t.Errorf("%+v: to the bit the same: %v", c, equal)
			}
			var alone *ten
			torch.NoGrad(func() { alone = torch.Conv3x3(values.Narrow(0, c.n-1, 1), filters) })
			if !c.quick {
				return
			}
			if !identical(alone, have[0].Narrow(0, c.n-1, 1)) {
				t.Errorf("%+v: an image's numbers depend on its neighbors", c)
			}
		})
	}
}

// The number of threads is not seen in the numbers.
func TestConv3x3Threads(t *testing.T) {
	var before [][]byte
	for _, threads := range []int{1, 2, 3} {
		var now [][]byte
		if err := torch.Run(torch.Options{Threads: threads}, func() {
			torch.ManualSeed(5)
			x := torch.Normal(0, 1, torch.Float32, torch.CPU, 9, 64, 20, 20).ChannelsLast().SetRequiresGrad(true)
			w := torch.Normal(0, 0.1, torch.Float32, torch.CPU, 32, 64, 3, 3).SetRequiresGrad(true)
			y := torch.Conv3x3(x, w)
			y.Mul(y).Sum().Backward()
			now = [][]byte{y.Detach().Contiguous().Bytes(), x.Grad().Contiguous().Bytes(), w.Grad().Bytes()}
		}); err != nil {
			t.Fatal(err)
		}
		for k := range before {
			if string(before[k]) != string(now[k]) {
				t.Errorf("%d threads: result %d differs", threads, k)
			}
		}
		before = now
	}
}

// Other types, memory formats and autocast take the ordinary way, and what is no
// convolution is refused.
func TestConv3x3Elsewhere(t *testing.T) {
	run(t, func() {
		x := torch.Uniform(-1, 1, torch.Float32, torch.CPU, 1, 32, 8, 8)
		w := torch.Uniform(-1, 1, torch.Float32, torch.CPU, 32, 32, 3, 3)
		o := torch.Conv2dOptions{Padding: [2]int{1, 1}}
		if !identical(torch.Conv3x3(x, w), torch.Conv2d(x, w, nil, o)) {
			t.Error("NCHW")
		}
		a, b := x.Cast(torch.Float64).ChannelsLast(), w.Cast(torch.Float64)
		if !identical(torch.Conv3x3(a, b), torch.Conv2d(a, b, nil, o)) {
			t.Error("float64")
		}
		torch.Autocast(torch.CPU, torch.BFloat16, func() {
			if y := torch.Conv3x3(x.ChannelsLast(), w); y.DType() != torch.BFloat16 {
				t.Errorf("under autocast: %v", y.DType())
			}
		})
		bad := math.NaN()
		y := torch.Conv3x3(torch.Full(bad, torch.Float32, torch.CPU, 1, 32, 8, 8).ChannelsLast(), w)
		if v := y.Sum().Item(); v == v {
			t.Errorf("NaN became %v", v)
		}
	})
}

func identical(a, b *ten) bool { return bytes.Equal(a.Contiguous().Bytes(), b.Contiguous().Bytes()) }
