// Package opencarbon is the paper's network (OpenCarbon, IJCAI 2025, section 4
// and Figure 2), built of the bricks of package layers.
package opencarbon

import (
	"opencarbon/layers"
	"opencarbon/torch"
)

// Model is OpenCarbon as in Figure 2. With one modality the aggregate-
// attentions fall away; without a neighborhood the cross-attention does.
//
// In the paper's equations the neighborhood X_n reaches the prediction as the
// query of the cross-attention alone, through the softmax of Eq. 6: it can
// weigh the cell's own features, but add nothing to them. With Config.Plus the
// head sees [X_g^f ; X_n] (as in the authors' published program), and each
// modality's X_n has a linear path past its convolutions
// (NeighborhoodEncoder.AddDirect). All of the paper's modules stay.
type Model struct {
	config layers.ModelConfig
	params *layers.Params

	image                      *layers.ImageEncoder
	frozen                     *layers.Perceptron // in its place, on features
	poi                        *layers.POIEncoder
	gridAgg, neighborAgg       *layers.AggregateAttention
	neighborImage, neighborPOI *layers.NeighborhoodEncoder
	cross                      *layers.CrossAttention
	wide                       *wide // nil in the paper's network
	head                       *layers.Head
}

// New registers the network in p, with parameters named as in the published
// program wherever it has the same module.
func New(p *layers.Params, c layers.ModelConfig) (*Model, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	m := &Model{config: c, params: p}
	root := p.Root()
	if c.FrozenImage {
		m.frozen = layers.NewPerceptron(root.Sub("grid_rep", "frozen_image"), c.ImageFeatures, hidden, c.Embedding)
	} else if c.Image {
		m.image = layers.NewTunedImageEncoder(root.Sub("grid_rep", "image_encoder"), c.ImageInput(), c.Embedding, c.ImageTrained)
		if c.Plus { // the paper's network keeps its numbers to the bit
			m.image.SkipPadding()
			m.image.Winograd()
		}
	}
	if c.POI {
		var err error
		m.poi, err = layers.NewPOIEncoder(root.Sub("grid_rep", "poi_encoder"), layers.POIEncoderConfig{Categories: c.Categories,
			Embedding: c.Embedding, Size: c.POISize, Kernel: c.POIEncoder, SE: c.SE, SERatio: c.SERatio})
		if err != nil {
			return nil, err
		}
	}
	if c.Image && c.POI {
		m.gridAgg = layers.NewAggregateAttention(root.Sub("grid_agg"), c.Embedding)
	}
	if c.Neighborhood > 1 {
		n := root.Sub("neighbor_rep")
		encoder := func(modality string) *layers.NeighborhoodEncoder {
			e := layers.NewNeighborhoodEncoder(n.Sub(modality+"_encoder"), n.Sub(modality+"_fc"), c.Embedding)
			if c.Plus {
				e.AddDirect(n.Sub(modality+"_direct"), c.Embedding)
			}
			return e
		}
		if c.Image {
			m.neighborImage = encoder("image")
		}
		if c.POI {
			m.neighborPOI = encoder("poi")
		}
		if c.Image && c.POI {
			m.neighborAgg = layers.NewAggregateAttention(root.Sub("neighbor_agg"), c.Embedding)
		}
	}
	width := c.Embedding
	if c.Neighborhood > 1 {
		m.cross = layers.NewCrossAttention(root.Sub("cross_from_neighborhood"), c.Heads)
		if c.Plus {
			width = 2 * c.Embedding
		}
	}
	if m.wide = newWide(root.Sub("wide"), c); m.wide != nil && m.wide.features != nil {
		width += c.Embedding
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
	e := m.config.ModalityEmbeddings()
	return layers.Traits{Embeddings: append(e, m.wide.views()...), Around: layers.Around{M: m.config.Neighborhood}}
}

// SetTargetBias starts the head at v, normally the training targets' mean.
func (m *Model) SetTargetBias(v float64) { m.head.SetBias(v) }

// ImagesNCHW keeps images in PyTorch's default memory format; channels_last, the
// ordinary choice here, is quicker. It is there to be compared with.
func (m *Model) ImagesNCHW() {
	if m.image != nil {
		m.image.NCHW()
	}
}

// Encode maps each distinct tile to its embeddings X_s and X_p [U, m], once.
// Inputs of one kind alone (images, POIs, features) give that kind's embeddings.
func (m *Model) Encode(t layers.Tiles) (e layers.Views) {
	switch {
	case m.image == nil:
	case t.Fixed != nil:
		e = e.With(layers.ImageView, m.image.Embed(t.Fixed.Narrow(1, 0, layers.Pooled)))
	case t.Images != nil:
		e = e.With(layers.ImageView, m.image.Forward(t.Images))
	}
	if m.frozen != nil && t.Features != nil {
		x := m.params.Dropout(m.wide.features.Forward(t.Features.Cast(m.params.DType)), m.config.WideDropout)
		e = e.With(layers.ImageView, m.frozen.Forward(x.Narrow(1, 0, m.config.ImageFeatures)))
	}
	if m.poi != nil && (t.Points != nil || t.POIs != nil) {
		e = e.With(layers.POIView, m.poi.Encode(t))
	}
	if m.wide != nil {
		e = m.wide.encode(t, e)
	}
	return e
}

// HasFixed reports whether images go through an encoder that is not trained but
// for its last layer, so that each is looked at once.
func (m *Model) HasFixed() bool { return m.image != nil && m.config.ImageTrained == layers.TrainNone }

// Freeze maps images to that encoder's features and, where the network has a path
// for them, their statistics: [U, 512 or 512+18].
func (m *Model) Freeze(images *torch.Tensor) *torch.Tensor {
	x := m.image.Pooled(images)
	if m.wide == nil || m.wide.image == nil {
		return x
	}
	return torch.Cat([]*torch.Tensor{x, layers.ImageStatistics(images, x.DType())}, 1)
}

// Standardize takes mean and spread of the statistics over the training tiles,
// which feed hands out in chunks.
func (m *Model) Standardize(feed func(each func(layers.Tiles)) error) error {
	if m.wide == nil {
		return nil
	}
	var image, poi, features layers.Moments
	add := func(m *layers.Moments, x *torch.Tensor) {
		if x != nil {
			m.Add(x.Cast(torch.Float64).Float64s(), x.Size(1))
		}
	}
	if err := feed(func(t layers.Tiles) {
		x, y, z := m.wide.raw(t)
		add(&image, x)
		add(&poi, y)
		add(&features, z)
	}); err != nil {
		return err
	}
	set := func(s *layers.Standardizer, m *layers.Moments) {
		if s != nil {
			s.Set(m)
		}
	}
	set(m.wide.image, &image)
	set(m.wide.poi, &poi)
	set(m.wide.features, &features)
	return nil
}

// CategoryGate returns the first squeeze-and-excitation gate's weights [U, C],
// or nil where the model has none.
func (m *Model) CategoryGate(t layers.Tiles) *torch.Tensor {
	if m.poi == nil {
		return nil
	}
	return m.poi.CategoryGate(t)
}

// Predict maps the embeddings of U distinct tiles and the index [B, M, M]
// int64 of each cell's neighborhood (U = no such cell) to the model's output.
// Its views are X_s, X_p, X_g, X_n [B, m] and the head's input X_g^f [B, m],
// with Plus [B, 2m].
func (m *Model) Predict(e layers.Views, index *torch.Tensor) layers.Output {
	image, poi := e.Get(layers.ImageView), e.Get(layers.POIView)
	ownImage, ownPOI := layers.Own(image, index), layers.Own(poi, index) // [B, m]
	grid, gridWeights := layers.Fuse(m.gridAgg, ownImage, ownPOI)        // X_g [B, m]
	final := grid
	var neighborhood, neighborhoodWeights *torch.Tensor
	if m.cross != nil {
		var xs, xp *torch.Tensor
		if m.neighborImage != nil {
			xs = m.neighborImage.Forward(layers.GatherNeighborhood(image, index)) // [B, m]
		}
		if m.neighborPOI != nil {
			xp = m.neighborPOI.Forward(layers.GatherNeighborhood(poi, index)) // [B, m]
		}
		neighborhood, neighborhoodWeights = layers.Fuse(m.neighborAgg, xs, xp) // X_n [B, m]
		final = m.cross.Forward(neighborhood, grid)                            // X_g^f [B, m]
		if m.config.Plus {
			final = torch.Cat([]*torch.Tensor{final, neighborhood}, 1) // [B, 2m]
		}
	}
	input := final
	var shift *torch.Tensor
	if m.wide != nil && m.wide.features != nil {
		var deep *torch.Tensor
		deep, shift = m.wide.head(e, index)
		input = torch.Cat([]*torch.Tensor{final, deep}, 1)
	}
	ln := m.head.Forward(input) // [B]
	if shift != nil {
		ln = ln.Add(shift)
	}
	return layers.Output{
		LnEmission: ln,
		Views: layers.Views{}.With(layers.ImageView, ownImage).With(layers.POIView, ownPOI).With(layers.GridView, grid).
			With(layers.NeighborhoodView, neighborhood).With(layers.FinalView, final),
		Weights: layers.Views{}.With(layers.GridView, gridWeights).With(layers.NeighborhoodView, neighborhoodWeights),
	}
}

// Forward is Encode and Predict in one.
func (m *Model) Forward(t layers.Tiles, index *torch.Tensor) layers.Output {
	return m.Predict(m.Encode(t), index)
}

// Loss is Eq. 7-8: the sum over the batch of |y_hat - y| + alpha * l_c. A batch
// of one has no contrastive term. target is [B]; the result is a scalar in its
// type.
func (m *Model) Loss(out layers.Output, target *torch.Tensor, o layers.LossOptions) *torch.Tensor {
	l := layers.RegressionLoss(out.LnEmission, target, o)
	if o.Contrastive && target.Size(0) > 1 {
		l = l.Add(layers.NTXent(out.Views.Get(layers.ImageView), out.Views.Get(layers.POIView), o.Temperature).Sum().MulScalar(o.Alpha))
	}
	return l
}
