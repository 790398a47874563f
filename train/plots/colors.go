package plots

import (
	"image/color"
	"math"
)

func hex(v ...uint32) []color.RGBA {
	out := make([]color.RGBA, len(v))
	for i, c := range v {
		out[i] = color.RGBA{uint8(c >> 16), uint8(c >> 8), uint8(c), 255}
	}
	return out
}

var (
	// okabeIto is the palette of Okabe and Ito (2008), "Color Universal Design",
	// the darker ones first: they carry lines on white.
	okabeIto = hex(0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9, 0x000000)
	// viridis (Smith and van der Walt 2015), ten of matplotlib's 256 colors.
	viridis = hex(0x440154, 0x482878, 0x3E4989, 0x31688E, 0x26828E, 0x1F9E89, 0x35B779, 0x6ECE58, 0xB5DE2B, 0xFDE725)
	// blueRed is ColorBrewer's RdBu with 11 classes, reversed: too high is red.
	blueRed = hex(0x053061, 0x2166AC, 0x4393C3, 0x92C5DE, 0xD1E5F0, 0xF7F7F7, 0xFDDBC7, 0xF4A582, 0xD6604D, 0xB2182B, 0x67001F)

	noValue = color.RGBA{225, 225, 225, 255} // cells without a value
	guide   = color.RGBA{110, 110, 110, 255} // lines that guide the eye
)

// lineColor is the color of the i-th line.
func lineColor(i int) color.RGBA { return okabeIto[i%len(okabeIto)] }

// faded mixes c with white and makes it see-through for bands and dots.
func faded(c color.RGBA, alpha float64) color.NRGBA {
	return color.NRGBA{c.R, c.G, c.B, uint8(math.Round(255 * alpha))}
}

// at is the color of t in 0..1 on a map of evenly spaced colors.
func at(steps []color.RGBA, t float64) color.RGBA {
	t = min(max(t, 0), 1) * float64(len(steps)-1)
	i := min(int(t), len(steps)-2)
	f := t - float64(i)
	mix := func(a, b uint8) uint8 { return uint8(math.Round(float64(a)*(1-f) + float64(b)*f)) }
	a, b := steps[i], steps[i+1]
	return color.RGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 255}
}

// ink is black or white, whichever reads better on c (ITU-R BT.601 luma).
func ink(c color.RGBA) color.Color {
	if 0.299*float64(c.R)+0.587*float64(c.G)+0.114*float64(c.B) > 140 {
		return color.Black
	}
	return color.White
}
