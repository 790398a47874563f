package conformal

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// strange makes n cells whose errors are exponential with a mean of
// 0.3 exp(slope index), the index from 0 to 1.
func strange(rng *rand.Rand, n int, slope float64) (truth, predicted, index []float64) {
	for range n {
		d := rng.Float64()
		e := 0.3 * math.Exp(slope*d) * rng.ExpFloat64()
		if rng.IntN(2) == 0 {
			e = -e
		}
		p := 8 + 2*rng.NormFloat64()
		truth, predicted, index = append(truth, p+e), append(predicted, p), append(index, d)
	}
	return truth, predicted, index
}

// Widths that are known are found: the half width that holds a share L of
// exponential errors is -ln(1 - L) times their mean. One width for all would hold
// 90% intervals in 99% of the fifth that is most like the training cells and 76% of
// the least.
func TestAlong(t *testing.T) {
	for seed, slope := range []float64{1.5, 1.5, -1.5, -1.5} { // London's errors fall
		rng := rand.New(rand.NewPCG(uint64(seed), 21))
		c, err := CalibrateAlong(strange(rng, 4000, slope))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Trend(); math.Abs(math.Log(got.Scale(0.9)/got.Scale(0.1))-0.8*slope) > 0.2 || math.Abs(got.Scale(0.5)-1) > 0.06 {
			t.Fatalf("seed %d: %+v", seed, got)
		}
		tt, tp, td := strange(rng, 20_000, slope)
		scales := c.Scales(td)
		for _, level := range Levels() {
			q, err := c.Quantile(level)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range []float64{0.1, 0.5, 0.9} {
				want := -math.Log(1-level) * 0.3 * math.Exp(slope*d)
				low, high := q.Interval(0, c.Trend().Scale(d))
				if got := (high - low) / 2; math.Abs(got/want-1) > 0.12 {
					t.Errorf("seed %d, %g%%, index %g: half width %g, want %g", seed, 100*level, d, got, want)
				}
			}
			var held, of [5]float64
			for i, d := range td {
				f := min(4, int(5*d))
				of[f]++
				if low, high := q.Interval(tp[i], scales[i]); low <= tt[i] && tt[i] <= high {
					held[f]++
				}
			}
			for f := range held {
				if share := held[f] / of[f]; math.Abs(share-level) > 0.045 {
					t.Errorf("seed %d: %g%% intervals hold in %.1f%% of fifth %d", seed, 100*level, 100*share, f+1)
				}
			}
		}
	}
}

// Where errors do not change, widths stay nearly the same for all; where the cells are
// few, wholly.
func TestAlongWithoutTrend(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 22))
	near := 0
	for range 40 {
		c, err := CalibrateAlong(strange(rng, 500, 0))
		if err != nil {
			t.Fatal(err)
		}
		ends := math.Log(c.Trend().Scale(1) / c.Trend().Scale(0))
		if math.Abs(ends) > 0.5 {
			t.Errorf("%+v of errors that do not change", c.Trend())
		}
		if math.Abs(ends) < 0.15 {
			near++
		}
	}
	if near < 20 {
		t.Errorf("%d of 40 nearly without a trend", near)
	}
	for name, world := range map[string]func() ([]float64, []float64, []float64){
		"few cells": func() ([]float64, []float64, []float64) { return strange(rng, leastTrend-1, 1.5) },
		"no errors": func() ([]float64, []float64, []float64) {
			y, _, d := strange(rng, 500, 1)
			return y, y, d
		},
		"all alike": func() ([]float64, []float64, []float64) {
			y, p, _ := strange(rng, 500, 1)
			return y, p, slices.Repeat([]float64{0.3}, 500)
		},
		"no cells": func() ([]float64, []float64, []float64) { return nil, nil, nil },
	} {
		truth, predicted, index := world()
		c, err := CalibrateAlong(truth, predicted, index)
		if err != nil {
			t.Fatal(name, err)
		}
		plain, err := Calibrate(truth, predicted, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.Normalized() || c.Scales([]float64{1}) != nil || c.Trend().Scale(0.9) != 1 || !slices.Equal(c.scores, plain.scores) {
			t.Errorf("%s: %+v", name, c.Trend())
		}
	}
}

