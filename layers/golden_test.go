package layers_test

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"slices"
	"strings"
	"testing"

	"opencarbon/layers"
	"opencarbon/layers/opencarbon"
	"opencarbon/torch"
	"opencarbon/torch/safetensors"
)

// The numbers that testdata/generate.py makes: the same here, from name and
// shape.

// bits returns n well mixed numbers that depend on the name.
func bits(name string, n int) []uint32 {
	out := make([]uint32, n)
	start := crc32.ChecksumIEEE([]byte(name))
	for i := range out {
		h := uint32(i)*2654435769 + start
		h ^= h >> 16
		h *= 0x7feb352d
		h ^= h >> 15
		h *= 0x846ca68b
		out[i] = h ^ h>>16
	}
	return out
}

func size(shape []int) int {
	n := 1
	for _, s := range shape {
		n *= s
	}
	return n
}

// numbers lie in [-1, 1).
func numbers(name string, n int) []float64 {
	out := make([]float64, n)
	for i, h := range bits(name, n) {
		out[i] = float64(h)/(1<<31) - 1
	}
	return out
}

func fill(name string, shape ...int) *torch.Tensor {
	return torch.FromSlice(numbers(name, size(shape)), shape...)
}

func images(name string, shape ...int) *torch.Tensor {
	v := make([]uint8, size(shape))
	for i, h := range bits(name, len(v)) {
		v[i] = uint8(h >> 24)
	}
	return torch.FromSlice(v, shape...)
}

func counts(name string, shape ...int) *torch.Tensor {
	v := make([]float64, size(shape))
	for i, h := range bits(name, len(v)) {
		if h%8 == 0 {
			v[i] = float64(1 + h>>8%3)
		}
	}
	return torch.FromSlice(v, shape...)
}

// initialize gives every tensor of the store its numbers by name.
func initialize(s *layers.Params) {
	torch.NoGrad(func() {
		for _, e := range s.Entries() {
			shape := e.Tensor.Shape()
			x := func() *torch.Tensor { return fill(e.Name, shape...) }
			switch {
			case strings.HasSuffix(e.Name, "num_batches_tracked"):
				e.Tensor.FillInPlace(0)
			case strings.HasSuffix(e.Name, "running_var"):
				e.Tensor.CopyInPlace(x().MulScalar(0.3).AddScalar(1))
			case strings.HasSuffix(e.Name, "running_mean"):
				e.Tensor.CopyInPlace(x().MulScalar(0.1))
			case len(shape) == 1 && strings.HasSuffix(e.Name, "weight"):
				e.Tensor.CopyInPlace(x().MulScalar(0.3).AddScalar(1))
			case len(shape) == 1:
				e.Tensor.CopyInPlace(x().MulScalar(0.3))
			default:
				e.Tensor.CopyInPlace(x().MulScalar(math.Sqrt(3 / float64(size(shape[1:])))))
			}
		}
	})
}

type (
	tensors = map[string]*torch.Tensor
	forward = func(in []*torch.Tensor) tensors
)

// goldenCase is the Go side of a case of generate.py.
type goldenCase struct {
	inputs func() []*torch.Tensor // those that get gradients
	build  func(s *layers.Params) forward
}

func at(s *layers.Params) layers.Path { return s.Root() }

func noInputs() []*torch.Tensor { return nil }

func fills(shape ...int) func() []*torch.Tensor {
	return func() []*torch.Tensor { return []*torch.Tensor{fill("x", shape...)} }
}

func pair(scale float64, shape ...int) func() []*torch.Tensor {
	return func() []*torch.Tensor {
		return []*torch.Tensor{fill("x", shape...), fill("y", shape...).MulScalar(scale)}
	}
}

func seCase(ratio int, shape ...int) goldenCase {
	return goldenCase{fills(shape...), func(s *layers.Params) forward {
		m := layers.NewSqueezeExcitation(at(s), shape[1], ratio)
		return func(in []*torch.Tensor) tensors { return tensors{"x": m.Forward(in[0]), "gate": m.Gate(in[0])} }
	}}
}

func poiCase(kind string, edge int, se bool) goldenCase {
	inputs := func() []*torch.Tensor { return []*torch.Tensor{counts("points", 2, 3, edge, edge)} }
	return goldenCase{inputs, func(s *layers.Params) forward {
		m, err := layers.NewPOIEncoder(at(s), layers.POIEncoderConfig{Categories: 3, Embedding: 4, Size: edge, Kernel: kind, SE: se, SERatio: 2})
		if err != nil {
			panic(err)
		}
		return func(in []*torch.Tensor) tensors { return tensors{"x": m.Forward(in[0])} }
	}}
}

func ntxentCase(temperature float64) goldenCase {
	return goldenCase{pair(3, 5, 6), func(*layers.Params) forward {
		return func(in []*torch.Tensor) tensors { return tensors{"x": layers.NTXent(in[0], in[1], temperature)} }
	}}
}

