package layers

import (
	"math"

	"opencarbon/torch"
)

// LinearConfig is a Linear's. Zero values besides In and Out are PyTorch's
// defaults.
type LinearConfig struct {
	In, Out int
	NoBias  bool
}

// Linear is y = x W^T + b with PyTorch's default initialization.
type Linear struct {
	Weight *torch.Tensor // [Out, In]
	Bias   *torch.Tensor // [Out], nil without
}

// NewLinear registers weight and bias under p.
func NewLinear(p Path, c LinearConfig) *Linear {
	l := &Linear{Weight: p.Parameter("weight", fanInUniform(p, c.In, c.Out, c.In))}
	if !c.NoBias {
		l.Bias = p.Parameter("bias", fanInUniform(p, c.In, c.Out))
	}
	return l
}

// Forward maps x [..., In] to [..., Out].
func (l *Linear) Forward(x *torch.Tensor) *torch.Tensor { return torch.Linear(x, l.Weight, l.Bias) }

// fanInUniform is PyTorch's default for Linear and Conv2d, weights and biases
// alike: uniform within 1/sqrt(fan in), which is kaiming_uniform with
// a = sqrt(5).
func fanInUniform(p Path, fanIn int, shape ...int) *torch.Tensor {
	p.params.room(shape...)
	bound := 1 / math.Sqrt(float64(fanIn))
	return torch.Uniform(-bound, bound, p.params.DType, torch.CPU, shape...)
}
