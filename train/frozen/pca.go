package frozen

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// PCA takes features of one stage to their first principal components, each
// brought to variance 1 over the tiles that it was found on (whitened), so that
// all count alike.
type PCA struct {
	Mean       []float32 // [D]
	Components []float32 // [K, D] divided by the standard deviation along them
	K          int
}

// newPCA finds at most k components of rows x [n, D], by the eigenvectors of their
// covariance; components that hold less than a millionth of the first one's
// variance are rounding, and left out. The sign of a component is such that its
// largest entry is positive: equal tiles give equal features on every machine.
func newPCA(x []float32, n, k int) (*PCA, error) {
	if n < 2 || len(x)%n != 0 {
		return nil, fmt.Errorf("principal components of %d tiles: 2 or more are needed", n)
	}
	d := len(x) / n
	p := &PCA{Mean: make([]float32, d)}
	mean := make([]float64, d)
	for i, v := range x {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, fmt.Errorf("feature %d of tile %d is %v", i%d, i/d, v)
		}
		mean[i%d] += float64(v) / float64(n)
	}
	for j, v := range mean {
		p.Mean[j] = float32(v)
	}
	centered := mat.NewDense(n, d, nil)
	for i, v := range x {
		centered.Set(i/d, i%d, float64(v)-mean[i%d])
	}
	var covariance mat.SymDense
	covariance.SymOuterK(1/float64(n), centered.T())
	var eigen mat.EigenSym
	if !eigen.Factorize(&covariance, true) {
		return nil, fmt.Errorf("the principal components of %d tiles did not converge", n)
	}
	values := eigen.Values(nil) // rising
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	for c := d - 1; c >= 0 && p.K < k; c-- {
		if !(values[c] > 1e-6*values[d-1]) {
			break
		}
		column := mat.Col(nil, c, &vectors)
		largest := 0.0
		for _, v := range column {
			if math.Abs(v) > math.Abs(largest) {
				largest = v
			}
		}
		for _, v := range column {
			p.Components = append(p.Components, float32(v/math.Sqrt(values[c])*math.Copysign(1, largest)))
		}
		p.K++
	}
	if p.K == 0 {
		return nil, fmt.Errorf("all %d tiles look the same to the pretrained encoder", n)
	}
	return p, nil
}

// apply writes the components of one row x [D] to out [K].
func (p *PCA) apply(x, out []float32) {
	d := len(p.Mean)
	for k := range p.K {
		sum := 0.0
		for j, w := range p.Components[k*d : (k+1)*d] {
			sum += float64(w) * float64(x[j]-p.Mean[j])
		}
		out[k] = float32(sum)
	}
}
