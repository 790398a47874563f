package poi

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"opencarbon/data/fault"
)

// A place is what one column says of a point: "113.26,23.13" as map services
// write it, "23.13, 113.26" as people do, or well-known text.
type place struct {
	x, y float64
	pair bool // two numbers alone, whose order is not known yet
}

// epsgPrefix is PostGIS' way to name the CRS of a text: SRID=4326;POINT(...).
var epsgPrefix = regexp.MustCompile(`(?i)^SRID=(\d+);`)

// parsePlace reads the text of such a column; why says what is wrong with it.
func parsePlace(b []byte, crs string) (p place, why string) {
	s := strings.TrimSpace(string(b))
	if m := epsgPrefix.FindStringSubmatch(s); m != nil {
		if crs == "" && m[1] != "4326" && m[1] != "0" {
			return p, fmt.Sprintf("its place %q is in EPSG:%s: set data.poi.crs: EPSG:%[2]s", clip(b), m[1])
		}
		s = s[len(m[0]):]
	}
	if g, ok := parseWKT(s); ok {
		if p.x, p.y, ok = center(g); !ok || p.x-p.x != 0 || p.y-p.y != 0 {
			return p, fmt.Sprintf("its place %q is empty or endless", clip(b))
		}
		return p, ""
	}
	if at := strings.Index(s, `"coordinates"`); at >= 0 { // a GeoJSON point
		s, _, _ = strings.Cut(s[at+len(`"coordinates"`):], "]")
		s = strings.Trim(s, " :")
	} else {
		p.pair = true
	}
	numbers := strings.FieldsFunc(strings.Trim(s, "()[] "), func(r rune) bool { return strings.ContainsRune(",;，； \t", r) })
	if len(numbers) == 2 || len(numbers) == 3 && !p.pair {
		var okX, okY bool
		p.x, okX = number([]byte(numbers[0]), false)
		p.y, okY = number([]byte(numbers[1]), false)
		if okX && okY {
			return p, ""
		}
	}
	return p, fmt.Sprintf("%q is no place: neither two numbers, such as 113.26,23.13, nor well-known text", clip(b))
}

// orderRows is how many points decide which of two numbers is the longitude.
const orderRows = 2000

// ordering holds points back until enough have come to tell which of their two
// numbers is the longitude: nothing in a file says it, and map services differ.
type ordering struct {
	c       *collector
	column  string
	decided bool
	swap    bool
	points  []point
	lines   []int
}

// add takes a point whose numbers are in the order of the file.
func (o *ordering) add(line int, p point) error {
	if o.decided {
		if o.swap {
			p.x, p.y = p.y, p.x
		}
		return o.c.add(line, p)
	}
	p.category, p.id = bytes.Clone(p.category), bytes.Clone(p.id)
	o.points, o.lines = append(o.points, p), append(o.lines, line)
	if len(o.points) < orderRows {
		return nil
	}
	return o.flush()
}

// flush decides and hands on what was held back.
func (o *ordering) flush() error {
	if !o.decided && len(o.points) > 0 {
		o.decided, o.swap = true, o.latitudeFirst()
		order := " (longitude, latitude)"
		if o.swap {
			order = " (latitude, longitude)"
		}
		o.c.report.Columns = strings.Replace(o.c.report.Columns, o.column, o.column+order, 1)
	}
	for i, p := range o.points {
		if err := o.add(o.lines[i], p); err != nil {
			return err
		}
	}
	o.points, o.lines = nil, nil
	return nil
}

// latitudeFirst decides by where the points would lie: in the region, and on the
// earth at all. Where that says nothing, the column's name does.
func (o *ordering) latitudeFirst() bool {
	n := len(o.points)
	score := func(swap bool) (inside, onEarth int) {
		x, y := make([]float64, n), make([]float64, n)
		for i, p := range o.points {
			x[i], y[i] = p.x, p.y
			if swap {
				x[i], y[i] = p.y, p.x
			}
		}
		o.c.convert.apply(x, y)
		r := o.c.target.Region
		for i := range x {
			if inRange(x[i], y[i]) {
				onEarth++
				if x[i] >= r[0] && x[i] <= r[2] && y[i] >= r[1] && y[i] <= r[3] {
					inside++
				}
			}
		}
		return inside, onEarth
	}
	asIs, earthAsIs := score(false)
	swapped, earthSwapped := score(true)
	if asIs != swapped {
		return swapped > asIs
	}
	if earthAsIs != earthSwapped {
		return earthSwapped > earthAsIs
	}
	return latitudeFirst.MatchString(o.column)
}

// latitudeFirst matches names such as latlng, lat_lon and "Lat, Lon".
var latitudeFirst = regexp.MustCompile(`(?i)\blat.*lo?ng?|^纬度?.*经`)

// findPlace looks for a column that holds both coordinates, where the two are
// not named: -1 where there is none. The error is that of a named one.
func findPlace(spec Spec, names []string) (int, error) {
	asked := spec.Columns
	if asked.Place != "" {
		if asked.Lon != "" || asked.Lat != "" {
			return -1, fault.New("data.poi.columns.place", "is named beside data.poi.columns.lon or lat", "Name either the column that holds both coordinates, or the two.")
		}
		return findColumn(spec.Path, "place", asked.Place, nil, names, true)
	}
	if asked.Lon != "" || asked.Lat != "" {
		return -1, nil
	}
	lon, _ := findColumn(spec.Path, "lon", "", usualColumns.lon, names, false)
	lat, _ := findColumn(spec.Path, "lat", "", usualColumns.lat, names, false)
	if lon >= 0 && lat >= 0 {
		return -1, nil
	}
	return findColumn(spec.Path, "place", "", usualColumns.place, names, false)
}
