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
	"opencarbon/train/checkpoint"
	"opencarbon/train/learn"
	"opencarbon/train/networks"
	"opencarbon/train/pytorch"
)

// publishedRun is a training that goes on from a checkpoint, on the batch of
// testdata/parity.py.
type publishedRun struct {
	model learn.Network
	adam  torch.Optimizer
}

func (c parityCase) continues(t *testing.T, from *checkpoint.Checkpoint, d torch.DType) publishedRun {
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
	if err := from.LoadModel(s); err != nil {
		t.Fatal(err)
	}
	if err := from.LoadOptimizer(adam, s); err != nil {
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
func (r publishedRun) checkpoint(like *checkpoint.Checkpoint) *checkpoint.Checkpoint {
	c := &checkpoint.Checkpoint{Path: "ours.safetensors", Header: like.Header, Arrays: map[string]safetensors.Array{}}
	s := r.model.Params()
	state := r.adam.State()
	c.Header.Model, c.Header.Optimizer, c.Header.Steps = r.model.Config(), state.Kind, state.Steps
	torch.InScope(func(*torch.Scope) {
		for _, e := range s.Entries() {
			c.Arrays["model."+e.Name] = torch.ToArray(e.Tensor)
		}
		for kind, ts := range state.Tensors {
			for i, name := range s.ParameterNames() {
				c.Arrays["optimizer."+kind+"."+name] = torch.ToArray(ts[i])
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

func deviation(x []float64) float64 {
	mean, sum := 0.0, 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		sum += (v - mean) * (v - mean)
	}
	return math.Sqrt(sum / float64(len(x)))
}

// TestPublishedLiveContinued: a checkpoint that PyTorch wrote in the published
// layout is read, predicts the same, and is trained on for twenty steps
// (-parity.steps) with its Adam's state as PyTorch does; what is exported then
// loads into the PyTorch program strictly, predicts the same there, and goes on as
// it would here.
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
	fmt.Fprintf(os.Stderr, "%-16s | float32: before, 20 losses, after | float64: before, 20 losses, after | export float32: before, 3 losses | float64 "+
		"| PyTorch float32, itself in float64: before, 20 losses, after | itself in channels_last | standard deviation of the predictions after\n", "case")
	for _, name := range publishedLiveCases {
		if !pattern.MatchString(name) {
			continue
		}
		dir := t.TempDir()
		c := parseParityCase(fmt.Sprintf("%s/1/%d", name, *paritySteps))
		if err := python(t, "parity.py", "--continue", dir, c.name).Wait(); err != nil {
			t.Fatal(err)
		}
		golden, err := safetensors.ReadFile(filepath.Join(dir, "continued.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		read, err := checkpoint.ReadHinted(filepath.Join(dir, "published.pth"), pytorch.Hint{Neighborhood: c.m})
		if err != nil {
			t.Fatal(err)
		}
		if m := read.Header.Model; m.POIEncoder != c.encoder || m.SE != c.se || m.Neighborhood != c.m || networks.Variant(m) != "reference" {
			t.Errorf("%s is taken for %+v", name, m)
		}
		row := fmt.Sprintf("%-16s", name)
		note := func(what string, d, limit float64) {
			row += fmt.Sprintf(" %.1e", d)
			if !(d <= limit) {
				t.Errorf("%s: %s differs by %.2g, at most %.0g is allowed", name, what, d, limit)
			}
		}
		values := func(g safetensors.File, key string) []float64 { return torch.FromArray(g.Arrays[key]).Float64s() }
		if err := torch.Run(torch.Options{Threads: 1}, func() {
			for _, k := range types {
				row += " |"
				r := c.continues(t, read, k.d)
				note("predictions "+k.name, farthest(r.predictions(), values(golden, "before/"+k.name)), 1e-6)
				note("losses of further steps "+k.name, farthest(r.steps(c.steps), values(golden, "losses/"+k.name)), k.limit)
				note("predictions after them "+k.name, farthest(r.predictions(), values(golden, "after/"+k.name)), k.limit)
				if k.d == torch.Float32 {
					if _, err := checkpoint.Export(r.checkpoint(read), filepath.Join(dir, "export.pth")); err != nil {
						t.Fatal(err)
					}
				}
				r.close()
			}
		}); err != nil {
			t.Fatal(err)
		}
		if err := python(t, "parity.py", "--resume", dir, c.name).Wait(); err != nil {
			t.Fatalf("%s: PyTorch on the export: %v", name, err)
		}
		control := golden
		if golden, err = safetensors.ReadFile(filepath.Join(dir, "resumed.safetensors")); err != nil {
			t.Fatal(err)
		}
		if read, err = checkpoint.ReadHinted(filepath.Join(dir, "export.pth"), pytorch.Hint{Neighborhood: c.m}); err != nil {
			t.Fatal(err)
		}
		if err := torch.Run(torch.Options{Threads: 1}, func() {
			for _, k := range types {
				row += " |"
				r := c.continues(t, read, k.d)
				note("predictions of the export "+k.name, farthest(r.predictions(), values(golden, "before/"+k.name)), 1e-6)
				note("losses of steps from the export "+k.name, farthest(r.steps(min(3, c.steps)), values(golden, "losses/"+k.name)), k.limit)
				r.close()
			}
			for _, other := range []string{"float64", "control"} {
				row += " |"
				for _, key := range []string{"before/", "losses/", "after/"} {
					if _, ok := control.Arrays[key+other]; !ok { // left out where it would take long
						continue
					}
					row += fmt.Sprintf(" %.1e", farthest(values(control, key+"float32"), values(control, key+other)))
				}
			}
			row += fmt.Sprintf(" | %.2g", deviation(values(control, "after/float64"))) // a network that predicts one number would agree with anything
		}); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(os.Stderr, row)
	}
}
