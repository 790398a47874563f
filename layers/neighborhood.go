package layers

import "opencarbon/torch"

// NeighborhoodEncoder is one modality's half of section 4.2: the embeddings of
// the M x M cells around the target, laid out as an image, are convolved and
// pooled to one vector.
type NeighborhoodEncoder struct {
	conv1, conv2 *Conv2d
	fc           *Linear
	direct       *Linear // nil in the paper's network
}

// NewNeighborhoodEncoder registers the convolutions under convs and the last
// layer under fc, which are siblings in the published program.
func NewNeighborhoodEncoder(convs, fc Path, m int) *NeighborhoodEncoder {
	return &NeighborhoodEncoder{
		conv1: NewConv2d(convs.Sub(0), Conv2dConfig{In: m, Out: 64, Kernel: 3, Padding: 1}),
		conv2: NewConv2d(convs.Sub(2), Conv2dConfig{In: 64, Out: 128, Kernel: 3, Padding: 1}),
		fc:    NewLinear(fc, LinearConfig{In: 128, Out: m}),
	}
}

// AddDirect registers under p a linear path past the convolutions, from the mean
// of the M x M embeddings, for what the surroundings are like on average. Whether
// it helps has to be measured; the paper's network has none.
func (e *NeighborhoodEncoder) AddDirect(p Path, m int) {
	e.direct = NewLinear(p, LinearConfig{In: m, Out: m})
}

// Forward maps x [B, m, M, M] to [B, m].
func (e *NeighborhoodEncoder) Forward(x *torch.Tensor) *torch.Tensor {
	surroundings := x
	x = e.conv1.Forward(x).ReLU()               // [B, 64, M, M]
	x = e.conv2.Forward(x).ReLU()               // [B, 128, M, M]
	x = e.fc.Forward(x.Mean(torch.Along(2, 3))) // [B, m]
	if e.direct != nil {
		x = x.Add(e.direct.Forward(surroundings.Mean(torch.Along(2, 3))))
	}
	return x
}

// GatherNeighborhood lays the embeddings x [U, m] of the distinct tiles out as
// images [B, m, M, M] by index [B, M, M] int64. Entries equal to U stand for
// missing cells and give zeros, never another tile's embedding.
func GatherNeighborhood(x, index *torch.Tensor) *torch.Tensor {
	m := x.Size(1)
	shape := index.Shape()
	x = torch.Cat([]*torch.Tensor{x, torch.Zeros(x.DType(), x.Device(), 1, m)}, 0) // [U+1, m]
	x = x.IndexSelect(0, index.Reshape(-1))                                        // [B*M*M, m]
	return x.Reshape(shape[0], shape[1], shape[2], m).Permute(0, 3, 1, 2)          // [B, m, M, M]
}
