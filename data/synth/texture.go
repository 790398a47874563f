package synth

import "math"

type rgb [3]float64

// Palettes, loosely those of a Sentinel-2 or aerial picture at 10 m.
var (
	fieldColors = []rgb{{116, 140, 70}, {150, 152, 88}, {178, 160, 104}, {92, 122, 58}, {140, 118, 84}, {168, 172, 110}}
	woodColor   = rgb{52, 78, 46}
	grassColor  = rgb{98, 118, 66}
	roofColors  = []rgb{{168, 104, 84}, {150, 92, 76}, {176, 140, 116}, {130, 110, 104}, {186, 120, 92}}
	towerColors = []rgb{{206, 204, 200}, {178, 180, 186}, {150, 152, 160}, {220, 214, 200}, {120, 126, 138}}
	shedColors  = []rgb{{176, 192, 208}, {200, 204, 208}, {142, 168, 190}, {214, 214, 214}}
	heavyColors = []rgb{{84, 66, 58}, {104, 78, 62}, {66, 62, 64}, {120, 84, 62}}
	streetColor = rgb{126, 124, 120}
	asphalt     = rgb{92, 92, 96}
	roadColor   = rgb{188, 182, 170}
	waterColor  = rgb{38, 62, 84}
)

// pixel paints one point of the mosaic (x, y in cells): 8-bit red, green, blue.
// The grain is drawn per pixel index.
func (p *plan) pixel(x, y float64, ix, iy int) (r, g, b uint8) {
	s := p.at(x, y)
	h := hash(p.seed, s.i, s.j, saltTexture)
	var c rgb
	switch s.zone {
	case Farmland:
		c = p.field(s)
	case Rural:
		c = p.village(s, h, x, y)
	case Residential:
		c = p.houses(s, h)
	case Centre:
		c = p.towers(s, h)
	case Industrial:
		c = p.sheds(s, h, shedColors)
	case Heavy:
		c = p.sheds(s, h, heavyColors)
		c = p.stack(s, h, c)
	case Road:
		c = roadColor
		if s.edge > 0.035 {
			c = asphalt
		}
	case Water:
		c = waterColor.shade(1 + 0.12*noise(p.seed, x*9, y*9, saltGrain) - 0.1*math.Min(1, s.edge*3))
	}
	grain := 1 + 0.10*(unit(hash(p.seed, ix, iy, saltGrain))-0.5)
	light := 1 + 0.05*noise(p.seed, x/6, y/6, saltGrain+50)
	c = c.shade(grain * light)
	return byte8(c[0]), byte8(c[1]), byte8(c[2])
}

// field: fields of two by two parcels, each of its own crop, ploughed in rows.
func (p *plan) field(s spot) rgb {
	i, j := floorDiv(s.i, 2), floorDiv(s.j, 2)
	h := hash(p.seed, i, j, saltField)
	c := pick(fieldColors, h)
	fx, fy := (float64(s.i-2*i)+s.fx)/2, (float64(s.j-2*j)+s.fy)/2
	if min(fx, fy, 1-fx, 1-fy) < 0.04 {
		return woodColor.shade(1.1) // hedge
	}
	a := fx
	if h>>40&1 == 1 {
		a = fy
	}
	return c.shade(1 + 0.07*math.Sin(a*2*math.Pi*7))
}

// village: woods and meadows with a few houses.
func (p *plan) village(s spot, h uint64, x, y float64) rgb {
	c := grassColor.shade(1 + 0.15*noise(p.seed, x*5, y*5, saltGrain+1))
	if noise(p.seed, x*3, y*3, saltTexture) > 0.05 {
		c = woodColor.shade(1 + 0.25*noise(p.seed, x*40, y*40, saltGrain+2))
	}
	if u, v, in := block(s, 2, 0, 0.28, h); in && unit(hash(h, u, v, 7)) < 0.35 {
		c = pick(roofColors, hash(h, u, v, 8))
	}
	return c
}

// houses: streets around the parcel, rows of small roofs with gardens.
func (p *plan) houses(s spot, h uint64) rgb {
	if min(s.fx, s.fy) < 0.13 {
		return streetColor
	}
	if u, v, in := block(s, 3, 0.13, 0.3, h); in && unit(hash(h, u, v, 7)) < 0.9 {
		return pick(roofColors, hash(h, u, v, 8))
	}
	return rgb{126, 132, 98} // gardens
}

// towers: broad streets, large pale roofs, dark shadow between them.
func (p *plan) towers(s spot, h uint64) rgb {
	if min(s.fx, s.fy) < 0.17 {
		return asphalt
	}
	if u, v, in := block(s, 2, 0.17, 0.38, h); in {
		return pick(towerColors, hash(h, u, v, 8))
	}
	return rgb{70, 72, 78}
}

// sheds: one or two long roofs on a paved yard.
func (p *plan) sheds(s spot, h uint64, colors []rgb) rgb {
	if min(s.fx, s.fy) < 0.07 {
		return asphalt
	}
	a, b := s.fx, s.fy
	if h&1 == 1 {
		a, b = b, a
	}
	if a > 0.14 && a < 0.93 && b > 0.14 && b < 0.93 && math.Abs(b-0.54) > 0.05 {
		n := 0
		if b > 0.54 {
			n = 1
		}
		return pick(colors, hash(h, n, 0, 8)).shade(1 + 0.05*math.Sin(a*60))
	}
	return rgb{150, 146, 138}
}

// stack: half of the heavy parcels carry tanks or a stack with its pale plume.
func (p *plan) stack(s spot, h uint64, c rgb) rgb {
	if h>>20&1 == 0 {
		return c
	}
	if math.Hypot(s.fx-0.3, s.fy-0.3) < 0.13 || math.Hypot(s.fx-0.7, s.fy-0.72) < 0.13 {
		return rgb{232, 226, 214}
	}
	return c
}

// block lays n x n buildings on a parcel behind a street of the given width:
// the building's number, and whether the point lies on its roof (half is half of
// a roof's edge as a share of the lot).
func block(s spot, n int, street, half float64, h uint64) (u, v int, in bool) {
	x := (s.fx - street) / (1 - street) * float64(n)
	y := (s.fy - street) / (1 - street) * float64(n)
	u, v = int(math.Floor(x)), int(math.Floor(y))
	dx, dy := x-float64(u)-0.5, y-float64(v)-0.5
	wide := half * (0.85 + 0.3*unit(hash(h, u, v, 9)))
	return u, v, math.Abs(dx) < wide && math.Abs(dy) < half
}

func pick(colors []rgb, h uint64) rgb { return colors[h>>33%uint64(len(colors))] }

func (c rgb) shade(f float64) rgb { return rgb{c[0] * f, c[1] * f, c[2] * f} }

func byte8(v float64) uint8 { return uint8(min(max(v+0.5, 1), 255)) } // 0 stays free for nodata

func floorDiv(a, b int) int { return int(math.Floor(float64(a) / float64(b))) }
