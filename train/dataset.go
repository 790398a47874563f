package train

import (
	"fmt"
	"path/filepath"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/train/config"
	"opencarbon/train/method"
)

// dataset is a store seen as a learning problem.
type dataset struct {
	store                   *store.Store
	ln                      []float64 // [N] ln of the yearly emission; NaN where there is none
	train, validation, test []int32   // tiles with a target
}

func newDataset(s *store.Store) *dataset { return datasetOf(method.New(s)) }

func datasetOf(d *method.Dataset) *dataset {
	return &dataset{store: d.Store, ln: d.Ln, train: d.Train, validation: d.Validation, test: d.Test}
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
	case c.Model.HasPOI() && !d.store.HasPOIs():
		return fault.New(where, "the store has no POIs, but model.modalities asks for them",
			"Give data.poi.path, or set model.modalities: [image].")
	case len(d.train) < 2:
		return fault.New(where, fmt.Sprintf("%d training cells have a target; at least 2 are needed", len(d.train)),
			"Check data.split and data.emissions with: go run ./cmd/prepare --config ... --preview")
	case len(d.validation) < 2:
		return fault.New(where, fmt.Sprintf("%d validation cells have a target; at least 2 are needed to choose the best model", len(d.validation)),
			"Give data.split a validation part.")
	}
	return nil
}

// modelConfig is the architecture that config and store ask for.
func modelConfig(c *config.Config, s *store.Store) layers.ModelConfig {
	kind := layers.KindOpenCarbon
	if c.Model.Published() {
		kind = layers.KindPublished
	}
	plus := c.Model.Variant == "plus"
	dropout := 0.0
	if plus && c.Model.Wide {
		dropout = c.Model.WideDropout
	}
	return layers.ModelConfig{
		Kind: kind, Plus: plus, Statistics: plus && c.Model.Statistics, LogCounts: plus && c.Model.LogCounts, Wide: plus && c.Model.Wide, WideDropout: dropout,
		Image: c.Model.HasImage(), POI: c.Model.HasPOI(), Categories: len(s.Categories()), ImageSize: s.ImageSize(), POISize: s.POISize(),
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
