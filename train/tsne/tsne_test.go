package tsne

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"opencarbon/data/fault"
)

type set struct {
	Name       string
	Unit       float32
	D          int
	Perplexity float64
	Runs       map[string]struct{ KL, Trust float64 }
	Y          []float64
	YKL        float64 `json:"y_kl"`
	YTrust     float64 `json:"y_trust"`
	X          []int
}

func (s set) points() Points {
	p := Points{D: s.D, X: make([]float32, len(s.X))}
	for i, v := range s.X {
		p.X[i] = float32(v) * s.Unit
	}
	return p
}

func sets(t testing.TB) []set {
	t.Helper()
	text, err := os.ReadFile("testdata/sets.json")
	if err != nil {
		t.Fatal(err)
	}
	var s []set
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	if len(s) != 3 {
		t.Fatalf("%d data sets", len(s))
	}
	return s
}

// Maps as good as scikit-learn's, by both methods, on three data sets.
func TestAgainstScikitLearn(t *testing.T) {
	if testing.Short() {
		t.Skip("six maps of up to 900 points")
	}
	all := sets(t)
	if raceDetector {
		all = all[1:2] // iris: it makes these sums twenty times as slow
	}
	for _, s := range all {
		for method, want := range map[Method]struct{ KL, Trust float64 }{Exact: s.Runs["exact"], BarnesHut: s.Runs["barnes_hut"]} {
			m, err := Run(t.Context(), s.points(), Config{Perplexity: s.Perplexity, Method: method})
			if err != nil {
				t.Fatal(err)
			}
			trust, err := Trustworthiness(t.Context(), s.points(), m.Y, 5)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s, %s: KL %.4f, scikit-learn %.4f (%+.2f%%); trustworthiness %.4f, scikit-learn %.4f (%+.2f%%); %d iterations",
				s.Name, method, m.KL, want.KL, 100*(m.KL/want.KL-1), trust, want.Trust, 100*(trust/want.Trust-1), m.Iterations)
			if math.Abs(m.KL/want.KL-1) > 0.02 {
				t.Errorf("%s, %s: KL %g, scikit-learn %g", s.Name, method, m.KL, want.KL)
			}
			if math.Abs(trust/want.Trust-1) > 0.02 {
				t.Errorf("%s, %s: trustworthiness %g, scikit-learn %g", s.Name, method, trust, want.Trust)
			}
			if kl, err := KL(t.Context(), s.points(), m.Y, Config{Perplexity: s.Perplexity, Method: method}); err != nil || math.Abs(kl/m.KL-1) > 0.015 { // Run's normalization is Barnes-Hut's
				t.Errorf("%s, %s: KL says %g of a map that Run says has %g; %v", s.Name, method, kl, m.KL, err)
			}
		}
	}
}

// The measures of one given map are scikit-learn's to many digits.
func TestMeasures(t *testing.T) {
	for _, s := range sets(t) {
		x := s.points()
		x.X = x.X[:100*x.D]
		kl, err := KL(t.Context(), x, s.Y, Config{Perplexity: 10})
		if err != nil || math.Abs(kl/s.YKL-1) > 1e-4 { // its bisection stops at 1e-5
			t.Errorf("%s: KL %.9g, scikit-learn %.9g, %v", s.Name, kl, s.YKL, err)
		}
		trust, err := Trustworthiness(t.Context(), x, s.Y, 7)
		// Equal distances, of which iris has many, may be ranked either way.
		if err != nil || math.Abs(trust/s.YTrust-1) > 1e-3 {
			t.Errorf("%s: trustworthiness %.9g, scikit-learn %.9g, %v", s.Name, trust, s.YTrust, err)
		}
	}
}

// blobs makes k clusters in d dimensions.
func blobs(n, d, k int, seed uint64) Points {
	rng := rand.New(rand.NewPCG(seed, 2))
	centers := make([]float64, k*d)
	for i := range centers {
		centers[i] = 6 * rng.NormFloat64()
	}
	p := Points{D: d, X: make([]float32, n*d)}
	for i := range p.X {
		p.X[i] = float32(centers[(i/d%k)*d+i%d] + rng.NormFloat64())
	}
	return p
}

func TestDeterministic(t *testing.T) {
	x := blobs(400, 8, 5, 1)
	for _, method := range []Method{Exact, BarnesHut} {
		c := Config{Iterations: 300, Method: method, Seed: 5, Workers: 1}
		one, err := Run(t.Context(), x, c)
		if err != nil {
			t.Fatal(err)
		}
		c.Workers = 7
		seven, err := Run(t.Context(), x, c)
		if err != nil || !reflect.DeepEqual(one, seven) {
			t.Errorf("%s: one worker and seven make different maps; %v", method, err)
		}
		c.Seed = 6
		other, err := Run(t.Context(), x, c)
		if err != nil || slices.Equal(one.Y, other.Y) {
			t.Errorf("%s: the seed does nothing; %v", method, err)
		}
		c.Start = Random
		random, err := Run(t.Context(), x, c)
		if err != nil || slices.Equal(random.Y, other.Y) {
			t.Errorf("%s: the start does nothing; %v", method, err)
		}
	}
}

