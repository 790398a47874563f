package train

import (
	"flag"
	"fmt"
	"hash/crc32"
	maplib "maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/torch/safetensors"
	"opencarbon/train/config"
)

var (
	parityLive  = flag.Bool("parity.live", false, "compare with PyTorch run now, all combinations, 20 steps each (hours)")
	parityCases = flag.String("parity.cases", "", "regular expression of the cases of -parity.live")
	paritySteps = flag.Int("parity.steps", 20, "optimiser steps of -parity.live; 0 = forward and gradients only")
)

// The batch of testdata/parity.py.
const (
	parityCells, parityTiles, parityCategories, parityEmbedding, parityImage = 4, 9, 2, 8, 32
	parityAlpha                                                              = 0.01
)

var paritySizes = map[string]int{"k7": 32, "k37": 134}

// parityBits are parity.py's well mixed numbers that depend on the name.
func parityBits(name string, n int) []uint32 {
	out := make([]uint32, n)
	seed := crc32.ChecksumIEEE([]byte(name))
	for i := range out {
		h := uint32(i)*2654435769 + seed
		h ^= h >> 16
		h *= 0x7feb352d
		h ^= h >> 15
		h *= 0x846ca68b
		out[i] = h ^ h>>16
	}
	return out
}

func parityFill(name string, n int) []float64 {
	out := make([]float64, n)
	for i, h := range parityBits(name, n) {
		out[i] = float64(h)/(1<<31) - 1
	}
	return out
}

func product(shape []int) int {
	n := 1
	for _, s := range shape {
		n *= s
	}
	return n
}

// parityImages and parityPoints make the tiles' inputs.
func parityImages(tiles, size int) *torch.Tensor {
	v := make([]uint8, tiles*3*size*size)
	for j, h := range parityBits("images", len(v)) {
		i, c, y, x := j/(3*size*size), j/(size*size)%3, j/size%size, j%size
		v[j] = uint8((x*(i+1)*(c+1)+y*(3*i%7)*2)%97 + 12*i + int(h%32))
	}
	return torch.FromSlice(v, tiles, 3, size, size)
}

func parityPoints(tiles, size int) *torch.Tensor {
	v := make([]float64, tiles*parityCategories*size*size)
	for j, h := range parityBits("points", len(v)) {
		if int(h%32) <= j/(parityCategories*size*size) {
			v[j] = float64(1 + h>>8%3)
		}
	}
	return torch.FromSlice(v, tiles, parityCategories, size, size)
}

// parityWeights gives every tensor its numbers by name.
func parityWeights(s *layers.Store) {
	torch.NoGrad(func() {
		for _, e := range s.Entries() {
			torch.InScope(func(*torch.Scope) {
				shape := e.Tensor.Shape()
				x := torch.FromSlice(parityFill(e.Name, product(shape))).Reshape(shape...)
				switch {
				case strings.HasSuffix(e.Name, "num_batches_tracked"):
					e.Tensor.FillInPlace(0)
					return
				case strings.HasSuffix(e.Name, "running_var"):
					x = x.MulScalar(0.3).AddScalar(1)
				case strings.HasSuffix(e.Name, "running_mean"):
					x = x.MulScalar(0.1)
				case len(shape) == 1 && strings.HasSuffix(e.Name, "weight"):
					x = x.MulScalar(0.3).AddScalar(1)
				case len(shape) == 1:
					x = x.MulScalar(0.3)
				default:
					x = x.MulScalar(math.Sqrt(3 / float64(product(shape[1:]))))
				}
				e.Tensor.CopyInPlace(x)
			})
		}
	})
}

// parityIndex is the batch's index [B, M, M]; -1 = no such cell.
func parityIndex(m int) []int64 {
	out := make([]int64, parityCells*m*m)
	for i, h := range parityBits("index", len(out)) {
		out[i] = max(-1, int64(h%12)-3)
	}
	for i, own := range []int64{0, 3, 7, 8} {
		out[i*m*m+m*m/2] = own
	}
	return out
}

// parityBatch makes tiles, index and target of the batch.
func parityBatch(c layers.ModelConfig) (in layers.Tiles, index, target *torch.Tensor) {
	in = layers.Tiles{Images: parityImages(parityTiles, parityImage), POIs: parityPoints(parityTiles, c.POISize)}
	ids := parityIndex(c.Neighborhood)
	for i, x := range ids {
		if x < 0 && c.Reference {
			ids[i] = 0
		} else if x < 0 {
			ids[i] = parityTiles
		}
	}
	index = torch.FromSlice(ids, parityCells, c.Neighborhood, c.Neighborhood)
	return in, index, torch.FromSlice(parityFill("target", parityCells)).AddScalar(9)
}

