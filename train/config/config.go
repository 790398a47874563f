// Package config is the one place where an experiment is described: which data,
// which model, how it is trained, what is written. It reads YAML, environment
// and --set overrides in rising order, refuses what it does not know (with the
// line and the nearest valid key), and holds the named presets.
//
// A newcomer starts at Config (every key) and Load (where values come from).
// Nothing here opens data or touches tensors.
package config

import "opencarbon/data"

//go:generate go test -run TestReferenceIsCurrent -update .

// Config is a whole experiment. Defaults are those of Defaults.
type Config struct {
	Name   string      `mapstructure:"name" yaml:"name"` // names the run folder and the default tile store; letters, digits, dot, dash, underscore; default: the file's or preset's name
	Seed   int64       `mapstructure:"seed" yaml:"seed"` // of initial weights, batch order and every other draw of the run; the split has its own (data.split.seed)
	Data   data.Config `mapstructure:"data" yaml:"data"`
	Model  Model       `mapstructure:"model" yaml:"model"`
	Train  Train       `mapstructure:"train" yaml:"train"`
	Output Output      `mapstructure:"output" yaml:"output"`
}

// Model is the network (paper section 4). The image size is not here: it is
// data.imagery.size, and the store knows it.
type Model struct {
	Variant        string   `mapstructure:"variant" yaml:"variant"`                 // plus | paper | reference | bpnn | carbongcn | pg-simclr | read | tile2vec; the paper's network and what measurement added to it (see the keys that are plus's own); the paper's equations alone; the authors' published program with its quirks; or one of the rivals, the networks that the paper compares with (settings in train/config/presets/rivals)
	Modalities     []string `mapstructure:"modalities" yaml:"modalities,flow"`      // image, poi; leave one out to train without it
	Embedding      int      `mapstructure:"embedding" yaml:"embedding"`             // m, width of every embedding; of tile2vec's z and the principal components of read
	Neighborhood   int      `mapstructure:"neighborhood" yaml:"neighborhood"`       // M: the M x M cells around the target, one of 1, 3, 5, 7; 1 = the cell alone (ablation)
	POIEncoder     string   `mapstructure:"poi_encoder" yaml:"poi_encoder"`         // k7 | k37; kernel of the POI encoder; the published program runs k7, and a remark in it says k37 of Beijing; a .pth tells its own
	SE             bool     `mapstructure:"se" yaml:"se"`                           // squeeze-and-excitation, the function-dimension attention of Eq. 1-3; false = ablation
	SERatio        int      `mapstructure:"se_ratio" yaml:"se_ratio"`               // n, compression of the squeeze-and-excitation gate: C channels pass through C/n
	Contrastive    bool     `mapstructure:"contrastive" yaml:"contrastive"`         // image-POI contrastive loss; false = ablation; with one modality it is off by itself
	Temperature    float64  `mapstructure:"temperature" yaml:"temperature"`         // tau of the contrastive loss
	AttentionHeads int      `mapstructure:"attention_heads" yaml:"attention_heads"` // heads of the cross-attention (Eq. 6)
	Statistics     bool     `mapstructure:"statistics" yaml:"statistics"`           // plus: statistics of the image (means, spreads, gradients, band differences) as a path of their own into X_s
	LogCounts      bool     `mapstructure:"log_counts" yaml:"log_counts"`           // plus: ln(1 + POI counts) as a path of their own into X_p; rivals: ln(1 + counts) in the place of raw counts
	Wide           bool     `mapstructure:"wide" yaml:"wide"`                       // plus: features of the cell and its surroundings (image statistics and ln counts; own, 3 x 3 and 5 x 5 cells) reach the head, and the prediction in a straight line
	WideDropout    float64  `mapstructure:"wide_dropout" yaml:"wide_dropout"`       // plus: share of these features left out at random in training
	Weights        string   `mapstructure:"weights" yaml:"weights"`                 // checkpoint that training starts from: one of ours (.safetensors), or of the published program (.pth); keys of the model that are not given are as it tells, given ones must agree with it; empty = random weights
	Surplus        string   `mapstructure:"surplus" yaml:"surplus"`                 // what becomes of points whose category the checkpoint in weights does not know: drop, or the category of it that they count as; empty = an error that lists them
	Accept         []string `mapstructure:"accept" yaml:"accept,flow"`              // differences between this region and the one of weights that do not matter: cells, bands, unit, stretch
	ImageWeights   string   `mapstructure:"image_weights" yaml:"image_weights"`     // ResNet-18 weights by torchvision's names (.pth, .safetensors, or preset:imagenet for the file in PyTorch's cache) that the image encoder starts from; empty = random weights
	ImageFeatures  string   `mapstructure:"image_features" yaml:"image_features"`   // the same kind of file, whose second and third stage give further features of a cell, never trained: for pixels of a few meters; empty = none
	ImageTrained   string   `mapstructure:"image_trained" yaml:"image_trained"`     // all | last | none; plus: how much of a pretrained encoder of images (image_weights) is trained: everything; ResNet-18's last stage and last layer; the last layer alone, for which each tile is looked at once
	ImageEncoder   string   `mapstructure:"image_encoder" yaml:"image_encoder"`     // auto | resnet18 | frozen; plus: resnet18 trains an encoder of images; frozen sees the image by its statistics and model.image_features alone; auto = frozen below 4,000 training cells, which ResNet-18 learns by heart, unless it comes pretrained (image_weights, train.pretrain), and says so
}

