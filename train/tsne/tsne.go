// Package tsne lays embeddings out on a plane by t-SNE (van der Maaten and
// Hinton 2008, cited in section 5.5 of the paper): cells that are alike lie
// together. Small sets are done exactly, large ones by the Barnes-Hut
// approximation (van der Maaten 2014); the settings and their defaults are
// scikit-learn's, so that its users get the map they know.
//
// The same input and seed give the same map on any number of cores: work is cut
// into fixed pieces and sums run in a fixed order. It sees slices of numbers
// only: no tensors, no files, no pictures.
package tsne

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"opencarbon/data/fault"
)

// Points are n rows of D features, one after the other.
type Points struct {
	X []float32 // [n, D]
	D int
}

// N is the number of points.
func (p Points) N() int {
	if p.D <= 0 {
		return 0
	}
	return len(p.X) / p.D
}

func (p Points) row(i int) []float32 { return p.X[i*p.D : (i+1)*p.D : (i+1)*p.D] }

// Method is how the forces between all pairs are summed.
type Method string

const (
	Auto      Method = ""           // Exact up to 1,000 points, BarnesHut beyond
	Exact     Method = "exact"      // all pairs: O(n^2) time and memory, at most 10,000 points
	BarnesHut Method = "barnes-hut" // distant points in bulk: O(n log n)
)

// Start is where the points lie at first.
type Start string

const (
	PCA    Start = "pca"    // the two main axes of the data, which keeps the map's broad layout from chance
	Random Start = "random" // small Gaussian noise
)

const (
	autoExact  = 1000   // points up to which Auto is Exact: a few seconds
	exactLimit = 10_000 // points at which Exact's matrix takes 800 MB
	exploring  = 250    // iterations with early exaggeration, as scikit-learn
)

// Config is how a map is made. The zero value is scikit-learn's choice.
type Config struct {
	Perplexity        float64 // effective number of neighbors; 0 means 30, or as much as few points allow
	Iterations        int     // 0 means 1000; at least 250
	Seed              uint64
	Start             Start   // "" means PCA
	Method            Method  // "" means Auto
	Theta             float64 // Barnes-Hut's accuracy, up to 0.7; 0 means 0.5, smaller is slower and more exact
	EarlyExaggeration float64 // 0 means 12
	LearningRate      float64 // 0 means max(n / EarlyExaggeration / 4, 50)
	Workers           int     // 0 means all cores; the map does not depend on it

	// Progress, if given, is told every 50 iterations how many of how many are
	// done, and the divergence then.
	Progress func(done, total int, kl float64)
}

// Map is the layout of n points.
type Map struct {
	Y          []float64 // [n, 2]
	KL         float64   // Kullback-Leibler divergence reached; BarnesHut estimates it to about 1%, function KL does not
	Iterations int       // done; fewer than asked where nothing moved any more
	Method     Method    // Exact or BarnesHut
	Perplexity float64   // used
}

// Run makes the map of x. Too few points for the perplexity, NaN, features that
// do not fill rows and settings out of range are *fault.Input errors; a
// cancelled context ends it with the context's error within an iteration.
func Run(ctx context.Context, x Points, c Config) (*Map, error) {
	c, err := c.checked(x)
	if err != nil {
		return nil, err
	}
	crew := crew{workers: c.Workers}
	o, err := newObjective(ctx, crew, x, c)
	if err != nil {
		return nil, err
	}
	m := &Map{Method: c.Method, Perplexity: c.Perplexity, Y: start(x, c)}
	if err := descend(ctx, m, o, c); err != nil {
		return nil, err
	}
	for i, v := range m.Y {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fault.New("t-SNE", fmt.Sprintf("point %d flew off to %g", i/2, v), "use a smaller learning rate, or 0 for the usual one")
		}
	}
	return m, nil
}

// LargestPerplexity is what n points allow: each needs three times as many
// others (van der Maaten 2014, section 4.1). It is 0 for fewer than 4 points.
func LargestPerplexity(n int) float64 { return float64(max(0, (n-1)/3)) }

