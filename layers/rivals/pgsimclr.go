package rivals

import (
	"math"
	"math/rand/v2"

	"opencarbon/layers"
	"opencarbon/torch"
)

// PGSimCLR holds tiles alike whose cells have alike facilities or lie side by
// side (Xi et al., "Beyond the first law of geography", WWW 2022): two ResNet-18
// of their own learn by SimCLR's loss, one from pairs of alike POIs, one from
// pairs of neighbors; attention joins their features, and a head sees these and
// the cell's POI counts. As the paper says, both losses are added to that of the
// prediction.
//
// The POI encoder's pair is the cell with the nearest POI counts of the region;
// the neighbors' one is, of the 8 around, the cell whose counts point most nearly
// the same way ("geo-adjacent grids with similar facility distributions"). Cells
// without POIs are in no POI pair: their counts are all the same. Anchors are the
// cells that train, and partners are any of the region's.
type PGSimCLR struct {
	similar, adjacent       *layers.ImageEncoder
	ofSimilar, ofAdjacent   *layers.Perceptron // projections
	attendHidden, attendOut *layers.Linear
	scale                   *layers.Standardizer
	head                    *perceptron
	config                  layers.ModelConfig
	params                  *layers.Params
}

// KindPGSimCLR names it.
const KindPGSimCLR = "pg-simclr"

// Views of a tile.
const (
	SimilarView  = "similar"  // [512], of the encoder of alike POIs
	AdjacentView = "adjacent" // [512], of the encoder of neighbors
)

// Of its parts.
const (
	projection      = 64
	attentionHidden = 32
)

// NewPGSimCLR registers the network in p.
func NewPGSimCLR(p *layers.Params, c layers.ModelConfig) (*PGSimCLR, error) {
	if err := needs(&c, true, true); err != nil {
		return nil, err
	}
	root := p.Root()
	linear := func(name string, in, out int, plain bool) *layers.Linear {
		return quickLinear(root.Sub(name), layers.LinearConfig{In: in, Out: out, NoBias: plain})
	}
	n := &PGSimCLR{
		similar:      newImageEncoder(root.Sub("similar", "image_encoder"), c, 0),
		adjacent:     newImageEncoder(root.Sub("adjacent", "image_encoder"), c, 0),
		ofSimilar:    layers.NewPerceptron(root.Sub("similar", "projection"), layers.Pooled, layers.Pooled, projection),
		ofAdjacent:   layers.NewPerceptron(root.Sub("adjacent", "projection"), layers.Pooled, layers.Pooled, projection),
		attendHidden: linear("attention.hidden", layers.Pooled, attentionHidden, false),
		attendOut:    linear("attention.out", attentionHidden, 1, true),
		scale:        layers.NewStandardizer(root.Sub("counts"), c.Categories, limit),
		head:         newPerceptron(root.Sub("regressor"), layers.Pooled+c.Categories, 0, 512),
		config:       c, params: p,
	}
	n.ofSimilar.Quick()
	n.ofAdjacent.Quick()
	return n, nil
}

// Config implements learn.Network.
func (n *PGSimCLR) Config() layers.ModelConfig { return n.config }

// Params implements learn.Network.
func (n *PGSimCLR) Params() *layers.Params { return n.params }

// SetTargetBias implements learn.Network.
func (n *PGSimCLR) SetTargetBias(v float64) { n.head.setBias(v) }

// Traits implements learn.Network.
func (n *PGSimCLR) Traits() layers.Traits {
	e := []layers.Width{{Name: SimilarView, Width: layers.Pooled}, {Name: AdjacentView, Width: layers.Pooled}}
	return layers.Traits{Embeddings: withCounts(e, n.config), Around: layers.Around{M: 1}}
}

// Encode implements learn.Network. In training both encoders see the same random
// crop of each tile, perhaps mirrored left to right.
func (n *PGSimCLR) Encode(t layers.Tiles) (e layers.Views) {
	if images := t.Images; images != nil {
		if n.params.Training() {
			torch.NoGrad(func() { images = layers.CroppedBy(images, n.params.Draws(images.Size(0), layers.CropDraws)) })
		}
		e = layers.Views{{Name: SimilarView, X: n.similar.Forward(images)}, {Name: AdjacentView, X: n.adjacent.Forward(images)}}
	}
	return e.With(CountsView, standardCounts(n.scale, t, n.config, n.params.DType))
}

// Standardize implements learn.Standardized.
func (n *PGSimCLR) Standardize(feed func(each func(layers.Tiles)) error) error {
	return standardizeCounts(n.scale, n.config, n.params.DType, feed)
}

