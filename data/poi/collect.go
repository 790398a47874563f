package poi

import (
	"fmt"
	"math"
	"slices"

	"opencarbon/data/fault"
	"opencarbon/data/label"
)

// batchSize is how many points are converted and located at a time.
const batchSize = 8192

// Bounds of the number of different raw category values: beyond the first, a
// file without a category table is refused; beyond the second, any file is,
// because the column is surely no category.
const (
	maxRawCategories = 2000
	maxRawValues     = 1_000_000
)

// point is one row of an input.
type point struct {
	x, y     float64 // in the input's CRS
	category []byte  // raw, trimmed
	id       []byte  // empty: none
	count    float64 // not negative
}

// collector takes points one by one and makes the result of them.
type collector struct {
	spec    Spec
	target  Target
	table   *Table
	convert *converter
	unit    string // what a row is called in messages: line or feature
	report  Report

	raw   map[string]int32 // raw category value -> its number
	names []string         // the reverse
	seen  []float64        // per raw value: points inside the region
	twice *doubles

	x, y []float64 // the batch, in the input's CRS
	lon  []float64 // room for the same in degrees,
	lat  []float64
	sx   []float64 // with both exchanged,
	sy   []float64
	near []int // and for what is not far from the cells
	cell []int32
	u, v []float64

	nearLon, nearLat []float64
	rawOf            []int32
	count            []float64
	lines            []int
	ids              []uint64 // hashes
	hasID            []bool

	kept found // what lies inside

	inside  int
	swapped int        // outside, and would lie inside if lon and lat changed places
	huge    int        // rows whose "degrees" are far too big: projected coordinates
	extent  [4]float64 // of all points, degrees
}

func newCollector(spec Spec, target Target, table *Table) *collector {
	return &collector{spec: spec, target: target, table: table, unit: "line", raw: map[string]int32{}, twice: newDoubles(),
		extent: [4]float64{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}}
}

func (c *collector) close() {
	if c.convert != nil {
		c.convert.close()
	}
}

// bad counts a row that cannot be used and keeps the first few as examples.
func (c *collector) bad(line int, why string) {
	c.report.Rows++
	c.reject(line, why)
}

func (c *collector) reject(line int, why string) {
	c.report.Bad++
	if len(c.report.BadExamples) < 5 {
		c.report.BadExamples = append(c.report.BadExamples, fmt.Sprintf("%s %d: %s", c.unit, line, why))
	}
}

// add takes one point; line is where it stands, for messages.
func (c *collector) add(line int, p point) error {
	c.report.Rows++
	k, ok := c.raw[string(p.category)]
	name := ""
	if !ok {
		name = label.Of(string(p.category))
		k, ok = c.raw[name]
	}
	if !ok {
		if len(c.names) >= maxRawValues {
			return fault.New(c.spec.Path, fmt.Sprintf("the category column has more than %d different values", maxRawValues),
				"Name the column that holds categories in data.poi.columns.category.")
		}
		k = int32(len(c.names))
		c.raw[name] = k
		c.names = append(c.names, name)
		c.seen = append(c.seen, 0)
	}
	c.x, c.y = append(c.x, p.x), append(c.y, p.y)
	c.rawOf, c.count, c.lines = append(c.rawOf, k), append(c.count, p.count), append(c.lines, line)
	c.ids, c.hasID = append(c.ids, hashOf(p.id)), append(c.hasID, len(p.id) > 0)
	if len(c.x) == batchSize {
		return c.flush()
	}
	return nil
}

// flush converts and locates the batch.
func (c *collector) flush() error {
	n := len(c.x)
	if n == 0 {
		return nil
	}
	c.lon, c.lat = append(c.lon[:0], c.x...), append(c.lat[:0], c.y...)
	lon, lat := c.lon, c.lat
	c.convert.apply(lon, lat)
	for i := range lon {
		if inRange(lon[i], lat[i]) {
			if lon[i] >= 180 { // 180 itself is the western edge of the grids
				lon[i] -= 360
			}
			c.extent[0], c.extent[2] = min(c.extent[0], lon[i]), max(c.extent[2], lon[i])
			c.extent[1], c.extent[3] = min(c.extent[1], lat[i]), max(c.extent[3], lat[i])
			continue
		}
		why := fmt.Sprintf("longitude %g, latitude %g is no place on the earth", c.x[i], c.y[i])
		if !c.convert.degrees {
			why = fmt.Sprintf("x %g, y %g is no place in %s", c.x[i], c.y[i], c.convert.name)
		} else if math.Abs(c.x[i]) > 360 && math.Abs(c.y[i]) > 180 {
			c.huge++
		}
		c.reject(c.lines[i], why)
		lon[i], lat[i] = math.NaN(), math.NaN()
	}
	cell, u, v, err := c.locate(lon, lat)
	if err != nil {
		return err
	}
	sx, sy := c.sx[:0], c.sy[:0]
	for i, k := range cell {
		if k < 0 {
			if !math.IsNaN(lon[i]) {
				c.report.Outside++
			}
			sx, sy = append(sx, c.y[i]), append(sy, c.x[i])
			continue
		}
		if int(k) >= c.target.Cells {
			return fmt.Errorf("poi: Locate gave cell %d of %d", k, c.target.Cells)
		}
		c.inside++
		if c.hasID[i] {
			twice, elsewhere := c.twice.add(c.ids[i], newVisit(lon[i], lat[i], c.rawOf[i]))
			if twice {
				c.report.Duplicates++
				continue
			}
			if elsewhere {
				c.report.IDElsewhere++
			}
		}
		if c.count[i] == 0 {
			c.report.ZeroCount++
			continue
		}
		c.seen[c.rawOf[i]]++
		c.kept.add(one{k, c.rawOf[i], pixel(v[i], c.target.Size), pixel(u[i], c.target.Size)}, c.count[i])
	}
	c.sx, c.sy = sx, sy
	c.convert.apply(sx, sy)
	r := c.target.Region
	for i := range sx {
		if sx[i] >= r[0] && sx[i] <= r[2] && sy[i] >= r[1] && sy[i] <= r[3] {
			c.swapped++
		}
	}
	c.x, c.y, c.rawOf, c.count, c.lines = c.x[:0], c.y[:0], c.rawOf[:0], c.count[:0], c.lines[:0]
	c.ids, c.hasID = c.ids[:0], c.hasID[:0]
	return nil
}

