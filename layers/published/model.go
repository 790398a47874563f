// Package published is the network of the authors' published program, where it
// differs from the paper, so that its checkpoints and data give the same numbers
// here. Its parameters have that program's names.
package published

import (
	"fmt"
	"opencarbon/layers"
	"opencarbon/torch"
)

// Model is the published program's network: gates behind the POI convolutions,
// raw images, self-attention beside the cross-attention, and [cross ; X_n] into
// the head.
type Model struct {
	config layers.ModelConfig
	params *layers.Params

	image                      *layers.ImageEncoder
	poi                        *layers.POIEncoder
	gridAgg, neighborAgg       *layers.AggregateAttention
	neighborImage, neighborPOI *layers.NeighborhoodEncoder
	fusion                     *fusion // nil without neighborhood
	head                       *layers.Head
}

// New registers the network in p under the published program's names.
func New(p *layers.Params, c layers.ModelConfig) (*Model, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if c.Plus || c.Statistics || c.LogCounts || c.Features > 0 {
		return nil, fmt.Errorf("the published program has no variant plus; choose one of the two")
	}
	if c.Bands != 0 || c.Pixels != "" {
		return nil, fmt.Errorf("the published program sees images of red, green and blue bytes")
	}
	m := &Model{config: c, params: p}
	root := p.Root()
	if c.Image {
		m.image = layers.NewImageEncoder(root.Sub("grid_rep", "image_encoder"), c.Embedding)
		m.image.RawBGR()
	}
	if c.POI {
		var err error
		m.poi, err = layers.NewPOIEncoder(root.Sub("grid_rep", "poi_encoder"), layers.POIEncoderConfig{Categories: c.Categories,
			Embedding: c.Embedding, Size: c.POISize, Kernel: c.POIEncoder, SE: c.SE, SERatio: c.SERatio, Published: true})
		if err != nil {
			return nil, err
		}
	}
	if c.Image && c.POI {
		m.gridAgg = layers.NewAggregateAttention(root.Sub("grid_agg"), c.Embedding)
	}
	width := c.Embedding
	if c.Neighborhood > 1 {
		n := root.Sub("neighbor_rep")
		if c.Image {
			m.neighborImage = layers.NewNeighborhoodEncoder(n.Sub("image_encoder"), n.Sub("image_fc"), c.Embedding)
		}
		if c.POI {
			m.neighborPOI = layers.NewNeighborhoodEncoder(n.Sub("poi_encoder"), n.Sub("poi_fc"), c.Embedding)
		}
		if c.Image && c.POI {
			m.neighborAgg = layers.NewAggregateAttention(root.Sub("neighbor_agg"), c.Embedding)
			m.neighborAgg.StartAs(m.gridAgg)
		}
		m.fusion = newFusion(root, c.Heads)
		width = 2 * c.Embedding
	} else {
		layers.NewFeatureAttention(root.Sub("self_grid"), max(1, c.Heads)) // the published program keeps it, and never uses it
	}
	m.head = layers.NewHead(root.Sub("regressor"), width, c.Embedding)
	return m, nil
}

// Config returns the architecture.
func (m *Model) Config() layers.ModelConfig { return m.config }

// Params returns the parameters and buffers.
func (m *Model) Params() *layers.Params { return m.params }

// Traits returns what a trainer must know.
func (m *Model) Traits() layers.Traits {
	return layers.Traits{Embeddings: m.config.ModalityEmbeddings(), MovingStatistics: true,
		Around: layers.Around{M: m.config.Neighborhood, XFirst: true, Missing: true}}
}

// SetTargetBias starts the head at v; the published program does not.
func (m *Model) SetTargetBias(v float64) { m.head.SetBias(v) }

// Encode maps each distinct tile to its embeddings [U, m], once.
func (m *Model) Encode(t layers.Tiles) (e layers.Views) {
	if m.image != nil && t.Images != nil {
		e = e.With(layers.ImageView, m.image.Forward(t.Images))
	}
	if m.poi != nil {
		e = e.With(layers.POIView, m.poi.Encode(t))
	}
	return e
}

