package layers_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"opencarbon/layers"
	"opencarbon/layers/opencarbon"
	"opencarbon/torch"
)

// furthest returns the largest |a - b|.
func furthest(a, b *torch.Tensor) float64 { return a.Sub(b).Abs().AMax().Item() }

// exact makes the small model in float64, where rounding hides nothing.
func exact(s *layers.Params) *opencarbon.Model {
	s.DType = torch.Float64
	m := newModel(s, small())
	initialize(s)
	return m
}

func TestMissingNeighborsAreZeros(t *testing.T) {
	run(t, func() {
		x := fill("x", 3, 4).SetRequiresGrad(true)
		y := layers.GatherNeighborhood(x, torch.FromSlice([]int64{3, 0, 1, 3, 2, 3, 3, 3, 2}, 1, 3, 3)) // [1, 4, 3, 3]
		y.Sum().Backward()
		have, in := y.Float64s(), x.Float64s()
		for c := range 4 {
			for p, tile := range []int{3, 0, 1, 3, 2, 3, 3, 3, 2} {
				want := 0.0
				if tile < 3 {
					want = in[tile*4+c]
				}
				if have[c*9+p] != want {
					t.Errorf("feature %d at %d is %v, want %v", c, p, have[c*9+p], want)
				}
			}
		}
		if g := fmt.Sprint(x.Grad().Float64s()); g != "[1 1 1 1 1 1 1 1 2 2 2 2]" {
			t.Errorf("gradient %v: a tile has other gradients than from the places where it stands", g)
		}
	})
}

// What a cell without neighbors predicts depends on no other tile, tile 0 above
// all.
func TestMissingNeighborsAreNobody(t *testing.T) {
	run(t, func() {
		s := layers.NewParams(torch.CPU)
		defer s.Close()
		m := exact(s)
		s.Eval()
		e := m.Encode(smallTiles(torch.Float64))
		places := []int64{9, 9, 9, 9, 4, 9, 9, 9, 9}
		before := m.Predict(e, torch.FromSlice(places, 1, 3, 3)).LnEmission.Item()
		other := func(x *torch.Tensor) *torch.Tensor { // all embeddings but tile 4's change
			return torch.Cat([]*torch.Tensor{x.Narrow(0, 0, 4).AddScalar(1), x.Narrow(0, 4, 1), x.Narrow(0, 5, 4).AddScalar(1)}, 0)
		}
		changed := e.Map(other)
		if after := m.Predict(changed, torch.FromSlice(places, 1, 3, 3)).LnEmission.Item(); after != before {
			t.Errorf("other tiles change the prediction from %v to %v", before, after)
		}
		places[0] = 0 // and a neighbor that is there does matter
		near := m.Predict(e, torch.FromSlice(places, 1, 3, 3)).LnEmission.Item()
		if far := m.Predict(changed, torch.FromSlice(places, 1, 3, 3)).LnEmission.Item(); near == far || near == before {
			t.Errorf("a neighbor does not change the prediction: %v, %v, %v", before, near, far)
		}
	})
}

// Renumbering the tiles changes nothing: outputs, loss, gradients.
func TestPermutationOfTiles(t *testing.T) {
	run(t, func() {
		s := layers.NewParams(torch.CPU)
		defer s.Close()
		m := exact(s)
		order := []int64{7, 2, 0, 8, 1, 6, 3, 5, 4} // new place -> old tile
		place := make([]int64, 10)
		for p, tile := range order {
			place[tile] = int64(p)
		}
		place[9] = 9
		index := smallIndex(3)
		renumbered := make([]int64, len(index))
		for i, tile := range index {
			renumbered[i] = place[tile]
		}
		in := smallTiles(torch.Float64)
		by := torch.FromSlice(order)
		permuted := layers.Tiles{Images: in.Images.IndexSelect(0, by), POIs: in.POIs.IndexSelect(0, by)}
		gradients := func(o layers.Output) []*torch.Tensor {
			torch.ZeroGrad(s.Parameters())
			o.LnEmission.Mul(fill("up", 4)).Sum().Backward()
			var out []*torch.Tensor
			for _, p := range s.Parameters() {
				out = append(out, p.Grad().Clone())
			}
			return out
		}
		a := m.Forward(in, torch.FromSlice(index, 4, 3, 3))
		first := gradients(a)
		b := m.Forward(permuted, torch.FromSlice(renumbered, 4, 3, 3))
		second := gradients(b)
		if d := furthest(a.LnEmission, b.LnEmission); d > 1e-9 {
			t.Errorf("predictions differ by %g", d)
		}
		if d := furthest(a.Weights.Get(layers.NeighborhoodView), b.Weights.Get(layers.NeighborhoodView)); d > 1e-9 {
			t.Errorf("neighborhood weights differ by %g", d)
		}
		for i, name := range s.ParameterNames() {
			if d := furthest(first[i], second[i]); d > 1e-7 {
				t.Errorf("gradients of %s differ by %g", name, d)
			}
		}
	})
}

