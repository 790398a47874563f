//go:build !nogdal

package raster

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/lukeroth/gdal"

	"opencarbon/data/fault"
)

// axisOrder is GDAL's traditional GIS order: x is east, whatever EPSG says.
const axisOrder = gdal.OAMS_TraditionalGisOrder

// lookUp makes a CRS of a text that ParseCRS has looked at.
func lookUp(text string) (*CRS, error) {
	return crsFrom(func(sr gdal.SpatialReference) error { return sr.SetFromUserInput(text) })
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

// alike lets GDAL say whether two definitions are of one system.
func alike(c, o *CRS) bool {
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