// Train is the optimization (paper section 4.3 and 5.1).
type Train struct {
	Epochs                  int      `mapstructure:"epochs" yaml:"epochs"`                                       // passes over the training cells, at most; default 300, in the reference variant the published program's 500
	BatchSize               int      `mapstructure:"batch_size" yaml:"batch_size"`                               // cells a step
	LearningRate            float64  `mapstructure:"learning_rate" yaml:"learning_rate"`                         // highest rate, after the rate's warm-up; default 0.001, in the reference variant the published program's 0.0005, going on from a .pth with optimizer state the file's
	WeightDecay             float64  `mapstructure:"weight_decay" yaml:"weight_decay"`                           // L2 as in PyTorch: added to the gradient by adam and sgd, decoupled in adamw
	Optimizer               string   `mapstructure:"optimizer" yaml:"optimizer"`                                 // adam | adamw | sgd
	OptimizerState          bool     `mapstructure:"optimizer_state" yaml:"optimizer_state"`                     // take over the moments of model.weights, where it has them and the optimizer is the same, so that its training continues; false = begin anew
	Momentum                float64  `mapstructure:"momentum" yaml:"momentum"`                                   // of sgd
	Schedule                string   `mapstructure:"schedule" yaml:"schedule"`                                   // constant | cosine | plateau; how the learning rate falls
	WarmupEpochs            int      `mapstructure:"warmup_epochs" yaml:"warmup_epochs"`                         // epochs over which the learning rate rises linearly from near 0
	MinLearningRate         float64  `mapstructure:"min_learning_rate" yaml:"min_learning_rate"`                 // floor of cosine and plateau
	PlateauFactor           float64  `mapstructure:"plateau_factor" yaml:"plateau_factor"`                       // plateau: the rate is multiplied by this
	PlateauPatience         int      `mapstructure:"plateau_patience" yaml:"plateau_patience"`                   // plateau: after this many validations without improvement
	ClipNorm                float64  `mapstructure:"clip_norm" yaml:"clip_norm"`                                 // largest L2 norm of the whole gradient; 0 = no clipping
	Loss                    string   `mapstructure:"loss" yaml:"loss"`                                           // l1 | huber; prediction loss on ln emission (the paper: l1, Eq. 7)
	HuberDelta              float64  `mapstructure:"huber_delta" yaml:"huber_delta"`                             // huber: error, in ln units, at which it turns linear
	Alpha                   float64  `mapstructure:"alpha" yaml:"alpha"`                                         // weight of the contrastive loss (Eq. 8); in tile2vec and pg-simclr of their own loss of representations; default 0.001, in the reference variant the published program's 0.01
	ContrastiveWarmupEpochs int      `mapstructure:"contrastive_warmup_epochs" yaml:"contrastive_warmup_epochs"` // epochs before the contrastive loss is added (the paper: 100)
	TargetBias              string   `mapstructure:"target_bias" yaml:"target_bias"`                             // mean | none; mean: the head's last bias starts at the mean training target; default mean, in the reference variant none
	EMA                     float64  `mapstructure:"ema" yaml:"ema"`                                             // decay a step of the averaged weights that are validated and saved; 0 = the weights as they are; default 0.98 in plus, else 0
	Ensemble                int      `mapstructure:"ensemble" yaml:"ensemble"`                                   // networks of this many seeds (seed, seed+1, ...), whose mean stack.safetensors predicts; 1 = one network
	Stack                   []string `mapstructure:"stack" yaml:"stack,flow"`                                    // of ridge, svr, xgboost: simple methods that stack.safetensors averages with the network, shares by the validation cells; [] = none; default all three in plus, else []
	Folds                   int      `mapstructure:"folds" yaml:"folds"`                                         // 3 to 10: train network and train.stack once for each of so many spatial folds of the training and validation cells (blocks of data.split.block), into folds.safetensors, their mean; 0 = do not
	Refit                   bool     `mapstructure:"refit" yaml:"refit"`                                         // train the network once more, on training and validation cells, for as many epochs as validated best, into refit.safetensors
	Pretrain                string   `mapstructure:"pretrain" yaml:"pretrain"`                                   // none | contrastive | simclr; before training the encoders learn from all tiles, with or without a target: image and POIs of a tile find each other among those of a batch, or two random crops of an image do (Chen et al. 2020)
	PretrainEpochs          int      `mapstructure:"pretrain_epochs" yaml:"pretrain_epochs"`                     // passes over the tiles
	ValidateEvery           int      `mapstructure:"validate_every" yaml:"validate_every"`                       // epochs between validations
	Patience                int      `mapstructure:"patience" yaml:"patience"`                                   // validations without a better R2 after which training stops; 0 = never
	MinEpochs               int      `mapstructure:"min_epochs" yaml:"min_epochs"`                               // training never stops early before this epoch
	Sampler                 string   `mapstructure:"sampler" yaml:"sampler"`                                     // random | blocks; blocks: batches of nearby cells, which share neighbors and so encode fewer tiles where train.encode is unique
	Block                   int      `mapstructure:"block" yaml:"block"`                                         // blocks: edge in cells of the blocks that batches are filled from; 0 = each batch is a compact patch of its own
	Encode                  string   `mapstructure:"encode" yaml:"encode"`                                       // historical | unique | slices; how the tiles around a batch's cells are encoded: not at all, with the embeddings of their own last step in their place, at a cost that does not grow with M; each distinct tile once, with exact gradients; or as the published program, in M x M slices (the reference variant's only way, and its default)
	Augment                 string   `mapstructure:"augment" yaml:"augment"`                                     // d4 | none; d4: each tile that is trained on is turned and mirrored, image and POIs alike, by one of the square's eight symmetries drawn anew in every epoch; none: as in the paper (the reference variant's only way, and its default)
	AugmentColor            float64  `mapstructure:"augment_color" yaml:"augment_color"`                         // images in training are seen, in each epoch anew, as they are or in one of 4 other colors: this is the spread of the gain's logarithm, 0.1 = a tenth lighter or darker; 0 = as they are. For mosaics of several sources, and models that go elsewhere
	Precision               string   `mapstructure:"precision" yaml:"precision"`                                 // fp32 | bf16; bf16 = autocast with loss and reductions in fp32
	Device                  string   `mapstructure:"device" yaml:"device"`                                       // auto | cpu | cuda | cuda:N; auto = the first GPU if there is one
	Threads                 int      `mapstructure:"threads" yaml:"threads"`                                     // CPU threads of the tensor library; 0 = all cores
	Parts                   int      `mapstructure:"parts" yaml:"parts"`                                         // that the encoders take every batch in: a power of two, up to 64. Sums over a batch are then made in each part, and over the parts in a fixed order, so that 1, 2, 4, ... ranks, whatever number divides it, come to the same bits, and a run may go on with another number; 0 or 1 = not in parts. Wants train.threads, the same for every rank; on the CPU, in fp32, not with encode: slices
	Deterministic           bool     `mapstructure:"deterministic" yaml:"deterministic"`                         // only algorithms that give the same bits each time (matters on a GPU; the CPU is exact either way)
	SaveEvery               int      `mapstructure:"save_every" yaml:"save_every"`                               // epochs between saves of the last checkpoint; the best one is saved when it is found
}