// Encoding each tile once and gathering gives what encoding it at each of its
// places would, gradients included. Batch statistics, which see other sets of
// images, are out of play.
func TestGatheringEqualsEncodingAgain(t *testing.T) {
	run(t, func() {
		s := layers.NewParams(torch.CPU)
		defer s.Close()
		m := exact(s)
		s.Eval()
		in := smallTiles(torch.Float64)
		index := smallIndex(3)
		var every []int64 // the tile of each place; -> its own copy
		own := make([]int64, len(index))
		for i, tile := range index {
			if tile == 9 {
				own[i] = -1
				continue
			}
			own[i] = int64(len(every))
			every = append(every, tile)
		}
		for i := range own {
			if own[i] < 0 {
				own[i] = int64(len(every))
			}
		}
		copies := torch.FromSlice(every)
		var predicted, gradient [2]*torch.Tensor
		weight := s.Get("grid_rep.image_encoder.conv1.weight")
		for i, f := range []func() layers.Output{
			func() layers.Output { return m.Forward(in, torch.FromSlice(index, 4, 3, 3)) },
			func() layers.Output {
				return m.Forward(layers.Tiles{Images: in.Images.IndexSelect(0, copies), POIs: in.POIs.IndexSelect(0, copies)},
					torch.FromSlice(own, 4, 3, 3))
			},
		} {
			torch.ZeroGrad(s.Parameters())
			predicted[i] = f().LnEmission
			predicted[i].Mul(fill("up", 4)).Sum().Backward()
			gradient[i] = weight.Grad().Clone()
		}
		if d := furthest(predicted[0], predicted[1]); d > 1e-10 {
			t.Errorf("predictions differ by %g", d)
		}
		if d := furthest(gradient[0], gradient[1]) / gradient[0].Abs().AMax().Item(); d > 1e-9 {
			t.Errorf("gradients differ by %g", d)
		}
	})
}

func TestWeightsAreShares(t *testing.T) {
	run(t, func() {
		s := layers.NewParams(torch.CPU)
		defer s.Close()
		m := newModel(s, small())
		o := m.Forward(smallTiles(torch.Float32), torch.FromSlice(smallIndex(3), 4, 3, 3))
		for name, w := range map[string]*torch.Tensor{"grid": o.Weights.Get(layers.GridView), "neighborhood": o.Weights.Get(layers.NeighborhoodView)} {
			if fmt.Sprint(w.Shape()) != "[4 2]" || w.AMin().Item() <= 0 ||
				w.Sum(torch.Along(1)).SubScalar(1).Abs().AMax().Item() > 1e-6 {
				t.Errorf("%s weights are no shares: %v", name, w.Float64s())
			}
		}
		gate := m.CategoryGate(smallTiles(torch.Float32))
		if fmt.Sprint(gate.Shape()) != "[9 5]" || gate.AMin().Item() <= 0 || gate.AMax().Item() >= 1 {
			t.Errorf("category gates %v", gate.Float64s())
		}
	})
}

