// Package pytorch reads and writes checkpoints of PyTorch: those of the published
// program, under its names. They lack the config, the categories' names and the size
// of the tiles: the model's shape is read off names and shapes of the weights, the
// rest is taken from the first store that a checkpoint meets. What is done with a
// checkpoint does not come in here.
package pytorch

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/regular"
	"opencarbon/layers"
	"opencarbon/torch/pth"
	"opencarbon/torch/safetensors"
	"opencarbon/train/config"
	"opencarbon/train/networks"
)

// Hint is what the weights of a .pth checkpoint do not tell. Zero
// values: M is asked for where the model has a neighborhood and meets a store;
// the reference variant.
type Hint struct {
	Neighborhood int    // M; the weights are of one shape for all and only tell whether there is a neighborhood
	Variant      string // paper | reference, for weights without gates and neighborhood, which are the same in both
}

// Check refuses hints that cannot be, as a *fault.Input error.
func (o Hint) Check() error {
	if o.Variant != "" && o.Variant != "paper" && o.Variant != "reference" {
		return fault.New("--variant", fmt.Sprintf("%q is unknown", o.Variant), "Use paper or reference.")
	}
	if n := o.Neighborhood; n != 0 && n != 1 && n != 3 && n != 5 && n != 7 {
		return fault.New("--neighborhood", fmt.Sprintf("is %d", n), "Use 1, 3, 5 or 7.")
	}
	return nil
}

// Named reports whether a path is named as PyTorch's checkpoints are.
func Named(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".pth", ".pt", ".tar", ".pkl", ".bin", ".ckpt":
		return true
	}
	return false
}

// Model is what a file tells.
type Model struct {
	Config    layers.ModelConfig
	Arrays    map[string]safetensors.Array // under the names of our own checkpoints: model.NAME, optimizer.exp_avg.NAME
	Optimizer string                       // "adam", or empty where there is no state
	Group     pth.AdamGroup                // the optimizer's settings
	Width     bool                         // M is known: it was said, or there is no neighborhood
	Variant   bool                         // the weights themselves tell the variant

	path  string
	flat  int              // width of the POI encoder's last layer: the pixels that the convolutions leave
	steps map[string]int64 // the optimizer's count for each parameter
}

// Read reads a checkpoint of the published program, or one that Write wrote: a state
// dict alone or under model_state_dict, with Adam's state under optimizer_state_dict
// if it is there. Errors are *fault.Input.
func Read(path string, o Hint) (*Model, error) {
	const remedy = "Give a checkpoint of the published program, or a .safetensors file that go run ./cmd/train wrote."
	file, err := ReadFile(path)
	if err != nil {
		return nil, fault.Wrap(err, "checkpoint", "cannot be used", remedy)
	}
	names, arrays, err := pth.StateDict(file.Root)
	if err != nil {
		return nil, fault.Wrap(err, path, "cannot be used", remedy)
	}
	if arrays["layer1.0.conv1.weight"].Shape != nil {
		return nil, fault.New(path, "holds a ResNet alone, not an OpenCarbon model", "To start training from ImageNet weights, name it in model.image_weights. "+remedy)
	}
	c := &Model{path: path, Arrays: map[string]safetensors.Array{}}
	for _, name := range names {
		// A constant added to both modalities' scores leaves their softmax as it is.
		if name != "grid_agg.l2.bias" && name != "neighbor_agg.l2.bias" {
			c.Arrays["model."+name] = arrays[name]
		}
	}
	if err := c.infer(names, arrays, o); err != nil {
		return nil, fault.Wrap(err, path, "holds no model that can be used here", remedy)
	}
	if err := c.takeAdam(file.Root, names); err != nil {
		return nil, fault.Wrap(err, path, "its optimizer state cannot be used", "Save the checkpoint without it.")
	}
	return c, nil
}

// Experiment is the config that a model of ours would have been trained with.
func (c *Model) Experiment() *config.Config {
	m := c.Config
	cfg := config.DefaultsOf(networks.Variant(m))
	cfg.Name, cfg.Train.TargetBias, cfg.Train.Encode, cfg.Train.Augment = "published", "none", "slices", "none"
	cfg.Model.Embedding, cfg.Model.Neighborhood = m.Embedding, m.Neighborhood
	cfg.Model.POIEncoder, cfg.Model.SE, cfg.Model.SERatio, cfg.Model.AttentionHeads = m.POIEncoder, m.SE, m.SERatio, max(1, m.Heads)
	cfg.Model.Modalities = nil
	if m.Image {
		cfg.Model.Modalities = append(cfg.Model.Modalities, "image")
	}
	if m.POI {
		cfg.Model.Modalities = append(cfg.Model.Modalities, "poi")
	}
	cfg.Model.Contrastive = m.Image && m.POI
	if g := c.Group; g.LR > 0 && g.LR <= 10 && g.WeightDecay >= 0 && g.WeightDecay <= 10 {
		cfg.Train.LearningRate, cfg.Train.WeightDecay = g.LR, g.WeightDecay
	}
	return &cfg
}

// ReadFile reads a file of PyTorch's.
func ReadFile(path string) (*pth.File, error) {
	var irregular *regular.Error
	if err := regular.Check(path); errors.As(err, &irregular) {
		return nil, fault.New(path, err.Error(), regular.Remedy)
	}
	return pth.ReadFile(path)
}