// The promise of finite samples holds with a trend that is fitted on few cells: on
// average over many calibrations the intervals hold as often as they say.
func TestAlongOfFewCells(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 23))
	const rounds = 400
	for _, slope := range []float64{0, 1.5} {
		var held [3]float64
		for range rounds {
			c, err := CalibrateAlong(strange(rng, 59, slope)) // 60 times each level is a whole number
			if err != nil {
				t.Fatal(err)
			}
			tt, tp, td := strange(rng, 200, slope)
			report, err := c.Report(tt, tp, c.Scales(td), Levels())
			if err != nil {
				t.Fatal(err)
			}
			for k, r := range report {
				held[k] += r.Covered / rounds
			}
		}
		for k, level := range Levels() {
			if math.Abs(held[k]-level) > 0.015 {
				t.Errorf("errors that grow by %g: %g%% intervals hold %.1f%%", slope, 100*level, 100*held[k])
			}
		}
	}
}

// Errors may be largest in the middle, too.
func TestAlongAHill(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 24))
	hill := func(n int) (truth, predicted, index []float64) {
		truth, predicted, index = strange(rng, n, 0)
		for i, d := range index {
			truth[i] = predicted[i] + (truth[i]-predicted[i])*math.Exp(1-4*math.Abs(d-0.5))
		}
		return truth, predicted, index
	}
	c, err := CalibrateAlong(hill(4000))
	if err != nil {
		t.Fatal(err)
	}
	if x := c.Trend(); x.Scale(0.5) < 2*x.Scale(0.02) || x.Scale(0.5) < 2*x.Scale(0.98) {
		t.Errorf("%+v", x)
	}
}

// Between knots ln of the width is a straight line, below them it stays as it is; what
// is stranger than any calibration cell has no narrower interval than the mean cell,
// however errors fall.
func TestTrendEnds(t *testing.T) {
	growing, falling := Trend{Index: []float64{0.1, 0.5, 1}, Ln: []float64{-0.8, 0, 1}}, Trend{Index: []float64{0, 1}, Ln: []float64{0.5, -0.5}}
	for index, want := range map[float64]float64{0.5: 1, 0.3: math.Exp(-0.4), 0: math.Exp(-0.8), 0.1: math.Exp(-0.8), 0.75: math.Exp(0.5), 1: math.Exp(1), 7: math.Exp(1),
		math.Inf(1): math.Exp(1), math.NaN(): math.Exp(1)} {
		if got := growing.Scale(index); math.Abs(got-want) > 1e-12 {
			t.Errorf("index %g: %g, want %g", index, got, want)
		}
	}
	for index, want := range map[float64]float64{-3: math.Exp(0.5), 0.5: 1, 1: math.Exp(-0.5), 1.001: 1, 7: 1, math.NaN(): 1} {
		if got := falling.Scale(index); math.Abs(got-want) > 1e-12 {
			t.Errorf("where errors fall, index %g: %g, want %g", index, got, want)
		}
	}
	if got := (Trend{}).Scale(3); got != 1 {
		t.Errorf("no trend: %g", got)
	}
}

func TestAlongRefuses(t *testing.T) {
	if _, err := CalibrateAlong([]float64{1}, []float64{1}, nil); err == nil || !strings.Contains(err.Error(), "0 indices") {
		t.Errorf("%v", err)
	}
	if _, err := CalibrateAlong([]float64{1}, []float64{1}, []float64{math.NaN()}); err == nil || !strings.Contains(err.Error(), "index 0 of 1") {
		t.Errorf("%v", err)
	}
	if _, err := CalibrateAlong([]float64{1}, nil, []float64{1}); err == nil {
		t.Error("targets without predictions")
	}
}
