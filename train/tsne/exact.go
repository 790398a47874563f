package tsne

import (
	"context"
	"math"
)

// exact sums over all pairs.
type exact struct {
	crew
	n     int
	p     []float64 // [n, n] affinities, symmetric, sum 1, diagonal 0
	z     []float64 // [pieces] partial sums of the unnormalized similarities
	force []float64 // [n, 2] repulsion before it is normalized
}

func newExact(ctx context.Context, crew crew, x Points, perplexity float64) (*exact, error) {
	n := x.N()
	o := &exact{crew: crew, n: n, p: make([]float64, n*n), z: make([]float64, pieces(n)), force: make([]float64, 2*n)}
	err := crew.do(ctx, n, func(_, lo, hi int) {
		d2 := make([]float64, n-1) // to all others
		for i := lo; i < hi; i++ {
			for j := range n {
				if j < i {
					d2[j] = squared(x.row(i), x.row(j))
				} else if j > i {
					d2[j-1] = squared(x.row(i), x.row(j))
				}
			}
			conditional(d2, d2, perplexity)
			copy(o.p[i*n:i*n+i], d2[:i])
			copy(o.p[i*n+i+1:(i+1)*n], d2[i:])
		}
	})
	if err != nil {
		return nil, err
	}
	for i := range n {
		for j := range i {
			p := (o.p[i*n+j] + o.p[j*n+i]) / float64(2*n)
			p = max(p, tiny)
			o.p[i*n+j], o.p[j*n+i] = p, p
		}
	}
	return o, nil
}

// gradient is equation 5 of van der Maaten and Hinton 2008, with the Student
// similarities w_ij = 1 / (1 + |y_i - y_j|^2) and their sum Z:
// 4 (sum_j p_ij w_ij (y_i - y_j) - sum_j w_ij^2 (y_i - y_j) / Z).
func (o *exact) gradient(ctx context.Context, y, grad []float64, exaggeration float64) error {
	n := o.n
	err := o.do(ctx, n, func(piece, lo, hi int) {
		z := 0.0
		for i := lo; i < hi; i++ {
			x0, y0 := y[2*i], y[2*i+1]
			var ax, ay, rx, ry float64
			row := o.p[i*n : (i+1)*n]
			for j, p := range row {
				dx, dy := x0-y[2*j], y0-y[2*j+1]
				w := 1 / (1 + dx*dx + dy*dy)
				z += w
				a, r := p*w, w*w
				ax += a * dx
				ay += a * dy
				rx += r * dx
				ry += r * dy
			}
			grad[2*i], grad[2*i+1] = ax, ay
			o.force[2*i], o.force[2*i+1] = rx, ry
		}
		o.z[piece] = z - float64(hi-lo) // a point's similarity to itself, 1, does not count
	})
	if err != nil {
		return err
	}
	z := sum(o.z)
	for i := range grad {
		grad[i] = 4 * (exaggeration*grad[i] - o.force[i]/z)
	}
	return nil
}

func (o *exact) divergence(ctx context.Context, y []float64) (float64, error) {
	z, err := similarity(ctx, o.crew, y)
	if err != nil {
		return 0, err
	}
	part := make([]float64, pieces(o.n))
	err = o.do(ctx, o.n, func(piece, lo, hi int) {
		for i := lo; i < hi; i++ {
			for j, p := range o.p[i*o.n : (i+1)*o.n] {
				if i == j {
					continue
				}
				dx, dy := y[2*i]-y[2*j], y[2*i+1]-y[2*j+1]
				part[piece] += p * math.Log(p/max(tiny, 1/(1+dx*dx+dy*dy)/z))
			}
		}
	})
	return sum(part), err
}

// similarity is Z, the sum of 1 / (1 + |y_i - y_j|^2) over all pairs i != j.
func similarity(ctx context.Context, crew crew, y []float64) (float64, error) {
	n := len(y) / 2
	part := make([]float64, pieces(n))
	err := crew.do(ctx, n, func(piece, lo, hi int) {
		z := 0.0
		for i := lo; i < hi; i++ {
			for j := range n {
				dx, dy := y[2*i]-y[2*j], y[2*i+1]-y[2*j+1]
				z += 1 / (1 + dx*dx + dy*dy)
			}
		}
		part[piece] = z - float64(hi-lo)
	})
	return sum(part), err
}
