package poi

import (
	"math"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
)

// converter brings coordinates to WGS84 degrees.
type converter struct {
	name string // as the report prints it
	// degrees says that the input is longitude and latitude, so that values
	// out of range are mistakes of the row.
	degrees bool
	apply   func(x, y []float64) // in place; NaN where there is no such place
	close   func()
}

// newConverter chooses the conversion from what the configuration says, else
// from the file's own CRS (nil where it has none, "" where it cannot have one).
func newConverter(where, asked string, own *raster.CRS) (*converter, error) {
	same := &converter{name: "WGS84", degrees: true, apply: func(x, y []float64) {}, close: func() {}}
	each := func(name string, f func(lon, lat float64) (float64, float64)) *converter {
		return &converter{name: name, degrees: true, close: func() {}, apply: func(x, y []float64) {
			for i := range x {
				x[i], y[i] = f(x[i], y[i])
			}
		}}
	}
	switch strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToUpper(asked)) {
	case "":
		if own == nil {
			return same, nil
		}
	case "WGS84", "EPSG:4326":
		return same, nil
	case "GCJ02":
		return each("GCJ-02", GCJ02ToWGS84), nil
	case "BD09", "BD09LL":
		return each("BD-09", BD09ToWGS84), nil
	default:
		var err error
		if own, err = raster.ParseCRS(asked); err != nil {
			return nil, fault.Wrap(err, "data.poi.crs", "unknown coordinate reference system "+asked, "Write WGS84, EPSG:n, GCJ-02 or BD-09.")
		}
	}
	wgs84, err := raster.ParseCRS("EPSG:4326")
	if err != nil {
		return nil, err
	}
	if own.Same(wgs84) {
		return same, nil
	}
	t, err := raster.NewTransform(own, wgs84)
	if err != nil {
		return nil, fault.Wrap(err, where, "its points cannot be brought to WGS84", "Check data.poi.crs.")
	}
	return &converter{name: own.String(), degrees: own.Geographic(), close: t.Close, apply: func(x, y []float64) {
		// Points without a place become NaN and are counted as bad rows.
		_ = t.Points(x, y)
	}}, nil
}

// inRange says whether a converted point is a place on the earth. Longitudes
// from 0 to 360 are as good as those from -180 to 180.
func inRange(lon, lat float64) bool {
	return math.Abs(lat) <= 90 && lon >= -180 && lon <= 360
}
