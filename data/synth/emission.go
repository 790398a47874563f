package synth

import "math"

// Factors turn zones and POIs into emissions. Every city has its own: the first
// city the ones below, later cities these with a shift (Config.Shift).
//
//	ln E = ln(Level * sum_z Zone_z share_z)           what the picture shows
//	     + sum_c POI_c ln(1 + n_c)                    what the table shows
//	     + CentreTrade share_centre ln(1 + n_restaurant + n_hotel)
//	     + IndustryTraffic share_industry ln(1 + n_factory + n_fuel)   both at once
//	     + Around * mean over the 8 cells around of their activity
//	     + noise
//
// A missing cell around (beyond the border) counts as one without activity.
type Factors struct {
	Level           float64                `json:"level_tC_per_year"` // tonnes of carbon a year of a cell whose factors add up to 1
	Zone            [numZones]float64      `json:"zone"`
	POI             [numCategories]float64 `json:"poi"`
	CentreTrade     float64                `json:"centre_x_trade"`
	IndustryTraffic float64                `json:"industry_x_traffic"`
	Around          float64                `json:"around"`
}

// baseFactors are those of the first city. Heavy industry burns a hundred times
// what the same ground burns as farmland.
func baseFactors() Factors {
	return Factors{
		Level: 1500,
		Zone: [numZones]float64{Farmland: 0.35, Rural: 0.2, Residential: 0.45, Industrial: 0.75,
			Heavy: 1.7, Centre: 0.55, Road: 1.0, Water: 0.05},
		POI:             [numCategories]float64{0.2, 0.02, -0.12, 0.12, -0.24, -0.25, 0.1, 0.28, -0.12, 0.1, 0.1, -0.12},
		CentreTrade:     0.12,
		IndustryTraffic: 0.3,
		Around:          3.4,
	}
}

// shifted returns the factors of the n-th city (0: unchanged): the level moves
// by up to twice shift, every factor by a normal number of half of shift.
func (f Factors) shifted(seed uint64, n int, shift float64) Factors {
	if n == 0 || shift == 0 {
		return f
	}
	draw := func(i int) float64 { return gauss(hash(seed, n, i, saltFactor)) }
	f.Level *= math.Exp(shift * max(-2, min(2, draw(0))))
	for z := range f.Zone {
		f.Zone[z] *= math.Exp(shift / 2 * draw(10+z))
	}
	for k := range f.POI {
		f.POI[k] *= math.Exp(shift / 2 * draw(40+k))
	}
	f.CentreTrade *= math.Exp(shift / 2 * draw(1))
	f.IndustryTraffic *= math.Exp(shift / 2 * draw(2))
	f.Around *= math.Exp(shift / 4 * draw(3))
	return f
}

// activity is what a cell does to those around it: centers and heavy industry
// draw traffic and heat, kitchens, beds and fuel as well; homes and schools do
// little, woods and fields nothing. 0 to about 3.
func activity(share [numZones]float64, n [numCategories]int) float64 {
	a := 3*share[Heavy] + 0.6*share[Industrial] + share[Road]
	a += 0.26*ln1(n[catHotel]) + 0.3*ln1(n[catFuel])
	return a
}

// own is ln of the part of a cell's emission (tC/yr) that its own picture and
// its own POIs explain.
func (f Factors) own(share [numZones]float64, n [numCategories]int) float64 {
	burnt := 0.0
	for z, s := range share {
		burnt += f.Zone[z] * s
	}
	v := math.Log(f.Level * burnt)
	for k, c := range n {
		v += f.POI[k] * ln1(c)
	}
	v += f.CentreTrade * share[Centre] * ln1(n[catRestaurant]+n[catHotel])
	v += f.IndustryTraffic * (share[Industrial] + share[Heavy]) * ln1(n[catFactory]+n[catFuel])
	return v
}

func ln1(n int) float64 { return math.Log1p(float64(n)) }

// eight returns the cells around a cell that exist.
func (c *City) eight(cell int) []int {
	row, col := cell/c.Cols, cell%c.Cols
	out := make([]int, 0, 8)
	for r := max(row-1, 0); r <= min(row+1, c.Rows-1); r++ {
		for k := max(col-1, 0); k <= min(col+1, c.Cols-1); k++ {
			if r != row || k != col {
				out = append(out, r*c.Cols+k)
			}
		}
	}
	return out
}

// around is the mean activity of the eight cells around a cell.
func (c *City) around(act []float64, cell int) float64 {
	sum := 0.0
	for _, j := range c.eight(cell) {
		sum += act[j]
	}
	return sum / 8
}

// months are the shares of the year's emission in each month, in 1/4096: heating
// in winter, a smaller rise in summer. They sum to 4096.
var months = [12]int{412, 380, 360, 318, 296, 300, 330, 334, 298, 316, 356, 396}

// monthly splits a year's emission (tC) into the twelve float32 numbers of the
// monthly files. The year that the files add up to is their sum, returned here:
// it, not the number that was asked for, is the truth.
func monthly(year float64) (m [12]float32, sum float64) {
	for i, s := range months {
		m[i] = float32(year * float64(s) / 4096)
		sum += float64(m[i])
	}
	return m, sum
}

// dryShare is the share of land below which a cell is open water: it has no
// emission at all, as ODIAC is made for land.
const dryShare = 0.1

// CarbonToCO2 is the ratio of the molar masses of CO2 and carbon, 44/12.
const CarbonToCO2 = 44.0 / 12
