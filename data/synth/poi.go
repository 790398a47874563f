package synth

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Categories are the POI categories of every made city, in the order of
// truth.json. All cities share them, so that a model moves from one to another.
var Categories = []string{
	"restaurant", "cafe", "shop", "supermarket", "office", "school",
	"hospital", "hotel", "bank", "factory", "fuel", "park",
}

const numCategories = 12

// Indices of the categories that take part in the emission model.
const (
	catRestaurant = 0
	catHotel      = 7
	catFactory    = 9
	catFuel       = 10
)

// rates is the expected number of POIs in a cell that is all one zone. Factories
// are listed far less often than there are sheds, and heavy industry no more
// often than light: the table undercounts industry, the picture does not.
var rates = [numZones][numCategories]float64{
	Farmland:    {0.1, 0, 0.1, 0, 0, 0, 0, 0, 0, 0, 0.05, 0.05},
	Rural:       {0.8, 0.3, 0.9, 0.2, 0.1, 0.5, 0.1, 0.2, 0.1, 0.1, 0.3, 0.6},
	Residential: {5, 2.5, 7, 1.6, 1.5, 2.2, 0.5, 0.6, 1, 0.1, 0.5, 1.8},
	Industrial:  {1.5, 0.5, 1.6, 0.2, 2.5, 0.1, 0.1, 0.2, 0.3, 0.9, 1.0, 0.1},
	Heavy:       {0.8, 0.2, 0.6, 0.1, 1.2, 0.1, 0.1, 0.1, 0.1, 0.9, 0.8, 0.1},
	Centre:      {17, 9, 20, 1.6, 14, 1.8, 0.9, 4.5, 5, 0.1, 0.3, 1.2},
	Road:        {1, 0.3, 0.5, 0.1, 0, 0, 0, 0.5, 0, 0, 4, 0},
	Water:       {},
}

// trade says which categories a cell's hidden trade favors: kitchens and beds
// at +1, desks and schools at -1. No picture shows it; the table does.
var trade = [numCategories]float64{1, 0.6, 0.2, 0.6, -1, -0.8, 0, 1, -0.7, 0, 0.3, -0.5}

// A POI is one row of the table.
type POI struct {
	Number   int32   // from 1; rows with the same number are the same point
	Category uint8   // index into Categories
	Lon, Lat float64 // degrees, WGS84
}

// ID is the point's identifier in the table.
func (p POI) ID() string { return fmt.Sprintf("p%07d", p.Number) }

// Name is the point's name in the table.
func (p POI) Name() string { return fmt.Sprintf("%s %d", Categories[p.Category], p.Number) }

// tradeOf is the hidden trade of a cell, about standard normal, smooth over two cells.
func (p *plan) tradeOf(row, col int) float64 {
	x, y := float64(col)+0.5, float64(row)+0.5
	return 1.6*noise(p.seed, x/2.3, y/2.3, saltTrade) + 0.5*gauss(hash(p.seed, row, col, saltTrade+100))
}

// drawPOIs scatters the POIs of a cell: for each zone and category a Poisson
// number, each at one of the zone's points. It returns the cell's counts.
func (c *City) drawPOIs(rng *rand.Rand, cell int, share [numZones]float64, points []Zone) (counts [numCategories]int) {
	row, col := cell/c.Cols, cell%c.Cols
	t := c.plan.tradeOf(row, col)
	var where [numZones][]int
	for i, z := range points {
		where[z] = append(where[z], i)
	}
	for z := range numZones {
		if len(where[z]) == 0 {
			continue
		}
		for k := range numCategories {
			n := poisson(rng, share[z]*rates[z][k]*math.Exp(0.75*trade[k]*t))
			counts[k] += n
			for range n {
				at := where[z][rng.IntN(len(where[z]))]
				x := float64(col) + (float64(at%sampling)+0.02+0.96*rng.Float64())/sampling
				y := float64(row) + (float64(at/sampling)+0.02+0.96*rng.Float64())/sampling
				c.addPOI(k, x, y)
			}
		}
	}
	return counts
}

// addPOI appends a POI at (x, y) cells from the north-west corner.
func (c *City) addPOI(category int, x, y float64) {
	c.POIs = append(c.POIs, POI{
		Number: int32(len(c.POIs) + 1), Category: uint8(category),
		Lon: c.West + x*CellDegrees, Lat: c.North - y*CellDegrees,
	})
}

// addDirt adds what real tables have: rows that repeat an id (1 in 200), and
// points outside the city (1 in 300). Neither changes a cell's counts once the
// table has been cleaned as data.poi promises.
func (c *City) addDirt(rng *rand.Rand) {
	n := len(c.POIs)
	for range max(2, n/200) {
		c.POIs = append(c.POIs, c.POIs[rng.IntN(n)])
		c.Duplicates++
	}
	for range max(2, n/300) {
		x := -0.5 - 3*rng.Float64()
		if rng.IntN(2) == 1 {
			x = float64(c.Cols) + 0.5 + 3*rng.Float64()
		}
		c.addPOI(rng.IntN(numCategories), x, rng.Float64()*float64(c.Rows))
		c.Outside++
	}
}

// poisson draws a Poisson number by counting exponential gaps (Knuth); the
// means here stay below 100.
func poisson(rng *rand.Rand, mean float64) int {
	if mean <= 0 {
		return 0
	}
	n := 0
	for t := rng.ExpFloat64(); t < mean; t += rng.ExpFloat64() {
		n++
	}
	return n
}
