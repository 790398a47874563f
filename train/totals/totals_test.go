package totals

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// town is n x n cells whose errors have a part that 4 x 4 cells share.
func town(rng *rand.Rand, n int, shared, own float64) (h Held) {
	at := map[[2]int64]float64{}
	for row := range int64(n) {
		for col := range int64(n) {
			b := [2]int64{col / 4, row / 4}
			if _, ok := at[b]; !ok {
				at[b] = shared * rng.NormFloat64()
			}
			f := 8 + rng.NormFloat64()
			h.Predicted, h.True = append(h.Predicted, f), append(h.True, f+at[b]+own*rng.NormFloat64())
			h.Col, h.Row = append(h.Col, col), append(h.Row, row)
		}
	}
	return h
}

// The smearing factor is the mean of exp(residual), by hand.
func TestSmearing(t *testing.T) {
	h := Held{True: []float64{1, 2, 3}, Predicted: []float64{1, 2 - math.Ln2, 3 + math.Ln2}}
	c := smearing(h, ones(3))
	if want := (1 + 2 + 0.5) / 3; math.Abs(c.Factor(2)-want) > 1e-12 || math.Abs(c.Amount(0)-want) > 1e-12 {
		t.Errorf("factor %g, want %g", c.Factor(2), want)
	}
}

// A factor that grows above the usual level, half a standard deviation over the
// mean, is found and solves its equations; beyond the held-out predictions it stays
// as it is at their end, and among usual cells it is one.
func TestByLevel(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	h := town(rng, 60, 0, 0.5)
	for i, f := range h.Predicted {
		h.True[i] += 0.3 * max(0, f-8.5)
	}
	c := byLevel(h, ones(len(h.True)))
	if math.Abs(c.B-0.3) > 0.06 || math.Abs(c.Factor(8)-math.Exp(0.125)) > 0.05 || math.Abs(c.Low-8.5) > 0.05 {
		t.Errorf("slope %g from %g on, factor %g at 8", c.B, c.Low, c.Factor(8))
	}
	mean, slope, squares := 0.0, 0.0, 0.0
	n := float64(len(h.True))
	for i, f := range h.Predicted {
		r := math.Exp(h.True[i]-f)/c.Factor(f) - 1
		mean, slope, squares = mean+r, slope+r*(max(f, c.Low)-c.Center), squares+(f-c.Center)*(f-c.Center)
	}
	if math.Abs(mean/n) > 1e-9 || math.Abs(slope-shrinkage*squares/n*c.B)/n > 1e-9 {
		t.Errorf("mean %g, slope %g are left", mean/n, slope/n)
	}
	if c.Factor(c.High+5) != c.Factor(c.High) || c.Factor(c.Low-5) != c.Factor(c.Low) {
		t.Error("the factor runs on beyond what was seen")
	}
	m, err := Fit(h)
	if err != nil || m.Correction.Method != Level || !strings.Contains(m.Chosen, "with a factor by level") {
		t.Errorf("%+v, %s, %v", m.Correction, m.Chosen, err)
	}
	flat := Held{True: []float64{1, 2, 3}, Predicted: []float64{2, 2, 2}}
	if a, b := byLevel(flat, ones(3)), smearing(flat, ones(3)); a.B != 0 || a.A != b.A {
		t.Errorf("predictions that are all alike gave a slope: %+v", a)
	}
}

// A total whose large cells are predicted too low comes out right by level, not with
// one factor; where the factor is the same everywhere, so is the one by level.
func TestTotalsOfLargeCells(t *testing.T) {
	const towns = 40
	for _, slope := range []float64{0.3, 0} {
		one, level := 0.0, 0.0
		for seed := range uint64(towns) {
			rng := rand.New(rand.NewPCG(seed, 6))
			h, other := town(rng, 28, 0, 0.5), town(rng, 60, 0, 0.5)
			for _, x := range []Held{h, other} {
				for i, f := range x.Predicted {
					x.True[i] += slope * max(0, f-8.5)
				}
			}
			a, b := smearing(h, ones(len(h.True))), byLevel(h, ones(len(h.True)))
			truth, sumA, sumB := 0.0, 0.0, 0.0
			for i, f := range other.Predicted {
				truth, sumA, sumB = truth+math.Exp(other.True[i]), sumA+a.Amount(f), sumB+b.Amount(f)
			}
			one, level = one+math.Log(sumA/truth)/towns, level+math.Log(sumB/truth)/towns
		}
		if math.Abs(level) > 0.045 || slope > 0 && one > -0.08 || slope == 0 && math.Abs(one) > 0.025 {
			t.Errorf("slope %g: totals off by %.3f in ln with one factor, %.3f by level", slope, one, level)
		}
	}
}

