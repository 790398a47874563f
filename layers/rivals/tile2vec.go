package rivals

import (
	"math/rand/v2"
	"slices"

	"opencarbon/layers"
	"opencarbon/torch"
)

// Tile2Vec learns that a tile lies nearer to its neighbor than to a distant tile
// (Jean et al., AAAI 2019), and beside it to predict: a head sees the embedding
// and the cell's POI counts. Cells are the tiles. Anchors are the cells that
// train; neighbors and distant tiles are any of the region's, whether they have a
// target or not.
//
// The encoder is OpenCarbon's ResNet-18 and not Tile2Vec's own (without pooling
// at the start, five stages), which costs 16 times as much on a tile of 32 pixels.
type Tile2Vec struct {
	image  *layers.ImageEncoder
	scale  *layers.Standardizer // nil without POIs
	head   *perceptron
	config layers.ModelConfig
	params *layers.Params
}

// KindTile2Vec names it.
const KindTile2Vec = "tile2vec"

// Of the triplets, as in the example that the authors publish; the radius, in
// cells, is ours.
const (
	tripletMargin = 10
	tripletDecay  = 0.01 // l2
	tripletRadius = 1
)

// EmbeddingView is Tile2Vec's z.
const EmbeddingView = layers.ImageView

// NewTile2Vec registers the network in p; c.Embedding is the width of z.
func NewTile2Vec(p *layers.Params, c layers.ModelConfig) (*Tile2Vec, error) {
	if err := needs(&c, true, false); err != nil {
		return nil, err
	}
	n := &Tile2Vec{image: newImageEncoder(p.Root().Sub("grid_rep", "image_encoder"), c, c.Embedding), config: c, params: p}
	in := c.Embedding
	if c.POI {
		n.scale = layers.NewStandardizer(p.Root().Sub("counts"), c.Categories, limit)
		in += c.Categories
	}
	n.head = newPerceptron(p.Root().Sub("regressor"), in, 0, 64)
	return n, nil
}

// Config implements learn.Network.
func (n *Tile2Vec) Config() layers.ModelConfig { return n.config }

// Params implements learn.Network.
func (n *Tile2Vec) Params() *layers.Params { return n.params }

// SetTargetBias implements learn.Network.
func (n *Tile2Vec) SetTargetBias(v float64) { n.head.setBias(v) }

// Traits implements learn.Network.
func (n *Tile2Vec) Traits() layers.Traits {
	e := []layers.Width{{Name: EmbeddingView, Width: n.config.Embedding}}
	return layers.Traits{Embeddings: withCounts(e, n.config), Around: layers.Around{M: 1}}
}

// Encode implements learn.Network: z [U, Embedding] and the counts [U, C].
func (n *Tile2Vec) Encode(t layers.Tiles) (e layers.Views) {
	if t.Images != nil {
		e = e.With(EmbeddingView, n.image.Forward(t.Images))
	}
	return e.With(CountsView, standardCounts(n.scale, t, n.config, n.params.DType))
}

// Standardize implements learn.Standardized.
func (n *Tile2Vec) Standardize(feed func(each func(layers.Tiles)) error) error {
	return standardizeCounts(n.scale, n.config, n.params.DType, feed)
}

// Predict implements learn.Network.
func (n *Tile2Vec) Predict(e layers.Views, index *torch.Tensor) layers.Output {
	own := layers.Own(e.Get(EmbeddingView), index)
	x := own
	if c := e.Get(CountsView); c != nil {
		x = torch.Cat([]*torch.Tensor{own, layers.Own(c, index)}, 1)
	}
	ln, _ := n.head.forward(x)
	return layers.Output{LnEmission: ln, Views: layers.Views{{Name: layers.FinalView, X: own}}}
}

// Loss implements learn.Network: the prediction's part.
func (n *Tile2Vec) Loss(out layers.Output, target *torch.Tensor, o layers.LossOptions) *torch.Tensor {
	return layers.RegressionLoss(out.LnEmission, target, o)
}

// Partners implements learn.Partnered: rows of anchor, neighbor and distant tile.
func (n *Tile2Vec) Partners(g layers.Ground) (func([]int32, *rand.Rand) [][]int32, error) {
	near := nearby(g, tripletRadius)
	others := 0
	for i := range near {
		if len(near[i]) > 0 && len(near[i])+1 < len(near) {
			others++
		}
	}
	if others == 0 {
		return nil, layers.Lacking("no cell has both a neighbor and a cell that is none: Tile2Vec has no triplets")
	}
	return func(cells []int32, r *rand.Rand) (rows [][]int32) {
		for _, anchor := range cells {
			around := near[anchor]
			if len(around) == 0 || len(around)+1 >= len(near) {
				continue
			}
			distant := anchor
			for distant == anchor || slices.Contains(around, distant) {
				distant = int32(r.IntN(len(near)))
			}
			rows = append(rows, []int32{anchor, around[r.IntN(len(around))], distant})
		}
		return rows
	}, nil
}

// Compare implements learn.Partnered.
func (n *Tile2Vec) Compare(e layers.Views, places *torch.Tensor, _ layers.LossOptions) *torch.Tensor {
	z := e.Get(EmbeddingView)
	column := func(i int) *torch.Tensor { return z.IndexSelect(0, places.Select(1, i).Contiguous()) }
	return TripletLoss(column(0), column(1), column(2), tripletMargin, tripletDecay)
}

// TripletLoss is the mean of max(0, |a - n| - |a - d| + margin) over rows of
// anchors, neighbors and distant tiles [R, z], and l2 times the norms of the three
// whole matrices. A scalar.
func TripletLoss(anchor, neighbor, distant *torch.Tensor, margin, l2 float64) *torch.Tensor {
	loss := distance(anchor, neighbor).Sub(distance(anchor, distant)).AddScalar(margin).ReLU().Mean()
	for _, z := range []*torch.Tensor{anchor, neighbor, distant} {
		loss = loss.Add(z.Square().Sum().AddScalar(tiny).Sqrt().MulScalar(l2))
	}
	return loss
}

// tiny keeps the slope of a root finite at 0, where two tiles are the same.
const tiny = 1e-12

func distance(a, b *torch.Tensor) *torch.Tensor {
	return a.Sub(b).Square().Sum(torch.Along(1)).AddScalar(tiny).Sqrt()
}
