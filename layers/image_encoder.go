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
func NewImageEncoder(p Path, m int) *ImageEncoder {
	e := newImageInput(p)
	e.net = NewResNet18(p, m)
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

// Forward maps images [U, 3, H, W] uint8, RGB, to X_s [U, m].
func (e *ImageEncoder) Forward(images *torch.Tensor) *torch.Tensor {
	return e.net.forward(e.input(images)) // [U, m]
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
