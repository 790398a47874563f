package split

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The tree finds what looking at every point finds, many of one place among them.
func TestNearestOfTree(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	for _, n := range []int{1, 2, 3, 10, 400} {
		points := make([]point, n)
		for i := range points {
			points[i] = pointAt(float64(rng.IntN(12))*30, float64(rng.IntN(5))*20-40)
		}
		at := newTree(points)
		for range 200 {
			p := pointAt(360*rng.Float64(), 180*rng.Float64()-90)
			want := math.Inf(1)
			for _, q := range points {
				want = min(want, p.squared(q))
			}
			if i, d := at.nearest(p); math.Abs(d-want) > 1e-12 || math.Abs(p.squared(points[i])-want) > 1e-12 {
				t.Fatalf("of %d points %d at %v, want %v", n, i, d, want)
			}
		}
	}
	if i, d := newTree(nil).nearest(point{}); i != -1 || !math.IsInf(d, 1) {
		t.Errorf("of none: %d, %v", i, d)
	}
}
