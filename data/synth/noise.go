package synth

import "math"

// hash mixes integers into 64 well-stirred bits (the finalizer of SplitMix64,
// Steele et al. 2014). Everything that is drawn per place (a parcel's color, a
// lattice value) comes from it, so that a pixel's look depends on where it is
// and on the seed, never on the order in which pixels are painted.
func hash(seed uint64, x, y int, salt uint64) uint64 {
	h := seed ^ salt*0x9E3779B97F4A7C15
	h = mix(h ^ uint64(int64(x))*0xD1B54A32D192ED03)
	return mix(h ^ uint64(int64(y))*0x8CB92BA72F3D8DD7)
}

func mix(h uint64) uint64 {
	h += 0x9E3779B97F4A7C15
	h = (h ^ h>>30) * 0xBF58476D1CE4E5B9
	h = (h ^ h>>27) * 0x94D049BB133111EB
	return h ^ h>>31
}

// unit turns a hash into a number in [0, 1).
func unit(h uint64) float64 { return float64(h>>11) / (1 << 53) }

// noise is value noise: a random number in [-1, 1] at every integer lattice
// point, smoothly blended between them. x and y are in lattice steps.
func noise(seed uint64, x, y float64, salt uint64) float64 {
	fx, fy := math.Floor(x), math.Floor(y)
	ix, iy := int(fx), int(fy)
	tx, ty := fade(x-fx), fade(y-fy)
	a := unit(hash(seed, ix, iy, salt))
	b := unit(hash(seed, ix+1, iy, salt))
	c := unit(hash(seed, ix, iy+1, salt))
	d := unit(hash(seed, ix+1, iy+1, salt))
	top, bottom := a+(b-a)*tx, c+(d-c)*tx
	return 2*(top+(bottom-top)*ty) - 1
}

// fade is Perlin's quintic: its first two derivatives vanish at both ends.
func fade(t float64) float64 { return t * t * t * (t*(t*6-15) + 10) }

// gauss makes a standard normal number from a hash (Box-Muller).
func gauss(h uint64) float64 {
	u := 1 - unit(h) // (0, 1]
	v := unit(mix(h))
	return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
}
