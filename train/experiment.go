package train

import (
	"os"
	"path/filepath"
	"slices"

	"opencarbon/data/fault"
	"opencarbon/train/config"
)

// shapeKeys are the keys without which weights do not fit; of a .pth file they
// are read off names and shapes.
var shapeKeys = []string{"model.modalities", "model.embedding", "model.poi_encoder", "model.se", "model.se_ratio", "model.attention_heads"}

// LoadExperiment is config.Load; where the experiment starts from weights
// (model.weights), the keys of the model that nobody has given are as the weights
// tell: the user of a checkpoint need not know what it was trained with.
func LoadExperiment(source string, overrides []string) (*config.Config, error) {
	return config.LoadOver(source, overrides, toldByWeights)
}

// toldByWeights are the settings of c's starting weights. A file that is not there
// is config.CheckFiles's business.
func toldByWeights(c *config.Config) (settings []string, where string, err error) {
	path := c.Model.Weights
	if _, missing := os.Stat(path); path == "" || missing != nil {
		return nil, "", nil
	}
	w, err := ReadCheckpoint(path)
	if err == nil {
		settings, err = w.told()
	}
	if err != nil {
		return nil, "", fault.Wrap(err, "model.weights", "cannot be used", "Give another checkpoint, or leave the key empty.")
	}
	return settings, "model.weights (" + filepath.Base(path) + ")", nil
}

// told are the settings that the weights are known to have been trained with.
func (c *Checkpoint) told() ([]string, error) {
	was, err := c.Experiment()
	if err != nil && c.foreign == nil {
		return nil, nil // of a release with other keys: what does not fit is said when the weights are loaded
	}
	if err != nil {
		return nil, err
	}
	keys := slices.Clone(shapeKeys)
	if len(was.Model.Modalities) < 2 {
		keys = append(keys, "model.contrastive") // there is nothing to contrast
	}
	if c.foreign == nil {
		keys = append(keys, "model.variant", "model.neighborhood", "model.statistics", "model.log_counts", "model.wide", "model.image_encoder")
		return was.Settings(keys...), nil
	}
	if c.foreign.Variant {
		keys = append(keys, "model.variant")
	}
	if c.Header.Model.Neighborhood == 1 {
		keys = append(keys, "model.neighborhood")
	}
	if c.foreign.Group.LR > 0 { // PyTorch's load_state_dict takes these over too
		keys = append(keys, "train.learning_rate", "train.weight_decay")
	}
	return was.Settings(keys...), nil
}
