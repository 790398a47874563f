package compare

import (
	"strings"
	"testing"

	"opencarbon/train/method"
)

// A training has reached a level at its first validation that is as good; one that
// validates once, when it is done; the median is over those that reach it.
func TestReach(t *testing.T) {
	d := &method.Dataset{Ln: []float64{1, 2, 3}, Validation: []int32{0, 1, 2}}
	exact := []float64{1, 2, 3}
	seeds := [][]part{
		{{Curve: []point{{1, 0.1}, {2, 0.9}, {3, 0.7}}, Seconds: 9}},
		{{Curve: []point{{4, 0.8}}, Seconds: 9}},
		{{Curve: []point{{5, 0.79}}, Seconds: 9}},
		{{Validation: exact, Seconds: 7}},
	}
	for _, c := range []struct {
		level float64
		want  string
	}{{0.8, "4s (3 of 4)"}, {0.05, "4.5s"}, {1.5, "never"}} {
		r, err := reach([]*method.Dataset{d}, seeds, c.level)
		if err != nil || r.String() != c.want {
			t.Errorf("level %v: %v, %v; want %s", c.level, r, err, c.want)
		}
	}
	table := &Table{Reach: 0.8, Rows: []Row{{Name: "x", N: 1, Reached: &Reached{Level: 0.8, Of: 1, N: 1, Seconds: 2.25}}}}
	var b strings.Builder
	table.Markdown(&b)
	if !strings.Contains(b.String(), "to R2 0.800 |") || !strings.Contains(b.String(), " 2.3s |") {
		t.Error(b.String())
	}
	table.Reach = 0
	b.Reset()
	if table.Markdown(&b); strings.Contains(b.String(), "to R2") {
		t.Error(b.String())
	}
}
