package layers

import (
	"math"

	"opencarbon/torch"
)

// Pooled is the number of a ResNet18's features in front of its last layer.
const Pooled = 512

// ResNet18 is the residual network of 18 layers (He et al., 2016) with
// torchvision's parameter names. The paper's image encoder replaces the last
// layer by Linear(512, m).
type ResNet18 struct {
	conv1  *Conv2d
	bn1    *BatchNorm
	blocks []*basicBlock
	fc     *Linear // nil: the pooled features are the output
}

// NewResNet18 registers the network under p with torchvision's initialization
// (Kaiming normal, fan out) and a last layer of the given width; with 0 there is
// none, and the output are the 512 pooled features.
func NewResNet18(p Path, out int) *ResNet18 { return newResNet18(p, colors, out, 0) }

// newResNet18 is NewResNet18 of images with so many bands, whose first fixed parts
// are not trained: 1 is the stem, 1+k all up to layer<k>.
func newResNet18(p Path, bands, out, fixed int) *ResNet18 {
	r := newResNetTrunk(p, bands, len(stageWidths), fixed)
	if out > 0 {
		r.fc = NewLinear(p.Sub("fc"), LinearConfig{In: Pooled, Out: out})
	}
	return r
}

// newResNetTrunk registers the layers up to layer<last>, for images of so many bands; the first fixed parts are
// not trained, as in newResNet18.
func newResNetTrunk(p Path, bands, last, fixed int) *ResNet18 {
	part := func(i int) Path {
		if i < fixed {
			return p.Fixed()
		}
		return p
	}
	r := &ResNet18{
		conv1: newResNetConv(part(0).Sub("conv1"), Conv2dConfig{In: bands, Out: 64, Kernel: 7, Stride: 2, Padding: 3}),
		bn1:   NewBatchNorm(part(0).Sub("bn1"), 64),
	}
	in := 64
	for layer, width := range stageWidths[:last] {
		for block := range 2 {
			stride := 1
			if layer > 0 && block == 0 {
				stride = 2
			}
			r.blocks = append(r.blocks, newBasicBlock(part(1+layer).Sub("layer"+string(rune('1'+layer)), block), in, width, stride))
			in = width
		}
	}
	return r
}

func newResNetConv(p Path, c Conv2dConfig) *Conv2d {
	c.NoBias = true
	l := NewConv2d(p, c)
	std := math.Sqrt(2 / float64(c.Out*c.Kernel*c.Kernel))
	torch.NoGrad(func() {
		l.Weight.CopyInPlace(torch.Normal(0, std, p.params.DType, torch.CPU, c.Out, c.In, c.Kernel, c.Kernel))
	})
	return l
}

// Forward maps normalized images x [N, B, H, W] to embeddings [N, out].
func (r *ResNet18) Forward(x *torch.Tensor) *torch.Tensor {
	return r.forward(chain{x: x})
}

// stem puts what comes before the stages behind c.
func (r *ResNet18) stem(c *chain) {
	c.then(r.conv1.Forward)                                                                // [N, 64, H/2, W/2]
	c.then(r.bn1.Forward)                                                                  // [N, 64, H/2, W/2]
	c.then(func(x *torch.Tensor) *torch.Tensor { return torch.ReLUMaxPool2d(x, 3, 2, 1) }) // [N, 64, H/4, W/4]
}

func (r *ResNet18) forward(c chain) *torch.Tensor {
	x := r.pooled(c)
	if r.fc == nil {
		return x
	}
	return r.fc.Forward(x) // [N, out]
}

// pooled are the features in front of the last layer, [N, 512].
func (r *ResNet18) pooled(c chain) *torch.Tensor {
	r.stem(&c)
	for _, b := range r.blocks {
		c.then(b.forward)
	} // [N, 512, H/32, W/32]
	return torch.AdaptiveAvgPool2d(c.x, 1, 1).Flatten(1, -1)
}

// basicBlock is two 3 x 3 convolutions with a shortcut.
type basicBlock struct {
	conv1, conv2 *Conv2d
	bn1, bn2     *BatchNorm
	downConv     *Conv2d // 1 x 1, only where the shape changes
	downBN       *BatchNorm
}

func newBasicBlock(p Path, in, out, stride int) *basicBlock {
	b := &basicBlock{
		conv1: newResNetConv(p.Sub("conv1"), Conv2dConfig{In: in, Out: out, Kernel: 3, Stride: stride, Padding: 1}),
		bn1:   NewBatchNorm(p.Sub("bn1"), out),
		conv2: newResNetConv(p.Sub("conv2"), Conv2dConfig{In: out, Out: out, Kernel: 3, Padding: 1}),
		bn2:   NewBatchNorm(p.Sub("bn2"), out),
	}
	if stride != 1 || in != out {
		b.downConv = newResNetConv(p.Sub("downsample", 0), Conv2dConfig{In: in, Out: out, Kernel: 1, Stride: stride})
		b.downBN = NewBatchNorm(p.Sub("downsample", 1), out)
	}
	return b
}

func (b *basicBlock) forward(x *torch.Tensor) *torch.Tensor {
	y := b.bn1.Forward(b.conv1.Forward(x)).ReLUInPlace()
	y = b.bn2.Forward(b.conv2.Forward(y))
	if b.downConv != nil {
		x = b.downBN.Forward(b.downConv.Forward(x))
	}
	return y.AddInPlace(x).ReLUInPlace()
}
