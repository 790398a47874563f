package raster

// A Resampler makes frames from patches. It holds scratch memory and belongs to
// one goroutine at a time; its zero value is ready.
type Resampler struct {
	rows   []float32 // [rows of the patch, Cols]: one band after the pass across
	tx, ty taps      // of a separable frame
	px, py phases    // of any other
	mask   []uint8
}

// taps are the weights along one axis of a separable frame, for each target
// column (or row).
type taps struct {
	first, n []int
	w        []float32 // [len(first), stride]
	stride   int
}

// Resample fills out [Bands, Rows, Cols] with the values of patch at the given
// positions, and returns the number of target pixels that have one together
// with their mask [Rows, Cols] (1: has a value), which is nil if all have, and
// else good until the next call. Pixels without a value are 0.
//
// width and height are the source's; the patch must hold the Window of these
// positions, or have no area where that is empty.
//
// Which pixels have a value: where the source is coarser than the target, those
// whose center falls on a valid source pixel; where it is finer, those with at
// least half of the kernel's weight on valid source pixels. Source pixels that
// are not valid never contribute.
func (s *Resampler) Resample(out []float32, patch *Patch, p *Positions, r Resampling, width, height int) (valid int, mask []uint8) {
	area := p.Cols * p.Rows
	if patch.W == 0 || patch.H == 0 {
		clear(out[:patch.Bands*area])
		s.mask = append(s.mask[:0], make([]uint8, area)...)
		return 0, s.mask
	}
	if p.Separable && p.inside(width, height) && patch.whole(p, r, width, height) {
		s.separable(out, patch, p, r, width, height)
		return area, nil
	}
	if cap(s.mask) < area {
		s.mask = make([]uint8, area)
	}
	s.mask = s.mask[:area]
	return s.general(out, patch, p, r, width, height), s.mask
}

// along fills the weights for all positions of an axis; origin is where the
// patch begins on it.
func (t *taps) along(pos []float64, scale float64, r Resampling, size, origin int) {
	t.stride = r.tapCount(scale)
	t.first, t.n, t.w = t.first[:0], t.n[:0], t.w[:0]
	for i, v := range pos {
		t.w = append(t.w, make([]float32, t.stride)...)
		first, n := r.tapsAt(v, scale, size, t.w[i*t.stride:])
		t.first, t.n = append(t.first, first-origin), append(t.n, n)
	}
}

// separable resamples across, then down: the order of the work is columns x
// taps, not columns x taps x taps.
func (s *Resampler) separable(out []float32, patch *Patch, p *Positions, r Resampling, width, height int) {
	s.tx.along(p.X, p.ScaleX, r, width, patch.X)
	s.ty.along(p.Y, p.ScaleY, r, height, patch.Y)
	lo, hi := patch.H, 0 // the rows of the patch that the frame needs
	for i, f := range s.ty.first {
		lo, hi = min(lo, f), max(hi, f+s.ty.n[i])
	}
	if need := (hi - lo) * p.Cols; cap(s.rows) < need {
		s.rows = make([]float32, need)
	}
	for b := 0; b < patch.Bands; b++ {
		band := patch.Data[b*patch.W*patch.H : (b+1)*patch.W*patch.H]
		for j := lo; j < hi; j++ {
			s.tx.across(s.rows[(j-lo)*p.Cols:(j-lo+1)*p.Cols], band[j*patch.W:(j+1)*patch.W])
		}
		for i := 0; i < p.Rows; i++ {
			dst := out[(b*p.Rows+i)*p.Cols : (b*p.Rows+i+1)*p.Cols]
			first, n := s.ty.first[i]-lo, s.ty.n[i]
			w := s.ty.w[i*s.ty.stride : i*s.ty.stride+n]
			if n == 2 {
				a, c := s.rows[first*p.Cols:][:len(dst)], s.rows[(first+1)*p.Cols:][:len(dst)]
				for x := range dst {
					dst[x] = w[0]*a[x] + w[1]*c[x]
				}
				continue
			}
			a := s.rows[first*p.Cols:][:len(dst)]
			for x := range dst {
				dst[x] = w[0] * a[x]
			}
			for k := 1; k < n; k++ {
				a := s.rows[(first+k)*p.Cols:][:len(dst)]
				wk := w[k]
				for x := range dst {
					dst[x] += wk * a[x]
				}
			}
		}
	}
}

// across resamples one row.
func (t *taps) across(dst, src []float32) {
	for x := range dst {
		first, n := t.first[x], t.n[x]
		w := t.w[x*t.stride : x*t.stride+n]
		v := src[first : first+n]
		if n == 2 {
			dst[x] = w[0]*v[0] + w[1]*v[1]
			continue
		}
		var sum float32
		for k, wk := range w {
			sum += wk * v[k]
		}
		dst[x] = sum
	}
}

