package synth

import (
	"math"
)

// Zone is the function of a piece of ground.
type Zone uint8

// The functional zones. Heavy industry is industry that burns more; the mosaic
// shows it (dark sheds, stacks), the POI table does not.
const (
	Farmland Zone = iota
	Rural
	Residential
	Industrial
	Heavy
	Centre
	Road
	Water
	numZones
)

// zoneNames are the names in truth.json, in the order of the constants.
var zoneNames = [numZones]string{"farmland", "rural", "residential", "industrial", "heavy_industry", "centre", "road", "water"}

const (
	parcels   = 8  // parcels along a cell's edge: city blocks of about 100 m
	sampling  = 16 // points along a cell's edge at which its zone mix is counted
	parcelPad = 8  // parcels beyond the border, since the map is warped
	warpCells = 0.18
)

// Salts keep the random fields of one seed apart.
const (
	saltWarpX = iota + 1
	saltWarpY
	saltUrban
	saltBlock
	saltIndustry
	saltHeavy
	saltParcel
	saltRiver
	saltCentre
	saltTexture
	saltGrain
	saltField
	saltTrade
	saltNoise
	saltDistrict
	saltFactor
	saltCity
)

// plan is the ground plan: which zone lies at which point. Points are in cells,
// x to the east from the west border, y to the south from the north border.
type plan struct {
	seed       uint64
	rows, cols int
	centers    []center
	roads      []road
	ring       float64 // radius of the ring road in cells
	parcel     []Zone  // zones of the parcels, row-major, padded by parcelPad
	pw         int     // parcels in a row, padding included
	river      struct{ at, slope, swing, width float64 }
}

type center struct{ x, y, weight, radius float64 }

// road is a straight radial road through the main center.
type road struct{ nx, ny, c, width float64 }

// newPlan lays out a city of rows x cols cells.
func newPlan(seed uint64, rows, cols int) *plan {
	p := &plan{seed: seed, rows: rows, cols: cols}
	draw := func(i int) float64 { return unit(hash(seed, i, 0, saltCentre)) }
	short := float64(min(rows, cols))
	main := center{
		x: float64(cols) * (0.4 + 0.2*draw(0)), y: float64(rows) * (0.4 + 0.2*draw(1)),
		weight: 1, radius: 0.36 * short,
	}
	p.centers = append(p.centers, main)
	subs := 2 + int(draw(2)*2) + rows*cols/2500
	for i := range subs {
		p.centers = append(p.centers, center{
			x: float64(cols) * (0.08 + 0.84*draw(10+3*i)), y: float64(rows) * (0.08 + 0.84*draw(11+3*i)),
			weight: 0.55 + 0.25*draw(12+3*i), radius: 0.13*short + 1,
		})
	}
	p.ring = 0.27 * short
	turn := draw(3) * math.Pi
	n := 3
	for i := range n {
		a := turn + math.Pi*float64(i)/float64(n) + 0.2*(draw(100+i)-0.5)
		nx, ny := math.Sin(a), -math.Cos(a)
		p.roads = append(p.roads, road{nx, ny, nx*main.x + ny*main.y, 0.05})
	}
	p.river.at = main.y + short*(0.12+0.15*draw(4))
	p.river.slope = 0.5 * (draw(5) - 0.5)
	p.river.swing = 0.06 * short
	p.river.width = 0.15 + 0.012*short

	p.pw = cols*parcels + 2*parcelPad
	ph := rows*parcels + 2*parcelPad
	p.parcel = make([]Zone, p.pw*ph)
	for j := range ph {
		for i := range p.pw {
			p.parcel[j*p.pw+i] = p.parcelZone(i-parcelPad, j-parcelPad)
		}
	}
	return p
}

// parcelZone decides the zone of a parcel: urbanity falls with the distance to
// the centers, noise of two lengths breaks the rings up (the shorter one, of a
// cell and a half, is what makes a cell differ from its neighbors), and
// industry gathers where its own field is high.
func (p *plan) parcelZone(i, j int) Zone {
	x, y := (float64(i)+0.5)/parcels, (float64(j)+0.5)/parcels
	urban := 0.0
	for _, c := range p.centers {
		d := math.Hypot(x-c.x, y-c.y) / c.radius
		urban = max(urban, c.weight*math.Exp(-d*d))
	}
	urban += 0.22*noise(p.seed, x/5, y/5, saltUrban) + 0.34*noise(p.seed, x/1.4, y/1.4, saltBlock)
	h := hash(p.seed, i, j, saltParcel)
	urban += 0.16 * (unit(h) - 0.5)
	industry := 0.35*noise(p.seed, x/4, y/4, saltIndustry) + 0.75*noise(p.seed, x/1.15, y/1.15, saltIndustry+100) + 0.15*(unit(mix(h))-0.5)
	if urban < 0.85 && urban > -0.05 && industry > 0.33 {
		if noise(p.seed, x/1.1, y/1.1, saltHeavy) > 0.05 {
			return Heavy
		}
		return Industrial
	}
	switch {
	case urban > 0.74:
		return Centre
	case urban > 0.34:
		return Residential
	case urban > 0.1:
		return Rural
	default:
		return Farmland
	}
}

// spot is what lies at one point.
type spot struct {
	zone   Zone
	i, j   int     // parcel
	fx, fy float64 // place inside the parcel, 0 to 1
	edge   float64 // distance to the middle of the road or to the bank of the river, in cells
}

// at returns what lies at a point (cells).
func (p *plan) at(x, y float64) spot {
	wx := x + warpCells*noise(p.seed, x/2.5, y/2.5, saltWarpX)
	wy := y + warpCells*noise(p.seed, x/2.5, y/2.5, saltWarpY)
	gx, gy := wx*parcels, wy*parcels
	i, j := int(math.Floor(gx)), int(math.Floor(gy))
	s := spot{i: i, j: j, fx: gx - float64(i), fy: gy - float64(j)}
	ci := min(max(i+parcelPad, 0), p.pw-1)
	cj := min(max(j+parcelPad, 0), len(p.parcel)/p.pw-1)
	s.zone = p.parcel[cj*p.pw+ci]

	// The river's noise is not asked for where the river cannot be.
	bank := math.Inf(1)
	if off := wy - p.river.at - p.river.slope*(wx-p.centers[0].x); math.Abs(off) < p.river.swing+1.35*p.river.width {
		off -= p.river.swing * noise(p.seed, wx/7, 0.5, saltRiver)
		bank = math.Abs(off) - p.river.width*(1+0.35*noise(p.seed, wx/3, 9.5, saltRiver))
	}
	way := math.Inf(1)
	c := p.centers[0]
	for _, r := range p.roads {
		way = min(way, math.Abs(r.nx*wx+r.ny*wy-r.c)-r.width)
	}
	way = min(way, math.Abs(math.Hypot(wx-c.x, wy-c.y)-p.ring)-0.06)
	switch {
	case way < 0: // bridges: a road crosses the river
		s.zone, s.edge = Road, -way
	case bank < 0:
		s.zone, s.edge = Water, -bank
	}
	return s
}

// mix returns the share of every zone in a cell, counted at sampling x sampling
// points, and the zone of every such point (row-major, north-west first).
func (p *plan) mix(row, col int, points []Zone) (share [numZones]float64) {
	for v := range sampling {
		for u := range sampling {
			z := p.at(float64(col)+(float64(u)+0.5)/sampling, float64(row)+(float64(v)+0.5)/sampling).zone
			points[v*sampling+u] = z
			share[z] += 1.0 / (sampling * sampling)
		}
	}
	return share
}
