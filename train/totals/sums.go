package totals

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"opencarbon/data/store"
	"opencarbon/train/metrics"
)

// Cells are predictions: ln emission and the place in the grid, [n] each.
type Cells struct {
	Ln       []float64
	Col, Row []int64
}

// Area is a part of the cells. Share is how much of each cell belongs to it, 0 to
// 1; nil: all of each.
type Area struct {
	Cell  []int32
	Share []float64
}

func (a Area) share(k int) float64 {
	if a.Share == nil {
		return 1
	}
	return a.Share[k]
}

// drawn are the sums over an area in all draws: of truth as far as a correction
// counts it, and of the guess.
type drawn struct{ counted, guess float64 }

// off is ln of an area's sum of truth by that of guess; what is counted and guess are
// added to all.
func (a Area) off(truth, counted, guess []float64, all *drawn) float64 {
	t, c, g := 0.0, 0.0, 0.0
	for j, i := range a.Cell {
		share := a.share(j)
		t, c, g = t+share*truth[i], c+share*counted[i], g+share*guess[i]
	}
	all.counted, all.guess = all.counted+c, all.guess+g
	return math.Log(t / g)
}

// center is ln of the mean drawn truth by the mean guess.
func (d drawn) center() float64 { return math.Log(d.counted / d.guess) }

// At are predictions ln [N] of cells at their places.
func At(cells []store.Cell, ln []float64) Cells {
	c := Cells{Ln: ln}
	for _, x := range cells {
		c.Col, c.Row = append(c.Col, x.Col), append(c.Row, x.Row)
	}
	return c
}

// Whole is the area of all n cells.
func Whole(n int) Area {
	a := Area{Cell: make([]int32, n)}
	for i := range a.Cell {
		a.Cell[i] = int32(i)
	}
	return a
}