// locate finds the cells of points; -1 for those in none, and for NaN. Those far
// from all cells, which is most of a country's, are not measured.
func (c *collector) locate(lon, lat []float64) (cell []int32, u, v []float64, err error) {
	r, n := c.target.Region, len(lon)
	margin := 0.1 + 0.1*max(r[2]-r[0], r[3]-r[1])
	whole := r[2]-r[0] > 180 // the region may hold a pole, or 180 degrees: its box says little
	c.cell, c.u, c.v = slices.Grow(c.cell[:0], n)[:n], slices.Grow(c.u[:0], n)[:n], slices.Grow(c.v[:0], n)[:n]
	c.near, c.nearLon, c.nearLat = c.near[:0], c.nearLon[:0], c.nearLat[:0]
	for i := range lon {
		c.cell[i] = -1
		if whole || lon[i] >= r[0]-margin && lon[i] <= r[2]+margin && lat[i] >= r[1]-margin && lat[i] <= r[3]+margin {
			c.near, c.nearLon, c.nearLat = append(c.near, i), append(c.nearLon, lon[i]), append(c.nearLat, lat[i])
		}
	}
	at, nu, nv := c.target.Locate(c.nearLon, c.nearLat) // which may write into its arguments
	if n := len(c.near); len(at) != n || len(nu) != n || len(nv) != n {
		return nil, nil, nil, fmt.Errorf("poi: Locate gave %d, %d, %d values for %d points", len(at), len(nu), len(nv), n)
	}
	for k, i := range c.near {
		if !math.IsNaN(lon[i]) {
			c.cell[i], c.u[i], c.v[i] = at[k], nu[k], nv[k]
		}
	}
	return c.cell, c.u, c.v, nil
}

// pixel is the pixel of a place between 0 and 1 along a cell's edge.
func pixel(f float64, size int) uint16 {
	return uint16(min(max(int(math.Floor(f*float64(size))), 0), size-1))
}

// finish checks what came and makes the result.
func (c *collector) finish() (*Result, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	c.report.CRS, c.report.Swapped = c.convert.name, c.swapped
	names, channel, err := c.channels()
	if err != nil {
		return nil, err
	}
	c.twice = nil // tens of bytes a point, not needed any more
	offsets, points := c.merge(channel)
	c.report.Pixels = points.Len()
	perCategory := make([]float64, len(names))
	for i := range points.Len() {
		perCategory[points.Category[i]] += float64(points.Count[i])
	}
	for k, name := range names {
		c.report.PerCategory = append(c.report.PerCategory, ValueCount{name, perCategory[k]})
	}
	return &Result{Categories: names, Size: c.target.Size, Offsets: offsets, Points: points, Report: c.report}, nil
}

// check refuses inputs that were read but cannot be what was meant.
func (c *collector) check() error {
	rows, path, r := c.report.Rows, c.spec.Path, c.target.Region
	if rows == 0 {
		return fault.New(path, "has no rows", "Give a file with points.")
	}
	if 2*c.swapped > rows && c.inside < c.swapped {
		return fault.New(path, fmt.Sprintf("longitude and latitude are swapped: %d of %d points lie in the region only when the two change places", c.swapped, rows),
			"Exchange data.poi.columns.lon and data.poi.columns.lat.")
	}
	if float64(c.report.Bad) > c.spec.MaxBadRows*float64(rows) {
		remedy := "Mend the file, or raise data.poi.max_bad_rows."
		if 2*c.huge > c.report.Bad {
			remedy = "The coordinates look like meters: name their system in data.poi.crs (e.g. EPSG:27700)."
		}
		examples := ""
		for _, e := range c.report.BadExamples {
			examples += "\n    " + e
		}
		return fault.New(path, fmt.Sprintf("%d of %d rows cannot be read, more than data.poi.max_bad_rows (%g) allows:%s", c.report.Bad, rows, c.spec.MaxBadRows, examples), remedy)
	}
	if c.inside == 0 {
		return fault.New(path, fmt.Sprintf("none of its points lies in the region: they span longitudes %.4f to %.4f and latitudes %.4f to %.4f, the region %.4f to %.4f and %.4f to %.4f",
			c.extent[0], c.extent[2], c.extent[1], c.extent[3], r[0], r[2], r[1], r[3]),
			"Check data.poi.path, data.poi.crs and data.region.")
	}
	if c.inside == c.report.ZeroCount {
		return fault.New(path, fmt.Sprintf("all %d points in the region are counted 0 times", c.inside), "Name the column that holds counts in data.poi.columns.count, or leave the key out: every row is then one point.")
	}
	return nil
}
