package layers

import (
	"opencarbon/torch"
)

// What follows is the authors' published program where it differs from the
// paper, so that its checkpoints and data give the same numbers here. Model
// switches to it by ModelConfig.Reference; the parameter names are the same in
// both variants.

// OutputGate is the published program's squeeze-and-excitation: it stands
// behind a convolution, works on its output channels, and is made of two 1 x 1
// convolutions with bias.
type OutputGate struct{ fc1, fc2 *Conv2d }

// NewOutputGate registers the convolutions c -> c/ratio -> c under p.
func NewOutputGate(p Path, c, ratio int) *OutputGate {
	hidden := max(1, c/max(1, ratio))
	return &OutputGate{
		fc1: NewConv2d(p.Sub("fc1"), Conv2dConfig{In: c, Out: hidden, Kernel: 1}),
		fc2: NewConv2d(p.Sub("fc2"), Conv2dConfig{In: hidden, Out: c, Kernel: 1}),
	}
}

// Forward scales the channels of x [U, C, H, W].
func (g *OutputGate) Forward(x *torch.Tensor) *torch.Tensor {
	z := x.Mean(torch.Keeping(2, 3))                               // [U, C, 1, 1]
	return x.Mul(g.fc2.Forward(g.fc1.Forward(z).ReLU()).Sigmoid()) // [U, C, H, W]
}

// referenceFusion is the published program's part between fusion and head:
// self-attention with residual on both levels, cross-attention without, and
// both results side by side into the head.
type referenceFusion struct{ grid, neighbor, cross *FeatureAttention }

func newReferenceFusion(p Path, heads int) *referenceFusion {
	return &referenceFusion{
		cross:    NewFeatureAttention(p.Sub("cross_from_neighborhood"), heads),
		grid:     NewFeatureAttention(p.Sub("self_grid"), heads),
		neighbor: NewFeatureAttention(p.Sub("self_neighbor"), heads),
	}
}

// forward maps X_g and X_n [B, m] to [B, 2m].
func (f *referenceFusion) forward(xg, xn *torch.Tensor) *torch.Tensor {
	xg = f.grid.Forward(xg, xg).Add(xg)                               // [B, m]
	xn = f.neighbor.Forward(xn, xn).Add(xn)                           // [B, m]
	return torch.Cat([]*torch.Tensor{f.cross.Forward(xn, xg), xn}, 1) // [B, 2m]
}

// referenceImages is the published program's input: OpenCV's channel order
// (blue, green, red), 0 to 255, no normalization. images are [U, 3, H, W]
// uint8 RGB.
func referenceImages(images *torch.Tensor, d torch.DType) *torch.Tensor {
	return images.Flip(1).ChannelsLast().Cast(d)
}

// ReferenceContrastive is the published program's contrastive loss: the mean
// cross-entropy of X_s X_p^T / tau against the diagonal, image to POI only, the
// embeddings not normalized. xs and xp are [B, m]; the result is a scalar.
func ReferenceContrastive(xs, xp *torch.Tensor, temperature float64) *torch.Tensor {
	s := xs.MatMul(xp.Transpose(0, 1)).DivScalar(temperature) // [B, B]
	own := torch.Arange(0, float64(xs.Size(0)), 1, torch.Int64).To(xs.Device())
	return torch.CrossEntropy(s, own)
}

// EncodeSlices encodes as the published program does: all B*M*M tiles in M*M
// consecutive slices of B rows of the flattened index [B, M, M], so that batch
// statistics are per slice. Cells that are missing (index = number of tiles;
// the published program has none) are left out of their slice.
func (m *Model) EncodeSlices(t Tiles, index *torch.Tensor, encode func(Tiles) Embeddings) (Embeddings, *torch.Tensor) {
	if t.Points != nil {
		t.POIs, t.Points = t.Points.Dense(), nil // slices of rows are taken of the dense tensor
	}
	tiles := 0
	if t.Images != nil {
		tiles = t.Images.Size(0)
	} else {
		tiles = t.POIs.Size(0)
	}
	shape := index.Shape()
	flat := index.To(torch.CPU).Reshape(-1).Int64s() // [B*M*M]
	var parts [][]int64                              // tiles of each slice
	encoded := int64(0)
	for at := 0; at < len(flat); at += shape[0] {
		var rows []int64
		for i, tile := range flat[at : at+shape[0]] {
			if tile == int64(tiles) {
				flat[at+i] = -1
				continue
			}
			rows = append(rows, tile)
			flat[at+i] = encoded
			encoded++
		}
		if n := len(parts); n > 0 && (len(rows) == 1 || len(parts[n-1]) == 1) { // one row alone has no batch statistics
			parts[n-1] = append(parts[n-1], rows...)
		} else if len(rows) > 0 {
			parts = append(parts, rows)
		}
	}
	for i, p := range flat {
		if p < 0 {
			flat[i] = encoded // the row of zeros behind the embeddings
		}
	}
	var image, poi []*torch.Tensor
	for _, rows := range parts {
		slice := torch.FromSlice(rows).To(index.Device())
		var part Tiles
		if t.Images != nil {
			part.Images = t.Images.IndexSelect(0, slice)
		}
		if t.POIs != nil {
			part.POIs = t.POIs.IndexSelect(0, slice)
		}
		e := encode(part)
		if e.Image != nil {
			image = append(image, e.Image)
		}
		if e.POI != nil {
			poi = append(poi, e.POI)
		}
	}
	var all Embeddings // [encoded, m]
	if image != nil {
		all.Image = torch.Cat(image, 0)
	}
	if poi != nil {
		all.POI = torch.Cat(poi, 0)
	}
	return all, torch.FromSlice(flat, shape...).To(index.Device())
}
