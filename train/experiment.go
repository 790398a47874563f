package train

import (
	"os"
	"path/filepath"

	"opencarbon/data/fault"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
)

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
	w, err := checkpoint.Read(path)
	if err == nil {
		settings, err = w.Settings()
	}
	if err != nil {
		return nil, "", fault.Wrap(err, "model.weights", "cannot be used", "Give another checkpoint, or leave the key empty.")
	}
	return settings, "model.weights (" + filepath.Base(path) + ")", nil
}
