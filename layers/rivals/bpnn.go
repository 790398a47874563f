package rivals

import (
	"opencarbon/layers"
	"opencarbon/torch"
)

// BPNN is a perceptron on a cell's features (Zhang et al., "Towards low carbon
// cities", Sustainable Cities and Society 69, 2021): d -> 128 -> 64 -> 1 with
// dropout. Widths are ours, and so is that features are standardized and clamped.
type BPNN struct {
	*vector
	head *perceptron
}

// KindBPNN names it.
const KindBPNN = "bpnn"

// NewBPNN registers the network in p.
func NewBPNN(p *layers.Params, c layers.ModelConfig) (*BPNN, error) {
	if err := needs(&c, false, false); err != nil {
		return nil, err
	}
	v := newVector(p.Root(), c, layers.Pooled)
	return &BPNN{v, newPerceptron(p.Root().Sub("regressor"), v.width, 0.1, 128, 64)}, nil
}

// Traits implements learn.Network.
func (n *BPNN) Traits() layers.Traits {
	return layers.Traits{Embeddings: n.embeddings(), Around: layers.Around{M: 1}, MovingStatistics: true}
}

// SetTargetBias implements learn.Network.
func (n *BPNN) SetTargetBias(v float64) { n.head.setBias(v) }

// Predict implements learn.Network. The view is the last hidden layer, [B, 64].
func (n *BPNN) Predict(e layers.Views, index *torch.Tensor) layers.Output {
	ln, last := n.head.forward(layers.Own(n.row(e), index))
	return layers.Output{LnEmission: ln, Views: layers.Views{{Name: layers.FinalView, X: last}}}
}
