package tsne

import (
	"context"
	"fmt"
	"runtime"
	"slices"

	"opencarbon/data/fault"
)

// Trustworthiness is how far the k nearest neighbors on the map y, [n, 2], are
// neighbors in the data too, from 0 to 1 (Venna and Kaski 2001;
// sklearn.manifold.trustworthiness). 5 is the usual k; it must be less than half
// the points. O(n^2).
func Trustworthiness(ctx context.Context, x Points, y []float64, k int) (float64, error) {
	if err := checkMap(x, y); err != nil {
		return 0, err
	}
	n := x.N()
	if k < 1 || 2*k >= n {
		return 0, fault.New("trustworthiness", fmt.Sprintf("%d neighbors do not fit %d points", k, n), "use at least 1 and less than half the points")
	}
	excess := make([]int64, pieces(n)) // how far beyond rank k the false neighbors are
	crew := crew{workers: runtime.GOMAXPROCS(0)}
	err := crew.do(ctx, n, func(piece, lo, hi int) {
		far := make([]float64, n)
		near := make([]neighbor, 0, k+1)
		for i := lo; i < hi; i++ {
			near = near[:0]
			for j := range n {
				if j == i {
					continue
				}
				far[j] = squared(x.row(i), x.row(j))
				dx, dy := y[2*i]-y[2*j], y[2*i+1]-y[2*j+1]
				near = closest(near, k, neighbor{dx*dx + dy*dy, int32(j)})
			}
			for _, v := range near {
				rank := int64(1)
				for j, d := range far {
					if j != i && (d < far[v.i] || d == far[v.i] && j < int(v.i)) {
						rank++
					}
				}
				excess[piece] += max(0, rank-int64(k))
			}
		}
	})
	if err != nil {
		return 0, err
	}
	var total int64
	for _, e := range excess {
		total += e
	}
	nk := float64(n) * float64(k)
	return 1 - float64(total)*2/(nk*float64(2*n-3*k-1)), nil
}

// closest puts v where it belongs in near, which rises and keeps at most k.
func closest(near []neighbor, k int, v neighbor) []neighbor {
	if len(near) == k && v.farther(near[k-1]) {
		return near
	}
	at := len(near)
	for at > 0 && near[at-1].farther(v) {
		at--
	}
	near = slices.Insert(near, at, v)
	return near[:min(k, len(near))]
}

// KL is the Kullback-Leibler divergence of any map y, [n, 2], from the
// affinities that Run would use for x under c, with the map's similarities
// normalized exactly: O(n^2) also for BarnesHut.
func KL(ctx context.Context, x Points, y []float64, c Config) (float64, error) {
	c, err := c.checked(x)
	if err != nil {
		return 0, err
	}
	if err := checkMap(x, y); err != nil {
		return 0, err
	}
	crew := crew{workers: c.Workers}
	if c.Method == Exact {
		o, err := newExact(ctx, crew, x, c.Perplexity)
		if err != nil {
			return 0, err
		}
		return o.divergence(ctx, y)
	}
	p, err := nearAffinities(ctx, crew, x, c.Perplexity, c.Seed)
	if err != nil {
		return 0, err
	}
	z, err := similarity(ctx, crew, y)
	if err != nil {
		return 0, err
	}
	return p.divergence(ctx, crew, y, z)
}

func checkMap(x Points, y []float64) error {
	if err := x.check(); err != nil {
		return err
	}
	if len(y) != 2*x.N() {
		return fault.New("map", fmt.Sprintf("%d coordinates do not fit %d points", len(y), x.N()), "give two for each point")
	}
	return nil
}
