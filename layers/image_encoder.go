package layers

import "opencarbon/torch"

// ImageEncoder is the satellite branch of section 4.1: ResNet-18 with its last
// layer replaced, on images normalized as torchvision's ImageNet weights
// expect.
type ImageEncoder struct {
	net          *ResNet18
	bgr          bool          // raw input instead, see RawBGR
	nchw         bool          // PyTorch's default memory format instead of channels_last
	scale, shift *torch.Tensor // [1, B, 1, 1]: x*scale + shift = (x/255 - mean) / std; of floats x is not divided
}

// ImageNet's channel means and standard deviations, as torchvision documents
// them for its weights.
var (
	imageNetMean = []float64{0.485, 0.456, 0.406}
	imageNetStd  = []float64{0.229, 0.224, 0.225}
)

// colors is the number of bands of a picture for people: red, green and blue.
const colors = 3

// ImageInput is what images are: [U, Bands, H, W].
type ImageInput struct {
	Bands int
	Float bool // floating-point numbers, mostly in 0..1, in place of bytes
}

// NewImageEncoder registers the encoder of RGB images of bytes under p; m is the
// embedding size, 0 for the pooled features [Pooled] themselves.
func NewImageEncoder(p Path, m int) *ImageEncoder {
	return NewImageEncoderOf(p, ImageInput{Bands: colors}, m)
}

// NewImageEncoderOf is NewImageEncoder of other images. Its first convolution has a
// filter for every band; those beyond the first three are normalized by the mean of
// what ImageNet's colors have.
func NewImageEncoderOf(p Path, in ImageInput, m int) *ImageEncoder {
	return NewTunedImageEncoder(p, in, m, TrainAll)
}

// How much of a pretrained image encoder is trained (model.image_trained).
const (
	TrainAll  = ""     // everything
	TrainLast = "last" // the last stage, layer4, and the last layer behind it
	TrainNone = "none" // the last layer alone
)

// NewTunedImageEncoder is NewImageEncoderOf of which only a part is trained. What is
// not trained is in evaluation mode always: its batch normalizations keep the
// statistics that they came with.
func NewTunedImageEncoder(p Path, in ImageInput, m int, trained string) *ImageEncoder {
	fixed := map[string]int{TrainAll: 0, TrainLast: len(stageWidths), TrainNone: len(stageWidths) + 1}[trained]
	e := newImageInput(p, in)
	e.net = newResNet18(p, in.Bands, m, fixed)
	return e
}

// newImageInput is an encoder without its network.
func newImageInput(p Path, in ImageInput) *ImageEncoder {
	scale, shift := make([]float64, in.Bands), make([]float64, in.Bands)
	full := 255.0
	if in.Float {
		full = 1
	}
	for c := range in.Bands {
		mean, std := average(imageNetMean), average(imageNetStd)
		if c < colors {
			mean, std = imageNetMean[c], imageNetStd[c]
		}
		scale[c] = 1 / (full * std)
		shift[c] = -mean / std
	}
	s := p.params
	constant := func(v []float64) *torch.Tensor {
		return s.constant(torch.FromSlice(v, 1, in.Bands, 1, 1).Cast(s.DType))
	}
	return &ImageEncoder{scale: constant(scale), shift: constant(shift)}
}

func average(v []float64) float64 { return (v[0] + v[1] + v[2]) / 3 }

// WidenFilters makes the filters [F, 3, K, K] of a first convolution on red, green
// and blue those on so many bands: the first three are kept, and every other band
// has the mean of the three; of fewer bands the first are kept. Filters of that many
// bands are returned as they are.
func WidenFilters(w *torch.Tensor, bands int) *torch.Tensor {
	switch n := w.Size(1); {
	case n == bands || n != colors:
		return w
	case bands < n:
		return w.Narrow(1, 0, bands).Contiguous()
	}
	parts := []*torch.Tensor{w}
	mean := w.Mean(torch.Keeping(1)) // [F, 1, K, K]
	for range bands - colors {
		parts = append(parts, mean)
	}
	return torch.Cat(parts, 1)
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

// Winograd makes most convolutions quicker on a CPU, see Conv2d.Winograd.
func (e *ImageEncoder) Winograd() {
	for _, b := range e.net.blocks {
		b.conv1.Winograd()
		b.conv2.Winograd()
	}
}

// Forward maps images [U, B, H, W], uint8 RGB or what the encoder was made for, to
// X_s [U, m].
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
			images = images.ChannelsLast() // [U, B, H, W], NHWC in memory
		}
		// The cast makes a copy, which nobody else sees.
		return images.Cast(e.scale.DType()).MulInPlace(e.scale).AddInPlace(e.shift)
	})
	return c
}
