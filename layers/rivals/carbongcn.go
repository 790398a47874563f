package rivals

import (
	"opencarbon/layers"
	"opencarbon/torch"
)

// CarbonGCN is a graph network on the cells (Chen et al., Environmental Modelling
// & Software 172, 2024; of its two parts, in space and in time, a single year has
// the first): two graph convolutions after Kipf and Welling over the 8-neighborhood
// of the grid, H' = ReLU(D^-1/2 (A + I) D^-1/2 H W + b), and a linear layer.
//
// A cell's prediction depends on the features of the 5 x 5 cells around it, and by
// their degrees on which of the 7 x 7 cells there are. The network therefore looks
// at that neighborhood alone, and gives what it would give on the whole map; cells
// that validate and test lend their features to their neighbors, as is usual of
// graphs, and never a target.
type CarbonGCN struct {
	*vector
	first, second *layers.Linear
	out           *layers.Linear
}

// KindCarbonGCN names it.
const KindCarbonGCN = "carbongcn"

// Of the convolutions; ours.
const (
	gcnReach   = 7 // cells across that a prediction depends on
	gcnFirst   = 128
	gcnSecond  = 64
	gcnDropout = 0.2
)

// NewCarbonGCN registers the network in p.
func NewCarbonGCN(p *layers.Params, c layers.ModelConfig) (*CarbonGCN, error) {
	if err := needs(&c, false, false); err != nil {
		return nil, err
	}
	v := newVector(p.Root(), c, layers.Pooled)
	g := p.Root().Sub("gcn")
	return &CarbonGCN{vector: v, first: layers.NewLinear(g.Sub(0), layers.LinearConfig{In: v.width, Out: gcnFirst}),
		second: layers.NewLinear(g.Sub(1), layers.LinearConfig{In: gcnFirst, Out: gcnSecond}),
		out:    layers.NewLinear(p.Root().Sub("regressor"), layers.LinearConfig{In: gcnSecond, Out: 1})}, nil
}

// Traits implements learn.Network.
func (n *CarbonGCN) Traits() layers.Traits {
	return layers.Traits{Embeddings: n.embeddings(), Around: layers.Around{M: gcnReach}, MovingStatistics: true}
}

// SetTargetBias implements learn.Network.
func (n *CarbonGCN) SetTargetBias(v float64) {
	torch.NoGrad(func() { n.out.Bias.FillInPlace(v) })
}

// Predict implements learn.Network. The view is the second convolution's output,
// [B, 64].
func (n *CarbonGCN) Predict(e layers.Views, index *torch.Tensor) layers.Output {
	h := graphConvolutions(n.row(e), index, n.first, n.second, gcnDropout, n.params.Training())
	return layers.Output{LnEmission: n.out.Forward(h).Squeeze(-1), Views: layers.Views{{Name: layers.FinalView, X: h}}}
}

// graphConvolutions are two graph convolutions of the features x [U, F] of
// tiles, for the cells whose 7 x 7 neighborhoods are index [B, 7, 7] (U = no such
// cell) -> [B, width of the second].
func graphConvolutions(x, index *torch.Tensor, first, second *layers.Linear, dropout float64, training bool) *torch.Tensor {
	b := index.Size(0)
	there := index.LtScalar(float64(x.Size(0))).Cast(x.DType()).Unsqueeze(1) // [B, 1, 7, 7]
	degree := box(there).Clamp(1, 9)                                         // [B, 1, 5, 5], with the cell itself
	scale := degree.Rsqrt().Mul(inner(there, 5))                             // D^-1/2; 0 where there is no cell
	convolve := func(h *torch.Tensor, l *layers.Linear, m int) *torch.Tensor {
		// h [B, width, m+2, m+2], already times W -> [B, width, m, m]
		h = box(h.Mul(inner(scale, m+2))).Mul(inner(scale, m))
		return h.Add(l.Bias.Reshape(1, -1, 1, 1)).ReLU()
	}
	h := layers.QuickLinear(x, first.Weight, nil)                   // [U, first], before the neighborhoods multiply it
	h = layers.GatherNeighborhood(h, middle(index, 5))              // [B, first, 5, 5]
	h = convolve(h, first, 3)                                       // [B, first, 3, 3]
	h = torch.Dropout(h, dropout, training).Permute(0, 2, 3, 1)     // [B, 3, 3, first]
	h = layers.QuickLinear(h, second.Weight, nil)                   // [B, 3, 3, second]
	h = h.Permute(0, 3, 1, 2)                                       // [B, second, 3, 3]
	return convolve(h, second, 1).Reshape(b, second.Weight.Size(0)) // [B, second]
}

// box sums over 3 x 3 of x [B, C, m, m] -> [B, C, m-2, m-2].
func box(x *torch.Tensor) *torch.Tensor { return torch.AvgPool2d(x, 3, 1, 0).MulScalar(9) }

// inner is the middle m x m of x [B, C, H, H].
func inner(x *torch.Tensor, m int) *torch.Tensor {
	at := (x.Size(2) - m) / 2
	return x.Narrow(2, at, m).Narrow(3, at, m)
}

// middle is the same of an index [B, H, H].
func middle(index *torch.Tensor, m int) *torch.Tensor {
	at := (index.Size(1) - m) / 2
	return index.Narrow(1, at, m).Narrow(2, at, m).Contiguous()
}
