package rank

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

type golden struct {
	Predicted, Truth, Fitted, At []float64
	AtFitted                     []float64 `json:"at_fitted"`
	Rho, Tau, R2                 float64
	RhoP                         float64 `json:"rho_p"`
	TauP                         float64 `json:"tau_p"`
}

func cases(t testing.TB) []golden {
	t.Helper()
	text, err := os.ReadFile("testdata/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var c []golden
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	if len(c) != 240 {
		t.Fatalf("%d cases", len(c))
	}
	return c
}

func tied(v []float64) bool {
	v = slices.Sorted(slices.Values(v))
	return len(slices.Compact(v)) < len(v)
}

func near(got, want, relative float64) bool {
	return math.Abs(got-want) <= relative*max(math.Abs(want), 1e-300) || got == want
}

// Against scipy.stats and scikit-learn on the cases of testdata/generate.py.
func TestAgainstSciPy(t *testing.T) {
	ties := 0
	for i, c := range cases(t) {
		if tied(c.Predicted) || tied(c.Truth) {
			ties++
		}
		rho, err := Spearman(c.Predicted, c.Truth)
		if err != nil || !rho.Defined {
			t.Fatalf("case %d: %v %v", i, rho, err)
		}
		tau, err := Kendall(c.Predicted, c.Truth)
		if err != nil || !tau.Defined {
			t.Fatalf("case %d: %v %v", i, tau, err)
		}
		r2, err := MonotoneR2(c.Predicted, c.Truth)
		if err != nil || !r2.Defined {
			t.Fatalf("case %d: %v %v", i, r2, err)
		}
		for _, v := range []struct {
			name                string
			got, want, absolute float64
		}{
			{"rho", rho.Value, c.Rho, 1e-12}, {"tau", tau.Value, c.Tau, 1e-12}, {"R2", r2.Value, c.R2, 1e-10},
		} {
			if !(math.Abs(v.got-v.want) <= v.absolute) {
				t.Errorf("case %d: %s is %.17g, the referee's %.17g", i, v.name, v.got, v.want)
			}
		}
		// Where |rho| is 1 but for rounding, scipy's p is rounding too.
		if math.Abs(c.Rho) < 1-1e-9 && !near(rho.P, c.RhoP, 1e-8) || math.Abs(c.Rho) >= 1-1e-9 && rho.P > 1e-7 {
			t.Errorf("case %d, rho %g: p is %.17g, scipy %.17g", i, c.Rho, rho.P, c.RhoP)
		}
		if !near(tau.P, c.TauP, 1e-9) {
			t.Errorf("case %d, n %d: p of tau is %.17g, scipy %.17g", i, len(c.Truth), tau.P, c.TauP)
		}
		m, err := FitMonotone(c.Predicted, c.Truth)
		if err != nil {
			t.Fatal(err)
		}
		for k, got := range m.Apply(c.Predicted) {
			if math.Abs(got-c.Fitted[k]) > 1e-9 {
				t.Errorf("case %d: cell %d recalibrated to %g, scikit-learn %g", i, k, got, c.Fitted[k])
			}
		}
		for k, x := range c.At {
			if got := m.At(x); math.Abs(got-c.AtFitted[k]) > 1e-9 {
				t.Errorf("case %d: curve at %g is %g, scikit-learn %g", i, x, got, c.AtFitted[k])
			}
		}
	}
	if ties != 200 {
		t.Errorf("%d cases with ties, want 200", ties)
	}
}

func TestUndefined(t *testing.T) {
	for _, c := range []struct {
		name             string
		predicted, truth []float64
		want             string
	}{
		{"none", nil, nil, "no cells"},
		{"one", []float64{1}, []float64{2}, "one cell only"},
		{"two", []float64{1, 2}, []float64{2, 3}, "two cells only"},
		{"constant predictions", []float64{4, 4, 4}, []float64{1, 2, 3}, "all 3 predictions are equal"},
		{"constant truth", []float64{1, 2, 3}, []float64{5, 5, 5}, "all 3 targets are equal"},
	} {
		for name, f := range map[string]func(a, b []float64) (Result, error){"Spearman": Spearman, "Kendall": Kendall, "MonotoneR2": MonotoneR2} {
			r, err := f(c.predicted, c.truth)
			if err != nil || r.Defined || !strings.Contains(r.Why, c.want) || r.N != len(c.truth) {
				t.Errorf("%s, %s: %+v, %v", name, c.name, r, err)
			}
			text, err := json.Marshal(r)
			if err != nil || !strings.Contains(string(text), `"value":null`) || !strings.Contains(string(text), c.want) {
				t.Errorf("%s, %s: JSON %s, %v", name, c.name, text, err)
			}
			if !strings.HasPrefix(r.String(), "undefined: ") {
				t.Errorf("%s, %s: %s", name, c.name, r)
			}
		}
	}
}

func TestMistakes(t *testing.T) {
	ok := []float64{1, 2, 3}
	for _, c := range []struct {
		predicted, truth []float64
		want             string
	}{
		{ok, ok[:2], "3 predictions but 2 targets"},
		{[]float64{1, math.NaN(), 3}, ok, "prediction 1 of 3 is NaN"},
		{ok, []float64{1, 2, math.Inf(1)}, "target 2 of 3 is +Inf"},
	} {
		for name, f := range map[string]func(a, b []float64) (Result, error){"Spearman": Spearman, "Kendall": Kendall, "MonotoneR2": MonotoneR2} {
			if _, err := f(c.predicted, c.truth); err == nil || err.Error() != c.want {
				t.Errorf("%s: %v, want %s", name, err, c.want)
			}
		}
	}
	if _, err := SpearmanInterval(ok, ok, []int{1}, Bootstrap{}); err == nil {
		t.Error("one block number for three cells passed")
	}
	if _, err := SpearmanInterval(ok, ok, []int{1, 2, 3}, Bootstrap{Level: 95}); err == nil {
		t.Error("level 95 passed")
	}
	if _, err := FitMonotone(nil, nil); err == nil {
		t.Error("a curve through nothing")
	}
}

// A monotone change of either side changes no rank correlation.
func TestInvariance(t *testing.T) {
	for i, c := range cases(t) {
		bent := make([]float64, len(c.Truth))
		for k, v := range c.Truth {
			bent[k] = math.Exp(v / 4)
		}
		a, _ := Kendall(c.Predicted, c.Truth)
		b, err := Kendall(c.Predicted, bent)
		if err != nil || a.Value != b.Value {
			t.Errorf("case %d: tau %g became %g, %v", i, a.Value, b.Value, err)
		}
		s, _ := Spearman(c.Predicted, c.Truth)
		u, err := Spearman(bent, c.Predicted)
		if err != nil || math.Abs(s.Value-u.Value) > 1e-14 {
			t.Errorf("case %d: rho %g became %g, %v", i, s.Value, u.Value, err)
		}
	}
}

// city makes n cells in blocks of the given size whose errors are shared within a block.
func city(n, size int, seed uint64) (predicted, truth []float64, blocks []int) {
	rng := rand.New(rand.NewPCG(seed, 1))
	var shift, level float64
	for i := range n {
		if i%size == 0 {
			shift, level = rng.NormFloat64(), rng.NormFloat64()
		}
		y := math.Round(4*(level+0.3*rng.NormFloat64())) / 4
		truth = append(truth, y)
		predicted = append(predicted, math.Round(8*(y+shift+0.3*rng.NormFloat64()))/8)
		blocks = append(blocks, 1000-i/size)
	}
	return predicted, truth, blocks
}

func TestIntervals(t *testing.T) {
	p, y, blocks := city(600, 20, 7)
	c := Bootstrap{Draws: 400, Seed: 3}
	fast, err := SpearmanInterval(p, y, blocks, c)
	if err != nil {
		t.Fatal(err)
	}
	slow, err := blockInterval(p, y, blocks, c, Spearman)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(fast.Low-slow.Low) > 1e-12 || math.Abs(fast.High-slow.High) > 1e-12 || fast.Draws != 400 || fast.Blocks != 30 {
		t.Errorf("quick %+v, plain %+v", fast, slow)
	}
	rho, _ := Spearman(p, y)
	if !(fast.Low < rho.Value && rho.Value < fast.High) {
		t.Errorf("%g is not within %+v", rho.Value, fast)
	}
	again, _ := SpearmanInterval(p, y, blocks, c)
	if !reflect.DeepEqual(fast, again) {
		t.Errorf("same seed, %+v then %+v", fast, again)
	}
	renamed := make([]int, len(blocks))
	for i, b := range blocks {
		renamed[i] = -7 * b
	}
	if again, _ = SpearmanInterval(p, y, renamed, c); !reflect.DeepEqual(fast, again) {
		t.Errorf("other block numbers, %+v then %+v", fast, again)
	}
	if other, _ := SpearmanInterval(p, y, blocks, Bootstrap{Draws: 400, Seed: 4}); other.Low == fast.Low {
		t.Error("the seed does nothing")
	}
	// Cells taken one by one pretend to know more than blocks do.
	single := make([]int, len(blocks))
	for i := range single {
		single[i] = i
	}
	narrow, err := SpearmanInterval(p, y, single, c)
	if err != nil || narrow.High-narrow.Low > 0.6*(fast.High-fast.Low) {
		t.Errorf("by cells %+v, by blocks %+v, %v", narrow, fast, err)
	}
}

func TestNoInterval(t *testing.T) {
	p, y, _ := city(30, 10, 1)
	one, err := SpearmanInterval(p, y, make([]int, 30), Bootstrap{})
	if err != nil || one.Defined || !strings.Contains(one.Why, "1 spatial block") {
		t.Errorf("%+v, %v", one, err)
	}
	flat := make([]float64, 30)
	blocks := make([]int, 30)
	for i := range blocks {
		blocks[i] = i
	}
	none, err := SpearmanInterval(flat, y, blocks, Bootstrap{Draws: 50})
	if err != nil || none.Defined || !strings.Contains(none.Why, "undefined in 50 of 50") {
		t.Errorf("%+v, %v", none, err)
	}
	if text, err := json.Marshal(none); err != nil || !strings.Contains(string(text), `"low":null`) {
		t.Errorf("%s, %v", text, err)
	}
}

// The percentile interval of a known statistic: of a mean of blocks it is close
// to the normal one.
func TestIntervalWidth(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	n := 400
	y, blocks := make([]float64, n), make([]int, n)
	var sum, squares float64
	for i := range y {
		y[i], blocks[i] = rng.NormFloat64(), i
		sum += y[i]
		squares += y[i] * y[i]
	}
	mean := sum / float64(n)
	sd := math.Sqrt(squares/float64(n) - mean*mean)
	v, err := blockInterval(y, y, blocks, Bootstrap{Draws: 4000, Level: 0.9}, func(p, _ []float64) (Result, error) {
		s := 0.0
		for _, x := range p {
			s += x
		}
		return Result{Defined: true, Value: s / float64(len(p))}, nil
	})
	want := 1.645 * sd / math.Sqrt(float64(n))
	if err != nil || math.Abs(v.Low-(mean-want)) > 0.1*want || math.Abs(v.High-(mean+want)) > 0.1*want {
		t.Errorf("%+v, want %g +- %g; %v", v, mean, want, err)
	}
}

func TestMonotoneByBlocks(t *testing.T) {
	p, y, blocks := city(600, 20, 9)
	within, err := MonotoneR2(p, y)
	if err != nil {
		t.Fatal(err)
	}
	across, err := MonotoneR2ByBlocks(p, y, blocks)
	if err != nil || !across.Defined || across.Value >= within.Value || across.Value < 0.2 {
		t.Errorf("within %v, across %v, %v", within, across, err)
	}
	// A model that is right but for a bent scale is set right.
	bent := make([]float64, len(y))
	for i, v := range y {
		bent[i] = math.Exp(v)
	}
	if across, err = MonotoneR2ByBlocks(bent, y, blocks); err != nil || across.Value < 0.99 {
		t.Errorf("%v, %v", across, err)
	}
	if one, err := MonotoneR2ByBlocks(p, y, make([]int, len(y))); err != nil || one.Defined {
		t.Errorf("one block: %v, %v", one, err)
	}
}

func TestKendallIsFast(t *testing.T) {
	// 200,000 cells are 2e10 pairs: counting them one by one would not end.
	p, y, _ := city(200_000, 100, 2)
	tau, err := Kendall(p, y)
	if err != nil || !tau.Defined || tau.Value < 0.3 || tau.Value > 0.8 {
		t.Errorf("%+v, %v", tau, err)
	}
}

// The quick difference of R2 is BlockInterval's of the plain formula, draw for
// draw.
func TestDifferenceInterval(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const n = 90
	truth, blocks := make([]float64, n), make([]int, n)
	a, b := [][]float64{make([]float64, n), make([]float64, n)}, [][]float64{make([]float64, n)}
	for i := range n {
		truth[i], blocks[i] = rng.NormFloat64()+10, i/9
		a[0][i], a[1][i], b[0][i] = truth[i]+0.3*rng.NormFloat64(), truth[i]+0.4*rng.NormFloat64(), truth[i]+0.6*rng.NormFloat64()
	}
	have, err := DifferenceInterval(a, b, truth, blocks, Bootstrap{Draws: 300, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	index := make([]float64, n) // stands for the cells in a draw
	for i := range index {
		index[i] = float64(i)
	}
	want, err := blockInterval(index, truth, blocks, Bootstrap{Draws: 300, Seed: 3}, func(cells, y []float64) (Result, error) {
		of := func(p []float64) float64 {
			mean := 0.0
			for _, v := range y {
				mean += v / float64(len(y))
			}
			var e, s float64
			for k, c := range cells {
				e += (p[int(c)] - y[k]) * (p[int(c)] - y[k])
				s += (y[k] - mean) * (y[k] - mean)
			}
			return 1 - e/s
		}
		return Result{Defined: true, Value: (of(a[0])+of(a[1]))/2 - of(b[0]), N: len(y)}, nil
	})
	if err != nil || math.Abs(have.Low-want.Low) > 1e-9 || math.Abs(have.High-want.High) > 1e-9 || !(have.Low > 0) {
		t.Errorf("%v, want %v; %v", have, want, err)
	}
}

// blockInterval is the definition, slowly: whole blocks are drawn with
// replacement, and the statistic is taken of the cells drawn, a block drawn twice
// counting twice.
func blockInterval(predicted, truth []float64, blocks []int, c Bootstrap, statistic func(predicted, truth []float64) (Result, error)) (Interval, error) {
	if _, _, err := check(predicted, truth); err != nil {
		return Interval{}, err
	}
	groups, err := group(blocks, len(truth))
	if err != nil {
		return Interval{}, err
	}
	var p, y []float64
	return c.percentiles(len(groups), func(times []int) (Result, error) {
		p, y = p[:0], y[:0]
		for g, cells := range groups {
			for range times[g] {
				for _, i := range cells {
					p, y = append(p, predicted[i]), append(y, truth[i])
				}
			}
		}
		return statistic(p, y)
	})
}