// small is the whole models' configuration before a case changes it, with images
// of 48 pixels: of 32 its ResNet leaves one pixel, whose batch statistics over a
// few tiles are near singular, and float32 then differs from one processor to the
// next by more than any useful bound.
func small() layers.ModelConfig {
	return layers.ModelConfig{Kind: layers.KindOpenCarbon, Image: true, POI: true, Categories: 5, ImageSize: 48, Embedding: 8, Neighborhood: 3,
		POIEncoder: "k7", SE: true, SERatio: 2, Heads: 2}
}

// smallIndex is the models' index [4, M, M] into 9 tiles; 9 = no such cell.
func smallIndex(m int) []int64 {
	index := make([]int64, 4*m*m)
	for i, h := range bits("index", len(index)) {
		if index[i] = int64(h%12) - 3; index[i] < 0 {
			index[i] = 9
		}
	}
	for b, tile := range []int64{0, 3, 7, 8} {
		index[b*m*m+m*m/2] = tile
	}
	return index
}

func smallTiles(d torch.DType) layers.Tiles {
	return layers.Tiles{Images: images("images", 9, 3, 48, 48), POIs: counts("points", 9, 5, 48, 48).Cast(d)}
}

func newModel(s *layers.Params, c layers.ModelConfig) *opencarbon.Model {
	m, err := opencarbon.New(s, c)
	if err != nil {
		panic(err)
	}
	return m
}

func modelCase(change func(c *layers.ModelConfig)) goldenCase {
	c := small()
	change(&c)
	return goldenCase{noInputs, func(s *layers.Params) forward {
		m := newModel(s, c)
		return func([]*torch.Tensor) tensors {
			o := m.Forward(smallTiles(s.DType), torch.FromSlice(smallIndex(c.Neighborhood), 4, c.Neighborhood, c.Neighborhood))
			out := tensors{"center_image": o.Views.Get(layers.ImageView), "center_poi": o.Views.Get(layers.POIView), "grid": o.Views.Get(layers.GridView), "grid_weights": o.Weights.Get(layers.GridView),
				"neighborhood": o.Views.Get(layers.NeighborhoodView), "neighborhood_weights": o.Weights.Get(layers.NeighborhoodView), "final": o.Views.Get(layers.FinalView), "ln_emission": o.LnEmission}
			if c.Image && c.POI {
				out["ntxent"] = layers.NTXent(o.Views.Get(layers.ImageView), o.Views.Get(layers.POIView), 0.5)
			}
			for name, x := range out {
				if x == nil {
					delete(out, name)
				}
			}
			return out
		}
	}}
}

func goldenCases() map[string]goldenCase {
	return map[string]goldenCase{
		"se":              seCase(3, 3, 6, 4, 5),
		"se/narrow":       seCase(16, 2, 3, 4, 4),
		"poi/k7/32/se":    poiCase("k7", 32, true),
		"poi/k7/32/plain": poiCase("k7", 32, false),
		"poi/k7/50/se":    poiCase("k7", 50, true),
		"poi/k37/134/se":  poiCase("k37", 134, true), "poi/k37/134/plain": poiCase("k37", 134, false),
		"aggregate": {pair(1, 5, 6), func(s *layers.Params) forward {
			m := layers.NewAggregateAttention(at(s), 6)
			return func(in []*torch.Tensor) tensors {
				x, w := m.Forward(in[0], in[1])
				return tensors{"x": x, "weights": w}
			}
		}},
		"neighborhood": {fills(3, 4, 5, 5), func(s *layers.Params) forward {
			m := layers.NewNeighborhoodEncoder(at(s).Sub("convs"), at(s).Sub("fc"), 4)
			return func(in []*torch.Tensor) tensors { return tensors{"x": m.Forward(in[0])} }
		}},
		"attention": {pair(2, 3, 6), func(s *layers.Params) forward {
			m := layers.NewFeatureAttention(at(s), 3)
			return func(in []*torch.Tensor) tensors { return tensors{"x": m.Forward(in[0], in[1])} }
		}},
		"cross": {pair(2, 3, 6), func(s *layers.Params) forward {
			m := layers.NewCrossAttention(at(s), 2)
			return func(in []*torch.Tensor) tensors { return tensors{"x": m.Forward(in[0], in[1])} }
		}},
		"head": {fills(5, 6), func(s *layers.Params) forward {
			m := layers.NewHead(at(s), 6, 6)
			return func(in []*torch.Tensor) tensors { return tensors{"x": m.Forward(in[0])} }
		}},
		"image": {noInputs, func(s *layers.Params) forward {
			m := layers.NewImageEncoder(at(s), 5)
			return func([]*torch.Tensor) tensors { return tensors{"x": m.Forward(images("images", 4, 3, 40, 40))} }
		}},
		"ntxent/0.07":   ntxentCase(0.07),
		"ntxent/1.0":    ntxentCase(1),
		"model/full":    modelCase(func(*layers.ModelConfig) {}),
		"model/one":     modelCase(func(c *layers.ModelConfig) { c.Neighborhood = 1 }),
		"model/five":    modelCase(func(c *layers.ModelConfig) { c.Neighborhood = 5 }),
		"model/plain":   modelCase(func(c *layers.ModelConfig) { c.SE = false }),
		"model/image":   modelCase(func(c *layers.ModelConfig) { c.POI = false }),
		"model/poi":     modelCase(func(c *layers.ModelConfig) { c.Image = false }),
		"model/poi-one": modelCase(func(c *layers.ModelConfig) { c.Image, c.Neighborhood = false, 1 }),
	}
}

