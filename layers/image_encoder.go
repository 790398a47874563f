package layers

import "opencarbon/torch"

// ImageEncoder is the satellite branch of section 4.1: ResNet-18 with its last
// layer replaced, on images normalized as torchvision's ImageNet weights
// expect.
type ImageEncoder struct {
	net          *ResNet18
	bgr          bool          // raw input instead, see RawBGR
	nchw         bool          // PyTorch's default memory format instead of channels_last
	scale, shift *torch.Tensor // [1, 3, 1, 1]: x*scale + shift = (x/255 - mean) / std
}

// ImageNet's channel means and standard deviations, as torchvision documents
// them for its weights.
var (
	imageNetMean = []float64{0.485, 0.456, 0.406}
	imageNetStd  = []float64{0.229, 0.224, 0.225}
)

// NewImageEncoder registers the encoder under p; m is the embedding size,
// 0 for the pooled features [Pooled] themselves.
func NewImageEncoder(p Path, m int) *ImageEncoder { return NewTunedImageEncoder(p, m, TrainAll) }

// How much of a pretrained image encoder is trained (model.image_trained).
const (
	TrainAll  = ""     // everything
	TrainLast = "last" // the last stage, layer4, and the last layer behind it
	TrainNone = "none" // the last layer alone
)

// NewTunedImageEncoder is NewImageEncoder of which only a part is trained. What is
// not trained is in evaluation mode always: its batch normalizations keep the
// statistics that they came with.
func NewTunedImageEncoder(p Path, m int, trained string) *ImageEncoder {
	fixed := map[string]int{TrainAll: 0, TrainLast: len(stageWidths), TrainNone: len(stageWidths) + 1}[trained]
	e := newImageInput(p)
	e.net = newResNet18(p, m, fixed)
	return e
}

// newImageInput is an encoder without its network.
func newImageInput(p Path) *ImageEncoder {
	scale, shift := make([]float64, 3), make([]float64, 3)
	for c := range 3 {
		scale[c] = 1 / (255 * imageNetStd[c])
		shift[c] = -imageNetMean[c] / imageNetStd[c]
	}
	s := p.params
	constant := func(v []float64) *torch.Tensor {
		return s.constant(torch.FromSlice(v, 1, 3, 1, 1).Cast(s.DType))
	}
	return &ImageEncoder{scale: constant(scale), shift: constant(shift)}
}

// RawBGR makes the encoder take images as the published program does: OpenCV's
// channel order (blue, green, red), 0 to 255, no normalization.
func (e *ImageEncoder) RawBGR() { e.bgr = true }

// NCHW keeps images in PyTorch's default memory format instead of channels_last.
func (e *ImageEncoder) NCHW() { e.nchw = true }

// SkipPadding makes small tiles cheaper, see Conv2d.SkipPadding.
func (e *ImageEncoder) SkipPadding() {
	for _, b := range e.net.blocks {
		b.conv1.SkipPadding()
		b.conv2.SkipPadding()
	}
}

// Forward maps images [U, 3, H, W] uint8, RGB, to X_s [U, m].
func (e *ImageEncoder) Forward(images *torch.Tensor) *torch.Tensor {
	return e.net.forward(e.input(images)) // [U, m]
}

// Pooled are the features [U, 512] of images in front of the last layer.
func (e *ImageEncoder) Pooled(images *torch.Tensor) *torch.Tensor {
	return e.net.pooled(e.input(images))
}

// Embed leads pooled features [U, 512] through the last layer, to X_s [U, m].
func (e *ImageEncoder) Embed(pooled *torch.Tensor) *torch.Tensor {
	return e.net.fc.Forward(pooled.Cast(e.scale.DType()))
}

// input brings images to what the network wants.
func (e *ImageEncoder) input(images *torch.Tensor) chain {
	c := chain{x: images}
	c.then(func(images *torch.Tensor) *torch.Tensor {
		if e.bgr {
			return images.Flip(1).ChannelsLast().Cast(e.scale.DType())
		}
		if !e.nchw {
			images = images.ChannelsLast() // [U, 3, H, W], NHWC in memory
		}
		// The cast makes a copy, which nobody else sees.
		return images.Cast(e.scale.DType()).MulInPlace(e.scale).AddInPlace(e.shift)
	})
	return c
}