// Check says what Run would refuse of the settings for n points, before there
// are any: a *fault.Input error, or nil.
func (c Config) Check(n int) error {
	_, err := c.filled(n)
	return err
}

// checked fills in what is 0 and refuses what cannot be done.
func (c Config) checked(x Points) (Config, error) {
	if err := x.check(); err != nil {
		return c, err
	}
	return c.filled(x.N())
}

func (c Config) filled(n int) (Config, error) {
	largest := LargestPerplexity(n)
	if largest < 1 {
		return c, fault.New("t-SNE", fmt.Sprintf("%d points are too few for a map", n), "give at least 4, better some hundred")
	}
	if c.Perplexity == 0 {
		c.Perplexity = min(30, largest)
	}
	if !(c.Perplexity >= 1 && c.Perplexity <= largest) {
		return c, fault.New("perplexity", fmt.Sprintf("%g does not fit %d points", c.Perplexity, n),
			fmt.Sprintf("the largest perplexity that %d points allow is %g, the least is 1", n, largest))
	}
	if c.Iterations == 0 {
		c.Iterations = 1000
	}
	if c.Iterations < exploring {
		return c, fault.New("iterations", fmt.Sprintf("%d are too few", c.Iterations), fmt.Sprintf("the first %d only gather the clusters: give at least %d, usually 1000", exploring, exploring))
	}
	switch c.Start {
	case "":
		c.Start = PCA
	case PCA, Random:
	default:
		return c, fault.New("start", fmt.Sprintf("%q is unknown", c.Start), `use "pca" or "random"`)
	}
	switch {
	case c.Method == Auto && n <= autoExact:
		c.Method = Exact
	case c.Method == Auto:
		c.Method = BarnesHut
	case c.Method == Exact && n > exactLimit:
		return c, fault.New("method", fmt.Sprintf("the exact method does not fit %d points", n), fmt.Sprintf("it takes at most %d; use %q", exactLimit, BarnesHut))
	case c.Method != Exact && c.Method != BarnesHut:
		return c, fault.New("method", fmt.Sprintf("%q is unknown", c.Method), fmt.Sprintf("use %q or %q", Exact, BarnesHut))
	}
	if c.Theta == 0 {
		c.Theta = 0.5
	}
	// Beyond 1/sqrt 2 a square may stand for a point that lies within it.
	if !(c.Theta > 0 && c.Theta <= 0.7) {
		return c, fault.New("theta", fmt.Sprintf("%g is out of range", c.Theta), "use more than 0 and at most 0.7; 0.5 is usual")
	}
	if c.EarlyExaggeration == 0 {
		c.EarlyExaggeration = 12
	}
	if !(c.EarlyExaggeration >= 1) || math.IsInf(c.EarlyExaggeration, 0) {
		return c, fault.New("early exaggeration", fmt.Sprintf("%g is out of range", c.EarlyExaggeration), "use at least 1; 12 is usual")
	}
	if c.LearningRate == 0 {
		c.LearningRate = max(float64(n)/c.EarlyExaggeration/4, 50)
	}
	if !(c.LearningRate > 0) || math.IsInf(c.LearningRate, 0) {
		return c, fault.New("learning rate", fmt.Sprintf("%g is out of range", c.LearningRate), "use a positive number, or 0 for the usual one")
	}
	if c.Workers <= 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	return c, nil
}

// check refuses rows of unequal length and values that are no numbers.
func (p Points) check() error {
	switch {
	case p.D <= 0:
		return fault.New("embeddings", fmt.Sprintf("%d features a point", p.D), "give at least one feature")
	case len(p.X)%p.D != 0:
		return fault.New("embeddings", fmt.Sprintf("%d values do not fill rows of %d features", len(p.X), p.D), "give the same number of features for every point")
	case p.N() > math.MaxInt32:
		return fault.New("embeddings", fmt.Sprintf("%d points are too many", p.N()), "give a sample of them")
	}
	for i, v := range p.X {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return fault.New("embeddings", fmt.Sprintf("feature %d of point %d is %g", i%p.D, i/p.D, v), "leave the point out, or look for what broke the model that made it")
		}
	}
	return nil
}
