package half

import (
	"math"
	"testing"
)

func TestHalf(t *testing.T) {
	for h := range 1 << 16 { // every number there is comes back
		v := To(uint16(h))
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			continue
		}
		if got := From(v); got != uint16(h) {
			t.Fatalf("%04x is %v, which becomes %04x", h, v, got)
		}
		if h&0x7fff >= 0x7bff {
			continue
		}
		// In the middle between two halves the even one is taken, beside it the nearer.
		next := To(uint16(h + 1))
		mid := float32((float64(v) + float64(next)) / 2)
		even := uint16(h)
		if h&1 == 1 {
			even++
		}
		out := float32(math.Inf(1))
		if v < 0 || h>>15 == 1 {
			out = -out
		}
		if From(mid) != even || From(math.Nextafter32(mid, 0)) != uint16(h) || From(math.Nextafter32(mid, out)) != uint16(h+1) {
			t.Fatalf("beside %v: %04x, %04x, %04x", mid, From(math.Nextafter32(mid, 0)), From(mid), From(math.Nextafter32(mid, out)))
		}
	}
	for v, want := range map[float32]float32{1: 1, -2.5: -2.5, 70000: Max, float32(math.Inf(-1)): -Max, 0.1: 0.099975586, 1e-9: 0} {
		if got := To(From(v)); got != want {
			t.Errorf("%v becomes %v, want %v", v, got, want)
		}
	}
	if From(float32(math.NaN())) != 0 {
		t.Error("NaN is no 0")
	}
}
