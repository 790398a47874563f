package train

import (
	"opencarbon/data/fault"
	"opencarbon/layers"
	"opencarbon/train/config"
)

// initialWeights loads ImageNet weights into the image encoder where the
// config names a file.
func initialWeights(c *config.Config, m *layers.Model) error {
	if c.Model.ImageWeights == "" {
		return nil
	}
	if !m.Config.Image {
		return fault.New("model.image_weights", "given, but the image modality is off", "Remove it, or add image to model.modalities.")
	}
	return fault.New("model.image_weights", "is not supported by this build", "Leave it empty.")
}
