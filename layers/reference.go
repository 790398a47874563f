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

// EncodeBatch encodes a training batch's tiles for the index [B, M, M] of its
// cells' neighborhoods, by encode (normally Encode under some precision), and
// returns embeddings and the index to give to Predict.
//
// The paper variant encodes each distinct tile once. The published program
// encodes all B*M*M tiles in M*M consecutive slices of B rows of the flattened
// index, and so takes its batch statistics per slice.
func (m *Model) EncodeBatch(t Tiles, index *torch.Tensor, encode func(Tiles) Embeddings) (Embeddings, *torch.Tensor) {
	if !m.Config.Reference {
		return encode(t), index
	}
	if t.Points != nil {
		t.POIs, t.Points = t.Points.Dense(), nil // slices of rows are taken of the dense tensor
	}
	shape := index.Shape()
	b, n := shape[0], shape[0]*shape[1]*shape[2]
	flat := index.Reshape(-1) // [B*M*M]
	var image, poi []*torch.Tensor
	for at := 0; at < n; at += b {
		slice := flat.Narrow(0, at, b)
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
	var all Embeddings // [B*M*M, m]
	if image != nil {
		all.Image = torch.Cat(image, 0)
	}
	if poi != nil {
		all.POI = torch.Cat(poi, 0)
	}
	return all, torch.Arange(0, float64(n), 1, torch.Int64).Reshape(shape...).To(index.Device())
}
