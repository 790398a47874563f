package train

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"

	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/train/checkpoint"
	"opencarbon/train/mapfiles"
	"opencarbon/train/output"
)

// write writes what the members say, ln emission [members][N], in each format asked
// for: their mean, spread and intervals. strange are their dissimilarity indices,
// nil for a member that has none.
func (e ensemble) write(s *store.Store, members, strange [][]float64, known *output.KnownTotals, o PredictOptions) (*output.Predictions, error) {
	ln, spread := combine(members)
	index, inside := e.inDomain(strange)
	k, err := e.calibration(index != nil)
	if err != nil {
		return nil, err
	}
	around, err := newBands(k, ln, index)
	if err != nil {
		return nil, err
	}
	model, why := e.sums()
	x := output.Estimate{Ln: ln, Corrected: corrected(model, ln), Spread: spread, Bands: around, Dissimilarity: index, Inside: inside}
	return output.Write(e.told(), s, x, model, why, known, o.output())
}

// told is what the results say of the members.
func (e ensemble) told() output.Model {
	c := e[0]
	m := output.Model{Path: c.Path, Others: len(e) - 1, Unit: c.Header.TargetUnit, Program: c.Header.Program, Store: c.Header.Store,
		Epoch: c.Header.State.BestEpoch, R2: c.Header.State.Best, Catalog: stacModel(c)}
	if cfg, err := c.Experiment(); err == nil {
		m.Experiment, m.Inventory = cfg.Name, cfg.Data.Emissions.Path
	}
	return m
}

// semantic is a version number as STAC's extension for models wants it.
var semantic = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+`)

// stacModel is what a catalog item says of the checkpoint.
func stacModel(c *checkpoint.Checkpoint) mapfiles.Model {
	m := c.Header.Model
	kind := m.Kind
	if kind == "" {
		kind = layers.KindOpenCarbon
	}
	out := mapfiles.Model{Path: c.Path, Architecture: kind, Framework: "PyTorch", Version: semantic.FindString(c.Header.Libtorch), Output: "ln " + c.Header.TargetUnit}
	if m.Plus {
		out.Architecture += ", variant plus"
	}
	around := fmt.Sprintf("; a cell is seen with its %d x %d neighborhood", m.Neighborhood, m.Neighborhood)
	if m.Neighborhood < 2 {
		around = ""
	}
	if m.Image {
		out.Inputs = append(out.Inputs, mapfiles.Tensor{Name: "image", About: "satellite image of a cell" + around, Shape: []int{m.ImageInput().Bands, m.ImageSize, m.ImageSize},
			Dims: []string{"channel", "height", "width"}, Type: cmp.Or(m.Pixels, "uint8")})
	}
	if m.POI {
		size := m.POISize
		if size == 0 {
			size = m.ImageSize
		}
		out.Inputs = append(out.Inputs, mapfiles.Tensor{Name: "poi", About: "points of interest of a cell, counted by category" + around, Shape: []int{m.Categories, size, size},
			Dims: []string{"category", "height", "width"}, Type: "float32"})
	}
	text, err := json.Marshal(m)
	var all map[string]any
	if err != nil || json.Unmarshal(text, &all) != nil {
		return out
	}
	out.Parameters = map[string]any{}
	for k, v := range all {
		switch v.(type) {
		case bool, float64, string:
			out.Parameters[k] = v
		}
	}
	return out
}
