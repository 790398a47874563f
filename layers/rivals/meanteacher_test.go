package rivals

import (
	"testing"

	"opencarbon/layers"
)

// Shares sum to 1, follow the density of POIs, and a cell in the middle of
// nothing is uninhabited.
func TestSoftLabels(t *testing.T) {
	const n = 9 // a row of cells
	g := layers.Ground{Counts: make([]float32, 2*n)}
	for i := range int64(n) {
		g.Col, g.Row = append(g.Col, i), append(g.Row, 4)
	}
	for i := 3; i < n; i++ {
		g.Counts[2*i], g.Counts[2*i+1] = float32(i), float32(3*i)
	}
	labels := softLabels(g, 2)
	for i := range n {
		urban, rural, empty := labels[3*i], labels[3*i+1], labels[3*i+2]
		if s := urban + rural + empty; s < 0.999 || s > 1.001 || min(urban, rural, empty) < 0 {
			t.Errorf("cell %d: %v, %v, %v", i, urban, rural, empty)
		}
		if i < 2 && empty != 1 {
			t.Errorf("cell %d has no POI near, and is uninhabited by %v", i, empty)
		}
		if i > 0 && urban-empty < labels[3*i-3]-labels[3*i-1] {
			t.Errorf("cell %d is less urban than the one before", i)
		}
	}
	if labels[3*n-3] != 1 {
		t.Errorf("the densest cell is urban by %v", labels[3*n-3])
	}
}

// The weight of the consistency rises to READ's 12.5 in 20 epochs.
func TestConsistency(t *testing.T) {
	if a, b, c := consistency(0), consistency(10), consistency(20); !(a < 0.1 && a < b && b < c && c == teacherWeight && consistency(100) == c) {
		t.Errorf("%v, %v, %v", a, b, c)
	}
}
