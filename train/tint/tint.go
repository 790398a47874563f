// Package tint gives images other colors, as if another camera, another hour or
// another provider's processing had made them: training on a few such copies keeps a
// model from leaning on the absolute color of one source. Where a mosaic joins two
// sources, or a model is to be applied elsewhere, that color says little of the ground.
//
//	t := tint.Draw(1, 3, 0.1)
//	t.Apply(pixels) // uint8 [3, H, W]
package tint

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Draws is how many tints a training draws from, besides the images as they are.
const Draws = 4

// Tint is a change of color: a band's values v, within 0 to 1, become Gain v + Offset,
// cut to 0 to 1. The zero value changes nothing.
type Tint struct {
	Gain, Offset []float64 // [bands]
}

// Draw is the k-th tint (from 1) of images of so many bands; the same for the same
// arguments. The logarithm of the gain is normal with the standard deviation spread, the
// offset with half of it, both for all bands alike; each band strays from them by half
// as much (the color's cast).
func Draw(k, bands int, spread float64) Tint {
	r := rand.New(rand.NewPCG(uint64(k), 0x71c7))
	gain, offset := spread*r.NormFloat64(), spread/2*r.NormFloat64()
	var t Tint
	for range bands {
		t.Gain = append(t.Gain, math.Exp(gain+spread/2*r.NormFloat64()))
		t.Offset = append(t.Offset, offset+spread/4*r.NormFloat64())
	}
	return t
}

// None reports whether t changes nothing.
func (t Tint) None() bool { return len(t.Gain) == 0 }

// Key tells tints apart; empty for none.
func (t Tint) Key() string {
	if t.None() {
		return ""
	}
	return fmt.Sprintf("gain %.6g, offset %.6g", t.Gain, t.Offset)
}

// Apply changes an image, uint8 [bands, n], in place. It panics where the image is not
// of t's bands.
func (t Tint) Apply(pixels []uint8) {
	if t.None() {
		return
	}
	if len(pixels)%len(t.Gain) != 0 {
		panic(fmt.Sprintf("tint: %d bytes are no image of %d bands", len(pixels), len(t.Gain)))
	}
	n := len(pixels) / len(t.Gain)
	for b := range t.Gain {
		var to [256]uint8
		for v := range to {
			to[v] = uint8(math.Round(min(255, max(0, t.Gain[b]*float64(v)+255*t.Offset[b]))))
		}
		for i, v := range pixels[b*n : (b+1)*n] {
			pixels[b*n+i] = to[v]
		}
	}
}
