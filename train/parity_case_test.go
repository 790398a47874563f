package train

import (
	"fmt"
	maplib "maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/torch/safetensors"
	"opencarbon/train/learn"
	"opencarbon/train/networks"
)

// parityCase is variant/encoder/M/se/contrastive/steps.
type parityCase struct {
	name, variant, encoder string
	m, steps               int
	se, contrastive        bool
}

func parseParityCase(name string) parityCase {
	f := strings.Split(name, "/")
	m, _ := strconv.Atoi(f[2])
	steps, _ := strconv.Atoi(f[5])
	return parityCase{name, f[0], f[1], m, steps, f[3] == "1", f[4] == "1"}
}

// parityWorst keeps the largest relative differences.
type parityWorst struct {
	eval     float64 // prediction with running statistics
	single   float64 // predictions and embeddings in training mode, computed in float32 as in ordinary training
	forward  float64 // the same in float64
	gradient float64 // of every parameter
	loss     float64 // over the steps
	after    float64 // weights and statistics after the steps
	trained  float64 // prediction after them
}

const parityHead = "evaluation  forward (float32)  forward   gradients  losses   weights after  evaluation after"

// String is a row under parityHead.
func (w parityWorst) String() string {
	return fmt.Sprintf("%-10.1e  %-17.1e  %-8.1e  %-9.1e  %-7.1e  %-13.1e  %-.1e", w.eval, w.single, w.forward, w.gradient, w.loss, w.after, w.trained)
}

// with is the worse of both in everything.
func (w parityWorst) with(o parityWorst) parityWorst {
	return parityWorst{max(w.eval, o.eval), max(w.single, o.single), max(w.forward, o.forward), max(w.gradient, o.gradient), max(w.loss, o.loss),
		max(w.after, o.after), max(w.trained, o.trained)}
}

// digests are parity.py's: norm and four projections on fixed random vectors.
type digests struct{ with [4]*torch.Tensor }

func newDigests() *digests {
	d := &digests{}
	for i := range d.with {
		d.with[i] = torch.FromSlice(parityFill(fmt.Sprint("digest ", i), 512*512*9))
	}
	return d
}

// of returns the norm and the projections.
func (d *digests) of(x *torch.Tensor) []float64 {
	var out []float64
	torch.InScope(func(*torch.Scope) {
		x = x.Detach().Cast(torch.Float64).Contiguous().Reshape(-1)
		out = append(out, math.Sqrt(x.Square().Sum().Item()))
		for _, w := range d.with {
			out = append(out, x.Mul(w.Narrow(0, 0, x.Numel())).Sum().Item())
		}
	})
	return out
}

// apart estimates |a - b| / max(|b|, floor): a projection on numbers that are
// uniform in [-1, 1) has a third of the squared length in the mean.
func apart(a, b []float64, floor float64) float64 {
	sum := 0.0
	for i := 1; i < 5; i++ {
		sum += (a[i] - b[i]) * (a[i] - b[i])
	}
	return math.Max(math.Sqrt(3*sum/4), math.Abs(a[0]-b[0])) / math.Max(b[0], floor)
}

func relative(t *testing.T, got []float64, want safetensors.Array) float64 {
	t.Helper()
	b := torch.FromArray(want).Float64s()
	if len(got) != len(b) {
		t.Fatalf("%d numbers, want %d", len(got), len(b))
	}
	difference, scale := 0.0, 0.0
	for i := range got {
		difference, scale = math.Max(difference, math.Abs(got[i]-b[i])), math.Max(scale, math.Abs(b[i]))
		if math.IsNaN(got[i]) {
			return math.Inf(1)
		}
	}
	return difference / scale
}

// rows compares digests of named tensors with the rows of want. A tensor below
// 1e-4 of the largest one is measured against that: where a gradient is zero
// but for rounding (a bias before a batch normalization) its own scale means
// nothing.
func (d *digests) rows(t *testing.T, tensors map[string]*torch.Tensor, want safetensors.Array) float64 {
	t.Helper()
	b := torch.FromArray(want).Float64s()
	names := slices.Sorted(maplib.Keys(tensors))
	if len(b) != 5*len(names) {
		t.Fatalf("%d tensors, want %d", len(names), len(b)/5)
	}
	floor := 0.0
	for i := range names {
		floor = math.Max(floor, 1e-4*b[5*i])
	}
	worst := 0.0
	for i, name := range names {
		e := apart(d.of(tensors[name]), b[5*i:5*i+5], floor)
		if math.IsNaN(e) {
			e = math.Inf(1)
		}
		worst = math.Max(worst, e)
	}
	return worst
}

