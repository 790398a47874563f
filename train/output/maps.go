package output

import (
	"math"
	"slices"

	"opencarbon/data/store"
	"opencarbon/train/method"
	"opencarbon/train/plots"
)

// predictedMaps are the maps of a prediction as a run draws its own: true emission
// and error where they are known.
func predictedMaps(s *store.Store, x Estimate, unit string) plots.MapsData {
	truth := method.New(s).Ln
	m := Maps(s, truth, x, unit)
	if !slices.ContainsFunc(truth, func(y float64) bool { return !math.IsNaN(y) }) {
		m.Layers = m.Layers[1:2]
		m.Layers[0].Low, m.Layers[0].High = 0, 0 // by the predictions themselves
	}
	return m
}

// Maps are those of true and predicted ln emission [N] and of the error, in the
// places of a store's cells; truth is NaN where there is none. Cells outside the
// domain of the model are hatched.
func Maps(s *store.Store, truth []float64, x Estimate, unit string) plots.MapsData {
	predicted := x.Ln
	m := plots.MapsData{Title: s.Meta().Name, LonLat: s.LonLat()}
	for _, c := range s.Meta().Grid.InOnePiece(s.Cells()) {
		m.Col, m.Row = append(m.Col, c.Col), append(m.Row, c.Row)
	}
	if s.Meta().Grid.Scheme == "degrees" { // a degree of longitude shrinks toward the poles
		m.Aspect = 1 / math.Max(0.1, math.Cos(s.LonLat()[1]*math.Pi/180))
	}
	failure := make([]float64, len(predicted))
	low, high := math.Inf(1), math.Inf(-1)
	for i, y := range truth {
		failure[i] = predicted[i] - y // NaN where there is no target
		if !math.IsNaN(y) {
			low, high = math.Min(low, y), math.Max(high, y)
		}
	}
	label := "emission, " + unit
	if unit == "proxy" || unit == "" {
		label = "proxy value"
	}
	m.Layers = []plots.Layer{
		{Title: "true", Values: truth, Label: label, Ln: true, Low: low, High: high},
		{Title: "predicted", Values: predicted, Label: label, Ln: true, Low: low, High: high},
		{Title: "error", Values: failure, Label: "predicted minus true, ln", Diverging: true},
	}
	for _, inside := range x.Inside {
		m.Outside = append(m.Outside, !inside)
	}
	return m
}
