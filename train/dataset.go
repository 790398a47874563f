package train

import (
	"fmt"
	"path/filepath"
	"slices"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/frozen"
	"opencarbon/train/method"
	"opencarbon/train/tabular"
)

// dataset is a store seen as a learning problem.
type dataset struct {
	store                   *store.Store
	ln                      []float64 // [N] ln of the yearly emission; NaN where there is none
	train, validation, test []int32   // tiles with a target
	frozen                  *frozen.Encoder
	more                    *tabular.More // what it makes of the tiles; nil: none
	group                   *torch.Group  // processes that train on it together; nil: one
	local                   int           // which of this machine's this one is
}

func newDataset(s *store.Store) *dataset { return datasetOf(method.New(s)) }

func datasetOf(d *method.Dataset) *dataset {
	return &dataset{store: d.Store, ln: d.Ln, train: d.Train, validation: d.Validation, test: d.Test}
}

func (d *dataset) method() *method.Dataset {
	return &method.Dataset{Store: d.store, Ln: d.ln, Train: d.train, Validation: d.validation, Test: d.test}
}

// Check says what keeps an experiment from being trained on a store, a
// *fault.Input error; nil where nothing does.
func Check(c *config.Config, s *store.Store) error {
	if err := CheckDevice(c.Train.Device); err != nil {
		return err
	}
	if err := CheckPrecision(c); err != nil {
		return err
	}
	return newDataset(s).fit(c)
}

// fit checks that a model can be trained on d.
func (d *dataset) fit(c *config.Config) error {
	where := filepath.Join(d.store.Dir())
	switch {
	case c.Model.HasImage() && !d.store.HasImages():
		return fault.New(where, "the store has no images, but model.modalities asks for them",
			"Give data.imagery.path, or set model.modalities: [poi].")
	case c.Model.Published() && c.Model.HasImage() && d.store.Shape() != store.RGB(d.store.ImageSize()):
		return fault.New(where, fmt.Sprintf("its images have %d bands of %s, and the published program (model.variant: reference) reads three of bytes", d.store.Shape().Bands, d.store.Shape().Pixel),
			"Name three bands in data.imagery.bands and leave data.imagery.type out, or choose another variant.")
	case c.Model.HasPOI() && !d.store.HasPOIs():
		return fault.New(where, "the store has no POIs, but model.modalities asks for them",
			"Give data.poi.path, or set model.modalities: [image].")
	case c.Train.AugmentColor > 0 && c.Model.HasImage() && tabular.Tintable(d.store) != nil:
		return tabular.Tintable(d.store)
	case len(d.train) < 2:
		return fault.New(where, fmt.Sprintf("%d training cells have a target; at least 2 are needed", len(d.train)),
			"Check data.split and data.emissions with: go run ./cmd/prepare --config ... --preview")
	case len(d.validation) < 2:
		return fault.New(where, fmt.Sprintf("%d validation cells have a target; at least 2 are needed to choose the best model", len(d.validation)),
			"Give data.split a validation part.")
	case alike(d.ln, d.train):
		return fault.New(where, fmt.Sprintf("all %d training cells have the same emission (ln %.4g): there is nothing to learn", len(d.train), d.ln[d.train[0]]),
			"Check the inventory's band or attribute (data.emissions), and the training part of data.split.")
	}
	return nil
}

// alike reports whether cells have one target, all of them.
func alike(ln []float64, cells []int32) bool {
	return !slices.ContainsFunc(cells, func(c int32) bool { return ln[c] != ln[cells[0]] })
}

// modelConfig is the architecture that config and store ask for.
func (d *dataset) modelConfig(c *config.Config) layers.ModelConfig {
	s := d.store
	kind := layers.KindOpenCarbon
	if c.Model.Published() {
		kind = layers.KindPublished
	}
	if c.Model.Rival() {
		kind = c.Model.Variant
	}
	plus := c.Model.Variant == "plus"
	features, dropout := 0, 0.0
	if plus && c.Model.Wide {
		features, dropout = tabular.Width(s, d.inputs(c)), c.Model.WideDropout
	}
	frozenImage, imageFeatures := d.frozenImage(c), 0
	if frozenImage {
		imageFeatures = tabular.ImageWidth(s, d.inputs(c))
	}
	trained := layers.TrainAll
	if plus && c.Model.HasImage() && !frozenImage && c.Model.ImageTrained != "all" {
		trained = c.Model.ImageTrained
	}
	return layers.ModelConfig{
		FrozenImage: frozenImage, ImageFeatures: imageFeatures, ImageTrained: trained,
		Kind: kind, Plus: plus, Statistics: plus && c.Model.Statistics, LogCounts: (plus || c.Model.Rival()) && c.Model.LogCounts, Features: features, WideDropout: dropout,
		Image: c.Model.HasImage(), POI: c.Model.HasPOI(), Categories: len(s.Categories()), ImageSize: s.ImageSize(), POISize: s.POISize(),
		Bands: checkpoint.Bands(s.Shape()), Pixels: checkpoint.Pixels(s.Shape()),
		Embedding: c.Model.Embedding, Neighborhood: c.Model.Neighborhood, POIEncoder: c.Model.POIEncoder,
		SE: c.Model.SE, SERatio: c.Model.SERatio, Heads: c.Model.AttentionHeads,
	}
}

func mean(ln []float64, cells []int32) float64 {
	sum := 0.0
	for _, c := range cells {
		sum += ln[c]
	}
	return sum / float64(len(cells))
}
