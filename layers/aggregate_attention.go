package layers

import "opencarbon/torch"

// AggregateAttention fuses the modalities by a softmax over learned scores
// (Eq. 4-5): m_k = a . tanh(W X_k + b). One instance works on the grid cell,
// another on the neighborhood.
type AggregateAttention struct {
	l1 *Linear // W, b
	l2 *Linear // a
}

// NewAggregateAttention registers W, b and a under p, Xavier uniform and zero
// as in the published program.
func NewAggregateAttention(p Path, m int) *AggregateAttention {
	a := &AggregateAttention{
		l1: NewLinear(p.Sub("l1"), LinearConfig{In: m, Out: m}),
		l2: NewLinear(p.Sub("l2"), LinearConfig{In: m, Out: 1, NoBias: true}),
	}
	xavierUniform(a.l1)
	xavierUniform(a.l2)
	return a
}

// StartAs gives a the initial weights of other, as the published program does by
// setting its seed anew before each of its two aggregate-attentions.
func (a *AggregateAttention) StartAs(other *AggregateAttention) {
	torch.NoGrad(func() {
		a.l1.Weight.CopyInPlace(other.l1.Weight)
		a.l2.Weight.CopyInPlace(other.l2.Weight)
	})
}

// Forward fuses xs and xp [B, m] to x [B, m]; weights [B, 2] are the softmax
// weights of image and POI (Figure 6).
func (a *AggregateAttention) Forward(xs, xp *torch.Tensor) (x, weights *torch.Tensor) {
	both := torch.Stack([]*torch.Tensor{xs, xp}, 1)       // [B, 2, m]
	scores := a.l2.Forward(a.l1.Forward(both).Tanh())     // Eq. 4: [B, 2, 1]
	w := scores.Softmax(1)                                // Eq. 4: [B, 2, 1]
	return both.Mul(w).Sum(torch.Along(1)), w.Squeeze(-1) // Eq. 5: [B, m], [B, 2]
}
