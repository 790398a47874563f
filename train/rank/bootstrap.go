package rank

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"opencarbon/train/metrics"
)

// Bootstrap says how intervals are drawn. The zero value is the usual choice.
type Bootstrap struct {
	Draws int     // resamples; 0 means 1000
	Level float64 // 0 means 0.95
	Seed  uint64
}

// Interval is a bootstrap percentile interval, or the reason why there is none.
type Interval struct {
	Defined bool
	Why     string  // why not; empty where Defined
	Low     float64 // NaN unless Defined
	High    float64 // NaN unless Defined
	Level   float64 // e.g. 0.95
	Blocks  int     // spatial blocks that were drawn from
	Draws   int     // resamples that had a value
	Skipped int     // resamples in which the statistic was undefined
}

// MarshalJSON writes what does not exist as null, with the reason beside it.
func (v Interval) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Low     *float64 `json:"low"`
		High    *float64 `json:"high"`
		Level   float64  `json:"level"`
		Blocks  int      `json:"blocks"`
		Draws   int      `json:"draws"`
		Skipped int      `json:"skipped,omitempty"`
		Why     string   `json:"undefined,omitempty"`
	}{number(v.Low), number(v.High), v.Level, v.Blocks, v.Draws, v.Skipped, v.Why})
}

// SpearmanInterval draws whole spatial blocks with replacement, as many as there
// are, computes Spearman of the cells drawn (a block drawn twice counts twice),
// and takes the percentiles of what comes out (Efron and Tibshirani 1993, ch. 13;
// blocks because neighboring cells are not independent). blocks[i] names the block
// of cell i; any numbers will do. The same seed gives the same interval, whatever
// numbers the blocks go by. It is undefined with fewer than 2 blocks, or where more
// than half the draws have no value. The values are sorted once, and a draw only
// counts how often each cell came.
func SpearmanInterval(predicted, truth []float64, blocks []int, c Bootstrap) (Interval, error) {
	if _, _, err := check(predicted, truth); err != nil {
		return Interval{}, err
	}
	n := len(truth)
	groups, err := group(blocks, n)
	if err != nil {
		return Interval{}, err
	}
	of := make([]int, n) // cell -> group
	for g, cells := range groups {
		for _, i := range cells {
			of[i] = g
		}
	}
	byP, byY := sorted(predicted), sorted(truth)
	rp, ry := make([]float64, n), make([]float64, n)
	return c.percentiles(len(groups), func(times []int) (Result, error) {
		drawn := weightedRanks(predicted, byP, of, times, rp)
		weightedRanks(truth, byY, of, times, ry)
		mean := float64(drawn+1) / 2
		var xx, yy, xy float64
		for i := range n {
			w := float64(times[of[i]])
			a, b := rp[i]-mean, ry[i]-mean
			xx += w * a * a
			yy += w * b * b
			xy += w * a * b
		}
		if drawn < 3 || xx == 0 || yy == 0 {
			return undefined(drawn, "too few cells, or all equal"), nil
		}
		return Result{Defined: true, Value: max(-1, min(1, xy/math.Sqrt(xx)/math.Sqrt(yy))), N: drawn}, nil
	})
}

// weightedRanks puts into ranks what Ranks would give if each cell came as often
// as its group was drawn, and returns how many cells that makes.
func weightedRanks(v []float64, order, of, times []int, ranks []float64) int {
	before := 0
	for lo := 0; lo < len(order); {
		hi := tie(v, order, lo)
		here := 0
		for _, i := range order[lo:hi] {
			here += times[of[i]]
		}
		mean := float64(before) + float64(here+1)/2
		for _, i := range order[lo:hi] {
			ranks[i] = mean
		}
		before += here
		lo = hi
	}
	return before
}

// group gathers the cells of each block, blocks in order of first appearance.
func group(blocks []int, n int) ([][]int, error) {
	if len(blocks) != n {
		return nil, fmt.Errorf("%d block numbers for %d cells", len(blocks), n)
	}
	place := map[int]int{}
	var groups [][]int
	for i, b := range blocks {
		g, ok := place[b]
		if !ok {
			g = len(groups)
			place[b] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], i)
	}
	return groups, nil
}

