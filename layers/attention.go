package layers

import "opencarbon/torch"

// FeatureAttention is multi-head attention whose tokens are the m features of
// a vector, each of width 1: with one key a sample a softmax over samples
// would always be 1. Each head has Linear(1, 1) maps for query, key and value;
// a Linear(heads, 1) joins the heads. The scale 1/sqrt(d) is 1 for d = 1.
type FeatureAttention struct {
	q, k, v []*Linear
	out     *Linear
}

// NewFeatureAttention registers the heads under p.
func NewFeatureAttention(p Path, heads int) *FeatureAttention {
	a := &FeatureAttention{}
	one := LinearConfig{In: 1, Out: 1}
	for h := range heads {
		at := p.Sub("heads", h)
		a.q = append(a.q, NewLinear(at.Sub("q"), one))
		a.k = append(a.k, NewLinear(at.Sub("k"), one))
		a.v = append(a.v, NewLinear(at.Sub("v"), one))
	}
	a.out = NewLinear(p.Sub("linear"), LinearConfig{In: heads, Out: 1})
	return a
}

// Forward attends from query [B, m] to value [B, m], which is the key too;
// the result is [B, m].
func (a *FeatureAttention) Forward(query, value *torch.Tensor) *torch.Tensor {
	query, value = query.Unsqueeze(-1), value.Unsqueeze(-1) // [B, m, 1]
	var heads []*torch.Tensor
	for h := range a.q {
		q, k, v := a.q[h].Forward(query), a.k[h].Forward(value), a.v[h].Forward(value) // [B, m, 1]
		scores := q.BMM(k.Transpose(1, 2)).Softmax(-1)                                 // [B, m, m]
		heads = append(heads, scores.BMM(v))                                           // [B, m, 1]
	}
	return a.out.Forward(torch.Cat(heads, -1)).Squeeze(-1) // [B, m]
}

// CrossAttention is Eq. 6: X_g^f = Attention(query = X_n, value = X_g) + X_g.
type CrossAttention struct{ attention *FeatureAttention }

// NewCrossAttention registers the attention under p.
func NewCrossAttention(p Path, heads int) *CrossAttention {
	return &CrossAttention{NewFeatureAttention(p, heads)}
}

// Forward maps X_n and X_g [B, m] to X_g^f [B, m].
func (c *CrossAttention) Forward(xn, xg *torch.Tensor) *torch.Tensor {
	return c.attention.Forward(xn, xg).Add(xg)
}
