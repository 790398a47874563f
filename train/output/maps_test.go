package output

import (
	"math"
	"slices"
	"testing"

	"opencarbon/data/store"
	"opencarbon/train/internal/town"
	"opencarbon/train/plots"
)

// Where nothing is known of the truth there is one map, on its own scale.
func TestPredictedMaps(t *testing.T) {
	for _, known := range []bool{true, false} {
		s := town.Town{Rows: 4, Cols: 5, Change: func(targets []float64, _ []store.Split) {
			for i := range targets {
				if !known {
					targets[i] = math.NaN()
				}
			}
		}}.Open(t)
		x := Estimate{Ln: make([]float64, s.Len()), Inside: make([]bool, s.Len())}
		for i := range x.Ln {
			x.Ln[i], x.Inside[i] = float64(i), i != 7
		}
		m := predictedMaps(s, x, "tCO2/yr")
		if len(m.Layers) != map[bool]int{true: 3, false: 1}[known] || !slices.ContainsFunc(m.Layers, func(l plots.Layer) bool { return l.Title == "predicted" }) {
			t.Errorf("truth known: %v, %d layers", known, len(m.Layers))
		}
		for i, out := range m.Outside {
			if out != (i == 7) {
				t.Errorf("cell %d is outside: %v", i, out)
			}
		}
		if _, err := plots.Maps(m); err != nil {
			t.Error(err)
		}
	}
}