// An ablation leaves out its modules, and only those.
func TestAblations(t *testing.T) {
	groups := func(s *layers.Params) string {
		seen := map[string]bool{}
		for _, n := range s.ParameterNames() {
			parts := strings.Split(n, ".")
			key := parts[0]
			if strings.HasSuffix(parts[0], "_rep") {
				key += "." + parts[1]
			}
			if len(parts) > 2 && strings.HasPrefix(parts[2], "se") {
				key = "se"
			}
			seen[key] = true
		}
		var out []string
		for _, k := range []string{"grid_rep.image_encoder", "grid_rep.poi_encoder", "se", "grid_agg", "neighbor_rep.image_encoder",
			"neighbor_rep.image_fc", "neighbor_rep.poi_encoder", "neighbor_rep.poi_fc", "neighbor_agg", "cross_from_neighborhood", "regressor"} {
			out = append(out, fmt.Sprint(map[bool]int{true: 1}[seen[k]]))
			delete(seen, k)
		}
		return strings.Join(out, "") + fmt.Sprint(len(seen))
	}
	for _, c := range []struct {
		name   string
		change func(*layers.ModelConfig)
		want   string
	}{
		{"full", func(*layers.ModelConfig) {}, "111111111110"},
		{"seven", func(c *layers.ModelConfig) { c.Neighborhood = 7 }, "111111111110"},
		{"no SE", func(c *layers.ModelConfig) { c.SE = false }, "110111111110"},
		{"no neighborhood", func(c *layers.ModelConfig) { c.Neighborhood = 1 }, "111100000010"},
		{"images", func(c *layers.ModelConfig) { c.POI = false }, "100011000110"},
		{"POIs", func(c *layers.ModelConfig) { c.Image = false }, "011000110110"},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, func() {
				s := layers.NewParams(torch.CPU)
				defer s.Close()
				config := small()
				c.change(&config)
				m := newModel(s, config)
				if have := groups(s); have != c.want {
					t.Errorf("modules %s, want %s", have, c.want)
				}
				if config.SE && config.POI == (m.CategoryGate(smallTiles(torch.Float32)) == nil) {
					t.Error("category gate")
				}
				o := m.Forward(smallTiles(torch.Float32), torch.FromSlice(smallIndex(config.Neighborhood), 4, config.Neighborhood, config.Neighborhood))
				o.LnEmission.Sum().Backward()
				for _, e := range s.Entries() {
					if !e.Buffer && e.Tensor.Grad() == nil {
						t.Errorf("%s takes no part", e.Name)
					}
				}
			})
		})
	}
}

func TestNewModelRefuses(t *testing.T) {
	for _, c := range []struct {
		change func(*layers.ModelConfig)
		want   string
	}{
		{func(c *layers.ModelConfig) { c.Image, c.POI = false, false }, "needs a modality"},
		{func(c *layers.ModelConfig) { c.Categories = 0 }, "no POI categories"},
		{func(c *layers.ModelConfig) { c.Neighborhood = 4 }, "4 cells wide; it must be odd"},
		{func(c *layers.ModelConfig) { c.Neighborhood = 0 }, "must be odd"},
		{func(c *layers.ModelConfig) { c.Neighborhood = -3 }, "must be odd"},
		{func(c *layers.ModelConfig) { c.ImageSize = 31 }, "too small for ResNet-18"},
		{func(c *layers.ModelConfig) { c.POIEncoder = "k9" }, `"k9" is unknown; use k7 or k37`},
		{func(c *layers.ModelConfig) { c.POIEncoder = "k37"; c.ImageSize = 132 }, "132 pixels are too small for POI encoder k37"},
		{func(c *layers.ModelConfig) { c.Image = false; c.ImageSize = 3 }, "too small for POI encoder k7"},
		{func(c *layers.ModelConfig) { c.Image = false; c.ImageSize = -8 }, "too small for POI encoder k7"},
		{func(c *layers.ModelConfig) { c.Embedding = 0 }, "use 1 or more"},
		{func(c *layers.ModelConfig) { c.Heads = 0 }, "0 heads"},
	} {
		run(t, func() {
			s := layers.NewParams(torch.CPU)
			defer s.Close()
			config := small()
			c.change(&config)
			if m, err := opencarbon.New(s, config); err == nil || m != nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v: %v, want %q", config, err, c.want)
			}
		})
	}
}

