package synth

import (
	"math"
	"math/rand/v2"
)

// City is a made city in memory, without its pixels: those are painted from the
// plan when they are written.
type City struct {
	Name        string
	Rows, Cols  int
	Size        int     // pixels per cell edge
	West, North float64 // north-west corner, degrees
	Noise       float64 // standard deviation of the noise in ln emission
	Factors     Factors

	Share [][numZones]float64  // [Rows*Cols] share of every zone, row-major from the north-west
	Count [][numCategories]int // [Rows*Cols] POIs of every category
	Month [][12]float32        // [Rows*Cols] tonnes of carbon; all 0: open water

	// LnTrue is ln of the noiseless yearly emission in tonnes of CO2, LnSeen the
	// same of what the files hold; NaN where there is no emission.
	LnTrue, LnSeen []float64
	// LnOwn is the part of LnTrue that does not depend on the cells around.
	LnOwn []float64

	District  []int // [Rows*Cols] index into Districts
	Districts []District

	POIs                []POI
	Duplicates, Outside int // rows of POIs that are dirt

	plan *plan
}

// Make makes the n-th city (counted from 0) of a configuration.
func Make(cfg Config, n int) (*City, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return newCity(cfg, n), nil
}

// newCity is Make for a configuration with its defaults filled in.
func newCity(cfg Config, n int) *City {
	seed := mix(uint64(cfg.Seed)*0x9E3779B97F4A7C15 + uint64(n))
	rng := rand.New(rand.NewPCG(seed, saltCity))
	c := &City{
		Name: cityName(n), Rows: cfg.Rows, Cols: cfg.Cols, Size: cfg.Size, Noise: cfg.Noise,
		// Corners are whole numbers of cells from ODIAC's origin (-180, 90): about
		// 10 E, 47 N for the first city, the others four degrees apart to the east.
		West:    float64(190+4*n) - 180,
		North:   90 - 43,
		Factors: baseFactors().shifted(uint64(cfg.Seed), n, cfg.Shift),
		plan:    newPlan(seed, cfg.Rows, cfg.Cols),
	}
	cells := c.Rows * c.Cols
	c.Share = make([][numZones]float64, cells)
	c.Count = make([][numCategories]int, cells)
	points := make([]Zone, sampling*sampling)
	act := make([]float64, cells)
	for i := range cells {
		c.Share[i] = c.plan.mix(i/c.Cols, i%c.Cols, points)
		c.Count[i] = c.drawPOIs(rng, i, c.Share[i], points)
		act[i] = activity(c.Share[i], c.Count[i])
	}
	c.addDirt(rng)
	c.burn(act, seed)
	c.divide(seed)
	return c
}

// burn computes the emissions.
func (c *City) burn(act []float64, seed uint64) {
	cells := c.Rows * c.Cols
	c.Month = make([][12]float32, cells)
	c.LnTrue, c.LnSeen, c.LnOwn = make([]float64, cells), make([]float64, cells), make([]float64, cells)
	for i := range cells {
		if 1-c.Share[i][Water] < dryShare {
			c.LnTrue[i], c.LnSeen[i], c.LnOwn[i] = math.NaN(), math.NaN(), math.NaN()
			continue
		}
		own := c.Factors.own(c.Share[i], c.Count[i])
		ln := own + c.Factors.Around*c.around(act, i)
		noisy := ln + c.Noise*gauss(hash(seed, i, 0, saltNoise))
		var year float64
		c.Month[i], year = monthly(math.Exp(noisy))
		c.LnOwn[i] = own + math.Log(CarbonToCO2)
		c.LnTrue[i] = ln + math.Log(CarbonToCO2)
		c.LnSeen[i] = math.Log(year * CarbonToCO2)
	}
}

// cityName names the cities: trees, in the order of the alphabet.
func cityName(n int) string {
	return [...]string{"alder", "birch", "cedar", "dogwood", "elm", "fir", "ginkgo", "hazel", "ilex", "juniper",
		"katsura", "larch", "maple", "nutmeg", "oak", "pine", "quince", "rowan", "spruce", "teak"}[n]
}
