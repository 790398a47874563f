package tint

import (
	"math"
	"slices"
	"testing"
)

// A tint is a straight line for each band, rounded and cut to a byte.
func TestApply(t *testing.T) {
	pixels := []uint8{0, 100, 255, 0, 100, 255}
	Tint{Gain: []float64{0.5, 2}, Offset: []float64{0.1, -0.2}}.Apply(pixels)
	if want := []uint8{26, 76, 153, 0, 149, 255}; !slices.Equal(pixels, want) { // 25.5, 75.5, 153; -51, 149, 459
		t.Errorf("%v, not %v", pixels, want)
	}
	same := []uint8{1, 2, 3}
	Tint{}.Apply(same)
	if !slices.Equal(same, []uint8{1, 2, 3}) {
		t.Errorf("none changes to %v", same)
	}
	defer func() {
		if recover() == nil {
			t.Error("an image of other bands is taken")
		}
	}()
	Tint{Gain: []float64{1, 1}, Offset: []float64{0, 0}}.Apply(same)
}

// Draws are the same for the same arguments, of the promised spread, and mostly alike
// in all bands.
func TestDraw(t *testing.T) {
	if a, b := Draw(3, 3, 0.1), Draw(3, 3, 0.1); !slices.Equal(a.Gain, b.Gain) || !slices.Equal(a.Offset, b.Offset) || a.Key() != b.Key() || a.Key() == Draw(4, 3, 0.1).Key() {
		t.Error("draws are not their numbers' own")
	}
	const n, spread = 20000, 0.1
	var gain, offset, cast float64
	for k := range n {
		d := Draw(k+1, 3, spread)
		g := (math.Log(d.Gain[0]) + math.Log(d.Gain[1]) + math.Log(d.Gain[2])) / 3
		gain += g * g
		o := (d.Offset[0] + d.Offset[1] + d.Offset[2]) / 3
		offset += o * o
		c := math.Log(d.Gain[0] / d.Gain[1])
		cast += c * c
	}
	for name, v := range map[string][2]float64{
		"gain":   {math.Sqrt(gain / n), spread * math.Sqrt(1+1.0/12)},
		"offset": {math.Sqrt(offset / n), spread * math.Sqrt(0.25+1.0/48)},
		"cast":   {math.Sqrt(cast / n), spread * math.Sqrt(0.5)},
	} {
		if math.Abs(v[0]/v[1]-1) > 0.03 {
			t.Errorf("%s strays by %.4f, not %.4f", name, v[0], v[1])
		}
	}
}