// model builds the case's model with weights by name.
func (c parityCase) model(t *testing.T, s *layers.Params) learn.Network {
	t.Helper()
	model, err := networks.New(s, layers.ModelConfig{Kind: kindOf(c.variant), Image: true, POI: true,
		Categories: parityCategories, ImageSize: parityImage, POISize: paritySizes[c.encoder], Embedding: parityEmbedding, Neighborhood: c.m,
		POIEncoder: c.encoder, SE: c.se, SERatio: 4, Heads: 2})
	if err != nil {
		t.Fatal(err)
	}
	parityWeights(s)
	return model
}

// everything a forward pass gives that is compared: predictions and embeddings.
func everything(o layers.Output) (all []float64) {
	for _, x := range []*torch.Tensor{o.LnEmission, o.Views.Get(layers.ImageView), o.Views.Get(layers.POIView)} {
		all = append(all, x.Detach().Cast(torch.Float64).Float64s()...)
	}
	return all
}

// single is the forward pass of training in float32.
func (c parityCase) single(t *testing.T) (all []float64) {
	t.Helper()
	s := layers.NewParams(torch.CPU)
	defer s.Close()
	model := c.model(t, s)
	torch.NoGrad(func() {
		torch.InScope(func(*torch.Scope) {
			in, index, _ := parityBatch(model.Config())
			in.POIs = in.POIs.Cast(torch.Float32)
			all = everything(model.Predict(encodeBatch(model, in, index)))
		})
	})
	return all
}

// measure runs a case and compares it with what PyTorch said.
func (c parityCase) measure(t *testing.T, d *digests, golden map[string]safetensors.Array) (w parityWorst) {
	t.Helper()
	w.single = relative(t, c.single(t), golden[c.name+"/forward"])
	s := layers.NewParams(torch.CPU)
	s.DType = torch.Float64
	defer s.Close()
	model := c.model(t, s)
	cfg := parityConfig(c.variant)
	cfg.Model.Contrastive = c.contrastive
	in, index, target := parityBatch(model.Config())
	predict := func() (y []float64) {
		s.Eval()
		torch.NoGrad(func() {
			torch.InScope(func(*torch.Scope) { y = model.Predict(model.Encode(in), index).LnEmission.Float64s() })
		})
		s.Train()
		return y
	}
	w.eval = relative(t, predict(), golden[c.name+"/eval"])
	adam := torch.NewAdam(s.Parameters(), torch.AdamOptions{LearningRate: 1e-3, WeightDecay: 5e-3})
	defer adam.Close()
	var losses []float64
	for step := range max(1, c.steps) {
		torch.InScope(func(*torch.Scope) {
			o := model.Predict(encodeBatch(model, in, index))
			l := lossIn(model, cfg, parityEpoch, o, target)
			losses = append(losses, l.Item())
			adam.ZeroGrad()
			l.Backward()
			if step == 0 {
				w.forward = relative(t, everything(o), golden[c.name+"/forward"])
				gradients := map[string]*torch.Tensor{}
				for i, p := range s.Parameters() {
					if g := p.Grad(); g != nil { // the published program without neighborhood keeps a layer that it does not use
						gradients[s.ParameterNames()[i]] = g
					}
				}
				w.gradient = d.rows(t, gradients, golden[c.name+"/gradients"])
			}
			if c.steps > 0 {
				adam.Step()
			}
		})
	}
	want := torch.FromArray(golden[c.name+"/losses"]).Float64s()
	if len(want) != len(losses) {
		t.Fatalf("%d losses, want %d", len(losses), len(want))
	}
	for i, l := range losses {
		w.loss = math.Max(w.loss, math.Abs(l-want[i])/math.Abs(want[i]))
	}
	if c.steps > 0 {
		state := map[string]*torch.Tensor{}
		for _, e := range s.Entries() {
			state[e.Name] = e.Tensor
		}
		w.after = d.rows(t, state, golden[c.name+"/after"])
		w.trained = relative(t, predict(), golden[c.name+"/trained"])
	}
	return w
}

// check holds the differences to what is asked (forward 1e-4, gradients and
// losses 1e-3) and far below, nearest where both sides compute in float64.
func (w parityWorst) check(t *testing.T, name string) {
	t.Helper()
	t.Logf("%-24s  %s", name, w)
	for _, x := range []struct {
		what         string
		value, limit float64
	}{{"evaluation", w.eval, 1e-9}, {"forward in float32", w.single, 2e-5}, {"forward", w.forward, 1e-9}, {"gradients", w.gradient, 1e-6},
		{"losses", w.loss, 1e-6}, {"weights after the steps", w.after, 1e-4}, {"evaluation after the steps", w.trained, 1e-3}} {
		if !(x.value <= x.limit) {
			t.Errorf("%s: %s differ by %.2g, at most %.0g is allowed", name, x.what, x.value, x.limit)
		}
	}
}

func kindOf(variant string) string {
	if variant == "reference" {
		return layers.KindPublished
	}
	return layers.KindOpenCarbon
}
