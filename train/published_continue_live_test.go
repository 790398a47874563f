package train

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/torch/safetensors"
	"opencarbon/train/learn"
	"opencarbon/train/networks"
)

// publishedRun is a training that goes on from a checkpoint, on the batch of
// testdata/parity.py.
type publishedRun struct {
	model learn.Network
	adam  torch.Optimizer
}

func (c parityCase) continues(t *testing.T, from *Checkpoint, d torch.DType) publishedRun {
	t.Helper()
	m := from.Header.Model
	m.POISize, m.ImageSize = paritySizes[c.encoder], parityImage // weights of one output pixel fit several sizes
	s := layers.NewParams(torch.CPU)
	s.DType = d
	model, err := networks.New(s, m)
	if err != nil {
		t.Fatal(err)
	}
	adam := torch.NewAdam(s.Parameters(), torch.AdamOptions{LearningRate: 5e-4, WeightDecay: 5e-3})
	if err := from.loadModel(s); err != nil {
		t.Fatal(err)
	}
	if err := from.loadOptimizer(adam, s); err != nil {
		t.Fatal(err)
	}
	return publishedRun{model, adam}
}

func (r publishedRun) close() {
	r.adam.Close()
	r.model.Params().Close()
}

func (r publishedRun) batch() (in layers.Tiles, index, target *torch.Tensor) {
	in, index, target = parityBatch(r.model.Config())
	d := r.model.Params().DType
	in.POIs = in.POIs.Cast(d)
	return in, index, target.Cast(d)
}

func (r publishedRun) steps(n int) (losses []float64) {
	cfg := parityConfig("reference")
	for range n {
		torch.InScope(func(*torch.Scope) {
			in, index, target := r.batch()
			l := lossIn(r.model, cfg, parityEpoch, r.model.Predict(encodeBatch(r.model, in, index)), target)
			r.adam.ZeroGrad()
			l.Backward()
			r.adam.Step()
			losses = append(losses, l.Item())
		})
	}
	return losses
}

func (r publishedRun) predictions() (y []float64) {
	r.model.Params().Eval()
	defer r.model.Params().Train()
	torch.NoGrad(func() {
		torch.InScope(func(*torch.Scope) {
			in, index, _ := r.batch()
			y = r.model.Predict(r.model.Encode(in), index).LnEmission.Cast(torch.Float64).Float64s()
		})
	})
	return y
}

// checkpoint is the run's state as a file of ours would hold it.
func (r publishedRun) checkpoint(like *Checkpoint) *Checkpoint {
	c := &Checkpoint{Path: "ours.safetensors", Header: like.Header, arrays: map[string]safetensors.Array{}}
	s := r.model.Params()
	state := r.adam.State()
	c.Header.Model, c.Header.Optimizer, c.Header.Steps = r.model.Config(), state.Kind, state.Steps
	torch.InScope(func(*torch.Scope) {
		for _, e := range s.Entries() {
			c.arrays["model."+e.Name] = torch.ToArray(e.Tensor)
		}
		for kind, ts := range state.Tensors {
			for i, name := range s.ParameterNames() {
				c.arrays["optimizer."+kind+"."+name] = torch.ToArray(ts[i])
			}
		}
	})
	return c
}

// farthest is the largest relative difference.
func farthest(got, want []float64) float64 {
	if len(got) != len(want) || len(got) == 0 {
		return math.Inf(1)
	}
	worst := 0.0
	for i, w := range want {
		d := math.Abs(got[i]-w) / math.Max(1, math.Abs(w))
		if math.IsNaN(d) {
			d = math.Inf(1)
		}
		worst = math.Max(worst, d)
	}
	return worst
}

