package layers

import "opencarbon/torch"

// Conv2dConfig is a Conv2d's. Zero values of Stride mean 1.
type Conv2dConfig struct {
	In, Out         int
	Kernel          int
	Stride, Padding int
	NoBias          bool
}

// Conv2d is a two-dimensional convolution with a square kernel and PyTorch's
// default initialization.
type Conv2d struct {
	Weight *torch.Tensor // [Out, In, Kernel, Kernel]
	Bias   *torch.Tensor // [Out], nil without
	o      torch.Conv2dOptions

	skipPadding bool // see SkipPadding
	winograd    bool // see Winograd
}

// NewConv2d registers weight and bias under p.
func NewConv2d(p Path, c Conv2dConfig) *Conv2d {
	fanIn := c.In * c.Kernel * c.Kernel
	l := &Conv2d{Weight: p.Parameter("weight", fanInUniform(p, fanIn, c.Out, c.In, c.Kernel, c.Kernel))}
	if !c.NoBias {
		l.Bias = p.Parameter("bias", fanInUniform(p, fanIn, c.Out))
	}
	s := max(c.Stride, 1)
	l.o = torch.Conv2dOptions{Stride: [2]int{s, s}, Padding: [2]int{c.Padding, c.Padding}}
	return l
}

// Forward maps x [N, In, H, W] to [N, Out, H', W'] with
// H' = (H + 2 Padding - Kernel) / Stride + 1.
func (l *Conv2d) Forward(x *torch.Tensor) *torch.Tensor {
	if l.skipPadding {
		if y := l.reachable(x); y != nil {
			return y
		}
	}
	if l.winograd {
		return torch.Conv3x3(x, l.Weight)
	}
	return torch.Conv2d(x, l.Weight, l.Bias, l.o)
}

// Winograd lets a 3 x 3 convolution of stride 1 that keeps the image's size take
// torch.Conv3x3, which is quicker on a CPU; any other stays as it is. The result
// differs by rounding.
func (l *Conv2d) Winograd() {
	l.winograd = l.Weight.Size(2) == 3 && l.Bias == nil && l.o.Stride == [2]int{1, 1} && l.o.Padding == [2]int{1, 1}
}

// SkipPadding leaves out the rows and columns of a 3 x 3 kernel that can only meet
// padding: on tiles of 32 pixels ResNet-18's last stage sees images of one pixel,
// and eight of nine weights are multiplied with zeros. The result differs by
// rounding.
func (l *Conv2d) SkipPadding() { l.skipPadding = true }

// reachable is the convolution where its output is one pixel; nil where it is not.
func (l *Conv2d) reachable(x *torch.Tensor) *torch.Tensor {
	w, h, v := l.Weight, x.Size(2), x.Size(3)
	if w.Size(2) != 3 || l.o.Padding[0] != 1 || l.Bias != nil {
		return nil
	}
	n := 0 // rows and columns of the kernel, from the middle one on, that meet the image
	switch {
	case h == 1 && v == 1:
		n = 1
	case h == 2 && v == 2 && l.o.Stride[0] == 2:
		n = 2
	default:
		return nil
	}
	return torch.Conv2d(x, w.Narrow(2, 1, n).Narrow(3, 1, n), nil, torch.Conv2dOptions{Stride: [2]int{1, 1}}) // [N, Out, 1, 1]
}

// OutSize returns the edge of the output for an input edge; below 1 the input is
// too small for the kernel.
func (c Conv2dConfig) OutSize(edge int) int {
	n := edge + 2*c.Padding - c.Kernel
	if n < 0 {
		return 0
	}
	return n/max(c.Stride, 1) + 1
}
