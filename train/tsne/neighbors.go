package tsne

import (
	"math"
	"math/rand/v2"
	"slices"
)

// vantage is a vantage-point tree (Yianilos 1993): each node parts its points by
// their distance to one of them, so that a search leaves out what the triangle
// inequality excludes. Searches are exact; the seed only decides how long they
// take.
type vantage struct {
	x     Points
	order []int32 // points; a node is a stretch, its vantage point first
	mu    []float64
}

const bucket = 24 // stretches up to this long are searched through

func plant(x Points, seed uint64) *vantage {
	n := x.N()
	t := &vantage{x: x, order: make([]int32, n), mu: make([]float64, n)}
	for i := range t.order {
		t.order[i] = int32(i)
	}
	rng := rand.New(rand.NewPCG(seed, 0x7670))
	type far struct {
		d float64
		i int32
	}
	spare := make([]far, n)
	var part func(lo, hi int)
	part = func(lo, hi int) {
		if hi-lo <= bucket {
			return
		}
		pick := lo + rng.IntN(hi-lo)
		t.order[lo], t.order[pick] = t.order[pick], t.order[lo]
		v := t.x.row(int(t.order[lo]))
		rest := spare[:hi-lo-1]
		for k := range rest {
			i := t.order[lo+1+k]
			rest[k] = far{math.Sqrt(squared(v, t.x.row(int(i)))), i}
		}
		slices.SortFunc(rest, func(a, b far) int {
			switch {
			case a.d < b.d:
				return -1
			case a.d > b.d:
				return 1
			}
			return int(a.i) - int(b.i)
		})
		for k, r := range rest {
			t.order[lo+1+k] = r.i
		}
		middle := split(lo, hi)
		t.mu[lo] = rest[middle-lo-1].d
		part(lo+1, middle)
		part(middle, hi)
	}
	part(0, n)
	return t
}

// split is where the outer half of the stretch begins.
func split(lo, hi int) int { return lo + 1 + (hi-lo-1)/2 }

// searcher keeps the best so far: a heap with the farthest on top.
type searcher struct {
	*vantage
	k    int
	from int
	row  []float32
	heap []neighbor
}

type neighbor struct {
	d2 float64
	i  int32
}

// farther orders by distance, then number, so that ties have one outcome.
func (a neighbor) farther(b neighbor) bool {
	return a.d2 > b.d2 || a.d2 == b.d2 && a.i > b.i
}

func (t *vantage) searcher(k int) *searcher {
	return &searcher{vantage: t, k: k, heap: make([]neighbor, 0, k)}
}

// nearest puts the k points nearest to point i, itself left out, into near, and
// their squared distances into d2, from near to far.
func (s *searcher) nearest(i int, near []int32, d2 []float64) {
	s.from, s.row, s.heap = i, s.x.row(i), s.heap[:0]
	s.search(0, len(s.order))
	slices.SortFunc(s.heap, func(a, b neighbor) int {
		if a.farther(b) {
			return 1
		}
		return -1
	})
	for k, v := range s.heap {
		near[k], d2[k] = v.i, v.d2
	}
}

func (s *searcher) search(lo, hi int) {
	if hi-lo <= bucket {
		for _, i := range s.order[lo:hi] {
			s.offer(i, squared(s.row, s.x.row(int(i))))
		}
		return
	}
	v := s.order[lo]
	d2 := squared(s.row, s.x.row(int(v)))
	s.offer(v, d2)
	d, mu, middle := math.Sqrt(d2), s.mu[lo], split(lo, hi)
	// Inner points lie within mu of the vantage point, outer ones beyond.
	if d < mu {
		s.search(lo+1, middle)
		if s.within(mu - d) {
			s.search(middle, hi)
		}
	} else {
		s.search(middle, hi)
		if s.within(d - mu) {
			s.search(lo+1, middle)
		}
	}
}

// within reports whether a point at that distance could still be among the
// nearest; the margin is for rounding.
func (s *searcher) within(d float64) bool {
	return len(s.heap) < s.k || d*d <= s.heap[0].d2*(1+1e-9)
}

func (s *searcher) offer(i int32, d2 float64) {
	if int(i) == s.from {
		return
	}
	v := neighbor{d2, i}
	if len(s.heap) < s.k {
		s.heap = append(s.heap, v)
		for c := len(s.heap) - 1; c > 0; {
			p := (c - 1) / 2
			if !s.heap[c].farther(s.heap[p]) {
				break
			}
			s.heap[c], s.heap[p] = s.heap[p], s.heap[c]
			c = p
		}
		return
	}
	if !s.heap[0].farther(v) {
		return
	}
	s.heap[0] = v
	for p := 0; ; {
		c := 2*p + 1
		if c >= s.k {
			break
		}
		if c+1 < s.k && s.heap[c+1].farther(s.heap[c]) {
			c++
		}
		if !s.heap[c].farther(s.heap[p]) {
			break
		}
		s.heap[c], s.heap[p] = s.heap[p], s.heap[c]
		p = c
	}
}
