package raster

import "math"

// Resampling is how a target pixel is made from source pixels. The names and
// the kernels are gdalwarp's.
//
// Bilinear and Cubic widen their kernel by the ratio of the pixel sizes when the
// source is finer than the target, as GDAL does since version 2.0, so that they
// do not alias. Average is the mean over the target pixel's footprint, each
// source pixel weighted by the share of it that lies inside. Near takes one
// source pixel whatever the ratio: right for classes, and aliased on purpose.
type Resampling int

// The kernels.
const (
	Bilinear Resampling = iota // triangle of radius 1
	Near                       // the source pixel in which the center falls
	Cubic                      // Keys, a = -0.5, radius 2
	Average                    // box as wide as the target pixel
)

var resamplingNames = [...]string{Bilinear: "bilinear", Near: "near", Cubic: "cubic", Average: "average"}

// String returns gdalwarp's name (-r) of the kernel.
func (r Resampling) String() string { return resamplingNames[r] }

// ParseResampling finds the kernel of a name; the empty name is Bilinear.
func ParseResampling(name string) (Resampling, bool) {
	if name == "" {
		return Bilinear, true
	}
	for r, n := range resamplingNames {
		if n == name {
			return Resampling(r), true
		}
	}
	return 0, false
}

// reach is how far from the center of a target pixel, in source pixels, the
// kernel has weight. scale is source pixels per target pixel.
func (r Resampling) reach(scale float64) float64 {
	switch r {
	case Bilinear:
		return math.Max(scale, 1)
	case Cubic:
		return 2 * math.Max(scale, 1)
	case Average:
		return scale / 2
	default:
		return 0
	}
}

// cubic is the Keys kernel with a = -0.5 (Catmull-Rom), as in GDAL's
// GWKCubic. Keys, "Cubic convolution interpolation for digital image
// processing", 1981.
func cubic(x float64) float64 {
	x = math.Abs(x)
	switch {
	case x <= 1:
		return x*x*(1.5*x-2.5) + 1
	case x <= 2:
		return x*(x*(-0.5*x+2.5)-4) + 2
	default:
		return 0
	}
}

// tapsAt writes the weights of the source pixels around pos into w and returns
// the first one's index and their number; they are normalized to the sum 1.
// pos is in source pixels, pixel i reaching from i to i+1; pixels outside
// [0, size) get no weight. len(w) must be at least tapCount.
func (r Resampling) tapsAt(pos, scale float64, size int, w []float32) (first, n int) {
	if r == Near || (r == Average && scale <= 0) {
		w[0] = 1
		return clampInt(int(math.Floor(pos)), 0, size-1), 1
	}
	reach := r.reach(scale)
	lo, hi := int(math.Floor(pos-reach+0.5)), int(math.Ceil(pos+reach-0.5))
	if r == Average {
		lo, hi = int(math.Floor(pos-reach)), int(math.Ceil(pos+reach))-1
	}
	if r == Cubic && scale <= 1 && (lo < 0 || hi >= size) {
		// At the border GDAL falls back to two taps rather than renormalize a
		// kernel with negative lobes.
		return Bilinear.tapsAt(pos, 1, size, w)
	}
	lo, hi = max(lo, 0), min(hi, size-1)
	if hi < lo {
		w[0] = 1
		return clampInt(lo, 0, size-1), 1
	}
	inv := 1 / math.Max(scale, 1)
	sum := 0.0
	for i := lo; i <= hi; i++ {
		var k float64
		switch r {
		case Average:
			k = math.Min(float64(i+1), pos+reach) - math.Max(float64(i), pos-reach)
		case Cubic:
			k = cubic((float64(i) + 0.5 - pos) * inv)
		default:
			k = 1 - math.Abs(float64(i)+0.5-pos)*inv
		}
		if k < 0 && r != Cubic {
			k = 0
		}
		w[i-lo] = float32(k)
		sum += k
	}
	if math.Abs(sum) < 1e-9 {
		w[0] = 1
		return clampInt(int(math.Floor(pos)), lo, hi), 1
	}
	n = hi - lo + 1
	for i := range w[:n] {
		w[i] /= float32(sum)
	}
	return lo, n
}

// tapCount bounds the number of weights that tapsAt writes.
func (r Resampling) tapCount(scale float64) int {
	return max(2, 2*int(math.Ceil(r.reach(scale)))+2)
}

func clampInt(v, lo, hi int) int { return max(lo, min(v, hi)) }

// phaseCount is the number of places between two source pixels for which a
// kernel is tabulated: positions are then right to 1/512 of a source pixel.
const phaseCount = 256

// phases are the weights along one axis of a frame that is not separable,
// tabulated by the fraction of the position.
type phases struct {
	r       Resampling
	scale   float64
	size    int
	stride  int
	offset  []int // [phaseCount + 1] first tap, from the pixel that holds the position
	n       []int // [phaseCount + 1]
	w       []float32
	border  []float32
	pos     float64
	first   int       // of the position asked for last
	weights []float32 // of the same
}

// prepare tabulates a kernel.
func (t *phases) prepare(r Resampling, scale float64, size int) {
	t.r, t.scale, t.size, t.stride = r, scale, size, r.tapCount(scale)
	t.offset, t.n, t.w = t.offset[:0], t.n[:0], t.w[:0]
	t.border = append(t.border[:0], make([]float32, max(t.stride, Bilinear.tapCount(scale)))...)
	t.w = append(t.w, make([]float32, (phaseCount+1)*t.stride)...)
	for i := range phaseCount + 1 {
		// Far from any border, so that all taps are there.
		pos := float64(t.stride) + float64(i)/phaseCount
		first, n := r.tapsAt(pos, scale, 4*t.stride, t.w[i*t.stride:])
		t.offset, t.n = append(t.offset, first-t.stride), append(t.n, n)
	}
}

// at finds the taps of a position in [0, size).
func (t *phases) at(pos float64) {
	t.pos = pos
	pixel := int(pos)
	i := int((pos-float64(pixel))*phaseCount + 0.5)
	t.first = pixel + t.offset[i]
	if t.first < 0 || t.first+t.n[i] > t.size {
		first, n := t.r.tapsAt(pos, t.scale, t.size, t.border)
		t.first, t.weights = first, t.border[:n]
		return
	}
	t.weights = t.w[i*t.stride:][:t.n[i]]
}

// fallBack takes bilinear taps for the same position.
func (t *phases) fallBack() {
	first, n := Bilinear.tapsAt(t.pos, t.scale, t.size, t.border)
	t.first, t.weights = first, t.border[:n]
}