// Interval of a sum at one level, in the unit of the emissions.
type Interval struct {
	Level float64 `json:"level"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Sum is the total of an area.
type Sum struct {
	Raw       float64 // sum of exp(ln): what the model of logarithms says
	Corrected float64 // sum of the corrected amounts
	Intervals []Interval
}

// Wide reports whether a 90% interval from low to high leaves the size of a sum open:
// its ends are an order of magnitude apart.
func Wide(low, high float64) bool { return low > 0 && high > 10*low }

// Vague says in words that a sum is not one to be reported, since its 90% interval is
// Wide; it is empty where it is not. A corrected total stands there with all its
// digits, whatever a few cells far off made of it.
func Vague(intervals []Interval) string {
	for _, i := range intervals {
		if i.Level == 0.9 && Wide(i.Low, i.High) {
			return fmt.Sprintf("its 90%% interval spans a factor of %.0f: the validation cells are too few, or too uneven (a power plant among them), to tell this total", i.High/i.Low)
		}
	}
	return ""
}

// draws of the bootstrap. The ends of a 95% interval then have some 25 draws
// beyond them.
const draws = 1000

// Sums adds up areas, with an interval for each sum and level. The intervals are
// a bootstrap of held-out blocks: in each draw the correction is fitted on blocks
// drawn anew, and every block of the region gets the errors of a block drawn from
// the held-out ones, so that what goes together in a neighborhood stays together.
// How far such drawn totals lie from the estimate that goes with them says how
// far the true total may lie from ours. The distance counts in units of the
// spread between the blocks drawn (the bootstrap-t; Efron and Tibshirani 1993,
// section 12.5): held-out blocks that happen to lack the large errors give a low
// estimate and a small spread together, and a plain percentile would then hold
// too seldom.
func (m *Model) Sums(c Cells, areas []Area, levels []float64) []Sum {
	return m.sums(c, areas, nil, levels)
}

// Shares is Sums for areas of a whole whose total is known: the intervals are of
// the corrected sums as far as their shares of the whole are uncertain.
func (m *Model) Shares(c Cells, areas []Area, whole Area, levels []float64) []Sum {
	return m.sums(c, areas, &whole, levels)
}

func (m *Model) sums(c Cells, areas []Area, whole *Area, levels []float64) []Sum {
	plain, corrected := make([]float64, len(c.Ln)), make([]float64, len(c.Ln)) // [n] amounts
	for i, f := range c.Ln {
		plain[i] = math.Exp(f)
	}
	m.Correction.amounts(corrected, plain, c.Ln)
	out := make([]Sum, len(areas))
	for k, a := range areas {
		for j, i := range a.Cell {
			out[k].Raw += a.share(j) * plain[i]
			out[k].Corrected += a.share(j) * corrected[i]
		}
	}
	ratio := make([]float64, len(m.held.True)) // [held] true by corrected amount
	even := make([]float64, len(ratio))        // the same as far as a ratio counts: blocks spread without what no correction heeds
	counted, _ := m.held.counted(ones(len(ratio)))
	for j := range ratio {
		factor := m.Correction.Factor(m.held.Predicted[j])
		ratio[j], even[j] = m.held.ratio[j]/factor, counted[j]/factor
	}
	spread := m.spread(even, ones(m.Blocks))
	order, first := blocks(c.Col, c.Row, m.Block)
	rank(order, first, c.Ln)
	rng := rand.New(rand.NewPCG(seedWord, 2))
	truth, usual, guess := make([]float64, len(c.Ln)), make([]float64, len(c.Ln)), make([]float64, len(c.Ln))
	off := make([][]float64, len(areas)) // [areas][draws] ln of the drawn total by its estimate, in units of the spread
	units := make([]float64, 0, draws)   // [draws] the spread
	sum, all := make([]drawn, len(areas)), drawn{}
	for range draws {
		again, unit := m.refit(rng, even)
		units = append(units, unit)
		again.amounts(guess, plain, c.Ln)
		for b := range len(first) - 1 {
			m.lend(rng, order[first[b]:first[b+1]], func(i, j int) { truth[i], usual[i] = corrected[i]*ratio[j], corrected[i]*even[j] })
		}
		common := 0.0
		if whole != nil {
			common = whole.off(truth, usual, guess, &all)
		}
		for k, a := range areas {
			if len(a.Cell) > 0 {
				off[k] = append(off[k], (a.off(truth, usual, guess, &sum[k])-common)/unit)
			}
		}
	}
	for k := range off {
		if len(off[k]) == 0 {
			continue
		}
		center := sum[k].center()
		if whole != nil {
			center -= all.center()
		}
		for i := range off[k] {
			off[k][i] -= center / units[i]
		}
	}
	wider := make([]float64, len(levels))
	for l, level := range levels {
		wider[l] = spread * few(m.Blocks, level)
	}
	for k := range out {
		if len(off[k]) == 0 { // an area without cells
			off[k] = []float64{0}
		}
		slices.Sort(off[k])
		for l, level := range levels {
			out[k].Intervals = append(out[k].Intervals, Interval{level, out[k].Corrected * math.Exp(wider[l]*metrics.Quantile(off[k], (1-level)/2)),
				out[k].Corrected * math.Exp(wider[l]*metrics.Quantile(off[k], (1+level)/2))})
		}
	}
	return out
}

// few is by how much intervals of a level are wider because n blocks say little of how
// large the errors of a block can be: as Student's t has it instead of the normal
// distribution. 1 for many blocks; for 11 of them, which a city of 48 x 48 cells holds
// out, 1.07 to 1.14. In 40 such cities 80, 90 and 95% intervals of sums over 440 blocks
// then held 81, 90 and 94%. The factor sqrt((n+1)/(n-1)) instead, for the variance that n
// blocks drawn with replacement lack, held 81, 90 and 93%; both together 84, 92 and 97%.
func few(n int, level float64) float64 {
	q := (1 + level) / 2
	return distuv.StudentsT{Sigma: 1, Nu: float64(n - 1)}.Quantile(q) / distuv.UnitNormal.Quantile(q)
}

// refit is the correction of blocks drawn with replacement, and their spread.
func (m *Model) refit(rng *rand.Rand, ratio []float64) (Correction, float64) {
	times, weight := make([]float64, m.Blocks), make([]float64, len(m.held.True))
	for range m.Blocks {
		times[rng.IntN(m.Blocks)]++
	}
	for b, w := range times {
		for i := m.first[b]; i < m.first[b+1]; i++ {
			weight[i] = w
		}
	}
	return byLevel(m.held, weight), m.spread(ratio, times)
}

// spread is the standard error, as a share, of the mean ratio of true by corrected
// amounts, from the differences between blocks that count times [Blocks] each.
func (m *Model) spread(ratio, times []float64) float64 {
	sum, n := 0.0, 0.0
	for b, w := range times {
		for j := m.first[b]; j < m.first[b+1]; j++ {
			sum, n = sum+w*ratio[j], n+w
		}
	}
	mean, squares := sum/n, 0.0
	for b, w := range times {
		d := 0.0
		for j := m.first[b]; j < m.first[b+1]; j++ {
			d += ratio[j] - mean
		}
		squares += w * d * d
	}
	const least = 1e-3 // where the blocks drawn are all alike
	return max(math.Sqrt(squares)/sum, least)
}

// lend gives every cell i of a block of the region the held-out cell j whose error
// it shall have: those of one held-out block. Both are in the order of what is
// predicted, and the k-th of n cells has the error of a cell as far up in the other
// block: the sum over a block hangs on its few large cells, whose errors are not
// those of small ones. Errors handed round without regard to that made intervals of
// sums over 861 blocks of 20 made cities of 96 x 96 cells hold 76, 86 and 92% in
// place of 80, 90 and 95; with it they hold 79, 90 and 94%. Large blocks are drawn
// more often, so that each held-out cell is lent as often as any other.
func (m *Model) lend(rng *rand.Rand, cells []int, to func(i, j int)) {
	j := rng.IntN(len(m.held.True))
	b, _ := slices.BinarySearch(m.first, j+1)
	lo, hi := m.first[b-1], m.first[b]
	size := float64(hi-lo) / float64(len(cells)) // held-out cells for each of ours; any one of them
	for k, i := range cells {
		to(i, min(lo+int((float64(k)+rng.Float64())*size), hi-1))
	}
}
