package train

import (
	"math"
	"slices"

	"opencarbon/data/store"
	"opencarbon/train/plots"
)

// predictedMaps are the maps of a prediction as a run draws its own: true emission
// and error where they are known, cells outside the domain of the model hatched.
func predictedMaps(s *store.Store, x estimate, unit string) plots.MapsData {
	d := newDataset(s)
	m := maps(s.Meta().Name, d, x.ln, unit)
	if !slices.ContainsFunc(d.ln, func(y float64) bool { return !math.IsNaN(y) }) {
		m.Layers = m.Layers[1:2]
		m.Layers[0].Low, m.Layers[0].High = 0, 0 // by the predictions themselves
	}
	for _, inside := range x.inside {
		m.Outside = append(m.Outside, !inside)
	}
	return m
}