// percentiles draws, and calls statistic with how often each block came.
func (c Bootstrap) percentiles(blocks int, statistic func(times []int) (Result, error)) (Interval, error) {
	if c.Draws == 0 {
		c.Draws = 1000
	}
	if c.Level == 0 {
		c.Level = 0.95
	}
	if c.Draws < 0 || !(c.Level > 0 && c.Level < 1) {
		return Interval{}, fmt.Errorf("a bootstrap of %d draws at level %g cannot be done: draws must be positive, the level between 0 and 1", c.Draws, c.Level)
	}
	v := Interval{Low: math.NaN(), High: math.NaN(), Level: c.Level, Blocks: blocks}
	if blocks < 2 {
		v.Why = fmt.Sprintf("%d spatial block: resampling needs at least two", blocks)
		return v, nil
	}
	rng := rand.New(rand.NewPCG(c.Seed, 0x626f6f74)) // the second word keeps this stream apart from others of the seed
	times := make([]int, blocks)
	values := make([]float64, 0, c.Draws)
	for range c.Draws {
		clear(times)
		for range blocks {
			times[rng.IntN(blocks)]++
		}
		r, err := statistic(times)
		if err != nil {
			return Interval{}, err
		}
		if r.Defined {
			values = append(values, r.Value)
		} else {
			v.Skipped++
		}
	}
	v.Draws = len(values)
	if 2*v.Draws <= c.Draws {
		v.Why = fmt.Sprintf("undefined in %d of %d resamples", v.Skipped, c.Draws)
		return v, nil
	}
	slices.Sort(values)
	v.Defined = true
	v.Low = metrics.Quantile(values, (1-c.Level)/2)
	v.High = metrics.Quantile(values, (1+c.Level)/2)
	return v, nil
}

// DifferenceInterval is the percentile interval of R2 of a minus R2 of b on the
// same cells, whole spatial blocks drawn as in SpearmanInterval. a and b are the
// predictions of one or more seeds each, [S][n]; a method's R2 is the mean over
// its seeds.
func DifferenceInterval(a, b [][]float64, truth []float64, blocks []int, c Bootstrap) (Interval, error) {
	groups, err := group(blocks, len(truth))
	if err != nil {
		return Interval{}, err
	}
	// R2 of a draw needs four sums, which add over blocks.
	type sums struct{ n, y, yy float64 }
	of := make([]sums, len(groups))
	squares := func(predicted [][]float64) ([][]float64, error) { // [S][groups]
		out := make([][]float64, len(predicted))
		for s, p := range predicted {
			if len(p) != len(truth) {
				return nil, fmt.Errorf("%d predictions of %d cells", len(p), len(truth))
			}
			out[s] = make([]float64, len(groups))
			for g, cells := range groups {
				for _, i := range cells {
					out[s][g] += (p[i] - truth[i]) * (p[i] - truth[i])
				}
			}
		}
		return out, nil
	}
	for g, cells := range groups {
		for _, i := range cells {
			of[g].n++
			of[g].y += truth[i]
			of[g].yy += truth[i] * truth[i]
		}
	}
	ea, err := squares(a)
	if err != nil {
		return Interval{}, err
	}
	eb, err := squares(b)
	if err != nil {
		return Interval{}, err
	}
	return c.percentiles(len(groups), func(times []int) (Result, error) {
		var t sums
		for g, k := range times {
			t.n += float64(k) * of[g].n
			t.y += float64(k) * of[g].y
			t.yy += float64(k) * of[g].yy
		}
		total := t.yy - t.y*t.y/t.n
		if !(t.n >= 3 && total > 0) {
			return undefined(int(t.n), "too few cells, or all equal"), nil
		}
		lost := func(e [][]float64) (mean float64) {
			for _, s := range e {
				for g, k := range times {
					mean += float64(k) * s[g] / float64(len(e))
				}
			}
			return mean
		}
		return Result{Defined: true, Value: (lost(eb) - lost(ea)) / total, N: int(t.n)}, nil
	})
}
