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
	quick  bool          // see Quick
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
func (l *Linear) Forward(x *torch.Tensor) *torch.Tensor {
	if l.quick {
		return QuickLinear(x, l.Weight, l.Bias)
	}
	return torch.Linear(x, l.Weight, l.Bias)
}

// Quick lets the layer take QuickLinear.
func (l *Linear) Quick() { l.quick = true }

// QuickLinear is torch.Linear, x [..., In] times w [Out, In] transposed, plus b [Out]
// or nil, as a convolution of images of one pixel. On a CPU oneDNN computes that, and
// the product itself comes from the BLAS that libtorch is linked with: Debian's is
// the reference one unless another is installed, some 20 times slower. The result
// differs by rounding. Few rows, few outputs, other types and devices gain nothing
// and stay as they are.
func QuickLinear(x, w, b *torch.Tensor) *torch.Tensor {
	shape := x.Shape()
	in, out := w.Size(1), w.Size(0)
	rows := 1
	for _, n := range shape[:len(shape)-1] {
		rows *= n
	}
	if rows < fewRows || out < fewOutputs || x.DType() != torch.Float32 || x.Device().IsCUDA() {
		return torch.Linear(x, w, b)
	}
	y := torch.Conv2d(x.Reshape(rows, in, 1, 1), w.Reshape(out, in, 1, 1), b, torch.Conv2dOptions{}) // [rows, Out, 1, 1]
	return y.Reshape(append(append([]int(nil), shape[:len(shape)-1]...), out)...)
}

// Below these a product takes no longer than to hand it to oneDNN.
const (
	fewRows    = 8
	fewOutputs = 16
)

// fanInUniform is PyTorch's default for Linear and Conv2d, weights and biases
// alike: uniform within 1/sqrt(fan in), which is kaiming_uniform with
// a = sqrt(5).
func fanInUniform(p Path, fanIn int, shape ...int) *torch.Tensor {
	p.params.room(shape...)
	bound := 1 / math.Sqrt(float64(fanIn))
	return torch.Uniform(-bound, bound, p.params.DType, torch.CPU, shape...)
}
