package rivals

import (
	"fmt"

	"gonum.org/v1/gonum/mat"

	"opencarbon/layers"
	"opencarbon/torch"
)

// READ predicts from the features of its pretrained image encoder (Han et al.,
// AAAI 2020; see MeanTeacherLoss for the encoder). There, a district's tiles are
// reduced to a few principal components, and their mean, spread and correlations
// describe it. A cell has one tile, of which these say nothing: here its
// components, as many as Embedding, and the POI counts go into a perceptron.
type READ struct {
	*vector
	center     *torch.Tensor // [512], of the training tiles
	components *torch.Tensor // [512, k]
	head       *perceptron
}

// KindREAD names it.
const KindREAD = "read"

// NewREAD registers the network in p; c.Embedding is the number of components.
func NewREAD(p *layers.Params, c layers.ModelConfig) (*READ, error) {
	if err := needs(&c, true, false); err != nil {
		return nil, err
	}
	if c.Embedding > layers.Pooled {
		return nil, fmt.Errorf("%d principal components of %d features; use %d or fewer", c.Embedding, layers.Pooled, layers.Pooled)
	}
	root := p.Root()
	n := &READ{vector: newVector(root, c, c.Embedding)}
	n.center = root.Buffer("components.center", torch.Zeros(p.DType, torch.CPU, layers.Pooled))
	n.components = root.Buffer("components.directions", torch.Zeros(p.DType, torch.CPU, layers.Pooled, c.Embedding))
	n.reduce = func(x *torch.Tensor) *torch.Tensor { return x.Sub(n.center).MatMul(n.components) }
	n.head = newPerceptron(root.Sub("regressor"), n.width, 0.1, 128, 64)
	return n, nil
}

// Traits implements learn.Network.
func (n *READ) Traits() layers.Traits {
	return layers.Traits{Embeddings: n.embeddings(), Around: layers.Around{M: 1}, MovingStatistics: true}
}

// SetTargetBias implements learn.Network.
func (n *READ) SetTargetBias(v float64) { n.head.setBias(v) }

// Standardize implements learn.Standardized: the components of the training tiles,
// then mean and spread of what goes into the head.
func (n *READ) Standardize(feed func(each func(layers.Tiles)) error) error {
	var rows []float64
	if err := feed(func(t layers.Tiles) { rows = append(rows, n.pooled(t).Cast(torch.Float64).Float64s()...) }); err != nil {
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
	return n.vector.Standardize(feed)
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
	ln, last := n.head.forward(layers.Own(n.row(e), index))
	return layers.Output{LnEmission: ln, Views: layers.Views{{Name: layers.FinalView, X: last}}}
}
