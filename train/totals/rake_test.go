package totals

import (
	"math"
	"math/rand/v2"
	"testing"
)

// strips are areas of whole columns of an n x n town, but for one column in four
// that two strips share.
func strips(n int) []Area {
	areas := make([]Area, n/4)
	for i := range n * n {
		col := i % n
		k := col / 4
		if col%4 == 3 && k+1 < len(areas) {
			areas[k].Cell, areas[k].Share = append(areas[k].Cell, int32(i)), append(areas[k].Share, 0.3)
			areas[k+1].Cell, areas[k+1].Share = append(areas[k+1].Cell, int32(i)), append(areas[k+1].Share, 0.7)
			continue
		}
		areas[k].Cell, areas[k].Share = append(areas[k].Cell, int32(i)), append(areas[k].Share, 1)
	}
	return areas
}

// Totals hold to 1e-9 although areas share cells; within an area cells keep their
// proportions; an area without a total is touched only where it shares cells.
func TestRake(t *testing.T) {
	const n = 40
	rng := rand.New(rand.NewPCG(1, 1))
	before := make([]float64, n*n)
	for i := range before {
		before[i] = math.Exp(8 + 2*rng.NormFloat64())
	}
	areas := strips(n)
	want := make([]float64, len(areas))
	for k := range want {
		want[k] = sumOf(before, areas[k]) * math.Exp(rng.NormFloat64())
	}
	want[4] = 0
	v := append([]float64(nil), before...)
	factors, _, err := Rake(v, areas, want)
	if err != nil {
		t.Fatal(err)
	}
	for k, a := range areas {
		if want[k] > 0 && math.Abs(sumOf(v, a)/want[k]-1) > 1e-9 {
			t.Errorf("area %d: %g, want %g", k, sumOf(v, a), want[k])
		}
		if want[k] > 0 && math.Abs(factors[k]*sumOf(before, a)/want[k]-1) > 1e-9 {
			t.Errorf("area %d: factor %g", k, factors[k])
		}
	}
	if !math.IsNaN(factors[4]) {
		t.Errorf("factor %g of an area without a total", factors[4])
	}
	if v[17] != before[17] || math.Abs(v[1]/v[2]-before[1]/before[2]) > 1e-9*v[1]/v[2] {
		t.Error("cells did not keep their proportions")
	}
	for i, x := range v {
		if !(x > 0) {
			t.Fatalf("cell %d is %g", i, x)
		}
	}
}

// sumOf is a sum by shares, written down once more.
func sumOf(v []float64, a Area) (s float64) {
	for k, i := range a.Cell {
		s += v[i] * a.Share[k]
	}
	return s
}

func TestRakeRefuses(t *testing.T) {
	one := Area{Cell: []int32{0}, Share: []float64{0.5}}
	if _, bad, err := Rake([]float64{1}, []Area{one, one}, []float64{1, 9}); err == nil || bad < 0 {
		t.Errorf("two areas of one cell with different totals: %d, %v", bad, err)
	}
	if _, bad, err := Rake([]float64{1}, []Area{{}}, []float64{1}); err == nil || bad != 0 {
		t.Errorf("an area without cells: %d, %v", bad, err)
	}
}
