package tsne

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// spreadAtFirst is the standard deviation of the first axis at the start, in the
// map's own units: small, so that early forces are nearly linear.
const spreadAtFirst = 1e-4

// start is where the points lie at first, [n, 2].
func start(x Points, c Config) []float64 {
	n := x.N()
	rng := rand.New(rand.NewPCG(c.Seed, 0x74736e65))
	y := make([]float64, 2*n)
	noise := spreadAtFirst
	if c.Start == PCA && principal(x, y) {
		// A little noise lets equal points part, and another seed tell how far a
		// map can be trusted.
		noise /= 100
	}
	for i := range y {
		y[i] += noise * rng.NormFloat64()
	}
	return y
}

// principal puts the scores on the two main axes into y, [n, 2], scaled so that
// the first has standard deviation spreadAtFirst. It reports false, and leaves
// y zero, where the points are all equal.
func principal(x Points, y []float64) bool {
	n, d := x.N(), x.D
	mean := make([]float64, d)
	for i := range n {
		for k, v := range x.row(i) {
			mean[k] += float64(v) / float64(n)
		}
	}
	// The axes come from the smaller of the two matrices of products: features
	// (d x d), or points (n x n) where there are more features than points.
	size := min(n, d)
	products := mat.NewSymDense(size, nil)
	centered := mat.NewDense(n, d, nil)
	for i := range n {
		for k, v := range x.row(i) {
			centered.Set(i, k, float64(v)-mean[k])
		}
	}
	if d <= n {
		products.SymOuterK(1, centered.T())
	} else {
		products.SymOuterK(1, centered)
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(products, true) {
		return false
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	values := eigen.Values(nil) // rising
	if !(values[size-1] > 0) {
		return false
	}
	for axis := range min(2, size) {
		column := vectors.ColView(size - 1 - axis)
		scores := mat.NewVecDense(n, nil)
		if d <= n {
			scores.MulVec(centered, column)
		} else {
			scores.ScaleVec(math.Sqrt(max(0, values[size-1-axis])), column)
		}
		// An axis has no direction of its own: let the largest score be positive.
		extreme := 0.0
		for i := range n {
			if math.Abs(scores.AtVec(i)) > math.Abs(extreme) {
				extreme = scores.AtVec(i)
			}
		}
		sign := math.Copysign(1, extreme)
		for i := range n {
			y[2*i+axis] = sign * scores.AtVec(i)
		}
	}
	scale := spreadAtFirst / math.Sqrt(values[size-1]/float64(n))
	for i := range y {
		y[i] *= scale
	}
	return true
}
