package rivals

import (
	"math"
	"testing"
)

// The first direction is that in which the rows spread most; directions are of
// length 1.
func TestPrincipal(t *testing.T) {
	var rows []float64
	for i := range 20 {
		a, b := float64(i-10), 0.1*float64(i%3)
		rows = append(rows, 5+3*a, 1+4*a+b, 2) // along (3, 4, 0)
	}
	center, d, err := principal(rows, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(math.Abs(d[0])-0.6) > 0.01 || math.Abs(math.Abs(d[2])-0.8) > 0.01 || math.Abs(d[4]) > 0.01 || math.Abs(center[2]-2) > 1e-9 {
		t.Errorf("center %v, directions %v", center, d)
	}
	for k := range 2 {
		if l := math.Hypot(math.Hypot(d[k], d[2+k]), d[4+k]); math.Abs(l-1) > 1e-9 {
			t.Errorf("direction %d has length %v", k, l)
		}
	}
	rows[0] = math.NaN()
	if _, _, err := principal(rows, 3, 2); err == nil {
		t.Error("components of NaN")
	}
}
