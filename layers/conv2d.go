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
// default initialisation.
type Conv2d struct {
	Weight *torch.Tensor // [Out, In, Kernel, Kernel]
	Bias   *torch.Tensor // [Out], nil without
	o      torch.Conv2dOptions
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
	return torch.Conv2d(x, l.Weight, l.Bias, l.o)
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
