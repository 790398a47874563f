// Package half is IEEE 754's 16-bit floating-point numbers, which images of floats
// are kept in: 11 bits of precision in half of float32's room.
package half

import "math"

// Max is the greatest number that there is.
const Max = 65504

// From rounds v to the nearest half, ties to even. What is greater than Max, and
// infinity, becomes Max; NaN becomes 0.
func From(v float32) uint16 {
	b := math.Float32bits(v)
	sign := uint16(b >> 16 & 0x8000)
	b &= 1<<31 - 1
	switch {
	case b > 0x7f800000: // NaN
		return 0
	case b >= 0x477ff000: // rounds to more than Max
		return sign | 0x7bff
	case b < 0x38800000: // below 2^-14: steps of 2^-24
		return sign | uint16(math.RoundToEven(float64(math.Float32frombits(b))*(1<<24)))
	}
	b += 0xfff + b>>13&1 // to even
	return sign | uint16((b-0x38000000)>>13)
}

// To is the number that a half is.
func To(h uint16) float32 {
	sign, e, m := uint32(h&0x8000)<<16, uint32(h>>10&31), uint32(h&0x3ff)
	switch e {
	case 0:
		v := float32(m) / (1 << 24)
		return math.Float32frombits(sign | math.Float32bits(v))
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | m<<13)
	}
	return math.Float32frombits(sign | (e+112)<<23 | m<<13)
}
