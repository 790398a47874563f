package layers_test

import (
	"testing"

	"opencarbon/layers"
	"opencarbon/torch"
)

// The means behind the last stage are what ResNet-18 pools: its last layer makes
// the encoder's embedding of them. Deviations are those of the same pixels, and an
// earlier stage does not change with what lies behind it.
func TestImageTrunk(t *testing.T) {
	run(t, func() {
		whole, cut := layers.NewParams(torch.CPU), layers.NewParams(torch.CPU)
		defer whole.Close()
		defer cut.Close()
		whole.DType, cut.DType = torch.Float64, torch.Float64
		encoder := layers.NewImageEncoder(whole.Root(), 5)
		initialize(whole)
		trunk := layers.NewImageTrunk(cut.Root(), 4)
		initialize(cut) // equal names, equal values
		whole.Eval()
		cut.Eval()
		in := images("images", 2, 3, 64, 64)
		all := trunk.Moments(in, []int{2, 3, 4})
		if have, want := all.Shape(), 2*(128+256+512); have[0] != 2 || have[1] != want {
			t.Fatalf("shape %v, want [2 %d]", have, want)
		}
		pooled := all.Narrow(1, 2*(128+256), 512)
		got := torch.Linear(pooled, whole.Get("fc.weight"), whole.Get("fc.bias"))
		if d := furthest(got, encoder.Forward(in)); d > 1e-10 {
			t.Errorf("the last stage's means lead to another embedding, by %g", d)
		}
		short := layers.NewParams(torch.CPU)
		defer short.Close()
		short.DType = torch.Float64
		first := layers.NewImageTrunk(short.Root(), 2)
		initialize(short)
		short.Eval()
		if d := furthest(first.Moments(in, []int{2}), all.Narrow(1, 0, 256)); d != 0 {
			t.Errorf("stage 2 of a shorter trunk is another, by %g", d)
		}
		// Images whose pixels all look the same have no spread but at the border; one
		// with contrast has more.
		flat, busy := torch.Full(120, torch.UInt8, torch.CPU, 1, 3, 64, 64), in.Narrow(0, 0, 1)
		spread := func(x *torch.Tensor) float64 { return trunk.Moments(x, []int{2}).Narrow(1, 128, 128).Mean().Item() }
		if a, b := spread(flat), spread(busy); !(a < b) || a < 0 {
			t.Errorf("spread of a flat image %g, of a busy one %g", a, b)
		}
	})
}
