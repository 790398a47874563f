package train

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/torch/safetensors"
	"opencarbon/train/baselines"
)

// weightsFile writes the weights of what build registers, drawn from a seed.
func weightsFile(t *testing.T, path string, seed int64, build func(*layers.Params)) {
	t.Helper()
	f := safetensors.File{Arrays: map[string]safetensors.Array{}}
	if err := torch.Run(torch.Options{Threads: 1}, func() {
		torch.ManualSeed(seed)
		p := layers.NewParams(torch.CPU)
		defer p.Close()
		build(p)
		for _, e := range p.Entries() {
			f.Arrays[e.Name] = torch.ToArray(e.Tensor)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := writeArrays(path, f); err != nil {
		t.Fatal(err)
	}
}

// trunkFile writes random weights of a ResNet-18 up to its third stage.
func trunkFile(t *testing.T, path string) {
	t.Helper()
	weightsFile(t, path, 5, func(p *layers.Params) { layers.NewImageTrunk(p.Root(), 3) })
}

// A model that sees the features of a pretrained encoder carries that encoder: it
// predicts without the file, and the same; so do the simple methods beside it.
func TestFrozenFeatures(t *testing.T) {
	weights := filepath.Join(t.TempDir(), "trunk.safetensors")
	trunkFile(t, weights)
	c := both()
	c.Model.LogCounts, c.Model.Wide, c.Model.ImageEncoder, c.Model.ImageFeatures = true, true, "frozen", weights
	c.Train.Stack = []string{"ridge"}
	k, d, r := trained(t, c, town{rows: 6, cols: 20, image: townSize})
	if r.Stack == nil || !strings.Contains(baselineAbout(r, "ridge"), "frozen ResNet-18") {
		t.Fatalf("stack %v, ridge %q", r.Stack, baselineAbout(r, "ridge"))
	}
	for name := range k.Arrays {
		if strings.HasPrefix(name, "model.grid_rep.image_encoder.") {
			t.Fatalf("%s: an encoder of images was trained", name)
		}
	}
	cached, err := filepath.Glob(filepath.Join(d.store.Dir(), "frozen-*.bin"))
	if err != nil || len(cached) != 1 {
		t.Fatalf("kept features: %v %v", cached, err)
	}
	want := column(t, filepath.Join(r.Dir, "predictions.csv"), "ln_predicted")
	before := guesses(t, r.Stack.Path, d)
	if err := os.Remove(weights); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(cached[0])
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1 // what was kept is damaged: it is made again
	if err := os.WriteFile(cached[0], text, 0o666); err != nil {
		t.Fatal(err)
	}
	near(t, "network", guesses(t, k.Path, d), want, 1e-4)
	near(t, "stack", guesses(t, r.Stack.Path, d), before, 1e-4)

	// The features say something: without them the ridge regression is another.
	zeros, some := 0, 0
	for name, a := range k.Arrays {
		if name == "frozen.pca0.components" {
			for _, b := range a.Data {
				if b == 0 {
					zeros++
				}
			}
			some = len(a.Data)
		}
	}
	if some == 0 || zeros > some/2 {
		t.Errorf("%d of %d bytes of the components are 0", zeros, some)
	}
}

func baselineAbout(r *Result, name string) string {
	if i := baselines.Find(r.Baselines, name); i >= 0 {
		return r.Baselines[i].About
	}
	return ""
}

// What is no ResNet-18 is told when the features are to be made.
func TestFeaturesOfNoResNet(t *testing.T) {
	d := town{rows: 3, cols: 20, image: townSize}.open(t)
	c := both()
	c.Model.Wide, c.Model.ImageFeatures = true, filepath.Join(t.TempDir(), "other.safetensors")
	if err := writeArrays(c.Model.ImageFeatures, safetensors.File{Arrays: map[string]safetensors.Array{"conv1.weight": {DType: "F32", Shape: []int{1}, Data: make([]byte, 4)}}}); err != nil {
		t.Fatal(err)
	}
	if err := d.freeze(context.Background(), c); !fault.IsInput(err) || !strings.Contains(err.Error(), "is no ResNet-18") {
		t.Error(err)
	}
	if d.more != nil && math.IsNaN(float64(d.more.Values[0])) {
		t.Error("features of no weights")
	}
}

// auto trains an encoder of images where there are cells enough for one, follows
// the checkpoint that training starts from, and says what it chose.
func TestAutoImageEncoder(t *testing.T) {
	c := both()
	c.Model.Wide = true
	few := &dataset{train: make([]int32, enoughCells-1)}
	many := &dataset{train: make([]int32, enoughCells)}
	if !few.frozenImage(c) || many.frozenImage(c) {
		t.Error("the number of training cells does not decide")
	}
	if n := few.encoderNote(c); !strings.Contains(n, "frozen") {
		t.Error(n)
	}
	if n := many.encoderNote(c); !strings.Contains(n, "resnet18 is trained") {
		t.Error(n)
	}
	for name, change := range map[string]func(){
		"resnet18":        func() { c.Model.ImageEncoder = "resnet18" },
		"image weights":   func() { c.Model.ImageWeights = "x.pth" },
		"no image":        func() { c.Model.Modalities = []string{"poi"} },
		"no features":     func() { c.Model.Wide = false },
		"another variant": func() { c.Model.Variant = "paper" },
	} {
		before := *c
		change()
		if few.frozenImage(c) || few.encoderNote(c) != "" {
			t.Errorf("%s: the encoder is frozen", name)
		}
		*c = before
	}
}
