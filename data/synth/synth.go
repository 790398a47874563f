// Package synth makes a city that does not exist, as the real files a user
// would bring: a satellite mosaic, twelve ODIAC-like monthly rasters, a POI
// table, district borders and an experiment file that joins them. Because the
// emissions are computed from what the files show plus noise of a known size,
// the best R2 that any model can reach is known: the made city tells whether a
// model learns, and how much of what there is to learn.
//
// The city is made in three steps, each seeded: functional zones grow from
// smooth noise and distance to the centers (zones.go); zones decide the look of
// every pixel (texture.go) and the expected number of every kind of POI
// (poi.go); the emission of a cell follows from its zone mix, its POIs and what
// lies around it (emission.go). Files are written by write.go, and only there.
package synth

import (
	"fmt"
	"strings"

	"opencarbon/data/fault"
)

// CellDegrees is the edge of a cell: ODIAC's 30 arc-seconds. The made city lives
// on ODIAC's own grid, so that no regridding blurs its emissions and the best
// reachable R2 stays what truth.json says.
const CellDegrees = 1.0 / 120

// Config says what city to make. Zero values take the defaults noted.
type Config struct {
	Rows, Cols int     // size in cells, each 8 to 200; default 24
	Size       int     // pixels per cell edge in the mosaic, 16 to 512; default 64
	Seed       int64   // default 1
	Noise      float64 // standard deviation of the noise in ln emission, 0 to 3; default 0.35; negative: none
	Cities     int     // how many, 1 to 20; default 1
	Shift      float64 // how far the emission factors of later cities stray, in ln units, 0 to 2; default 0.3
	Year       int     // of the monthly files' names, two digits; default 18
}

// Limits of a made city.
const (
	minCells, maxCells = 8, 200
	minSize, maxSize   = 16, 512
	maxCities          = 20
)

// withDefaults fills in defaults and refuses what cannot be made.
func (c Config) withDefaults() (Config, error) {
	def := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	def(&c.Rows, 24)
	def(&c.Cols, 24)
	def(&c.Size, 64)
	def(&c.Cities, 1)
	def(&c.Year, 18)
	if c.Seed == 0 {
		c.Seed = 1
	}
	switch {
	case c.Noise == 0:
		c.Noise = 0.35
	case c.Noise < 0:
		c.Noise = 0
	}
	bad := func(flag string, value any, allowed string) error {
		return fault.New("--"+flag, fmt.Sprintf("%v is out of range", value), "Allowed: "+allowed+".")
	}
	switch {
	case c.Rows < minCells || c.Rows > maxCells || c.Cols < minCells || c.Cols > maxCells:
		return c, bad("cells", fmt.Sprintf("%dx%d", c.Rows, c.Cols), "8x8 to 200x200")
	case c.Size < minSize || c.Size > maxSize:
		return c, bad("size", c.Size, "16 to 512 pixels per cell")
	case c.Cities < 1 || c.Cities > maxCities:
		return c, bad("cities", c.Cities, "1 to 20")
	case !(c.Noise >= 0 && c.Noise <= 3):
		return c, bad("noise", c.Noise, "0 to 3")
	case !(c.Shift >= 0 && c.Shift <= 2):
		return c, bad("shift", c.Shift, "0 to 2")
	case c.Year < 0 || c.Year > 99:
		return c, bad("year", c.Year, "two digits, 0 to 99")
	}
	return c, nil
}

// ParseCells reads a size such as "24x24" (rows x columns).
func ParseCells(s string) (rows, cols int, err error) {
	a, b, ok := strings.Cut(strings.ToLower(s), "x")
	if ok {
		var tail string
		na, _ := fmt.Sscanf(a+" ", "%d%s", &rows, &tail)
		nb, _ := fmt.Sscanf(b+" ", "%d%s", &cols, &tail)
		ok = na == 1 && nb == 1
	}
	if !ok {
		return 0, 0, fault.New("--cells", fmt.Sprintf("%q is not a size", s), "Give rows x columns, such as 24x24.")
	}
	return rows, cols, nil
}
