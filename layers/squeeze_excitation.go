package layers

import "opencarbon/torch"

// SqueezeExcitation weighs channels by what the whole tile holds of them
// (Eq. 1-3; Hu et al., 2018). Before the first convolution the channels are
// the POI categories, so its gate is the attention over functions.
type SqueezeExcitation struct {
	w1, w2 *Linear
}

// NewSqueezeExcitation registers W1 [C/n, C] and W2 [C, C/n] under p; ratio is
// the compression n. At least one hidden unit is left.
func NewSqueezeExcitation(p Path, channels, ratio int) *SqueezeExcitation {
	hidden := max(1, channels/max(1, ratio))
	return &SqueezeExcitation{
		w1: NewLinear(p.Sub("fc1"), LinearConfig{In: channels, Out: hidden, NoBias: true}),
		w2: NewLinear(p.Sub("fc2"), LinearConfig{In: hidden, Out: channels, NoBias: true}),
	}
}

// Excite maps channel means z [U, C] (Eq. 1) to gates s [U, C].
func (s *SqueezeExcitation) Excite(z *torch.Tensor) *torch.Tensor {
	return s.w2.Forward(s.w1.Forward(z).ReLU()).Sigmoid() // Eq. 2
}

// Gate returns s [U, C] for x [U, C, H, W].
func (s *SqueezeExcitation) Gate(x *torch.Tensor) *torch.Tensor {
	return s.Excite(x.Mean(torch.Along(2, 3))) // Eq. 1: [U, C]
}

// Forward scales the channels of x [U, C, H, W] by the gate.
func (s *SqueezeExcitation) Forward(x *torch.Tensor) *torch.Tensor {
	return x.Mul(s.Gate(x).Unsqueeze(-1).Unsqueeze(-1)) // Eq. 3: [U, C, H, W]
}

// OutputGate is the published program's squeeze-and-excitation: it stands
// behind a convolution, works on its output channels, and is made of two 1 x 1
// convolutions with bias.
type OutputGate struct{ fc1, fc2 *Conv2d }

// NewOutputGate registers the convolutions c -> c/ratio -> c under p.
func NewOutputGate(p Path, c, ratio int) *OutputGate {
	hidden := max(1, c/max(1, ratio))
	return &OutputGate{
		fc1: NewConv2d(p.Sub("fc1"), Conv2dConfig{In: c, Out: hidden, Kernel: 1}),
		fc2: NewConv2d(p.Sub("fc2"), Conv2dConfig{In: hidden, Out: c, Kernel: 1}),
	}
}

// Forward scales the channels of x [U, C, H, W].
func (g *OutputGate) Forward(x *torch.Tensor) *torch.Tensor {
	z := x.Mean(torch.Keeping(2, 3))                               // [U, C, 1, 1]
	return x.Mul(g.fc2.Forward(g.fc1.Forward(z).ReLU()).Sigmoid()) // [U, C, H, W]
}
