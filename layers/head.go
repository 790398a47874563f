package layers

import "opencarbon/torch"

// Head is section 4.3's feed-forward part: Linear, ReLU, BatchNorm1d, Linear.
type Head struct {
	l1, l2 *Linear
	bn     *BatchNorm
}

// NewHead registers the head under p for inputs of width in and m hidden units.
func NewHead(p Path, in, m int) *Head {
	return &Head{
		l1: NewLinear(p.Sub(0), LinearConfig{In: in, Out: m}),
		bn: NewBatchNorm(p.Sub(2), m),
		l2: NewLinear(p.Sub(3), LinearConfig{In: m, Out: 1}),
	}
}

// Forward maps x [B, in] to predicted ln emission [B].
func (h *Head) Forward(x *torch.Tensor) *torch.Tensor {
	return h.l2.Forward(h.bn.Forward(h.l1.Forward(x).ReLU())).Squeeze(-1)
}

// SetBias sets the last bias: a head that starts at the mean target need not
// travel there first.
func (h *Head) SetBias(v float64) {
	torch.NoGrad(func() { h.l2.Bias.FillInPlace(v) })
}
