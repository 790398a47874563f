package layers

import (
	"fmt"
	"slices"

	"opencarbon/torch"
)

// Kinds of networks; each is a package or a file of its own.
const (
	KindOpenCarbon = "opencarbon" // the paper's (package opencarbon)
	KindPublished  = "published"  // the authors' program (package published)
	KindRows       = "rows"       // a method that sees a cell as a row of features: ridge, SVR, trees
	KindStack      = "stack"      // a weighted mean of others
)

// ModelConfig is the architecture of a network of any kind, as a checkpoint
// keeps it: all that is needed to build it again. A kind reads what it knows and
// leaves the rest zero. There are no defaults: package train/config has them.
type ModelConfig struct {
	Kind string // KindOpenCarbon, KindPublished, ...

	// Of kind opencarbon, beyond the paper (variant plus).
	Plus        bool    `json:",omitempty"` // the neighborhood reaches the head, and past its convolutions
	Statistics  bool    `json:",omitempty"` // image statistics as a path of their own
	LogCounts   bool    `json:",omitempty"` // ln(1 + POI counts) as a path of their own
	Features    int     `json:",omitempty"` // F, hand-made features of a cell and its surroundings, which reach the head and the prediction; 0: none
	WideDropout float64 `json:",omitempty"` // of those, in training
	// FrozenImage: the image is seen by the first ImageFeatures of the features alone,
	// the tile's own, and no encoder of images is trained.
	FrozenImage   bool `json:",omitempty"`
	ImageFeatures int  `json:",omitempty"`
	// ImageTrained is how much of a pretrained encoder of images is trained: TrainAll, TrainLast, TrainNone.
	ImageTrained string `json:",omitempty"`

	// Of kind rows, which also has Features.
	Method string `json:",omitempty"` // what it is
	Bytes  int    `json:",omitempty"` // of the fitted method

	// Of kind stack.
	Members []ModelConfig `json:",omitempty"`
	Shares  []float64     `json:",omitempty"` // of each member in the mean; they add up to 1

	// Of images that are not of red, green and blue bytes.
	Bands  int    `json:",omitempty"` // B; 0: 3
	Pixels string `json:",omitempty"` // float16 or float32, whose numbers mostly lie in 0..1; empty: uint8

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

// Check says what no network can be built of, and settles POISize.
func (c *ModelConfig) Check() error {
	switch {
	case !c.Image && !c.POI:
		return fmt.Errorf("a model needs a modality: image, poi or both")
	case c.Embedding < 1:
		return fmt.Errorf("embeddings of %d numbers say nothing; use 1 or more", c.Embedding)
	case c.Neighborhood > 1 && c.Heads < 1:
		return fmt.Errorf("a cross-attention of %d heads attends to nothing; use 1 or more", c.Heads)
	case c.POI && c.Categories < 1:
		return fmt.Errorf("the POI modality is on, but there are no POI categories")
	case c.Neighborhood < 1 || c.Neighborhood%2 == 0:
		return fmt.Errorf("the neighborhood is %d cells wide; it must be odd: 1, 3, 5 or 7", c.Neighborhood)
	case c.FrozenImage && (c.ImageFeatures < 1 || c.ImageFeatures > c.Features):
		return fmt.Errorf("an image that is seen by %d of %d features is not seen", c.ImageFeatures, c.Features)
	case c.Bands < 0:
		return fmt.Errorf("images of %d bands cannot be", c.Bands)
	case c.Image && !c.FrozenImage && c.ImageSize < 32:
		return fmt.Errorf("images of %d pixels are too small for ResNet-18; use 32 or more", c.ImageSize)
	}
	if c.POISize == 0 {
		c.POISize = c.ImageSize
	}
	return nil
}

// ImageInput says what the images of c are.
func (c ModelConfig) ImageInput() ImageInput {
	bands := c.Bands
	if bands == 0 {
		bands = colors
	}
	return ImageInput{Bands: bands, Float: c.Pixels != ""}
}

// ModalityEmbeddings are X_s and X_p [m], those of the modalities that there are.
func (c ModelConfig) ModalityEmbeddings() (w []Width) {
	if c.Image {
		w = append(w, Width{ImageView, c.Embedding})
	}
	if c.POI {
		w = append(w, Width{POIView, c.Embedding})
	}
	return w
}

// Missing says why a network of architecture c has no view of that name; empty
// if it has.
func (c ModelConfig) Missing(view string) string {
	switch {
	case c.Kind == KindRows:
		return c.Method + " sees a cell as a row of features and has no representations"
	case c.Kind == KindStack:
		return c.Members[0].Missing(view)
	case c.Kind != "" && c.Kind != KindOpenCarbon && c.Kind != KindPublished && view != FinalView:
		return "a network of kind " + c.Kind + " has no such part"
	case view == ImageView && !c.Image:
		return "the model was trained without images"
	case view == POIView && !c.POI:
		return "the model was trained without points of interest"
	case view == NeighborhoodView && c.Neighborhood <= 1:
		return "the model was trained without a neighborhood"
	}
	return ""
}

// Tiles are the inputs of U distinct tiles.
type Tiles struct {
	Images *torch.Tensor // [U, B, H, W] uint8, of which the first three are RGB, or floats (ModelConfig); nil without images
	POIs   *torch.Tensor // [U, C, H, W] POI counts; nil without POIs
	Points *torch.Points // the same as sparse points, in the place of POIs
	// Features are hand-made numbers of each tile as a cell, its surroundings
	// included, [U, F]; nil without them.
	Features *torch.Tensor
	Fixed    *torch.Tensor // [U, F] what a network's fixed part makes of the images, in their place; nil: not computed ahead
}

// Lacking says what a region has not that a network cannot do without.
type Lacking string

func (l Lacking) Error() string { return string(l) }

// Ground is what a network may know of a whole region of N tiles before it is
// trained. There are no targets in it: cells that validate and test are among the
// others.
type Ground struct {
	Name     string    // tells regions apart
	Col, Row []int64   // [N] places in the grid
	Counts   []float32 // [N, C] POI counts; empty without POIs
	Seed     uint64
	Load     func(tiles []int32) (Tiles, error) // inputs of tiles; an image may not be readable
	Pretrain Pretraining
}

// Ways to pretrain encoders on all tiles of a region, without any target.
const (
	PretrainNone        = ""            //
	PretrainContrastive = "contrastive" // image and POIs of a tile find each other among those of a batch (NTXent)
	PretrainSimCLR      = "simclr"      // two random crops of an image find each other among those of a batch (SimCLRLoss)
)

// Pretraining says how encoders are pretrained.
type Pretraining struct {
	How         string
	Epochs      int // passes over the tiles
	Batch       int // tiles a step
	Rate        float64
	Temperature float64
}

// Names of views. A network of another kind may have others besides.
const (
	ImageView        = "image"        // X_s, the image's embedding
	POIView          = "poi"          // X_p, the POIs' embedding
	GridView         = "grid"         // X_g (Eq. 5), the cell
	NeighborhoodView = "neighborhood" // X_n, its surroundings
	FinalView        = "final"        // what the head sees: X_g^f (Eq. 6), or more
)

// View is a named tensor with one row for each tile or cell, [N, width].
type View struct {
	Name string
	X    *torch.Tensor
}

// Views are looked up by name; their order is the network's.
type Views []View

// Get returns the view of that name, or nil.
func (v Views) Get(name string) *torch.Tensor {
	for _, view := range v {
		if view.Name == name {
			return view.X
		}
	}
	return nil
}

// With appends a view, unless x is nil.
func (v Views) With(name string, x *torch.Tensor) Views {
	if x == nil {
		return v
	}
	return append(slices.Clip(v), View{name, x})
}

// Map applies f to every view.
func (v Views) Map(f func(*torch.Tensor) *torch.Tensor) Views {
	out := make(Views, len(v))
	for i, view := range v {
		out[i] = View{view.Name, f(view.X)}
	}
	return out
}

// Join puts the rows of parts, which have the same views, under each other. One
// part is returned as it is.
func Join(parts []Views) Views {
	if len(parts) == 0 {
		return nil
	}
	out := make(Views, len(parts[0]))
	for i, view := range parts[0] {
		rows := make([]*torch.Tensor, len(parts))
		for k, p := range parts {
			rows[k] = p[i].X
		}
		out[i] = View{view.Name, torch.Cat(rows, 0)}
	}
	return out
}

// Width is the name and width of a view that is not there yet.
type Width struct {
	Name  string
	Width int
}

// Output is what a network says of B cells, with the representations and weights
// that users look at.
type Output struct {
	LnEmission *torch.Tensor // [B]
	Views      Views         // representations, [B, width] each; those that the network has
	Weights    Views         // weights [B, 2] of image and POIs in a view of the same name; those that the network has
}

// Around says which tiles around a cell a network looks at.
type Around struct {
	M       int  // M x M, the cell in the middle
	XFirst  bool // the first axis is the offset in x and the second that in y; else rows come first
	Missing bool // a cell that is missing is the store's first tile, as in the published program; else zeros
}

// Traits are what a trainer must know of a network beyond its modalities.
type Traits struct {
	Embeddings []Width // of each tile, in the order in which Encode gives them
	Around     Around
	// FeaturesAlone: of a tile the network wants Tiles.Features and nothing else.
	FeaturesAlone bool
	// MovingStatistics: batch normalization is evaluated with the moving averages
	// that training leaves; else they are recalibrated before.
	MovingStatistics bool
}

// LossOptions of a network's loss.
type LossOptions struct {
	Contrastive bool    // the contrastive term is on
	Alpha       float64 // its weight (Eq. 8)
	Temperature float64 // its tau
	Huber       float64 // threshold of Huber's loss in ln units; 0: L1, as the paper
}

// RegressionLoss is the sum over the batch of |y_hat - y| (Eq. 8), or Huber's
// loss in its place. predicted and target are [B]; the result is a scalar in
// target's type.
func RegressionLoss(predicted, target *torch.Tensor, o LossOptions) *torch.Tensor {
	predicted = predicted.Cast(target.DType())
	if d := o.Huber; d > 0 {
		// d^2 * smoothL1(x / d) is Huber's loss (1964) with threshold d, PyTorch's HuberLoss.
		return torch.SmoothL1Loss(predicted.DivScalar(d), target.DivScalar(d), torch.ReduceSum).MulScalar(d * d)
	}
	return torch.L1Loss(predicted, target, torch.ReduceSum)
}

// Fuse joins two modalities by an aggregate-attention (Eq. 4-5), or passes the
// only one on where a is nil. xs and xp are [B, m]; weights are [B, 2], nil
// without a.
func Fuse(a *AggregateAttention, xs, xp *torch.Tensor) (x, weights *torch.Tensor) {
	switch {
	case a != nil:
		return a.Forward(xs, xp)
	case xs != nil:
		return xs, nil
	default:
		return xp, nil
	}
}

// Own picks the middle row of each index [B, M, M] from x [U, m], the cells' own
// embeddings [B, m]; nil stays nil.
func Own(x, index *torch.Tensor) *torch.Tensor {
	if x == nil {
		return nil
	}
	k := index.Size(1) / 2
	return x.IndexSelect(0, index.Select(1, k).Select(1, k).Contiguous())
}