// Predict implements learn.Network.
func (n *PGSimCLR) Predict(e layers.Views, index *torch.Tensor) layers.Output {
	h := attend(layers.Own(e.Get(SimilarView), index), layers.Own(e.Get(AdjacentView), index), n.attendHidden, n.attendOut)
	ln, _ := n.head.forward(torch.Cat([]*torch.Tensor{h, layers.Own(e.Get(CountsView), index)}, 1))
	return layers.Output{LnEmission: ln, Views: layers.Views{{Name: layers.FinalView, X: h}}}
}

// attend is a weighted sum of a and b [B, 512], weighed by the softmax of
// v . tanh(W h + bias).
func attend(a, b *torch.Tensor, hidden, v *layers.Linear) *torch.Tensor {
	score := func(h *torch.Tensor) *torch.Tensor { return v.Forward(hidden.Forward(h).Tanh()) } // [B, 1]
	w := torch.Cat([]*torch.Tensor{score(a), score(b)}, 1).Softmax(1)                           // [B, 2]
	return a.Mul(w.Narrow(1, 0, 1)).Add(b.Mul(w.Narrow(1, 1, 1)))
}

// Loss implements learn.Network: the prediction's part.
func (n *PGSimCLR) Loss(out layers.Output, target *torch.Tensor, o layers.LossOptions) *torch.Tensor {
	return layers.RegressionLoss(out.LnEmission, target, o)
}

// Partners implements learn.Partnered: rows of anchor, alike and neighboring tile,
// -1 for none.
func (n *PGSimCLR) Partners(g layers.Ground) (func([]int32, *rand.Rand) [][]int32, error) {
	alike, adjacent := partners(g, n.config.Categories)
	pairs := 0
	for i := range alike {
		if alike[i] >= 0 || adjacent[i] >= 0 {
			pairs++
		}
	}
	if pairs < 2 {
		return nil, layers.Lacking("fewer than two cells have a neighbor or a cell with alike points of interest: PG-SimCLR has no pairs")
	}
	return func(cells []int32, _ *rand.Rand) (rows [][]int32) {
		for _, c := range cells {
			rows = append(rows, []int32{c, alike[c], adjacent[c]})
		}
		return rows
	}, nil
}

// partners are, of every cell, the one with the nearest POI counts (the first of
// equals), and of its 8 neighbors the one with the most alike direction of counts;
// -1 for none.
func partners(g layers.Ground, categories int) (alike, adjacent []int32) {
	n := len(g.Col)
	row := func(i int) []float32 { return g.Counts[i*categories : (i+1)*categories] }
	norm := make([]float64, n)
	for i := range n {
		for _, v := range row(i) {
			norm[i] += float64(v) * float64(v)
		}
	}
	dot := func(i, j int) (sum float64) {
		a, b := row(i), row(j)
		for k := range a {
			sum += float64(a[k]) * float64(b[k])
		}
		return sum
	}
	alike, adjacent = make([]int32, n), make([]int32, n)
	for i, around := range nearby(g, 1) {
		alike[i], adjacent[i] = -1, -1
		best := math.Inf(1)
		for j := range n {
			if norm[i] == 0 || norm[j] == 0 || i == j {
				continue
			}
			if d := norm[i] + norm[j] - 2*dot(i, j); d < best {
				alike[i], best = int32(j), d
			}
		}
		best = math.Inf(-1)
		for _, j := range around {
			cosine := 0.0
			if norm[i] > 0 && norm[j] > 0 {
				cosine = dot(i, int(j)) / math.Sqrt(norm[i]*norm[j])
			}
			if cosine > best {
				adjacent[i], best = j, cosine
			}
		}
	}
	return alike, adjacent
}

// Compare implements learn.Partnered: the mean loss of both encoders' pairs.
func (n *PGSimCLR) Compare(e layers.Views, places *torch.Tensor, o layers.LossOptions) *torch.Tensor {
	tiles := e.Get(SimilarView).Size(0)
	at := places.To(torch.CPU).Int64s()
	pairs := func(view string, column int, p *layers.Perceptron) *torch.Tensor {
		var first, second []int64
		for i := 0; i < len(at); i += 3 {
			if at[i+column] < int64(tiles) {
				first, second = append(first, at[i]), append(second, at[i+column])
			}
		}
		if len(first) < 2 { // a pair alone has no negatives
			return torch.Zeros(e.Get(view).DType(), places.Device(), 1).Sum()
		}
		z := p.Forward(e.Get(view).IndexSelect(0, torch.FromSlice(append(first, second...)).To(places.Device()))) // [2N, 64]
		return layers.SimCLRLoss(z, o.Temperature)
	}
	return pairs(SimilarView, 1, n.ofSimilar).Add(pairs(AdjacentView, 2, n.ofAdjacent))
}
