package layers

import (
	"fmt"

	"opencarbon/torch"
)

// ModelConfig describes an OpenCarbon model. There are no defaults: package
// train/config has them.
type ModelConfig struct {
	Reference    bool   // the published program instead of the paper's equations
	Plus         bool   // the paper's network with the neighborhood brought to the head as well; see Model
	Image, POI   bool   // modalities; at least one
	Categories   int    // C, number of POI categories
	ImageSize    int    // H = W of images in pixels
	POISize      int    // H = W of the frame that POIs are counted in; 0: as ImageSize
	Embedding    int    // m
	Neighborhood int    // M: 3, 5 or 7; 1 leaves the neighborhood out
	POIEncoder   string // k7 or k37
	SE           bool   // squeeze-and-excitation gates
	SERatio      int    // their compression ratio n
	Heads        int    // of the cross-attention
}

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
	Config ModelConfig
	Store  *Params

	image                      *ImageEncoder
	poi                        *POIEncoder
	gridAgg, neighborAgg       *AggregateAttention
	neighborImage, neighborPOI *NeighborhoodEncoder
	cross                      *CrossAttention
	reference                  *referenceFusion // in the place of cross
	head                       *Head
}

// Tiles are the inputs of U distinct tiles.
type Tiles struct {
	Images *torch.Tensor // [U, 3, H, W] uint8 RGB; nil without images
	POIs   *torch.Tensor // [U, C, H, W] POI counts; nil without POIs
	Points *torch.Points // the same as sparse points, in the place of POIs
}

// Embeddings are X_s and X_p [U, m] of distinct tiles, nil for an absent
// modality.
type Embeddings struct{ Image, POI *torch.Tensor }

// Output is what the model says of B cells, with the representations and
// weights that users look at.
type Output struct {
	LnEmission          *torch.Tensor // [B]
	Center              Embeddings    // X_s and X_p of the cells themselves, [B, m]
	Grid                *torch.Tensor // X_g, [B, m]
	Neighborhood        *torch.Tensor // X_n, [B, m]; nil without neighborhood
	Final               *torch.Tensor // X_g^f, [B, m]; in the reference variant and with Plus the head's input, [B, 2m]
	GridWeights         *torch.Tensor // [B, 2]: image, POI; nil with one modality
	NeighborhoodWeights *torch.Tensor // [B, 2]; nil with one modality or without neighborhood
}

// NewModel registers the model in s, with parameters named as in the
// published program wherever it has the same module.
func NewModel(s *Params, c ModelConfig) (*Model, error) {
	switch {
	case !c.Image && !c.POI:
		return nil, fmt.Errorf("a model needs a modality: image, poi or both")
	case c.Embedding < 1:
		return nil, fmt.Errorf("embeddings of %d numbers say nothing; use 1 or more", c.Embedding)
	case c.Neighborhood > 1 && c.Heads < 1:
		return nil, fmt.Errorf("a cross-attention of %d heads attends to nothing; use 1 or more", c.Heads)
	case c.POI && c.Categories < 1:
		return nil, fmt.Errorf("the POI modality is on, but there are no POI categories")
	case c.Plus && c.Reference:
		return nil, fmt.Errorf("the published program has no variant plus; choose one of the two")
	case c.Neighborhood < 1 || c.Neighborhood%2 == 0:
		return nil, fmt.Errorf("the neighborhood is %d cells wide; it must be odd: 1, 3, 5 or 7", c.Neighborhood)
	case c.Image && c.ImageSize < 32:
		return nil, fmt.Errorf("images of %d pixels are too small for ResNet-18; use 32 or more", c.ImageSize)
	}
	if c.POISize == 0 {
		c.POISize = c.ImageSize
	}
	m := &Model{Config: c, Store: s}
	root := s.Root()
	if c.Image {
		m.image = NewImageEncoder(root.Sub("grid_rep", "image_encoder"), c.Embedding)
		m.image.raw = c.Reference
	}
	if c.POI {
		var err error
		m.poi, err = NewPOIEncoder(root.Sub("grid_rep", "poi_encoder"), POIEncoderConfig{Categories: c.Categories,
			Embedding: c.Embedding, Size: c.POISize, Kernel: c.POIEncoder, SE: c.SE, SERatio: c.SERatio, Reference: c.Reference})
		if err != nil {
			return nil, err
		}
	}
	if c.Image && c.POI {
		m.gridAgg = NewAggregateAttention(root.Sub("grid_agg"), c.Embedding)
	}
	if c.Neighborhood > 1 {
		n := root.Sub("neighbor_rep")
		if c.Image {
			m.neighborImage = NewNeighborhoodEncoder(n.Sub("image_encoder"), n.Sub("image_fc"), c.Embedding)
			if c.Plus {
				m.neighborImage.AddDirect(n.Sub("image_direct"), c.Embedding)
			}
		}
		if c.POI {
			m.neighborPOI = NewNeighborhoodEncoder(n.Sub("poi_encoder"), n.Sub("poi_fc"), c.Embedding)
			if c.Plus {
				m.neighborPOI.AddDirect(n.Sub("poi_direct"), c.Embedding)
			}
		}
		if c.Image && c.POI {
			m.neighborAgg = NewAggregateAttention(root.Sub("neighbor_agg"), c.Embedding)
		}
	}
	width := c.Embedding
	switch {
	case c.Neighborhood > 1 && c.Reference:
		m.reference = newReferenceFusion(root, c.Heads)
		width = 2 * c.Embedding
	case c.Neighborhood > 1:
		m.cross = NewCrossAttention(root.Sub("cross_from_neighborhood"), c.Heads)
		if c.Plus {
			width = 2 * c.Embedding
		}
	}
	m.head = NewHead(root.Sub("regressor"), width, c.Embedding)
	return m, nil
}

