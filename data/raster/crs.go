package raster

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"

	"opencarbon/data/fault"
)

// CRS is a coordinate reference system. It is immutable and holds no GDAL
// handle, so goroutines may share it.
type CRS struct {
	wkt        string
	name       string // "EPSG:27700", or the name the definition gives itself
	geographic bool
	unit       float64 // meters per unit of a projected CRS; 0 for a geographic one
}

var (
	authorityCode = regexp.MustCompile(`^(?i:EPSG|ESRI|OGC|IGNF|IAU_2015|NKG)[:A-Za-z0-9_-]*$`)
	wktStart      = regexp.MustCompile(`^[A-Za-z_]+\s*\[`)
	wellKnown     = map[string]string{"WGS84": "EPSG:4326", "WGS 84": "EPSG:4326", "CRS84": "OGC:CRS84", "CRS:84": "OGC:CRS84"}
)

// ParseCRS reads a CRS from an authority code ("EPSG:27700"), a WKT text, a PROJ
// string ("+proj=utm +zone=33") or PROJJSON. It never reads a file or an
// address, whatever the text looks like. The error is a *fault.Input.
func ParseCRS(text string) (*CRS, error) {
	s := strings.TrimSpace(text)
	if known, ok := wellKnown[strings.ToUpper(s)]; ok {
		s = known
	}
	remedy := `write an EPSG code such as "EPSG:4326", a WKT text or a PROJ string`
	switch {
	case s == "":
		return nil, fault.New("CRS", "the coordinate reference system is empty", remedy)
	case strings.ContainsRune(s, 0), len(s) > 1<<16:
		return nil, fault.New("CRS", "the text is no coordinate reference system", remedy)
	case authorityCode.MatchString(s), wktStart.MatchString(s), strings.HasPrefix(s, "urn:ogc:def:crs:"),
		strings.HasPrefix(s, "+") && strings.Contains(s, "+proj="), strings.HasPrefix(s, "{"):
	default:
		return nil, fault.New("CRS "+quoted(s), "not a coordinate reference system", remedy)
	}
	c, err := lookUp(s)
	if err != nil && Without() != nil {
		return nil, err // it may well be one
	}
	if err != nil {
		return nil, fault.Wrap(err, "CRS "+quoted(s), "not a coordinate reference system", remedy)
	}
	return c, nil
}

// quoted shortens s for a message.
func quoted(s string) string {
	if len(s) > 80 {
		s = s[:80] + "..."
	}
	return fmt.Sprintf("%q", s)
}

// errNoPlace is a CRS that says nothing about where on earth things lie: local
// (engineering) and geocentric ones, and what a GeoPackage writes for "none".
var errNoPlace = errors.New("a local, geocentric or undefined system has no place on a map")

// WKT returns the definition as well-known text.
func (c *CRS) WKT() string { return c.wkt }

// String returns the authority code where it is known ("EPSG:27700"), else the
// CRS's own name.
func (c *CRS) String() string { return c.name }

// Geographic reports whether the coordinates are longitude and latitude in
// degrees.
func (c *CRS) Geographic() bool { return c.geographic }

// Metres returns the meters in one unit of a projected CRS, and 0 for a
// geographic one.
func (c *CRS) Metres() float64 { return c.unit }

// Period returns how far in x one turn round the earth leads to the same place:
// 360 degrees, or the width of the web-mercator map; 0 for the CRSs of a part of
// the earth. Longitudes from 0 to 360 and maps that go on beyond 180 degrees are
// common, and a turn brings them to those from -180 to 180.
func (c *CRS) Period() float64 {
	switch {
	case c.geographic:
		return 360
	case c.name == "EPSG:3857":
		return 2 * math.Pi * 6378137
	}
	return 0
}

// Same reports whether both are the same system for our purposes.
func (c *CRS) Same(o *CRS) bool {
	if c == nil || o == nil {
		return c == o
	}
	if c.wkt == o.wkt || (c.name == o.name && strings.HasPrefix(c.name, "EPSG:")) {
		return true
	}
	return alike(c, o)
}
