// Package rivals holds the networks that the paper compares OpenCarbon with
// (section 5.1, Table 2), one a file, as that section adapts them to cells of a
// grid: those that see vectors get the features of a pretrained image encoder
// beside the cell's POI counts; those that see images get the counts in front of
// the head, and learn to predict beside their own loss.
//
// None of their programs predicts emission, and what the paper says of the
// adaption is two sentences. What is ours is said where it is.
package rivals

import (
	"opencarbon/layers"
	"opencarbon/torch"
)

// limit clamps standardized features: raw counts have a long tail, which makes a
// perceptron explode (BPNN's R2 of -13 on London in the paper's Table 2).
const limit = 8

// counts are a tile's POI counts, [U, C] in the type d; with log ln(1 + count).
func counts(t layers.Tiles, d torch.DType, log bool) *torch.Tensor {
	x := layers.CountStatistics(t, d) // [U, C+1], the last one is of all together
	x = x.Narrow(1, 0, x.Size(1)-1)
	if log {
		return x
	}
	return x.Exp().SubScalar(1)
}

// needs says that a network cannot do without a modality, or what is wrong with c
// otherwise, and settles c.
func needs(c *layers.ModelConfig, image, poi bool) error {
	switch {
	case image && !c.Image:
		return layers.Lacking(c.Kind + " learns from images, and there are none (model.modalities)")
	case poi && !c.POI:
		return layers.Lacking(c.Kind + " needs points of interest, and there are none (model.modalities)")
	}
	return c.Check()
}

// perceptron is Linear, ReLU, dropout for each hidden width, then Linear to 1.
type perceptron struct {
	hidden  []*layers.Linear
	out     *layers.Linear
	dropout float64
	params  *layers.Params
}

func newPerceptron(p layers.Path, in int, dropout float64, hidden ...int) *perceptron {
	n := &perceptron{dropout: dropout, params: p.Params()}
	for i, width := range hidden {
		n.hidden = append(n.hidden, quickLinear(p.Sub(i), layers.LinearConfig{In: in, Out: width}))
		in = width
	}
	n.out = layers.NewLinear(p.Sub(len(hidden)), layers.LinearConfig{In: in, Out: 1})
	return n
}

// quickLinear is a linear layer by the quick product, as the convolutions are.
func quickLinear(p layers.Path, c layers.LinearConfig) *layers.Linear {
	l := layers.NewLinear(p, c)
	l.Quick()
	return l
}

// forward maps x [B, in] to [B], and returns the last hidden layer [B, width] too.
func (n *perceptron) forward(x *torch.Tensor) (y, last *torch.Tensor) {
	for _, l := range n.hidden {
		x = torch.Dropout(l.Forward(x).ReLU(), n.dropout, n.params.Training())
	}
	return n.out.Forward(x).Squeeze(-1), x
}

func (n *perceptron) setBias(v float64) {
	torch.NoGrad(func() { n.out.Bias.FillInPlace(v) })
}
