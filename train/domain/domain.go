// Package domain says where a model should not be trusted: the area of
// applicability of Meyer and Pebesma (2021, Methods in Ecology and Evolution 12,
// "Predicting into unknown space? Estimating the area of applicability of spatial
// prediction models"). The dissimilarity index of a cell is its distance, in the
// space of standardized features, to the nearest training cell, in units of the
// mean distance among training cells. Training cells have one, too, to the nearest
// of another fold, and what is farther off than those is outside the domain.
//
// The features are the model's own representation of a cell, so none needs a
// weight: what does not matter to the model does not vary there.
//
// It sees slices of numbers only: no tensors, no files.
package domain

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"opencarbon/train/metrics"
)

// Domain is what training cells say.
type Domain struct {
	D            int     // features
	MeanDistance float64 // among training cells
	Threshold    float64 // of the dissimilarity index

	mean, scale []float64 // [D]; scale 0: a feature that never varies, left out
	x           []float32 // [n, D] standardized
}

// Fit takes the features x [n, d] of training cells and the fold of each, [n]:
// cells of one fold are too near to each other to say what is far. The threshold is
// the upper whisker of the training cells' own index, the third quartile and one
// and a half times the range between the quartiles, or their largest if that is
// less. Fewer than two folds, and features that are not finite or all alike, are
// errors.
func Fit(x []float32, d int, fold []int) (*Domain, error) {
	n := len(fold)
	if d < 1 || len(x) != n*d {
		return nil, fmt.Errorf("%d features of %d training cells are not %d each", len(x), n, d)
	}
	o, err := standardize(x, d)
	if err != nil {
		return nil, err
	}
	// One pass over the pairs: the mean distance of all, the nearest of another fold.
	sums, nearest := make([]float64, n), make([]float64, n)
	each(n, func(i int) {
		nearest[i] = math.Inf(1)
		for j := range n {
			if j == i {
				continue
			}
			s := math.Sqrt(o.squared(o.x[i*d:(i+1)*d], j, math.Inf(1)))
			sums[i] += s
			if fold[j] != fold[i] {
				nearest[i] = min(nearest[i], s)
			}
		}
	})
	for _, s := range sums {
		o.MeanDistance += s / float64(n) / float64(max(1, n-1))
	}
	if !(o.MeanDistance > 0) {
		return nil, errors.New("all training cells are alike")
	}
	if math.IsInf(slices.Max(nearest), 1) {
		return nil, errors.New("the training cells make one fold; it takes two")
	}
	for i := range nearest {
		nearest[i] /= o.MeanDistance
	}
	slices.Sort(nearest)
	q1, q3 := metrics.Quantile(nearest, 0.25), metrics.Quantile(nearest, 0.75)
	o.Threshold = min(q3+1.5*(q3-q1), nearest[n-1])
	return o, nil
}

// Restore makes the domain again of its features x [n, d] and the two numbers that
// Fit found.
func Restore(x []float32, d int, meanDistance, threshold float64) (*Domain, error) {
	if d < 1 || len(x) == 0 || len(x)%d != 0 || !(meanDistance > 0) || !(threshold >= 0) {
		return nil, errors.New("the features of the training cells are damaged")
	}
	o, err := standardize(x, d)
	if err != nil {
		return nil, err
	}
	o.MeanDistance, o.Threshold = meanDistance, threshold
	return o, nil
}

func standardize(x []float32, d int) (*Domain, error) {
	n := len(x) / d
	o := &Domain{D: d, mean: make([]float64, d), scale: make([]float64, d), x: make([]float32, len(x))}
	for k := range d {
		for i := range n {
			o.mean[k] += float64(x[i*d+k]) / float64(n)
		}
		for i := range n {
			e := float64(x[i*d+k]) - o.mean[k]
			o.scale[k] += e * e / float64(max(1, n-1))
		}
		o.scale[k] = math.Sqrt(o.scale[k])
		if math.IsNaN(o.scale[k]) || math.IsInf(o.scale[k], 0) {
			return nil, fmt.Errorf("feature %d of the training cells is not finite", k)
		}
		if o.scale[k] <= 1e-12*math.Abs(o.mean[k]) { // a constant, but for rounding
			o.scale[k] = 0
		}
	}
	for i := range n {
		o.apply(o.x[i*d:(i+1)*d], x[i*d:(i+1)*d])
	}
	return o, nil
}

func (o *Domain) apply(to, x []float32) {
	for k := range to {
		to[k] = 0
		if o.scale[k] > 0 {
			to[k] = float32((float64(x[k]) - o.mean[k]) / o.scale[k])
		}
	}
}

// squared is the squared distance of y from training cell j; it may stop above
// enough.
func (o *Domain) squared(y []float32, j int, enough float64) float64 {
	x := o.x[j*o.D : (j+1)*o.D]
	s := 0.0
	for k := 0; k < len(y) && s <= enough; {
		for end := min(k+16, len(y)); k < end; k++ {
			e := float64(y[k] - x[k])
			s += e * e
		}
	}
	return s
}

// Index is the dissimilarity index of each cell with the features y [m, D].
func (o *Domain) Index(y []float32) []float64 { return o.apart(y, nil, nil) }

// Apart is Index of cells that the model saw in training, unless they were of the
// fold own [m]: the nearest cell of another fold counts. of [n] are the folds of
// the training cells. Infinite where there is no other fold.
func (o *Domain) Apart(y []float32, own, of []int) []float64 { return o.apart(y, own, of) }

func (o *Domain) apart(y []float32, fold, of []int) []float64 {
	m, n := len(y)/o.D, len(o.x)/o.D
	out := make([]float64, m)
	each(m, func(i int) {
		own := make([]float32, o.D)
		o.apply(own, y[i*o.D:(i+1)*o.D])
		best := math.Inf(1)
		for j := range n {
			if fold == nil || fold[i] != of[j] {
				best = min(best, o.squared(own, j, best))
			}
		}
		out[i] = math.Sqrt(best) / o.MeanDistance
	})
	return out
}

// each calls f for 0 to n - 1 on all cores.
func each(n int, f func(i int)) {
	var wait sync.WaitGroup
	workers := min(n, runtime.GOMAXPROCS(0))
	for w := range workers {
		wait.Go(func() {
			for i := w; i < n; i += workers {
				f(i)
			}
		})
	}
	wait.Wait()
}
