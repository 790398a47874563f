package raster

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/lukeroth/gdal"

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

// axisOrder is GDAL's traditional GIS order: x is east, whatever EPSG says.
const axisOrder = gdal.OAMS_TraditionalGisOrder

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
	c, err := crsFrom(func(sr gdal.SpatialReference) error { return sr.SetFromUserInput(s) })
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

// crsFrom lets set fill a GDAL object and keeps what is worth knowing of it.
func crsFrom(set func(gdal.SpatialReference) error) (*CRS, error) {
	var c *CRS
	err := nativeLenient(func() error {
		sr := gdal.CreateSpatialReference("")
		defer sr.Release()
		if err := set(sr); err != nil {
			return err
		}
		sr.SetAxisMappingStrategy(axisOrder)
		var err error
		c, err = describe(sr)
		return err
	})
	return c, err
}

// errNoPlace is a CRS that says nothing about where on earth things lie: local
// (engineering) and geocentric ones, and what a GeoPackage writes for "none".
var errNoPlace = errors.New("a local, geocentric or undefined system has no place on a map")

// describe copies the facts of sr into a CRS.
func describe(sr gdal.SpatialReference) (*CRS, error) {
	wkt, err := sr.ToWKT()
	if err != nil || wkt == "" {
		return nil, errors.New("GDAL cannot write this CRS as WKT")
	}
	if name, _ := sr.AttrValue("GEOGCS", 0); sr.IsLocal() || sr.IsGeocentric() || strings.HasPrefix(name, "Undefined") {
		return nil, errNoPlace
	}
	c := &CRS{wkt: wkt, geographic: sr.IsGeographic()}
	if !c.geographic {
		if !sr.IsProjected() {
			return nil, errors.New("neither geographic nor projected")
		}
		meters, _ := sr.AttrValue("PROJCS|UNIT", 1)
		c.unit, _ = strconv.ParseFloat(meters, 64)
		if !(c.unit > 0) || math.IsInf(c.unit, 0) {
			return nil, errors.New("its unit of length is not a positive number of meters")
		}
	}
	_ = sr.AutoIdentifyEPSG() // a failure only means that no code is known
	key := "PROJCS"
	if c.geographic {
		key = "GEOGCS"
	}
	if code := sr.AuthorityCode(key); code != "" {
		c.name = sr.AuthorityName(key) + ":" + code
	} else {
		c.name, _ = sr.AttrValue(key, 0)
	}
	if c.name == "" {
		c.name = "unnamed CRS"
	}
	return c, nil
}

// WKT returns the definition as well-known text.
func (c *CRS) WKT() string { return c.wkt }

// PROJJSON returns the definition as PROJJSON, the form that GeoParquet and STAC ask
// for.
func (c *CRS) PROJJSON() (string, error) {
	var text string
	err := native(func() (err error) {
		text, err = projJSON(c.wkt)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("%s: %w", c, err)
	}
	return text, nil
}

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
	same := false
	_ = nativeLenient(func() error {
		a, b := gdal.CreateSpatialReference(c.wkt), gdal.CreateSpatialReference(o.wkt)
		defer a.Release()
		defer b.Release()
		a.SetAxisMappingStrategy(axisOrder)
		b.SetAxisMappingStrategy(axisOrder)
		same = a.IsSame(b)
		return nil
	})
	return same
}

// Transform carries points from one CRS to another. It belongs to one goroutine
// at a time; Close frees it.
type Transform struct {
	from, to *CRS
	ct       gdal.CoordinateTransform
	live     bool // false: the two systems are the same and nothing moves
	z        []float64
}

// NewTransform prepares the way from one CRS to another.
func NewTransform(from, to *CRS) (*Transform, error) {
	if from == nil || to == nil {
		return nil, fault.New("CRS", "a coordinate reference system is missing", "declare it in the configuration (crs: EPSG:...)")
	}
	t := &Transform{from: from, to: to}
	if from.Same(to) {
		return t, nil
	}
	err := native(func() error {
		a, b := gdal.CreateSpatialReference(from.wkt), gdal.CreateSpatialReference(to.wkt)
		defer a.Release()
		defer b.Release()
		a.SetAxisMappingStrategy(axisOrder)
		b.SetAxisMappingStrategy(axisOrder)
		t.ct = gdal.CreateCoordinateTransform(a, b)
		if t.ct.IsNull() {
			return errors.New("no transformation is known")
		}
		t.live = true
		return nil
	})
	if err != nil {
		t.Close()
		return nil, fault.Wrap(err, fmt.Sprintf("%s to %s", from, to), "cannot carry coordinates from one CRS to the other", "check that both CRSs are right")
	}
	return t, nil
}

// Points moves the points (x[i], y[i]) in place. If any of them has no image,
// it returns an error that names the first; those are then set to NaN and the
// others have still been moved.
func (t *Transform) Points(x, y []float64) error {
	if len(x) != len(y) {
		return fmt.Errorf("raster: %d x for %d y coordinates", len(x), len(y))
	}
	if len(x) == 0 || !t.live {
		return nil
	}
	var first [2]float64
	bad := -1
	cause := nativeLenient(func() error {
		const chunk = 4096 // bounds the buffer of heights
		for lo := 0; lo < len(x); lo += chunk {
			hi := min(lo+chunk, len(x))
			if cap(t.z) < hi-lo {
				t.z = make([]float64, hi-lo)
			}
			z := t.z[:hi-lo]
			clear(z)
			sx, sy := x[lo:hi:hi], y[lo:hi:hi]
			ox, oy := sx[0], sy[0]
			t.ct.Transform(hi-lo, sx, sy, z)
			for i := range sx {
				if math.IsInf(sx[i], 0) || math.IsInf(sy[i], 0) || math.IsNaN(sx[i]) || math.IsNaN(sy[i]) {
					if bad < 0 {
						bad = lo + i
						first = [2]float64{ox, oy}
					}
					sx[i], sy[i] = math.NaN(), math.NaN()
				}
			}
		}
		if bad >= 0 {
			return errors.New("outside the projection's domain")
		}
		return nil
	})
	if bad < 0 {
		return nil
	}
	return fault.Wrap(cause, fmt.Sprintf("%s to %s", t.from, t.to),
		fmt.Sprintf("point %d (near x %g, y %g) has no coordinates in the other CRS", bad, first[0], first[1]), "check that the CRS is the right one for these coordinates")
}

// Close frees the transformation. It may be called more than once.
func (t *Transform) Close() {
	if t == nil || !t.live {
		return
	}
	t.live = false
	_ = nativeLenient(func() error { t.ct.Destroy(); return nil })
}