// Predict maps the embeddings of U distinct tiles and the index [B, M, M] int64
// of each cell's neighborhood to ln emission [B]. The last view is the head's
// input, [B, 2m] with a neighborhood.
func (m *Model) Predict(e layers.Views, index *torch.Tensor) layers.Output {
	image, poi := e.Get(layers.ImageView), e.Get(layers.POIView)
	ownImage, ownPOI := layers.Own(image, index), layers.Own(poi, index) // [B, m]
	grid, gridWeights := layers.Fuse(m.gridAgg, ownImage, ownPOI)        // [B, m]
	final := grid
	var neighborhood, neighborhoodWeights *torch.Tensor
	if m.fusion != nil {
		var xs, xp *torch.Tensor
		if m.neighborImage != nil {
			xs = m.neighborImage.Forward(layers.GatherNeighborhood(image, index)) // [B, m]
		}
		if m.neighborPOI != nil {
			xp = m.neighborPOI.Forward(layers.GatherNeighborhood(poi, index)) // [B, m]
		}
		neighborhood, neighborhoodWeights = layers.Fuse(m.neighborAgg, xs, xp) // [B, m]
		final = m.fusion.forward(grid, neighborhood)                           // [B, 2m]
	}
	return layers.Output{
		LnEmission: m.head.Forward(final), // [B]
		Views: layers.Views{}.With(layers.ImageView, ownImage).With(layers.POIView, ownPOI).With(layers.GridView, grid).
			With(layers.NeighborhoodView, neighborhood).With(layers.FinalView, final),
		Weights: layers.Views{}.With(layers.GridView, gridWeights).With(layers.NeighborhoodView, neighborhoodWeights),
	}
}

// Forward is Encode and Predict in one.
func (m *Model) Forward(t layers.Tiles, index *torch.Tensor) layers.Output {
	return m.Predict(m.Encode(t), index)
}

// Loss is the published program's: the regression loss and its own contrastive
// one. target is [B]; the result is a scalar in its type.
func (m *Model) Loss(out layers.Output, target *torch.Tensor, o layers.LossOptions) *torch.Tensor {
	l := layers.RegressionLoss(out.LnEmission, target, o)
	if o.Contrastive && target.Size(0) > 1 {
		l = l.Add(Contrastive(out.Views.Get(layers.ImageView), out.Views.Get(layers.POIView), o.Temperature).MulScalar(o.Alpha))
	}
	return l
}

// Contrastive is the published program's contrastive loss: the mean
// cross-entropy of X_s X_p^T / tau against the diagonal, image to POI only, the
// embeddings not normalized. xs and xp are [B, m]; the result is a scalar.
func Contrastive(xs, xp *torch.Tensor, temperature float64) *torch.Tensor {
	s := xs.MatMul(xp.Transpose(0, 1)).DivScalar(temperature) // [B, B]
	own := torch.Arange(0, float64(xs.Size(0)), 1, torch.Int64).To(xs.Device())
	return torch.CrossEntropy(s, own)
}

// fusion is the published program's part between fusion and head: self-attention
// with residual on both levels, cross-attention without, and both results side
// by side into the head.
type fusion struct{ grid, neighbor, cross *layers.FeatureAttention }

func newFusion(p layers.Path, heads int) *fusion {
	return &fusion{
		cross:    layers.NewFeatureAttention(p.Sub("cross_from_neighborhood"), heads),
		grid:     layers.NewFeatureAttention(p.Sub("self_grid"), heads),
		neighbor: layers.NewFeatureAttention(p.Sub("self_neighbor"), heads),
	}
}

// forward maps X_g and X_n [B, m] to [B, 2m].
func (f *fusion) forward(xg, xn *torch.Tensor) *torch.Tensor {
	xg = f.grid.Forward(xg, xg).Add(xg)                               // [B, m]
	xn = f.neighbor.Forward(xn, xn).Add(xn)                           // [B, m]
	return torch.Cat([]*torch.Tensor{f.cross.Forward(xn, xg), xn}, 1) // [B, 2m]
}
