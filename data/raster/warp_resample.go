package raster

import "math"

// A Resampler makes frames from patches. It holds scratch memory and belongs to
// one goroutine at a time; its zero value is ready.
type Resampler struct {
	rows   []float32 // [rows of the patch, Cols]: one band after the pass across
	tx, ty taps
	wx, wy []float32
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
// whose centre falls on a valid source pixel; where it is finer, those with at
// least half of the kernel's weight on valid source pixels. Source pixels that
// are not valid never contribute.
func (s *Resampler) Resample(out []float32, patch *Patch, p *Positions, r Resampling, width, height int) (valid int, mask []uint8) {
	area := p.Cols * p.Rows
	if patch.W == 0 || patch.H == 0 {
		clear(out[:patch.Bands*area])
		s.mask = append(s.mask[:0], make([]uint8, area)...)
		return 0, s.mask
	}
	if p.Separable && patch.Valid == nil && p.inside(width, height) {
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

// general resamples pixel by pixel, for positions or patches that have no
// simpler way. It returns the number of pixels with a value and fills s.mask.
func (s *Resampler) general(out []float32, patch *Patch, p *Positions, r Resampling, width, height int) int {
	s.wx = append(s.wx[:0], make([]float32, r.tapCount(p.ScaleX))...)
	s.wy = append(s.wy[:0], make([]float32, r.tapCount(p.ScaleY))...)
	finer := r != Near && (p.ScaleX > 1 || p.ScaleY > 1)
	area, plane := p.Cols*p.Rows, patch.W*patch.H
	count := 0
	for i := 0; i < area; i++ {
		var x, y float64
		if p.Separable {
			x, y = p.X[i%p.Cols], p.Y[i/p.Cols]
		} else {
			x, y = p.X[i], p.Y[i]
		}
		ok := x >= 0 && y >= 0 && x < float64(width) && y < float64(height)
		if ok && patch.Valid != nil && !finer {
			ok = patch.Valid[(int(math.Floor(y))-patch.Y)*patch.W+int(math.Floor(x))-patch.X] != 0
		}
		if ok {
			ok = s.pixel(out[i:], area, patch, plane, p, r, x, y, width, height)
		}
		if !ok {
			s.mask[i] = 0
			for b := 0; b < patch.Bands; b++ {
				out[b*area+i] = 0
			}
			continue
		}
		s.mask[i] = 1
		count++
	}
	return count
}

// pixel computes one target pixel's bands, area apart in out; false: too little
// of the kernel lies on valid pixels.
func (s *Resampler) pixel(out []float32, area int, patch *Patch, plane int, p *Positions, r Resampling, x, y float64, width, height int) bool {
	fx, nx := r.tapsAt(x, p.ScaleX, width, s.wx)
	fy, ny := r.tapsAt(y, p.ScaleY, height, s.wy)
	at := (fy-patch.Y)*patch.W + fx - patch.X
	total, whole := float32(1), true
	if patch.Valid != nil {
		total, whole = s.validWeight(patch, at, nx, ny)
		if !whole && r == Cubic {
			// A kernel with negative lobes must not be renormalized over a part
			// of its taps: near a gap GDAL falls back to bilinear too.
			return s.pixel(out, area, patch, plane, p, Bilinear, x, y, width, height)
		}
		if total <= 1e-6 || (total < 0.5 && (p.ScaleX > 1 || p.ScaleY > 1)) {
			return false
		}
	}
	for b := 0; b < patch.Bands; b++ {
		var sum float32
		for j := 0; j < ny; j++ {
			o := at + j*patch.W
			row := patch.Data[b*plane+o : b*plane+o+nx]
			var line float32
			if !whole {
				ok := patch.Valid[o : o+nx]
				for k, v := range row {
					if ok[k] != 0 {
						line += s.wx[k] * v
					}
				}
			} else {
				for k, v := range row {
					line += s.wx[k] * v
				}
			}
			sum += s.wy[j] * line
		}
		out[b*area] = sum / total
	}
	return true
}

// validWeight is the share of the kernel's weight that lies on valid pixels,
// and whether all pixels under it are valid.
func (s *Resampler) validWeight(patch *Patch, at, nx, ny int) (total float32, whole bool) {
	whole = true
	for j := 0; j < ny; j++ {
		for k, ok := range patch.Valid[at+j*patch.W : at+j*patch.W+nx] {
			if ok != 0 {
				total += s.wx[k] * s.wy[j]
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