// Few cells, or none of the large ones, make no slope: with a dozen the factor is
// drawn to one.
func TestFewCellsMakeNoSlope(t *testing.T) {
	h := Held{}
	for i := range 12 {
		f := 8 + float64(i%4-1) // one cell in four is large
		h.Predicted, h.True = append(h.Predicted, f), append(h.True, f+map[bool]float64{true: 1, false: 0}[i%4 == 3])
	}
	if c := byLevel(h, ones(12)); c.B <= 0 || c.B > 0.15 {
		t.Errorf("slope %g", c.B)
	}
}

// Intervals of sums hold as often as they say although neighbors err together; an
// interval for independent cells would hold far less often. Standard deviation of
// the share: 4 points.
func TestSumsHold(t *testing.T) {
	const towns = 80
	held := map[float64]int{}
	raw, corrected := 0.0, 0.0
	for seed := range uint64(towns) {
		rng := rand.New(rand.NewPCG(seed, 3))
		m, err := Fit(town(rng, 28, 0.5, 0.4))
		if err != nil {
			t.Fatal(err)
		}
		other := town(rng, 20, 0.5, 0.4)
		truth := 0.0
		for _, y := range other.True {
			truth += math.Exp(y)
		}
		s := m.Sums(Cells{other.Predicted, other.Col, other.Row}, []Area{Whole(len(other.True))}, []float64{0.8, 0.9})[0]
		for _, i := range s.Intervals {
			if i.Low <= truth && truth <= i.High {
				held[i.Level]++
			}
		}
		raw, corrected = raw+math.Log(s.Raw/truth)/towns, corrected+math.Log(s.Corrected/truth)/towns
	}
	t.Logf("held %v of %d; raw totals off by %.3f, corrected by %.3f in ln", held, towns, raw, corrected)
	for level, n := range held {
		if got := float64(n) / towns; math.Abs(got-level) > 0.12 {
			t.Errorf("%g: held in %g of towns", level, got)
		}
	}
	if math.Abs(corrected) > 0.03 || raw > -0.15 {
		t.Errorf("raw totals off by %g, corrected by %g in ln", raw, corrected)
	}
}

// Sums over blocks hold as often as they say where the few cells that make up most of a
// sum err more than the many small ones. Errors lent without regard to what is
// predicted hold in ten points too few of these blocks.
func TestSumsOfLargeCellsHold(t *testing.T) {
	held, n := map[float64]int{}, 0
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 8))
		city := func() Held {
			h := town(rng, 48, 0.2, 0)
			for i, f := range h.Predicted {
				h.True[i] += (0.2 + 0.3*max(0, f-8.5)) * rng.NormFloat64()
			}
			return h
		}
		m, err := Fit(city())
		if err != nil {
			t.Fatal(err)
		}
		other := city()
		order, first := blocks(other.Col, other.Row, 8)
		var areas []Area
		for b := range len(first) - 1 {
			var a Area
			for _, i := range order[first[b]:first[b+1]] {
				a.Cell = append(a.Cell, int32(i))
			}
			areas = append(areas, a)
		}
		for k, s := range m.Sums(Cells{other.Predicted, other.Col, other.Row}, areas, []float64{0.8, 0.95}) {
			truth := 0.0
			for _, i := range areas[k].Cell {
				truth += math.Exp(other.True[i])
			}
			n++
			for _, i := range s.Intervals {
				if i.Low <= truth && truth <= i.High {
					held[i.Level]++
				}
			}
		}
	}
	for level, k := range held {
		got := float64(k) / float64(n)
		t.Logf("%g: held in %.3f of %d blocks", level, got, n)
		if math.Abs(got-level) > 0.04 {
			t.Errorf("%g: held in %.3f of %d blocks", level, got, n)
		}
	}
}

