package conformal

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// world makes n cells whose errors are skewed and grow with a spread that is
// known up to some noise: nothing normal, so that only the ranks can be right.
func world(rng *rand.Rand, n int) (truth, predicted, spread []float64) {
	for range n {
		s := 0.2 + rng.ExpFloat64()
		p := 3 * rng.NormFloat64()
		truth = append(truth, p+s*(rng.ExpFloat64()-0.5))
		predicted = append(predicted, p)
		spread = append(spread, s*(0.8+0.4*rng.Float64()))
	}
	return truth, predicted, spread
}

// The promise: on exchangeable cells, coverage is within 2 points of nominal,
// at every seed, with and without a spread.
func TestCoverage(t *testing.T) {
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 11))
		ct, cp, cs := world(rng, 4000)
		tt, tp, ts := world(rng, 6000)
		var wild [2]float64 // coverage of the quarter or so with the largest spread, at 90%
		for k, use := range []bool{false, true} {
			calibration, test := cs, ts
			if !use {
				calibration, test = nil, nil
			}
			c, err := Calibrate(ct, cp, calibration)
			if err != nil {
				t.Fatal(err)
			}
			report, err := c.Report(tt, tp, test, Levels())
			if err != nil || len(report) != 3 {
				t.Fatal(report, err)
			}
			for _, r := range report {
				if math.Abs(r.Covered-r.Level) > 0.02 {
					t.Errorf("seed %d, spread %t: %g%% intervals hold %.1f%%", seed, use, 100*r.Level, 100*r.Covered)
				}
			}
			q, err := c.Quantile(0.9)
			if err != nil {
				t.Fatal(err)
			}
			inside, of := 0.0, 0.0
			for i := range tt {
				if ts[i] < 1.6 {
					continue
				}
				of++
				if low, high := q.Interval(tp[i], ts[i]); low <= tt[i] && tt[i] <= high {
					inside++
				}
			}
			wild[k] = inside / of
		}
		// What a spread is for: uncertain cells are not the ones left out.
		if wild[0] > 0.8 || math.Abs(wild[1]-0.9) > 0.03 {
			t.Errorf("seed %d: 90%% intervals hold %.1f%% of uncertain cells, %.1f%% with their spread", seed, 100*wild[0], 100*wild[1])
		}
	}
}

// The promise also holds on average over many small calibrations, where a
// quantile without the correction for finite samples falls short: with 10 cells
// and 90% the 10th score is needed, which holds 10/11; the 9th would hold 9/11.
func TestFiniteSample(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 12))
	const n, rounds = 10, 20_000
	inside := 0
	for range rounds {
		ct, cp, _ := world(rng, n)
		c, err := Calibrate(ct, cp, nil)
		if err != nil {
			t.Fatal(err)
		}
		q, err := c.Quantile(0.9)
		if err != nil || !q.Finite {
			t.Fatal(q, err)
		}
		tt, tp, _ := world(rng, 1)
		if low, high := q.Interval(tp[0], 0); low <= tt[0] && tt[0] <= high {
			inside++
		}
	}
	// One standard deviation of the share is 0.2 points.
	if share := float64(inside) / rounds; math.Abs(share-10./11) > 0.008 {
		t.Errorf("90%% intervals from %d cells hold %.2f%%", n, 100*share)
	}
}

func TestQuantile(t *testing.T) {
	for _, c := range []struct {
		n     int
		level float64
		want  float64 // scores are 1 ... n; 0: none
	}{
		{19, 0.95, 19}, {18, 0.95, 0}, {9, 0.9, 9}, {8, 0.9, 0}, {4, 0.8, 4}, {3, 0.8, 0},
		{99, 0.9, 90}, {100, 0.9, 91}, {39, 0.95, 38}, {1, 0.5, 1}, {0, 0.5, 0}, {1000, 0.001, 2},
	} {
		truth := make([]float64, c.n)
		for i := range truth {
			truth[i] = float64(c.n - i)
			if i%2 == 0 {
				truth[i] *= -1
			}
		}
		cal, err := Calibrate(truth, make([]float64, c.n), nil)
		if err != nil || cal.N() != c.n || cal.Normalized() {
			t.Fatal(err)
		}
		q, err := cal.Quantile(c.level)
		if err != nil {
			t.Fatal(err)
		}
		if c.want == 0 {
			low, high := q.Interval(1, 1)
			if q.Finite || !math.IsInf(low, -1) || !math.IsInf(high, 1) || !strings.Contains(q.Why, "too few") {
				t.Errorf("%d cells, %g: %+v", c.n, c.level, q)
			}
		} else if !q.Finite || q.Value != c.want || q.Why != "" {
			t.Errorf("%d cells, %g: %+v, want %g", c.n, c.level, q, c.want)
		}
	}
}

func TestTooFew(t *testing.T) {
	c, err := Calibrate([]float64{1, 2, 3}, []float64{1, 1, 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	report, err := c.Report([]float64{5}, []float64{4}, nil, []float64{0.95, 0.5})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(report)
	want := `[{"level":0.95,"n":1,"covered":1,"mean_width":null,"quantile":null,"undefined":"3 calibration cells are too few for a 95% interval: it takes at least 19"},{"level":0.5,"n":1,"covered":1,"mean_width":2,"quantile":1}]`
	if err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
	report, err = c.Report(nil, nil, nil, []float64{0.5})
	if err != nil || report[0].Why != "no cells to report on" {
		t.Errorf("%+v, %v", report, err)
	}
	if _, err := json.Marshal(report); err != nil {
		t.Error(err)
	}
}

// An ensemble whose members agree promises no truth without error.
func TestNoSpread(t *testing.T) {
	c, err := Calibrate([]float64{1.01, 2}, []float64{1, 2}, []float64{0, 1})
	if err != nil {
		t.Fatal(err)
	}
	q, err := c.Quantile(0.6)
	if low, high := q.Interval(7, 0); err != nil || math.Abs(low-6.99) > 1e-9 || math.Abs(high-7.01) > 1e-9 {
		t.Errorf("%g to %g, %v", low, high, err)
	}
}

func TestMistakes(t *testing.T) {
	two := []float64{1, 2}
	for _, c := range []struct {
		truth, predicted, spread []float64
		want                     string
	}{
		{two, two[:1], nil, "2 targets but 1 predictions"},
		{two, two, two[:1], "2 targets but 1 spreads"},
		{[]float64{1, math.NaN()}, two, nil, "target 1 of 2 is NaN"},
		{two, []float64{math.Inf(1), 2}, nil, "prediction 0 of 2 is +Inf"},
		{two, two, []float64{1, -1}, "spread 1 of 2 is -1"},
	} {
		if _, err := Calibrate(c.truth, c.predicted, c.spread); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	c, err := Calibrate(two, two, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Quantile(95); err == nil || !strings.Contains(err.Error(), "write 0.9 for 90%") {
		t.Error(err)
	}
	if _, err := c.Report(two, two, two, Levels()); err == nil {
		t.Error("a spread that the calibration did not have")
	}
}
