package tsne

import (
	"context"
	"math"
	"slices"
)

// conditional turns the squared distances d2 from one point to others into
// probabilities p that sum to 1 and whose entropy is ln(perplexity): a Gaussian
// whose precision is found by bisection (van der Maaten and Hinton 2008,
// section 2). p may be d2.
func conditional(d2, p []float64, perplexity float64) {
	nearest := slices.Min(d2) // taken off all: changes no probability, keeps exp from vanishing
	target := math.Log(perplexity)
	beta, low, high := 1.0, 0.0, math.Inf(1)
	// Distances of any scale: begin where the mean distance has exponent 1.
	mean := 0.0
	for _, d := range d2 {
		mean += (d - nearest) / float64(len(d2))
	}
	if mean > 0 {
		beta = 1 / mean
	}
	for range 200 {
		total, weighted := 0.0, 0.0
		for _, d := range d2 {
			e := math.Exp(-beta * (d - nearest))
			total += e
			weighted += e * (d - nearest)
		}
		entropy := math.Log(total) + beta*weighted/total
		switch {
		case math.Abs(entropy-target) < 1e-7:
			low, high = beta, beta
		case entropy > target:
			low = beta
		default:
			high = beta
		}
		if low == high {
			break
		}
		next := beta * 2
		if !math.IsInf(high, 1) {
			next = (low + high) / 2
		}
		// All equally far (a precision without bound), or no number left between.
		if next == beta || math.IsInf(next, 1) {
			break
		}
		beta = next
	}
	total := 0.0
	for i, d := range d2 {
		p[i] = math.Exp(-beta * (d - nearest))
		total += p[i]
	}
	for i := range p {
		p[i] /= total
	}
}

// squared is the squared Euclidean distance of two rows.
func squared(a, b []float32) float64 {
	b = b[:len(a)]
	var s0, s1 float64 // two chains of additions run at once
	k := 0
	for ; k+1 < len(a); k += 2 {
		d0, d1 := float64(a[k]-b[k]), float64(a[k+1]-b[k+1])
		s0 += d0 * d0
		s1 += d1 * d1
	}
	if k < len(a) {
		d := float64(a[k] - b[k])
		s0 += d * d
	}
	return s0 + s1
}

// sparse is a symmetric matrix of affinities that sum to 1: row i has the
// columns col[at[i]:at[i+1]], rising, with values p beside them.
type sparse struct {
	at  []int
	col []int32
	p   []float64
}

// nearAffinities joins each point to its 3 perplexity + 1 nearest others, where
// practically all of a Gaussian's weight lies, and makes that symmetric:
// p_ij = (p_j|i + p_i|j) / 2n.
func nearAffinities(ctx context.Context, crew crew, x Points, perplexity float64, seed uint64) (*sparse, error) {
	n := x.N()
	k := min(n-1, int(3*perplexity+1))
	near := make([]int32, n*k)
	p := make([]float64, n*k)
	tree := plant(x, seed)
	err := crew.do(ctx, n, func(_, lo, hi int) {
		s := tree.searcher(k)
		for i := lo; i < hi; i++ {
			row := p[i*k : (i+1)*k]
			s.nearest(i, near[i*k:(i+1)*k], row)
			conditional(row, row, perplexity)
		}
	})
	if err != nil {
		return nil, err
	}
	return symmetric(n, k, near, p), nil
}

// symmetric adds the transpose to a matrix with k entries a row and divides by
// the sum.
func symmetric(n, k int, near []int32, p []float64) *sparse {
	type entry struct {
		col int32
		p   float64
	}
	begin := make([]int, n+1) // of each row in entries: its own k, and those that name it
	for i := range n {
		begin[i+1] = k
	}
	for _, j := range near {
		begin[j+1]++
	}
	for i := range n {
		begin[i+1] += begin[i]
	}
	entries := make([]entry, 2*n*k)
	fill := slices.Clone(begin[:n])
	put := func(i, j int32, p float64) {
		entries[fill[i]] = entry{j, p}
		fill[i]++
	}
	for e, j := range near {
		i := int32(e / k)
		put(i, j, p[e])
		put(j, i, p[e])
	}
	s := &sparse{at: make([]int, n+1), col: make([]int32, 0, len(entries)), p: make([]float64, 0, len(entries))}
	for i := range n {
		row := entries[begin[i]:begin[i+1]]
		slices.SortStableFunc(row, func(a, b entry) int { return int(a.col) - int(b.col) })
		for e, v := range row {
			if e > 0 && row[e-1].col == v.col {
				s.p[len(s.p)-1] += v.p
				continue
			}
			s.col = append(s.col, v.col)
			s.p = append(s.p, v.p)
		}
		s.at[i+1] = len(s.col)
	}
	total := sum(s.p)
	for e := range s.p {
		s.p[e] /= total
	}
	return s
}

// tiny keeps logarithms finite where affinities vanish, as in scikit-learn.
const tiny = 2.220446049250313e-16