// whole reports whether every pixel is valid that these positions read. It
// looks at no others, so that a cell's picture does not depend on what else a
// patch holds.
func (patch *Patch) whole(p *Positions, r Resampling, width, height int) bool {
	if patch.Valid == nil {
		return true
	}
	x, y, w, h := p.Window(r, width, height)
	for j := y - patch.Y; j < y-patch.Y+h; j++ {
		for _, ok := range patch.Valid[j*patch.W+x-patch.X:][:w] {
			if ok == 0 {
				return false
			}
		}
	}
	return true
}

// general resamples pixel by pixel, for positions or patches that have no
// simpler way. It returns the number of pixels with a value and fills s.mask.
func (s *Resampler) general(out []float32, patch *Patch, p *Positions, r Resampling, width, height int) int {
	s.px.prepare(r, p.ScaleX, width)
	s.py.prepare(r, p.ScaleY, height)
	coarser := p.ScaleX <= 1 && p.ScaleY <= 1 // the source is
	area := p.Cols * p.Rows
	count := 0
	for i := 0; i < area; i++ {
		var x, y float64
		if p.Separable {
			x, y = p.X[i%p.Cols], p.Y[i/p.Cols]
		} else {
			x, y = p.X[i], p.Y[i]
		}
		if r == Bilinear && coarser && patch.four(out[i:], area, x, y, width, height) {
			s.mask[i] = 1
			count++
			continue
		}
		ok := x >= 0 && y >= 0 && x < float64(width) && y < float64(height)
		if ok && patch.Valid != nil && (coarser || r == Near) {
			ok = patch.Valid[(int(y)-patch.Y)*patch.W+int(x)-patch.X] != 0
		}
		if ok {
			s.px.at(x)
			s.py.at(y)
			ok = s.pixel(out[i:], area, patch, r, coarser)
		}
		if ok {
			s.mask[i] = 1
			count++
			continue
		}
		s.mask[i] = 0
		for b := 0; b < patch.Bands; b++ {
			out[b*area+i] = 0
		}
	}
	return count
}

// four is the common case written out: bilinear between four valid pixels. It
// reports false, and does nothing, where there are not four.
func (patch *Patch) four(out []float32, area int, x, y float64, width, height int) bool {
	if !(x >= 0.5 && y >= 0.5 && x < float64(width)-0.5 && y < float64(height)-0.5) {
		return false
	}
	col, row := int(x-0.5), int(y-0.5)
	at := (row-patch.Y)*patch.W + col - patch.X
	below := at + patch.W
	if v := patch.Valid; v != nil && v[at]&v[at+1]&v[below]&v[below+1] == 0 {
		return false
	}
	u, v := float32(x-0.5-float64(col)), float32(y-0.5-float64(row))
	plane := patch.W * patch.H
	for b := 0; b < patch.Bands; b++ {
		upper, lower := patch.Data[at:at+2], patch.Data[below:below+2]
		a := upper[0] + u*(upper[1]-upper[0])
		c := lower[0] + u*(lower[1]-lower[0])
		out[b*area] = a + v*(c-a)
		at, below = at+plane, below+plane
	}
	return true
}

// pixel computes one target pixel's bands, area apart in out, from the taps that
// s.px and s.py are at; false: too little of the kernel lies on valid pixels.
func (s *Resampler) pixel(out []float32, area int, patch *Patch, r Resampling, coarser bool) bool {
	wx, wy := s.px.weights, s.py.weights
	at := (s.py.first-patch.Y)*patch.W + s.px.first - patch.X
	total, whole := float32(1), true
	if patch.Valid != nil {
		total, whole = patch.validWeight(at, wx, wy)
		if !whole && r == Cubic {
			// A kernel with negative lobes must not be renormalized over a part
			// of its taps: near a gap GDAL falls back to bilinear too.
			s.px.fallBack()
			s.py.fallBack()
			return s.pixel(out, area, patch, Bilinear, coarser)
		}
		if total <= 1e-6 || (total < 0.5 && !coarser) {
			return false
		}
	}
	plane := patch.W * patch.H
	for b := 0; b < patch.Bands; b++ {
		var sum float32
		for j, w := range wy {
			o := at + j*patch.W
			row := patch.Data[b*plane+o:][:len(wx)]
			var line float32
			if whole {
				for k, v := range row {
					line += wx[k] * v
				}
			} else {
				ok := patch.Valid[o:][:len(wx)]
				for k, v := range row {
					if ok[k] != 0 {
						line += wx[k] * v
					}
				}
			}
			sum += w * line
		}
		out[b*area] = sum / total
	}
	return true
}

// validWeight is the share of the kernel's weight that lies on valid pixels,
// and whether all pixels under it are valid.
func (patch *Patch) validWeight(at int, wx, wy []float32) (total float32, whole bool) {
	whole = true
	for j, w := range wy {
		for k, ok := range patch.Valid[at+j*patch.W:][:len(wx)] {
			if ok != 0 {
				total += wx[k] * w
			} else {
				whole = false
			}
		}
	}
	if whole {
		total = 1
	}
	return total, whole
}