// TestPublishedLiveContinued: a checkpoint that PyTorch wrote in the published
// layout is read, predicts the same, and is trained on for twenty steps with its
// Adam's state as PyTorch does; what is exported then loads into the PyTorch
// program strictly, predicts the same there, and goes on as it would here.
func TestPublishedLiveContinued(t *testing.T) {
	if !*parityLive {
		t.Skip("give -parity.live to run PyTorch beside")
	}
	pattern, err := regexp.Compile(*parityCases)
	if err != nil {
		t.Fatal(err)
	}
	types := []struct {
		name  string
		d     torch.DType
		limit float64 // of losses and predictions after steps
	}{{"float32", torch.Float32, 1e-3}, {"float64", torch.Float64, 1e-6}}
	for _, name := range publishedLiveCases {
		if !pattern.MatchString(name) {
			continue
		}
		dir := t.TempDir()
		if err := python(t, "parity.py", "--continue", dir, name).Wait(); err != nil {
			t.Fatal(err)
		}
		golden, err := safetensors.ReadFile(filepath.Join(dir, "continued.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		c := parseParityCase(name + "/1/20")
		read, err := ReadModel(filepath.Join(dir, "published.pth"), PublishedModel{Neighborhood: c.m})
		if err != nil {
			t.Fatal(err)
		}
		if m := read.Header.Model; m.POIEncoder != c.encoder || m.SE != c.se || m.Neighborhood != c.m || variant(m) != "reference" {
			t.Errorf("%s is taken for %+v", name, m)
		}
		row := fmt.Sprintf("%-18s", name)
		var strayed [2]float64
		note := func(what string, d, limit float64) {
			row += fmt.Sprintf("  %s %.1e", what, d)
			if !(d <= limit) {
				t.Errorf("%s: %s differs by %.2g, at most %.0g is allowed", name, what, d, limit)
			}
		}
		values := func(g safetensors.File, key string) []float64 { return torch.FromArray(g.Arrays[key]).Float64s() }
		if err := torch.Run(torch.Options{Threads: 1}, func() {
			for i, key := range []string{"losses/", "after/"} {
				strayed[i] = farthest(values(golden, key+"float32"), values(golden, key+"float64"))
			}
			for _, k := range types {
				// In float32 PyTorch strays from its own float64, which on few tiles may be more than what is asked.
				var rounding [2]float64
				if k.d == torch.Float32 {
					rounding = [2]float64{3 * strayed[0], 3 * strayed[1]}
				}
				r := c.continues(t, read, k.d)
				note("predictions "+k.name, farthest(r.predictions(), values(golden, "before/"+k.name)), 1e-6)
				note("20 steps", farthest(r.steps(20), values(golden, "losses/"+k.name)), max(k.limit, rounding[0]))
				note("then predictions", farthest(r.predictions(), values(golden, "after/"+k.name)), max(k.limit, rounding[1]))
				if k.d == torch.Float32 {
					if _, err := Export(r.checkpoint(read), filepath.Join(dir, "export.pth")); err != nil {
						t.Fatal(err)
					}
				}
				r.close()
			}
		}); err != nil {
			t.Fatal(err)
		}
		if err := python(t, "parity.py", "--resume", dir, name).Wait(); err != nil {
			t.Fatalf("%s: PyTorch on the export: %v", name, err)
		}
		if golden, err = safetensors.ReadFile(filepath.Join(dir, "resumed.safetensors")); err != nil {
			t.Fatal(err)
		}
		if read, err = ReadModel(filepath.Join(dir, "export.pth"), PublishedModel{Neighborhood: c.m}); err != nil {
			t.Fatal(err)
		}
		if err := torch.Run(torch.Options{Threads: 1}, func() {
			for _, k := range types {
				r := c.continues(t, read, k.d)
				note("export "+k.name, farthest(r.predictions(), values(golden, "before/"+k.name)), 1e-6)
				note("3 steps", farthest(r.steps(3), values(golden, "losses/"+k.name)), k.limit)
				r.close()
			}
		}); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(os.Stderr, "%s  (PyTorch in float32 against itself in float64: 20 steps %.1e, then predictions %.1e)\n", row, strayed[0], strayed[1])
	}
}
