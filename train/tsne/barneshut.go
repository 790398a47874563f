package tsne

import (
	"context"
	"math"
)

// barnesHut joins each point to its nearest others only, and lets a square of
// distant points repel as one (van der Maaten 2014).
type barnesHut struct {
	crew
	p     *sparse
	theta float64
	tree  quadtree
	z     []float64 // [pieces] partial sums of the unnormalized similarities
	force []float64 // [n, 2] repulsion before it is normalized
}

func newBarnesHut(ctx context.Context, crew crew, x Points, c Config) (*barnesHut, error) {
	p, err := nearAffinities(ctx, crew, x, c.Perplexity, c.Seed)
	if err != nil {
		return nil, err
	}
	n := x.N()
	return &barnesHut{crew: crew, p: p, theta: c.Theta, z: make([]float64, pieces(n)), force: make([]float64, 2*n)}, nil
}

// gradient is that of exact.gradient; the first sum runs over the affinities
// there are, the second over the tree.
func (o *barnesHut) gradient(ctx context.Context, y, grad []float64, exaggeration float64) error {
	o.tree.build(y)
	// Pieces follow the tree's order: neighbors read the same nodes.
	err := o.do(ctx, len(y)/2, func(piece, lo, hi int) {
		total := 0.0
		for at := lo; at < hi; at++ {
			rx, ry, z := o.tree.repulsion(at, o.theta)
			total += z
			i := int(o.tree.points[at].index)
			x0, y0 := y[2*i], y[2*i+1]
			var ax, ay float64
			for e := o.p.at[i]; e < o.p.at[i+1]; e++ {
				j := o.p.col[e]
				dx, dy := x0-y[2*j], y0-y[2*j+1]
				a := o.p.p[e] / (1 + dx*dx + dy*dy)
				ax += a * dx
				ay += a * dy
			}
			grad[2*i], grad[2*i+1] = ax, ay
			o.force[2*i], o.force[2*i+1] = rx, ry
		}
		o.z[piece] = total
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

func (o *barnesHut) divergence(ctx context.Context, y []float64) (float64, error) {
	o.tree.build(y)
	err := o.do(ctx, len(y)/2, func(piece, lo, hi int) {
		o.z[piece] = 0
		for at := lo; at < hi; at++ {
			_, _, z := o.tree.repulsion(at, o.theta)
			o.z[piece] += z
		}
	})
	if err != nil {
		return 0, err
	}
	return o.p.divergence(ctx, o.crew, y, sum(o.z))
}

// divergence is the Kullback-Leibler divergence of the similarities at y,
// normalized by z, from the affinities.
func (s *sparse) divergence(ctx context.Context, crew crew, y []float64, z float64) (float64, error) {
	n := len(y) / 2
	part := make([]float64, pieces(n))
	err := crew.do(ctx, n, func(piece, lo, hi int) {
		for i := lo; i < hi; i++ {
			for e := s.at[i]; e < s.at[i+1]; e++ {
				j := s.col[e]
				dx, dy := y[2*i]-y[2*j], y[2*i+1]-y[2*j+1]
				part[piece] += s.p[e] * math.Log(max(tiny, s.p[e])/max(tiny, 1/(1+dx*dx+dy*dy)/z))
			}
		}
	})
	return sum(part), err
}
