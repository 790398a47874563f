package preview

import (
	"image/color"
	"math"

	"opencarbon/data/store"
)

// viridis (Smith and van der Walt 2015), at ten equal steps: even to the eye, and
// in the same order for people who see colors otherwise.
var viridis = []color.RGBA{
	{0x44, 0x01, 0x54, 255}, {0x48, 0x28, 0x78, 255}, {0x3E, 0x4A, 0x89, 255}, {0x31, 0x68, 0x8E, 255}, {0x26, 0x82, 0x8E, 255},
	{0x1F, 0x9E, 0x89, 255}, {0x35, 0xB7, 0x79, 255}, {0x6D, 0xCD, 0x59, 255}, {0xB4, 0xDE, 0x2C, 255}, {0xFD, 0xE7, 0x25, 255},
}

// Colors of the splits, from Okabe and Ito's set.
var splitColors = map[store.Split]color.RGBA{
	store.Train:      {0x00, 0x72, 0xB2, 255}, // blue
	store.Validation: {0xE6, 0x9F, 0x00, 255}, // orange
	store.Test:       {0xCC, 0x79, 0xA7, 255}, // reddish purple
	store.None:       {0x80, 0x80, 0x80, 255},
}

// Ground colors: no tile there, and a tile without a value.
var (
	noTile  = color.RGBA{255, 255, 255, 255}
	noValue = color.RGBA{0xD0, 0xD0, 0xD0, 255}
)

// at blends the steps of a color map at t in [0, 1].
func at(steps []color.RGBA, t float64) color.RGBA {
	t = math.Max(0, math.Min(1, t)) * float64(len(steps)-1)
	i := min(int(t), len(steps)-2)
	return blend(steps[i], steps[i+1], t-float64(i))
}

// blend mixes share of b into a.
func blend(a, b color.RGBA, share float64) color.RGBA {
	m := func(x, y uint8) uint8 { return uint8(float64(x) + (float64(y)-float64(x))*share + 0.5) }
	return color.RGBA{m(a.R, b.R), m(a.G, b.G), m(a.B, b.B), 255}
}
