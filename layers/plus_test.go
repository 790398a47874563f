package layers_test

import (
	"strings"
	"testing"

	"opencarbon/layers"
	"opencarbon/layers/opencarbon"
	"opencarbon/layers/published"
	"opencarbon/torch"
)

// The variant plus is the paper's network and two things more: where these are
// silenced it predicts what the paper's network predicts, and each of them adds
// what it says.
func TestPlus(t *testing.T) {
	run(t, func() {
		tiles, index := smallTiles(torch.Float64), torch.FromSlice(smallIndex(3), 4, 3, 3)
		build := func(plus bool) (*layers.Params, *opencarbon.Model) {
			s := layers.NewParams(torch.CPU)
			s.DType = torch.Float64
			c := small()
			c.Plus = plus
			m := newModel(s, c)
			initialize(s)
			s.Eval()
			return s, m
		}
		ps, paper := build(false)
		defer ps.Close()
		s, plus := build(true)
		defer s.Close()
		want := paper.Forward(tiles, index)

		// The head's first layer: the paper's weights for X_g^f, zeros for X_n.
		torch.NoGrad(func() {
			first := ps.Get("regressor.0.weight")
			s.Get("regressor.0.weight").CopyInPlace(torch.Cat([]*torch.Tensor{first, torch.Zeros(torch.Float64, torch.CPU, 8, 8)}, 1))
			for _, e := range s.Entries() {
				if strings.Contains(e.Name, "_direct.") {
					e.Tensor.FillInPlace(0)
				}
			}
		})
		have := plus.Forward(tiles, index)
		if d := furthest(have.LnEmission, want.LnEmission); d > 1e-12 {
			t.Errorf("with its own parts silenced plus predicts otherwise than the paper's network, by %g", d)
		}
		if d := furthest(have.Views.Get(layers.FinalView).Narrow(1, 8, 8), have.Views.Get(layers.NeighborhoodView)); d != 0 {
			t.Errorf("the head's second half is not X_n, by %g", d)
		}

		// X_n of the image alone grows by the direct layer of the mean embedding; the
		// aggregate-attention stays out of it in a model without POIs.
		s1, s2 := layers.NewParams(torch.CPU), layers.NewParams(torch.CPU)
		defer s1.Close()
		defer s2.Close()
		s1.DType, s2.DType = torch.Float64, torch.Float64
		c := small()
		c.POI = false
		without := newModel(s1, c)
		c.Plus = true
		with := newModel(s2, c)
		initialize(s1)
		initialize(s2)
		s1.Eval()
		s2.Eval()
		e := with.Encode(tiles)
		mean := layers.GatherNeighborhood(e.Get(layers.ImageView), index).Mean(torch.Along(2, 3)) // [4, 8]
		w, b := s2.Get("neighbor_rep.image_direct.weight"), s2.Get("neighbor_rep.image_direct.bias")
		added := mean.MatMul(w.Transpose(0, 1)).Add(b)
		if d := furthest(with.Predict(e, index).Views.Get(layers.NeighborhoodView), without.Predict(e, index).Views.Get(layers.NeighborhoodView).Add(added)); d > 1e-12 {
			t.Errorf("X_n is not the paper's and the linear path's sum, by %g", d)
		}

		bad := small()
		bad.Kind, bad.Plus = layers.KindPublished, true
		if _, err := published.New(layers.NewParams(torch.CPU), bad); err == nil {
			t.Error("the published program has no variant plus, but it was built")
		}
	})
}