// golden is what one case must give, by kind (out, input, grad, buffer, eval)
// and name; what was compared is taken out.
type golden map[string][]float64

func readGolden(t *testing.T) map[string]golden {
	t.Helper()
	f, err := safetensors.ReadFile("testdata/golden.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]golden{}
	for name, a := range f.Arrays {
		for _, kind := range []string{"/out/", "/input/", "/grad/", "/buffer/", "/eval/"} {
			if i := strings.LastIndex(name, kind); i >= 0 {
				if cases[name[:i]] == nil {
					cases[name[:i]] = golden{}
				}
				values := make([]float64, len(a.Data)/8)
				for k := range values {
					values[k] = math.Float64frombits(binary.LittleEndian.Uint64(a.Data[8*k:]))
				}
				cases[name[:i]][name[i+1:]] = values
			}
		}
	}
	return cases
}

// check compares x with the golden numbers of that name; the difference may be
// tolerance times the golden array's norm (of the largest gradient, where one
// is nearly 0).
func (g golden) check(t *testing.T, name string, x *torch.Tensor, tolerance float64) {
	t.Helper()
	want, ok := g[name]
	if !ok {
		if !strings.Contains(name, "image_encoder.layer") {
			t.Errorf("%s: nothing to compare with", name)
		}
		return
	}
	delete(g, name)
	if x == nil {
		t.Errorf("%s: none", name)
		return
	}
	have := x.Cast(torch.Float64).Float64s()
	if len(have) > 64 {
		digest := []float64{0, 0}
		for i, d := range numbers("digest", len(have)) {
			digest[0] += have[i] * have[i]
			digest[1] += have[i] * d
		}
		digest[0] = math.Sqrt(digest[0])
		have = digest
	}
	if len(have) != len(want) {
		t.Errorf("%s: %d numbers, want %d", name, len(have), len(want))
		return
	}
	var difference, norm float64
	for i := range want {
		difference = math.Max(difference, math.Abs(have[i]-want[i]))
		norm = math.Max(norm, math.Abs(want[i]))
	}
	if !(difference <= tolerance*math.Max(norm, 1e-2)) {
		t.Errorf("%s: differs by %.2g of %.2g", name, difference, norm)
	}
}

// Every module against plain PyTorch: outputs and gradients in train mode, the
// running statistics after, outputs in evaluation mode.
func TestGolden(t *testing.T) {
	all := readGolden(t)
	cases := goldenCases()
	for name := range all {
		if _, ok := cases[name]; !ok {
			t.Errorf("case %s has no Go side", name)
		}
	}
	for name, c := range cases {
		for _, p := range []struct {
			dtype             torch.DType
			forward, backward float64
		}{{torch.Float64, 1e-8, 1e-7}, {torch.Float32, 1e-4, 1e-3}} {
			if p.dtype == torch.Float64 && slices.Contains([]string{"model/one", "model/five", "model/plain", "model/image"}, name) {
				continue // a ResNet in float64 is slow; model/full has it
			}
			t.Run(name+"/"+p.dtype.String(), func(t *testing.T) {
				g := golden{}
				for k, v := range all[name] {
					g[k] = v
				}
				run(t, func() { c.check(t, g, p.dtype, p.forward, p.backward) })
				for left := range g {
					t.Errorf("%s was not computed", left)
				}
			})
		}
	}
}

func (c goldenCase) check(t *testing.T, g golden, dtype torch.DType, forward, backward float64) {
	s := layers.NewParams(torch.CPU)
	defer s.Close()
	s.DType = dtype
	f := c.build(s)
	initialize(s)
	in := c.inputs()
	for i, x := range in {
		in[i] = x.Cast(dtype).Detach().SetRequiresGrad(true)
	}
	var loss *torch.Tensor
	for name, o := range f(in) {
		g.check(t, "out/"+name, o, forward)
		part := o.Mul(fill("up/"+name, o.Shape()...).Cast(o.DType())).Sum()
		if loss == nil {
			loss = part
		} else {
			loss = loss.Add(part)
		}
	}
	loss.Backward()
	for i, x := range in {
		g.check(t, "input/"+string(rune('0'+i)), x.Grad(), backward)
	}
	for _, e := range s.Entries() {
		if e.Buffer {
			g.check(t, "buffer/"+e.Name, e.Tensor, forward)
		} else {
			g.check(t, "grad/"+e.Name, e.Tensor.Grad(), backward)
		}
	}
	s.Eval()
	torch.NoGrad(func() {
		for name, o := range f(in) {
			g.check(t, "eval/"+name, o, forward)
		}
	})
}
