package checkpoint

import "slices"

// shapeKeys are the keys without which weights do not fit; of a .pth file they
// are read off names and shapes.
var shapeKeys = []string{"model.modalities", "model.embedding", "model.poi_encoder", "model.se", "model.se_ratio", "model.attention_heads"}

// Settings are the settings that the weights are known to have been trained with.
func (c *Checkpoint) Settings() ([]string, error) {
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
