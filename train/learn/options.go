package learn

import (
	"opencarbon/layers"
	"opencarbon/torch"
)

// Ways to encode the tiles of a training batch's neighborhoods.
const (
	// Unique encodes each distinct tile of the batch once; gradients are exact.
	Unique = "unique"
	// Slices is the published program's: all B*M*M tiles, in M*M slices of B
	// rows, with batch statistics for each slice.
	Slices = "slices"
	// Historical encodes the batch's own cells alone. Their neighbors outside the
	// batch are the embeddings of their own last step, through which no gradient
	// flows (Fey et al., "GNNAutoScale", ICML 2021). A step costs the same
	// whatever M.
	Historical = "historical"
)

// Options is how a model is trained; the zero value of a switch is the quick
// way.
type Options struct {
	Encode      string             // Unique, Slices or Historical
	BF16        bool               // encoders under autocast in bfloat16; losses and reductions stay in float32
	Huber       float64            // threshold of Huber's loss in ln units; 0: L1, as the paper
	Alpha       float64            // weight of the contrastive loss (Eq. 8)
	Temperature float64            // tau of the contrastive loss
	ClipNorm    float64            // largest L2 norm of the whole gradient; 0: no clipping
	EMA         float64            // decay a step of the averaged weights; 0: none
	Batch       int                // cells a step
	Seed        uint64             // of the order of refreshes and recalibrations, and of Augment
	Augment     bool               // turn and mirror the tiles of a training step, each anew in every epoch
	Ahead       int                // most steps that pass before somebody looks at their losses; 0: 1 on the CPU, 16 on a GPU, which looking makes wait
	Pretrain    layers.Pretraining // of encoders on all tiles before the first step
	DensePOIs   bool               // convolve POIs as dense tensors, for comparison
	NCHW        bool               // images in PyTorch's default memory format, for comparison
	Graphs      bool               // on a GPU replay a step as a CUDA graph; no GPU has run this yet, so nothing but bench asks for it
	NoPrefetch  bool               // assemble each batch only when it is needed, for comparison

	Group *torch.Group // processes that train together; nil: one
	Parts int          // that batches are encoded in, so that any number of processes that divides it comes to the same bits; 0: not in parts
}

// LossOptions are the options of a network's loss in a step; contrastive says whether
// its contrastive term is on.
func (o Options) LossOptions(contrastive bool) layers.LossOptions {
	return layers.LossOptions{Contrastive: contrastive, Alpha: o.Alpha, Temperature: o.Temperature, Huber: o.Huber}
}
