package emissions

// ring is a closed ring in cell units (grid.Grid.Units): the last vertex repeats
// the first.
type ring = [][2]float64

// splitter cuts rings along the lines between cells. Its buffers are kept from
// one ring to the next.
type splitter struct {
	free []ring
}

func (s *splitter) get() ring {
	if n := len(s.free); n > 0 {
		r := s.free[n-1][:0]
		s.free = s.free[:n-1]
		return r
	}
	return make(ring, 0, 16)
}

func (s *splitter) put(r ring) { s.free = append(s.free, r) }

// split cuts a ring along the line where coordinate axis (0: u, 1: v) is at. Both
// halves are closed and share the very same cut points, so that their signed
// areas add up to the ring's. (Sutherland and Hodgman 1974, both sides at once.
// A concave ring yields halves with seams along the line, which have no area.)
func (s *splitter) split(r ring, axis int, at float64) (lo, hi ring) {
	lo, hi = s.get(), s.get()
	for i := 0; i+1 < len(r); i++ {
		p, q := r[i], r[i+1]
		a, b := p[axis]-at, q[axis]-at
		if a <= 0 {
			lo = append(lo, p)
		}
		if a >= 0 {
			hi = append(hi, p)
		}
		if (a < 0 && b > 0) || (a > 0 && b < 0) {
			f := a / (a - b)
			var cut [2]float64
			cut[axis] = at
			cut[1-axis] = p[1-axis] + f*(q[1-axis]-p[1-axis])
			lo, hi = append(lo, cut), append(hi, cut)
		}
	}
	if len(lo) > 0 {
		lo = append(lo, lo[0])
	}
	if len(hi) > 0 {
		hi = append(hi, hi[0])
	}
	return lo, hi
}

// bounds returns a ring's bounding box; ok is false where a vertex is not finite.
func bounds(r ring) (u0, v0, u1, v1 float64, ok bool) {
	u0, v0 = r[0][0], r[0][1]
	u1, v1 = u0, v0
	for _, p := range r {
		if p[0]-p[0] != 0 || p[1]-p[1] != 0 { // NaN or infinite
			return 0, 0, 0, 0, false
		}
		u0, u1 = min(u0, p[0]), max(u1, p[0])
		v0, v1 = min(v0, p[1]), max(v1, p[1])
	}
	return u0, v0, u1, v1, true
}
