package train

import (
	"math"
	"slices"
	"testing"

	"opencarbon/data/store"
	"opencarbon/train/plots"
)

// Where nothing is known of the truth there is one map, on its own scale.
func TestPredictedMaps(t *testing.T) {
	for _, known := range []bool{true, false} {
		d := town{rows: 4, cols: 5, change: func(targets []float64, _ []store.Split) {
			for i := range targets {
				if !known {
					targets[i] = math.NaN()
				}
			}
		}}.open(t)
		x := estimate{ln: make([]float64, d.store.Len()), inside: make([]bool, d.store.Len())}
		for i := range x.ln {
			x.ln[i], x.inside[i] = float64(i), i != 7
		}
		m := predictedMaps(d.store, x, "tCO2/yr")
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