// parityConfig is how the batch is trained on; the contrastive term is on in
// both variants in parityEpoch.
func parityConfig(variant string) *config.Config {
	cfg := config.Defaults()
	cfg.Model.Variant, cfg.Train.Alpha = variant, parityAlpha
	return &cfg
}

const parityEpoch = 101

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

// parityWorst keeps the largest differences.
type parityWorst struct{ eval, forward, gradient, loss, after, trained float64 }

func (w parityWorst) String() string {
	return fmt.Sprintf("eval %.1e, forward %.1e, gradients %.1e, losses %.1e, weights after %.1e, trained %.1e",
		w.eval, w.forward, w.gradient, w.loss, w.after, w.trained)
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

// measure runs a case and compares it with what PyTorch said.
func (c parityCase) measure(t *testing.T, d *digests, golden map[string]safetensors.Array) (w parityWorst) {
	t.Helper()
	s := layers.NewStore(torch.CPU)
	s.DType = torch.Float64
	defer s.Close()
	size := paritySizes[c.encoder]
	model, err := layers.NewModel(s, layers.ModelConfig{Reference: c.variant == "reference", Image: true, POI: true,
		Categories: parityCategories, ImageSize: parityImage, POISize: size, Embedding: parityEmbedding, Neighborhood: c.m, POIEncoder: c.encoder,
		SE: c.se, SERatio: 4, Heads: 2})
	if err != nil {
		t.Fatal(err)
	}
	parityWeights(s)
	cfg := parityConfig(c.variant)
	cfg.Model.Contrastive = c.contrastive
	in, index, target := parityBatch(model.Config)
	predict := func() (y []float64) {
		s.Eval()
		torch.NoGrad(func() {
			torch.InScope(func(*torch.Scope) { y = model.Forward(in, index).LnEmission.Float64s() })
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
			o := model.Predict(model.EncodeBatch(in, index, model.Encode))
			l := loss(cfg, parityEpoch, o, target)
			losses = append(losses, l.Item())
			adam.ZeroGrad()
			l.Backward()
			if step == 0 {
				all := slices.Concat(o.LnEmission.Detach().Float64s(), o.Center.Image.Detach().Float64s(), o.Center.POI.Detach().Float64s())
				w.forward = relative(t, all, golden[c.name+"/forward"])
				gradients := map[string]*torch.Tensor{}
				for i, p := range s.Parameters() {
					gradients[s.ParameterNames()[i]] = p.Grad()
				}
				w.gradient = d.rows(t, gradients, golden[c.name+"/gradients"])
			}
			if c.steps > 0 {
				adam.Step()
			}
		})
	}
	want := torch.FromArray(golden[c.name+"/losses"]).Float64s()
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
// losses 1e-3) and, as both sides compute in float64, far below.
func (w parityWorst) check(t *testing.T, name string) {
	t.Helper()
	t.Logf("%-28s %s", name, w)
	for _, x := range []struct {
		what         string
		value, limit float64
	}{{"evaluation", w.eval, 1e-9}, {"forward", w.forward, 1e-9}, {"gradients", w.gradient, 1e-6}, {"losses", w.loss, 1e-6},
		{"weights after the steps", w.after, 1e-4}, {"evaluation after the steps", w.trained, 1e-3}} {
		if !(x.value <= x.limit) {
			t.Errorf("%s: %s differ by %.2g, at most %.0g is allowed", name, x.what, x.value, x.limit)
		}
	}
}

// TestParity holds both variants, both POI encoders and each ablation against
// plain PyTorch: predictions, embeddings, every gradient, and the course of
// training with Adam and weight decay.
func TestParity(t *testing.T) {
	golden, err := safetensors.ReadFile("testdata/parity.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	var cases []string
	for name := range golden.Arrays {
		if base, ok := strings.CutSuffix(name, "/losses"); ok {
			cases = append(cases, base)
		}
	}
	slices.Sort(cases)
	if len(cases) < 11 {
		t.Fatalf("%d cases", len(cases))
	}
	if err := torch.Run(torch.Options{Threads: 1}, func() {
		d := newDigests()
		for _, name := range cases {
			c := parseParityCase(name)
			if testing.Short() && c.steps > 5 {
				continue
			}
			torch.InScope(func(*torch.Scope) { c.measure(t, d, golden.Arrays).check(t, name) })
		}
	}); err != nil {
		t.Fatal(err)
	}
}

// TestParityLive is TestParity against a PyTorch that runs now, for all 48
// combinations.
func TestParityLive(t *testing.T) {
	if !*parityLive {
		t.Skip("give -parity.live to run PyTorch beside")
	}
	pattern, err := regexp.Compile(*parityCases)
	if err != nil {
		t.Fatal(err)
	}
	var worst parityWorst
	out := filepath.Join(t.TempDir(), "parity.safetensors")
	for _, variant := range []string{"paper", "reference"} {
		for _, encoder := range []string{"k7", "k37"} {
			for _, m := range []int{1, 3, 5} {
				for _, flags := range []string{"1/1", "0/1", "1/0", "0/0"} {
					name := fmt.Sprintf("%s/%s/%d/%s/%d", variant, encoder, m, flags, *paritySteps)
					if !pattern.MatchString(name) {
						continue
					}
					cmd := exec.Command("/usr/bin/python3", "parity.py", out, name)
					cmd.Dir, cmd.Stderr = "testdata", os.Stderr
					if err := cmd.Run(); err != nil {
						t.Fatal(err)
					}
					golden, err := safetensors.ReadFile(out)
					if err != nil {
						t.Fatal(err)
					}
					var w parityWorst
					if err := torch.Run(torch.Options{Threads: 1}, func() {
						w = parseParityCase(name).measure(t, newDigests(), golden.Arrays)
					}); err != nil {
						t.Fatal(err)
					}
					w.check(t, name)
					worst = parityWorst{max(worst.eval, w.eval), max(worst.forward, w.forward), max(worst.gradient, w.gradient),
						max(worst.loss, w.loss), max(worst.after, w.after), max(worst.trained, w.trained)}
				}
			}
		}
	}
	t.Logf("largest of all: %s", worst)
}

// TestParityLiveContinued takes over a checkpoint that PyTorch wrote after two
// steps, Adam's moments included, and goes on for three as PyTorch does.
func TestParityLiveContinued(t *testing.T) {
	if !*parityLive {
		t.Skip("give -parity.live to run PyTorch beside")
	}
	dir := t.TempDir()
	cmd := exec.Command("/usr/bin/python3", "parity.py", "--continue", dir)
	cmd.Dir, cmd.Stderr = "testdata", os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	golden, err := safetensors.ReadFile(filepath.Join(dir, "losses.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := ReadCheckpoint(filepath.Join(dir, "published.pth"))
	if err != nil {
		t.Fatal(err)
	}
	m := c.Header.Model
	m.POISize = paritySizes["k7"] // weights of one output pixel fit several sizes
	if err := torch.Run(torch.Options{Threads: 1}, func() {
		s := layers.NewStore(torch.CPU)
		s.DType = torch.Float64
		defer s.Close()
		model, err := layers.NewModel(s, m)
		if err != nil {
			t.Error(err)
			return
		}
		adam := torch.NewAdam(s.Parameters(), torch.AdamOptions{LearningRate: 1e-3, WeightDecay: 5e-3})
		defer adam.Close()
		if err := c.loadModel(s); err != nil {
			t.Error(err)
			return
		}
		if err := c.loadOptimizer(adam, s); err != nil {
			t.Error(err)
			return
		}
		in, index, target := parityBatch(m)
		cfg := parityConfig("reference")
		for i, want := range torch.FromArray(golden.Arrays["losses"]).Float64s() {
			torch.InScope(func(*torch.Scope) {
				l := loss(cfg, parityEpoch, model.Predict(model.EncodeBatch(in, index, model.Encode)), target)
				adam.ZeroGrad()
				l.Backward()
				adam.Step()
				difference := math.Abs(l.Item()-want) / math.Abs(want)
				t.Logf("loss of step %d: %.6g, relative difference %.1e", 2+i, want, difference)
				if !(difference <= 1e-6) {
					t.Errorf("the loss of step %d differs by %.2g", 2+i, difference)
				}
			})
		}
	}); err != nil {
		t.Fatal(err)
	}
}