// SetTargetBias starts the head at v, normally the training targets' mean.
func (m *Model) SetTargetBias(v float64) { m.head.SetBias(v) }

// ImagesNCHW keeps images in PyTorch's default memory format; channels_last, the
// ordinary choice here, is quicker. It is there to be compared with.
func (m *Model) ImagesNCHW() {
	if m.image != nil {
		m.image.nchw = true
	}
}

// Encode maps each distinct tile to its embeddings, once. Inputs of one modality
// alone give that modality's embeddings.
func (m *Model) Encode(t Tiles) Embeddings {
	var e Embeddings
	if m.image != nil && t.Images != nil {
		e.Image = m.image.Forward(t.Images)
	}
	switch {
	case m.poi != nil && t.Points != nil:
		e.POI = m.poi.ForwardPoints(t.Points)
	case m.poi != nil && t.POIs != nil:
		e.POI = m.poi.Forward(t.POIs)
	}
	return e
}

// CategoryGate returns the first squeeze-and-excitation gate's weights [U, C],
// or nil where the model has none.
func (m *Model) CategoryGate(t Tiles) *torch.Tensor {
	if m.poi == nil {
		return nil
	}
	return m.poi.CategoryGate(t)
}

// Predict maps the embeddings of U distinct tiles and the index [B, M, M]
// int64 of each cell's neighborhood (U = no such cell) to the model's output.
func (m *Model) Predict(e Embeddings, index *torch.Tensor) Output {
	k := m.Config.Neighborhood / 2
	center := index.Select(1, k).Select(1, k).Contiguous() // [B]
	pick := func(x *torch.Tensor) *torch.Tensor {
		if x == nil {
			return nil
		}
		return x.IndexSelect(0, center)
	}
	o := Output{Center: Embeddings{pick(e.Image), pick(e.POI)}}           // [B, m]
	o.Grid, o.GridWeights = fuse(m.gridAgg, o.Center.Image, o.Center.POI) // X_g [B, m]
	o.Final = o.Grid
	if m.Config.Neighborhood > 1 {
		var xs, xp *torch.Tensor
		if m.neighborImage != nil {
			xs = m.neighborImage.Forward(GatherNeighborhood(e.Image, index)) // [B, m]
		}
		if m.neighborPOI != nil {
			xp = m.neighborPOI.Forward(GatherNeighborhood(e.POI, index)) // [B, m]
		}
		o.Neighborhood, o.NeighborhoodWeights = fuse(m.neighborAgg, xs, xp) // X_n [B, m]
		if m.reference != nil {
			o.Final = m.reference.forward(o.Grid, o.Neighborhood) // [B, 2m]
		} else {
			o.Final = m.cross.Forward(o.Neighborhood, o.Grid) // X_g^f [B, m]
			if m.Config.Plus {
				o.Final = torch.Cat([]*torch.Tensor{o.Final, o.Neighborhood}, 1) // [B, 2m]
			}
		}
	}
	o.LnEmission = m.head.Forward(o.Final) // [B]
	return o
}

// Forward is Encode and Predict in one.
func (m *Model) Forward(t Tiles, index *torch.Tensor) Output { return m.Predict(m.Encode(t), index) }

// fuse joins the modalities, or passes the only one on.
func fuse(a *AggregateAttention, xs, xp *torch.Tensor) (x, weights *torch.Tensor) {
	switch {
	case a != nil:
		return a.Forward(xs, xp)
	case xs != nil:
		return xs, nil
	default:
		return xp, nil
	}
}
