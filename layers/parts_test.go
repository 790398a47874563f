package layers_test

import (
	"testing"

	"opencarbon/layers"
	"opencarbon/torch"
)

// A network that is given a batch in parts does what it does with the whole: draws,
// statistics, gradients, running statistics, and the random numbers that follow.
func TestInParts(t *testing.T) {
	run(t, func() {
		torch.ManualSeed(2)
		rows := torch.Normal(0, 1, torch.Float64, torch.CPU, 7, 3)
		pass := func(inParts bool, parts []layers.Part) (numbers []float64) {
			torch.ManualSeed(3)
			p := layers.NewParams(torch.CPU)
			p.DType = torch.Float64
			defer p.Close()
			linear, bn := layers.NewLinear(p.Root().Sub("linear"), layers.LinearConfig{In: 3, Out: 4}), layers.NewBatchNorm(p.Root().Sub("bn"), 4)
			encode := func(x *torch.Tensor) *torch.Tensor {
				var shift *torch.Tensor
				torch.NoGrad(func() { shift = torch.FromSlice(p.Draws(x.Size(0), 4), x.Size(0), 4) })
				return p.Dropout(bn.Forward(linear.Forward(x)).ReLU().Add(shift), 0.5)
			}
			var y *torch.Tensor
			if inParts {
				var ys []*torch.Tensor
				for _, of := range p.InParts(layers.Parts{Own: 4, Of: 7}, parts, func(i int) layers.Views {
					return layers.Views{{Name: "x", X: encode(rows.Narrow(0, parts[i].From, parts[i].To-parts[i].From))}}
				}) {
					ys = append(ys, of.Get("x"))
				}
				y = torch.Cat(ys, 0)
			} else {
				y = encode(rows)
			}
			y.Mul(y).Sum().Backward()
			if inParts {
				p.SumParts([]bool{true})
			}
			numbers = append(numbers, y.Float64s()...)
			for _, e := range p.Entries() {
				numbers = append(numbers, e.Tensor.Cast(torch.Float64).Float64s()...)
				if !e.Buffer {
					numbers = append(numbers, e.Tensor.Grad().Float64s()...)
				}
			}
			numbers = append(numbers, torch.Uniform(0, 1, torch.Float64, torch.CPU, 1).Item())
			return numbers
		}
		want := pass(false, nil)
		for _, parts := range [][]layers.Part{
			{{Slot: 0, To: 3}, {Slot: 2, From: 3, To: 4}, {Slot: 3, From: 4, To: 7}},
			{{Slot: 0, To: 7}},
		} {
			got := pass(true, parts)
			if len(got) != len(want) {
				t.Fatal(len(got), len(want))
			}
			for i := range got {
				if d := got[i] - want[i]; !(d < 1e-12 && d > -1e-12) {
					t.Errorf("%v: number %d is %g, of the whole batch %g", parts, i, got[i], want[i])
				}
			}
		}
	})
}
