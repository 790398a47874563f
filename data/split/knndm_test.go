package split

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/store"
)

// Distances and W are those that testdata/make_knndm.py takes from all pairs, at
// the antimeridian too.
func TestDistancesOfFolds(t *testing.T) {
	text, err := os.ReadFile("testdata/knndm.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Cells             [][2]int64
		LonLat, Predicted []float64
		K                 int
		Folds             []int
		Ahead, Held, W    float64
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) == 0 {
		t.Fatal(err, len(cases))
	}
	for _, c := range cases {
		in := Input{LonLat: c.LonLat}
		for _, cell := range c.Cells {
			in.Cells, in.HasTarget = append(in.Cells, store.Cell{Col: cell[0], Row: cell[1]}), append(in.HasTarget, true)
		}
		labeled, ahead, err := in.ahead(c.Predicted, c.K)
		if err != nil {
			t.Fatal(err)
		}
		far := distances(ahead, labeled)
		held := heldOut(in, labeled, c.Folds, c.K, 0, 1)
		near := func(a, b float64) bool { return math.Abs(a-b) < 1e-6 }
		if !near(mean(far), c.Ahead) || !near(mean(held), c.Held) || !near(wasserstein(held, far), c.W) {
			t.Errorf("%v ahead, %v held out, W %v; want %v, %v, %v", mean(far), mean(held), wasserstein(held, far), c.Ahead, c.Held, c.W)
		}
	}
}

// By hand: the area between the steps of two distributions.
func TestWasserstein(t *testing.T) {
	for _, c := range []struct {
		a, b []float64
		want float64
	}{
		{[]float64{1, 2}, []float64{1, 2}, 0},
		{[]float64{0, 1}, []float64{2, 3}, 2},
		{[]float64{0, 4}, []float64{0, 1, 4}, 1},            // 1/6 of 1, then 1/6 of 3: (1/2-1/3)*1 + (2/3-1/2)*3
		{[]float64{3}, []float64{0, 0, 3, 3}, 1.5},          // half of the mass over 3
		{[]float64{1, 1, 5}, []float64{1, 1, 1, 5}, 1. / 3}, // 1/12 of 4
	} {
		want := c.want
		if len(c.b) == 3 {
			want = (0.5-1./3)*1 + (2./3-0.5)*3
		}
		if got := wasserstein(c.a, c.b); math.Abs(got-want) > 1e-12 || math.Abs(wasserstein(c.b, c.a)-want) > 1e-12 {
			t.Errorf("%v and %v: %v, want %v", c.a, c.b, got, want)
		}
	}
	if w := wasserstein(nil, []float64{1}); !math.IsInf(w, 1) {
		t.Errorf("of none: %v", w)
	}
}

// gridOf is a region of cells of 0.01 degrees; labeled says which have a target.
func gridOf(cols, rows int64, labeled func(col, row int64) bool) (in Input) {
	for row := range rows {
		for col := range cols {
			in.Cells = append(in.Cells, store.Cell{Col: col, Row: row})
			in.LonLat = append(in.LonLat, 10+0.01*float64(col), 0.2-0.01*float64(row))
			in.HasTarget = append(in.HasTarget, labeled(col, row))
		}
	}
	return in
}

// Where the prediction reaches far beyond the labels, cells held out lie far from
// the ones that train; where labels are strewn among the cells to be predicted, folds
// drawn cell by cell are right. Every labeled cell tests once.
func TestKNNDM(t *testing.T) {
	far := gridOf(60, 40, func(col, row int64) bool { return col < 25 && row < 20 })
	strewn := gridOf(60, 40, func(col, row int64) bool { return (col*7+row*13)%5 == 0 })
	for name, in := range map[string]Input{"far": far, "strewn": strewn} {
		m, err := KNNDM(context.Background(), in, in.LonLat, 5, 4, 0, 42)
		if err != nil {
			t.Fatal(err)
		}
		sizes := make([]int, 5)
		for i, f := range m.Folds {
			if (f >= 0) != in.HasTarget[i] {
				t.Fatalf("%s: cell %d, target %v, fold %d", name, i, in.HasTarget[i], f)
			}
			if f >= 0 {
				sizes[f]++
			}
		}
		labels := 0
		for _, n := range sizes {
			labels += n
		}
		if slices.Min(sizes) == 0 || float64(slices.Max(sizes)) > largestFold*float64(labels) || m.Predicted != len(in.Cells)-labels {
			t.Errorf("%s: sizes %v, %d to predict", name, sizes, m.Predicted)
		}
		if m.W > m.Random || m.W > m.Blocks {
			t.Errorf("%s: W %v, of blocks %v, of a random draw %v", name, m.W, m.Blocks, m.Random)
		}
		switch name {
		case "far":
			if m.W > 0.9*m.Random || m.HeldOut < 2*1.1 {
				t.Errorf("far: held out %v, ahead %v, W %v, random %v", m.HeldOut, m.Ahead, m.W, m.Random)
			}
		case "strewn":
			if m.HeldOut > 3*m.Ahead || m.Blocks < m.Random {
				t.Errorf("strewn: held out %v, ahead %v, W %v, blocks %v, random %v", m.HeldOut, m.Ahead, m.W, m.Blocks, m.Random)
			}
		}
		again, err := KNNDM(context.Background(), in, in.LonLat, 5, 4, 0, 42)
		if err != nil || !slices.Equal(again.Folds, m.Folds) {
			t.Errorf("%s: the same seed gives other folds, %v", name, err)
		}
	}
}

func TestKNNDMOfBadInput(t *testing.T) {
	all := gridOf(12, 12, func(int64, int64) bool { return true })
	some := gridOf(12, 12, func(col, _ int64) bool { return col < 6 })
	for want, c := range map[string]struct {
		in        Input
		predicted []float64
		k, buffer int
	}{
		"nothing is left to predict": {all, all.LonLat, 5, 0},
		"has no cells":               {all, nil, 5, 0},
		"are too few":                {some, some.LonLat, 2, 0},
		"too few for 40 folds":       {some, some.LonLat, 40, 0},
		"from a labeled one":         {some, []float64{100, 50, 100, 51}, 5, 0},
		"no folds leave cells":       {some, some.LonLat, 5, 12},
	} {
		_, err := KNNDM(context.Background(), c.in, c.predicted, c.k, 4, c.buffer, 1)
		if !fault.IsInput(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := KNNDM(ctx, some, some.LonLat, 5, 4, 0, 1); err != context.Canceled {
		t.Errorf("canceled: %v", err)
	}
}
