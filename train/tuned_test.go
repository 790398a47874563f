package train

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/torch/safetensors"
)

// resnetFile writes random weights of a whole ResNet-18, with running statistics
// that are not those of a new one.
func resnetFile(t *testing.T, path string) {
	t.Helper()
	weightsFile(t, path, 6, func(p *layers.Params) {
		layers.NewResNet18(p.Root(), 1000)
		torch.NoGrad(func() {
			for _, e := range p.Entries() {
				if strings.HasSuffix(e.Name, "running_mean") {
					e.Tensor.FillInPlace(-0.25) // positive activations: nothing is dead
				}
			}
		})
	})
}

// Of a pretrained encoder only what model.image_trained says is changed by
// training; the rest stays bit by bit, running statistics too.
func TestImageTrained(t *testing.T) {
	weights := filepath.Join(t.TempDir(), "resnet18.safetensors")
	resnetFile(t, weights)
	from, err := safetensors.ReadFile(weights)
	if err != nil {
		t.Fatal(err)
	}
	for part, changes := range map[string][]string{"last": {"layer4."}, "none": nil, "all": {"conv1.", "bn1.", "layer1.", "layer2.", "layer3.", "layer4."}} {
		c := both()
		c.Model.Statistics, c.Model.Wide = true, true
		c.Model.ImageEncoder, c.Model.ImageWeights, c.Model.ImageTrained = "resnet18", weights, part
		c.Train.Epochs = 2
		k, d, _ := trained(t, c, town{rows: 6, cols: 20, image: townSize})
		for name, a := range from.Arrays {
			if strings.HasPrefix(name, "fc.") || strings.HasSuffix(name, "num_batches_tracked") {
				continue
			}
			want := false
			for _, prefix := range changes {
				want = want || strings.HasPrefix(name, prefix)
			}
			if changed := string(k.Arrays["model.grid_rep.image_encoder."+name].Data) != string(a.Data); changed != want {
				t.Errorf("image_trained: %s: %s changed: %v", part, name, changed)
			}
		}
		// What is computed once in training is what predicting computes.
		x := guesses(t, k.Path, d)
		for i, cell := range d.validation {
			if h := k.Header.ValidationErrors[i]; math.Abs(x[cell]-d.ln[cell]-float64(h)) > 1e-4 {
				t.Errorf("image_trained: %s: cell %d is off by %v, by %v when it was validated", part, cell, x[cell]-d.ln[cell], h)
			}
		}
	}
}

// Pretraining changes the encoders before the first step, the same way each time;
// training follows from there.
func TestPretrain(t *testing.T) {
	var none map[string]safetensors.Array
	for _, how := range []string{"none", "contrastive", "simclr"} {
		first := map[string]safetensors.Array{}
		for range 2 {
			c := both()
			c.Model.ImageEncoder = "resnet18"
			c.Train.Epochs, c.Train.Pretrain, c.Train.PretrainEpochs, c.Train.EMA = 1, how, 2, 0
			k, _, _ := trained(t, c, town{rows: 4, cols: 20, image: townSize})
			for name, a := range k.Arrays {
				if !strings.HasPrefix(name, "model.") {
					continue
				}
				if b, ok := first[name]; ok && string(b.Data) != string(a.Data) {
					t.Errorf("%s: %s differs from run to run", how, name)
				}
				first[name] = a
			}
			if how == "none" {
				break
			}
		}
		if how == "none" {
			none = first
			continue
		}
		if name := "model.grid_rep.image_encoder.conv1.weight"; string(none[name].Data) == string(first[name].Data) {
			t.Errorf("%s: the encoder is the one without pretraining", how)
		}
	}
}
