package networks

import (
	"fmt"
	"math"
	"strings"

	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/learn"
)

// stack is the weighted mean of other networks (Wolpert 1992; Breiman 1996). What
// one looks at beside predictions, representations and attention weights, is of
// its first member. Members are trained by themselves.
type stack struct {
	config  layers.ModelConfig
	params  *layers.Params
	members []learn.Network
}

func newStack(p *layers.Params, c layers.ModelConfig) (*stack, error) {
	if len(c.Members) == 0 || len(c.Members) != len(c.Shares) {
		return nil, fmt.Errorf("%d shares of %d members", len(c.Shares), len(c.Members))
	}
	m, sum := &stack{config: c, params: p}, 0.0
	for k, mc := range c.Members {
		if mc.Kind == layers.KindStack {
			return nil, fmt.Errorf("a stack of stacks")
		}
		if sum += c.Shares[k]; !(c.Shares[k] >= 0) {
			return nil, fmt.Errorf("member %d has the share %g", k, c.Shares[k])
		}
		if err := p.Within(fmt.Sprint(k), func() error {
			n, err := New(p, mc)
			m.members = append(m.members, n)
			return err
		}); err != nil {
			return nil, err
		}
		a, b := m.members[k].Traits().Around, m.members[0].Traits().Around
		if a != b && !m.members[k].Traits().FeaturesAlone {
			return nil, fmt.Errorf("member %d looks at other cells than the first", k)
		}
	}
	if math.Abs(sum-1) > 1e-6 {
		return nil, fmt.Errorf("the shares add up to %g", sum)
	}
	return m, nil
}

// StackOf is the architecture of a stack of models of one region. A model of rows
// cannot be the first: it has no neighborhood.
func StackOf(members []layers.ModelConfig, shares []float64) layers.ModelConfig {
	first := members[0]
	c := layers.ModelConfig{Kind: layers.KindStack, Members: members, Shares: shares, Image: first.Image, POI: first.POI, Categories: first.Categories,
		ImageSize: first.ImageSize, Bands: first.Bands, Pixels: first.Pixels, POISize: first.POISize, Neighborhood: first.Neighborhood}
	for _, m := range members {
		c.Features = max(c.Features, m.Features)
	}
	return c
}

// Config returns the architecture.
func (m *stack) Config() layers.ModelConfig { return m.config }

// Params returns the members' parameters and buffers, each member's below its
// place.
func (m *stack) Params() *layers.Params { return m.params }

// Traits are the first member's; the embeddings are those of all.
func (m *stack) Traits() layers.Traits {
	t := m.members[0].Traits()
	t.Embeddings = nil
	for k, n := range m.members {
		for _, w := range n.Traits().Embeddings {
			t.Embeddings = append(t.Embeddings, layers.Width{Name: name(k, w.Name), Width: w.Width})
		}
	}
	return t
}

func name(member int, view string) string { return fmt.Sprintf("%d.%s", member, view) }

// Encode gives every member's embeddings, named after its place.
func (m *stack) Encode(t layers.Tiles) (e layers.Views) {
	for k, n := range m.members {
		for _, view := range n.Encode(t) {
			e = append(e, layers.View{Name: name(k, view.Name), X: view.X})
		}
	}
	return e
}

// Predict is the mean of the members' predictions.
func (m *stack) Predict(e layers.Views, index *torch.Tensor) layers.Output {
	var out layers.Output
	for k, n := range m.members {
		var own layers.Views
		for _, view := range e {
			if rest, ok := strings.CutPrefix(view.Name, name(k, "")); ok {
				own = append(own, layers.View{Name: rest, X: view.X})
			}
		}
		one := n.Predict(own, index)
		share := one.LnEmission.MulScalar(m.config.Shares[k])
		if k == 0 {
			out = one
			out.LnEmission = share
		} else {
			out.LnEmission = out.LnEmission.Add(share)
		}
	}
	return out
}

// Loss is the error of the predictions; members are trained by themselves.
func (m *stack) Loss(out layers.Output, target *torch.Tensor, o layers.LossOptions) *torch.Tensor {
	return layers.RegressionLoss(out.LnEmission, target, o)
}

// SetTargetBias does nothing: the members are trained.
func (m *stack) SetTargetBias(float64) {}

// ImagesNCHW is every member's.
func (m *stack) ImagesNCHW() {
	for _, n := range m.members {
		if n, ok := n.(interface{ ImagesNCHW() }); ok {
			n.ImagesNCHW()
		}
	}
}

// CategoryGate is the first member's.
func (m *stack) CategoryGate(t layers.Tiles) *torch.Tensor {
	if g, ok := m.members[0].(learn.Gated); ok {
		return g.CategoryGate(t)
	}
	return nil
}
