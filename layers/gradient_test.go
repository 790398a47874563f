package layers_test

import (
	"math"
	"strings"
	"testing"

	"opencarbon/layers"
	"opencarbon/torch"
)

// The whole model and its loss in float64, images included, against central
// finite differences. Of each parameter tensor the element with the largest
// gradient and one chosen by its name are moved; in the image encoder, which
// is slow, the elements with the largest gradients of a residual block at once,
// each in the direction of its gradient.
func TestGradientOfTheWholeModel(t *testing.T) {
	run(t, func() {
		s := layers.NewParams(torch.CPU)
		defer s.Close()
		s.DType = torch.Float64
		c := small()
		c.Categories, c.Embedding, c.Plus, c.ImageSize = 3, 6, true, 32
		c.Statistics, c.LogCounts, c.Features = true, true, 7 // all that there is; the paper's network is a part of it
		m := newModel(s, c)
		initialize(s)
		const u, b = 4, 3
		in := layers.Tiles{Images: images("images", u, 3, 32, 32), POIs: counts("points", u, 3, 32, 32), Features: fill("features", u, 7)}
		places := make([]int64, b*9)
		for i, h := range bits("places", len(places)) {
			places[i] = int64(h % (u + 1)) // u = no such cell
		}
		places[4], places[13], places[22] = 0, 1, 2
		index := torch.FromSlice(places, b, 3, 3)
		target := fill("target", b).MulScalar(3)
		loss := func(e layers.Views) *torch.Tensor {
			o := m.Predict(e, index)
			return torch.L1Loss(o.LnEmission, target, torch.ReduceSum).
				Add(layers.NTXent(o.Views.Get(layers.ImageView), o.Views.Get(layers.POIView), 0.5).Sum().MulScalar(0.1))
		}
		loss(m.Encode(in)).Backward()
		fixed := m.Encode(in).Map((*torch.Tensor).Detach)

		// A POI encoder with the same names, so the same weights, that can be
		// moved without running the image encoder.
		twins := layers.NewParams(torch.CPU)
		defer twins.Close()
		twins.DType = torch.Float64
		twin, err := layers.NewPOIEncoder(twins.Root().Sub("grid_rep", "poi_encoder"), layers.POIEncoderConfig{
			Categories: 3, Embedding: 6, Size: 32, Kernel: "k7", SE: true, SERatio: 2})
		if err != nil {
			t.Fatal(err)
		}
		initialize(twins)
		still := twin.Forward(in.POIs).Detach()

		type move struct {
			x        *torch.Tensor // scalar view of a parameter's element
			gradient float64
		}
		check := func(name string, moves []move, value func() *torch.Tensor) {
			const h = 1e-6
			want := 0.0
			for _, m := range moves {
				want += math.Abs(m.gradient)
			}
			var f [2]float64
			torch.NoGrad(func() {
				for side, d := range []float64{h, -2 * h} {
					for _, m := range moves {
						m.x.AddScalarInPlace(math.Copysign(d, d*m.gradient))
					}
					torch.InScope(func(*torch.Scope) { f[side] = value().Item() })
				}
				for _, m := range moves {
					m.x.AddScalarInPlace(math.Copysign(h, m.gradient))
				}
			})
			if have := (f[0] - f[1]) / (2 * h); !(math.Abs(have-want) <= 1e-5*want+1e-7) {
				t.Errorf("%s: gradient %.9g, finite differences %.9g", name, want, have)
			}
		}
		blocks := map[string][]move{}
		for _, e := range s.Entries() {
			if e.Buffer {
				continue
			}
			if e.Tensor.Grad() == nil {
				t.Errorf("%s has no gradient", e.Name)
				continue
			}
			gradient := e.Tensor.Grad().Float64s()
			largest := 0
			for i, g := range gradient {
				if math.Abs(g) > math.Abs(gradient[largest]) {
					largest = i
				}
			}
			// Softmax over keys does not see what is added to all of them.
			if gradient[largest] == 0 && !strings.HasSuffix(e.Name, ".k.bias") {
				t.Errorf("%s: the whole gradient is 0", e.Name)
			}
			element := func(x *torch.Tensor, i int) move { return move{x.Detach().View(-1).Select(0, i), gradient[i]} }
			name, image := strings.CutPrefix(e.Name, "grid_rep.image_encoder.")
			if image {
				parts := strings.SplitN(name, ".", 3)
				block := strings.Join(parts[:2], ".")
				blocks[block] = append(blocks[block], element(e.Tensor, largest))
				continue
			}
			for _, i := range []int{largest, int(bits(e.Name, 1)[0]) % len(gradient)} {
				if x := twins.Get(e.Name); x != nil {
					check(e.Name, []move{element(x, i)}, func() *torch.Tensor {
						x := twin.Forward(in.POIs).Add(fixed.Get(layers.POIView).Sub(still)) // and what the statistics add to X_p
						return loss(append(layers.Views{fixed[0], {Name: layers.POIView, X: x}}, fixed[2:]...))
					})
				} else if strings.Contains(e.Name, ".to_image.") || strings.Contains(e.Name, ".to_poi.") {
					check(e.Name, []move{element(e.Tensor, i)}, func() *torch.Tensor { return loss(m.Encode(in)) })
				} else if strings.HasPrefix(e.Name, "wide.features.") {
					check(e.Name, []move{element(e.Tensor, i)}, func() *torch.Tensor {
						return loss(append(fixed[:2:2], m.Encode(layers.Tiles{Features: in.Features})...))
					})
				} else {
					check(e.Name, []move{element(e.Tensor, i)}, func() *torch.Tensor { return loss(fixed) })
				}
			}
		}
		if len(blocks) != 13 { // conv1; bn1 and fc by weight and bias; 8 residual blocks
			t.Errorf("the image encoder has %d blocks", len(blocks))
		}
		for block, moves := range blocks {
			check("image encoder "+block, moves, func() *torch.Tensor { return loss(m.Encode(in)) })
		}
	})
}
