package layers

import "opencarbon/torch"

// Stages of a ResNet-18, by torchvision's numbers, and how many channels each
// has.
var stageWidths = []int{64, 128, 256, 512}

// StageWidth is the number of channels behind layer1 to layer4.
func StageWidth(stage int) int { return stageWidths[stage-1] }

// ImageTrunk is the beginning of an image encoder, up to one of ResNet-18's four
// stages, for features of images with weights that stay as they are.
type ImageTrunk struct {
	encoder *ImageEncoder
	last    int
}

// NewImageTrunk registers the layers up to layer<last>, 1 to 4, under p.
func NewImageTrunk(p Path, last int) *ImageTrunk {
	e := newImageInput(p, ImageInput{Bands: colors})
	e.net = newResNetTrunk(p, colors, last, 0)
	return &ImageTrunk{e, last}
}

// Moments maps images [U, 3, H, W] uint8, RGB, to mean and standard deviation of
// every channel over the pixels of some stages, each stage's means before its
// deviations: [U, sum of 2 StageWidth].
func (t *ImageTrunk) Moments(images *torch.Tensor, stages []int) *torch.Tensor {
	c := t.encoder.input(images)
	t.encoder.net.stem(&c)
	var parts []*torch.Tensor
	for i, b := range t.encoder.net.blocks {
		c.then(b.forward)
		for _, s := range stages {
			if i == 2*s-1 { // two blocks a stage
				x := c.x.Flatten(2, -1) // [U, C, h*w]
				parts = append(parts, x.Mean(torch.Along(2)), x.VarBiased(torch.Along(2)).Sqrt())
			}
		}
	}
	return torch.Cat(parts, 1)
}