// Points of one cluster lie nearer to their own middle than to any other.
func TestClusters(t *testing.T) {
	const n, k = 1200, 6
	for name, c := range map[string]Config{"pca": {Iterations: 500}, "random": {Iterations: 500, Start: Random, Seed: 3}} {
		m, err := Run(t.Context(), blobs(n, 10, k, 4), c)
		if err != nil {
			t.Fatal(err)
		}
		if m.Method != BarnesHut || m.Perplexity != 30 {
			t.Errorf("%s: method %q, perplexity %g", name, m.Method, m.Perplexity)
		}
		var middle [k][2]float64
		for i := range n {
			middle[i%k][0] += m.Y[2*i] / (n / k)
			middle[i%k][1] += m.Y[2*i+1] / (n / k)
		}
		wrong := 0
		for i := range n {
			best, at := math.Inf(1), -1
			for g, c := range middle {
				if d := math.Hypot(m.Y[2*i]-c[0], m.Y[2*i+1]-c[1]); d < best {
					best, at = d, g
				}
			}
			if at != i%k {
				wrong++
			}
		}
		if wrong > n/100 {
			t.Errorf("%s: %d of %d points lie with another cluster", name, wrong, n)
		}
	}
}

func TestErrors(t *testing.T) {
	x := blobs(31, 3, 2, 1)
	holed := Points{D: 3, X: slices.Clone(x.X)}
	holed.X[7] = float32(math.NaN())
	for _, c := range []struct {
		name string
		x    Points
		c    Config
		want string
	}{
		{"perplexity", x, Config{Perplexity: 30}, "the largest perplexity that 31 points allow is 10"},
		{"perplexity NaN", x, Config{Perplexity: math.NaN()}, "the largest perplexity"},
		{"few", blobs(3, 3, 1, 1), Config{}, "3 points are too few"},
		{"none", Points{D: 3}, Config{}, "0 points are too few"},
		{"NaN", holed, Config{}, "feature 1 of point 2 is NaN"},
		{"ragged", Points{D: 4, X: x.X}, Config{}, "93 values do not fill rows of 4 features"},
		{"no features", Points{X: x.X}, Config{}, "0 features"},
		{"iterations", x, Config{Iterations: 10}, "at least 250"},
		{"method", x, Config{Method: "fast"}, `"fast" is unknown`},
		{"start", x, Config{Start: "umap"}, `"umap" is unknown`},
		{"theta", x, Config{Theta: 1}, "at most 0.7"},
		{"rate", x, Config{LearningRate: -1}, "learning rate"},
		{"wild rate", x, Config{LearningRate: 1e300}, "smaller learning rate"},
		{"exaggeration", x, Config{EarlyExaggeration: 0.5}, "early exaggeration"},
		{"exact and large", Points{D: 1, X: make([]float32, exactLimit+1)}, Config{Method: Exact}, "at most 10000"},
	} {
		m, err := Run(t.Context(), c.x, c.c)
		if m != nil || !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := Run(t.Context(), x, Config{Perplexity: 10, Iterations: 250}); err != nil {
		t.Errorf("the largest perplexity is refused: %v", err)
	}
	if _, err := Trustworthiness(t.Context(), x, make([]float64, 62), 16); !fault.IsInput(err) {
		t.Errorf("16 neighbors of 31: %v", err)
	}
	if _, err := KL(t.Context(), x, make([]float64, 61), Config{}); !fault.IsInput(err) {
		t.Errorf("odd map: %v", err)
	}
}

// Equal points, one feature, more features than points: maps all the same.
func TestOddShapes(t *testing.T) {
	for name, x := range map[string]Points{
		"equal":         {D: 3, X: make([]float32, 3*200)},
		"one feature":   blobs(200, 1, 2, 1),
		"many features": blobs(60, 90, 2, 1),
		"four points":   blobs(4, 2, 1, 1),
	} {
		for _, method := range []Method{Exact, BarnesHut} {
			m, err := Run(t.Context(), x, Config{Iterations: 300, Method: method})
			if err != nil || len(m.Y) != 2*x.N() || math.IsNaN(m.KL) {
				t.Errorf("%s, %s: %v", name, method, err)
			}
		}
	}
}

func TestCancelAndProgress(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var told []int
	began := time.Now()
	m, err := Run(ctx, blobs(1500, 8, 4, 1), Config{Iterations: 1 << 30, Progress: func(done, total int, kl float64) {
		told = append(told, done)
		if total != 1<<30 || !(kl > 0) {
			t.Errorf("%d of %d, KL %g", done, total, kl)
		}
		if done == 100 {
			cancel()
		}
	}})
	if m != nil || !errors.Is(err, context.Canceled) || !slices.Equal(told, []int{50, 100}) {
		t.Errorf("%v after %v, %v", told, time.Since(began), err)
	}
	if _, err := Trustworthiness(ctx, blobs(50, 2, 1, 1), make([]float64, 100), 5); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// 10,000 cells of 32 features, as embeddings have: one whole map.
func BenchmarkMap10000(b *testing.B) {
	x := blobs(10_000, 32, 12, 1)
	for b.Loop() {
		m, err := Run(b.Context(), x, Config{})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(m.KL, "KL")
		b.ReportMetric(float64(m.Iterations), "iterations")
	}
}