// The smallest tiles that the k37 encoder can take, and one less.
func TestSmallestTiles(t *testing.T) {
	for _, c := range []struct {
		kernel string
		size   int
		ok     bool
	}{{"k37", 133, true}, {"k37", 132, false}, {"k7", 13, true}, {"k7", 12, false}} {
		run(t, func() {
			s := layers.NewParams(torch.CPU)
			defer s.Close()
			e, err := layers.NewPOIEncoder(s.Root(), layers.POIEncoderConfig{Categories: 1, Embedding: 2, Size: c.size, Kernel: c.kernel})
			if (err == nil) != c.ok {
				t.Fatalf("%s at %d: %v", c.kernel, c.size, err)
			}
			if err == nil {
				if y := e.Forward(torch.Zeros(torch.Float32, torch.CPU, 2, 1, c.size, c.size)); fmt.Sprint(y.Shape()) != "[2 2]" {
					t.Errorf("%s at %d gives %v", c.kernel, c.size, y.Shape())
				}
			}
		})
	}
}

func TestTargetBias(t *testing.T) {
	run(t, func() {
		s := layers.NewParams(torch.CPU)
		defer s.Close()
		m := newModel(s, small())
		index := torch.FromSlice(smallIndex(3), 4, 3, 3)
		s.Eval()
		before := m.Forward(smallTiles(torch.Float32), index).LnEmission
		bias := s.Get("regressor.3.bias").Item()
		m.SetTargetBias(bias + 10)
		if d := m.Forward(smallTiles(torch.Float32), index).LnEmission.Sub(before).SubScalar(10).Abs().AMax().Item(); d > 1e-5 {
			t.Errorf("off by %g", d)
		}
	})
}

// The published program starts the aggregate-attentions Xavier uniform.
func TestAggregateAttentionStart(t *testing.T) {
	run(t, func() {
		s := layers.NewParams(torch.CPU)
		defer s.Close()
		torch.ManualSeed(3)
		layers.NewAggregateAttention(s.Root(), 64)
		if b := s.Get("l1.bias"); b.Abs().AMax().Item() != 0 {
			t.Error("the bias is not 0")
		}
		for name, bound := range map[string]float64{"l1.weight": math.Sqrt(6. / 128), "l2.weight": math.Sqrt(6. / 65)} {
			w := s.Get(name)
			if top := w.Abs().AMax().Item(); top > bound || top < 0.9*bound {
				t.Errorf("%s reaches %v of %v", name, top, bound)
			}
			if v, want := w.View(-1).VarBiased(torch.Along(0)).Item(), bound*bound/3; math.Abs(v/want-1) > 0.35 {
				t.Errorf("%s has variance %v, uniform has %v", name, v, want)
			}
		}
		if s.Get("l2.bias") != nil {
			t.Error("Eq. 4 has no bias behind a")
		}
	})
}

// A limited set of parameters ends a model before memory does.
func TestLimit(t *testing.T) {
	c := small()
	run(t, func() {
		s := layers.NewParams(torch.CPU)
		newModel(s, c)
		n := 0
		for _, e := range s.Entries() {
			n += e.Tensor.Numel()
		}
		s.Close()
		for _, limit := range []struct {
			n, embedding int
			fits         bool
		}{{n, c.Embedding, true}, {n - 1, c.Embedding, false}, {n, c.Embedding + 1, false}, {n, 1 << 40, false}} {
			s, wide := layers.NewParams(torch.CPU), c
			s.Limit(limit.n)
			wide.Embedding = limit.embedding
			err := torch.Try(func() { newModel(s, wide) })
			if (err == nil) != limit.fits {
				t.Errorf("limit %d, embedding %d: %v", limit.n, limit.embedding, err)
			}
			s.Close()
		}
	})
}
