package rivals

import (
	"fmt"

	"gonum.org/v1/gonum/mat"

	"opencarbon/layers"
	"opencarbon/torch"
)

// READ predicts from the features of its pretrained image encoder (Han et al.,
// AAAI 2020; see MeanTeacher for the encoder). There, a district's tiles are
// reduced to a few principal components, and their mean, spread and correlations
// describe it. A cell has one tile, of which these say nothing: here its
// components, as many as Embedding, and the POI counts go into a perceptron.
type READ struct {
	*vector
	center     *torch.Tensor // [512], of the training tiles
	components *torch.Tensor // [512, k]
	scale      *layers.Standardizer
	head       *perceptron
}

// KindREAD names it.
const KindREAD = "read"

// NewREAD registers the network in p; c.Embedding is the number of components.
func NewREAD(p *layers.Params, c layers.ModelConfig) (*READ, error) {
	if err := needs(c, true, false); err != nil {
		return nil, err
	}
	if c.Embedding > layers.Pooled {
		return nil, fmt.Errorf("%d principal components of %d features; use %d or fewer", c.Embedding, layers.Pooled, layers.Pooled)
	}
	root := p.Root()
	n := &READ{vector: newVector(root, c)}
	n.center = root.Buffer("components.center", torch.Zeros(p.DType, torch.CPU, layers.Pooled))
	n.components = root.Buffer("components.directions", torch.Zeros(p.DType, torch.CPU, layers.Pooled, c.Embedding))
	width := c.Embedding + n.width - layers.Pooled
	n.scale = layers.NewStandardizer(root.Sub("components"), width, limit)
	n.head = newPerceptron(root.Sub("regressor"), width, 0.1, 128, 64)
	return n, nil
}

// Traits implements learn.Network.
func (n *READ) Traits() layers.Traits {
	return layers.Traits{Embeddings: []layers.Width{{Name: VectorView, Width: n.scale.Mean.Size(0)}}, Around: layers.Around{M: 1}, MovingStatistics: true}
}

// SetTargetBias implements learn.Network.
func (n *READ) SetTargetBias(v float64) { n.head.setBias(v) }

// reduced are a tile's principal components and counts as they are, [U, k + C].
func (n *READ) reduced(t layers.Tiles) *torch.Tensor {
	x := n.raw(t)
	parts := []*torch.Tensor{x.Narrow(1, 0, layers.Pooled).Sub(n.center).MatMul(n.components)}
	if c := n.width - layers.Pooled; c > 0 {
		parts = append(parts, x.Narrow(1, layers.Pooled, c))
	}
	return torch.Cat(parts, 1)
}

// Encode implements learn.Network.
func (n *READ) Encode(t layers.Tiles) layers.Views {
	var x *torch.Tensor
	torch.NoGrad(func() { x = n.scale.Forward(n.reduced(t)) })
	return layers.Views{{Name: VectorView, X: x}}
}

// Standardize implements learn.Standardized: components of the training tiles,
// then mean and spread of what goes into the head.
func (n *READ) Standardize(feed func(each func(layers.Tiles)) error) error {
	var rows []float64
	if err := feed(func(t layers.Tiles) {
		rows = append(rows, n.raw(t).Narrow(1, 0, layers.Pooled).Contiguous().Cast(torch.Float64).Float64s()...)
	}); err != nil {
		return err
	}
	center, directions, err := principal(rows, layers.Pooled, n.config.Embedding)
	if err != nil {
		return err
	}
	torch.InScope(func(*torch.Scope) {
		torch.NoGrad(func() {
			n.center.CopyInPlace(torch.FromSlice(center).Cast(n.center.DType()))
			n.components.CopyInPlace(torch.FromSlice(directions, layers.Pooled, n.config.Embedding).Cast(n.center.DType()))
		})
	})
	var m layers.Moments
	if err := feed(func(t layers.Tiles) { m.Add(n.reduced(t).Cast(torch.Float64).Float64s(), n.scale.Mean.Size(0)) }); err != nil {
		return err
	}
	n.scale.Set(&m)
	return nil
}

// principal are the mean [d] and the k directions of largest spread, [d, k], of
// rows [n, d]. A direction in which the rows do not differ is as good as any.
func principal(rows []float64, d, k int) (center, directions []float64, err error) {
	n := len(rows) / d
	x := mat.NewDense(n, d, append([]float64(nil), rows...))
	center = make([]float64, d)
	for i := range n {
		for j, v := range x.RawRowView(i) {
			center[j] += v / float64(n)
		}
	}
	for i := range n {
		for j := range d {
			x.Set(i, j, x.At(i, j)-center[j])
		}
	}
	var c mat.SymDense
	c.SymOuterK(1/float64(n), x.T())
	var e mat.EigenSym
	if !e.Factorize(&c, true) {
		return nil, nil, fmt.Errorf("the image features have no principal components: they are not finite, or far too large")
	}
	var v mat.Dense
	e.VectorsTo(&v) // of rising spread
	directions = make([]float64, d*k)
	for j := range k {
		for i := range d {
			directions[i*k+j] = v.At(i, d-1-j)
		}
	}
	return center, directions, nil
}

// Predict implements learn.Network. The view is the last hidden layer, [B, 64].
func (n *READ) Predict(e layers.Views, index *torch.Tensor) layers.Output {
	ln, last := n.head.forward(layers.Own(e.Get(VectorView), index))
	return layers.Output{LnEmission: ln, Views: layers.Views{{Name: layers.FinalView, X: last}}}
}
