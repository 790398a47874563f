package train

import (
	"strings"

	"opencarbon/data/fault"
	"opencarbon/torch"
	"opencarbon/torch/pth"
	"opencarbon/train/config"
	"opencarbon/train/learn"
)

// imageEncoderPrefix is where the model keeps its ResNet-18.
const imageEncoderPrefix = "grid_rep.image_encoder."

// initialWeights loads a torchvision ResNet-18 checkpoint into the image
// encoder where the config names one (resnet18-5c106cde.pth and
// resnet18-f37072fd.pth are its ImageNet weights). The classifier fc is dropped:
// the model has a last layer of its own.
func initialWeights(c *config.Config, m learn.Network) error {
	path := c.Model.ImageWeights
	if path == "" {
		return nil
	}
	const remedy = "Give torchvision's resnet18-5c106cde.pth or resnet18-f37072fd.pth, or leave model.image_weights empty."
	if !m.Config().Image {
		return fault.New("model.image_weights", "is given, but the image modality is off", "Remove it, or add image to model.modalities.")
	}
	file, err := readPTH(path)
	if err != nil {
		return fault.Wrap(err, "model.image_weights", "cannot be used", remedy)
	}
	_, arrays, err := pth.StateDict(file.Root)
	if err != nil {
		return fault.Wrap(err, "model.image_weights", "cannot be used", remedy)
	}
	torch.InScope(func(*torch.Scope) {
		values := map[string]*torch.Tensor{}
		for name, a := range arrays {
			if !strings.HasPrefix(name, "fc.") {
				values[name] = torch.FromArray(a)
			}
		}
		for _, e := range m.Params().Entries() { // what the file may leave out: our own last layer, and counters of old files
			name, ours := strings.CutPrefix(e.Name, imageEncoderPrefix)
			if ours && values[name] == nil && (strings.HasPrefix(name, "fc.") || strings.HasSuffix(name, ".num_batches_tracked")) {
				values[name] = e.Tensor
			}
		}
		if err = m.Params().Load(imageEncoderPrefix, values, true); err != nil {
			err = fault.Wrap(err, path, "is no ResNet-18", remedy)
		}
	})
	return err
}