// Output is what a run leaves behind.
type Output struct {
	Dir         string `mapstructure:"dir" yaml:"dir"`                 // folder of the run folders <dir>/<name>/<time>, relative to the current folder
	TensorBoard bool   `mapstructure:"tensorboard" yaml:"tensorboard"` // write TensorBoard event files
	Plots       bool   `mapstructure:"plots" yaml:"plots"`             // draw learning curves, scatter and maps at the end
}

// Defaults is the config of which every other is a change. The data section is
// empty: data.Config's Normalize fills it in by what is given.
func Defaults() Config {
	return Config{
		Seed: 42,
		Model: Model{
			Variant: "plus", Modalities: []string{"image", "poi"}, Embedding: 32, Neighborhood: 3,
			POIEncoder: "k7", SE: true, SERatio: 4, Contrastive: true, Temperature: 0.07, AttentionHeads: 2,
			ImageEncoder: "auto", ImageTrained: "all", Statistics: true, LogCounts: true, Wide: true, WideDropout: 0.1,
		},
		Train: Train{
			Epochs: 300, BatchSize: 32, LearningRate: 1e-3, WeightDecay: 5e-3, Optimizer: "adam", OptimizerState: true, Momentum: 0.9,
			Schedule: "constant", PlateauFactor: 0.5, PlateauPatience: 5,
			Loss: "l1", HuberDelta: 1, Alpha: 0.001, ContrastiveWarmupEpochs: 100, TargetBias: "mean", EMA: 0.98, Ensemble: 1, Stack: []string{"ridge", "svr", "xgboost"},
			Pretrain: "none", PretrainEpochs: 20, ValidateEvery: 5, Patience: 30, MinEpochs: 100, Sampler: "random", Block: 4, Encode: "historical",
			Augment: "d4", Precision: "fp32", Device: "auto", SaveEvery: 5,
		},
		Output: Output{Dir: "runs", TensorBoard: true, Plots: true},
	}
}

// Published reports whether the network is that of the authors' published program
// (variant reference), whose ways of training go with it.
func (m Model) Published() bool { return m.Variant == "reference" }

// HasImage reports whether the image modality is on.
func (m Model) HasImage() bool { return contains(m.Modalities, "image") }

// HasPOI reports whether the POI modality is on.
func (m Model) HasPOI() bool { return contains(m.Modalities, "poi") }

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