// Areas add up to the whole, shares included, and the same cells give the same
// numbers again.
func TestAreas(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	m, err := Fit(town(rng, 20, 0.3, 0.4))
	if err != nil {
		t.Fatal(err)
	}
	h := town(rng, 10, 0.3, 0.4)
	c := Cells{h.Predicted, h.Col, h.Row}
	whole := Whole(100)
	a, b := whole, whole
	a.Share, b.Share = make([]float64, 100), make([]float64, 100)
	for i := range a.Share {
		a.Share[i], b.Share[i] = 0.25, 0.75
	}
	s := m.Sums(c, []Area{whole, a, b, {}}, []float64{0.9})
	again := m.Sums(c, []Area{whole}, []float64{0.9})
	if math.Abs(s[1].Corrected+s[2].Corrected-s[0].Corrected) > 1e-9*s[0].Corrected || math.Abs(s[1].Raw*4-s[0].Raw) > 1e-9*s[0].Raw {
		t.Errorf("%+v", s)
	}
	if again[0].Intervals[0] != s[0].Intervals[0] {
		t.Errorf("%+v, then %+v", s[0].Intervals, again[0].Intervals)
	}
	if s[3].Corrected != 0 || s[3].Intervals[0].Low != 0 || s[3].Intervals[0].High != 0 {
		t.Errorf("an area without cells: %+v", s[3])
	}
}

func TestFitRefuses(t *testing.T) {
	good := town(rand.New(rand.NewPCG(1, 1)), 10, 0, 1)
	few := Held{True: good.True[:19], Predicted: good.Predicted[:19], Col: good.Col[:19], Row: good.Row[:19]}
	bad := town(rand.New(rand.NewPCG(1, 1)), 10, 0, 1)
	bad.True[3] = math.Inf(1)
	onePlace := town(rand.New(rand.NewPCG(1, 1)), 10, 0, 1)
	clear(onePlace.Col)
	clear(onePlace.Row)
	for want, h := range map[string]Held{"too few for a total": few, "held-out cell 3": bad, "1 places": onePlace,
		"targets for": {True: []float64{1}}} {
		if _, err := Fit(h); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

func TestVague(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      bool
	}{{1e6, 9.9e6, false}, {1e6, 161e6, true}, {0, 5, false}, {math.NaN(), 5, false}} {
		text := Vague([]Interval{{Level: 0.8, Low: 1, High: 1000}, {Level: 0.9, Low: c.low, High: c.high}})
		if (text != "") != c.want || c.want && !strings.Contains(text, "factor of 161") {
			t.Errorf("from %g to %g: %q", c.low, c.high, text)
		}
	}
	if got := Vague(nil); got != "" {
		t.Errorf("without intervals: %q", got)
	}
}

// A power plant among some fifty held-out cells does not multiply every other cell: the
// factor is about that of the others, and the correction says so. Its interval still
// knows of the plant. Where errors are normal nothing is capped.
func TestOneCellDoesNotDecide(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var h Held
	normal := distuv.UnitNormal
	for i, k := range rng.Perm(54) {
		f := 9 + rng.NormFloat64()
		h.Predicted, h.True = append(h.Predicted, f), append(h.True, f+0.8*normal.Quantile((float64(k)+0.5)/54))
		h.Col, h.Row = append(h.Col, int64(i%9)), append(h.Row, int64(i/9))
	}
	usual, err := Fit(h)
	if err != nil {
		t.Fatal(err)
	}
	if usual.Correction.Capped != 0 || strings.Contains(usual.Correction.String(), "decide") {
		t.Errorf("%d of usual cells are capped: %s", usual.Correction.Capped, usual.Correction)
	}
	plant := h
	plant.True = slices.Clone(h.True)
	plant.True[30] = plant.Predicted[30] + math.Log(300)
	m, err := Fit(plant)
	if err != nil {
		t.Fatal(err)
	}
	if m.Correction.Capped != 1 || !strings.Contains(m.Correction.String(), "one validation cell") {
		t.Errorf("%d capped: %s", m.Correction.Capped, m.Correction)
	}
	cells := Cells{Ln: h.Predicted, Col: h.Col, Row: h.Row}
	a, b := usual.Sums(cells, []Area{Whole(54)}, []float64{0.9})[0], m.Sums(cells, []Area{Whole(54)}, []float64{0.9})[0]
	if b.Corrected > 1.25*a.Corrected || b.Corrected < a.Corrected {
		t.Errorf("a plant takes the total from %.4g to %.4g, of %.4g uncorrected", a.Corrected, b.Corrected, a.Raw)
	}
	if truth := a.Raw * 4; b.Intervals[0].High < truth || b.Intervals[0].High < 2*a.Intervals[0].High {
		t.Errorf("the interval does not know of the plant: %v, without it %v", b.Intervals[0], a.Intervals[0])
	}
	if b.Intervals[0].High > 50*b.Corrected {
		t.Errorf("the interval runs away: %v around %g", b.Intervals[0], b.Corrected)
	}
}
