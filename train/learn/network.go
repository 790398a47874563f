package learn

import (
	"opencarbon/layers"
	"opencarbon/torch"
)

// Network is all that training and evaluation know of a model. A new one is a
// type with these methods and a line in package networks.
//
// A network predicts in two steps, so that a tile that lies in many cells'
// neighborhoods is encoded once: Encode maps distinct tiles to embeddings, each
// tile by itself; Predict maps the embeddings and where each cell's neighbors lie
// among them to the output.
type Network interface {
	Config() layers.ModelConfig // architecture: modalities, sizes
	Params() *layers.Params     // parameters and buffers
	Traits() layers.Traits      // what else a trainer must know

	// Encode maps the tiles' inputs to embeddings [U, width], those of
	// Traits().Embeddings whose inputs are there.
	Encode(layers.Tiles) layers.Views

	// Predict maps the embeddings of U tiles and the places [B, M, M] int64 of each
	// cell's neighborhood among them (U = no such cell) to the output of B cells.
	Predict(e layers.Views, index *torch.Tensor) layers.Output

	// Loss is a scalar in the type of target [B], a sum over the cells.
	Loss(out layers.Output, target *torch.Tensor, o layers.LossOptions) *torch.Tensor

	// SetTargetBias makes an untrained network predict about v.
	SetTargetBias(v float64)
}

// Inputs is the architecture as far as it says which inputs a network wants.
func Inputs(n Network) layers.ModelConfig {
	c := n.Config()
	if n.Traits().FeaturesAlone {
		c.Image, c.POI = false, false
	}
	if c.FrozenImage {
		c.Image = false
	}
	return c
}

// Standardized is a network that wants its inputs' mean and spread over the
// training tiles before the first step.
type Standardized interface {
	// Standardize takes them; feed hands the tiles to each in chunks.
	Standardize(feed func(each func(layers.Tiles)) error) error
}

// Gated is a network whose POI categories pass a gate first.
type Gated interface {
	// CategoryGate returns the gate's weights [U, C], or nil.
	CategoryGate(layers.Tiles) *torch.Tensor
}
