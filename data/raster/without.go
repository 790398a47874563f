//go:build nogdal

// Package raster without GDAL, by the build tag nogdal: for machines that train and
// predict on tile stores made elsewhere (make kit). What needs GDAL returns one error
// that says so; the CRSs of the two grids that have a formula are known.
package raster

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"opencarbon/data/fault"
)

// Without is the error of all that needs GDAL; nil where the program has it.
func Without() error { return lacking("this program") }

// lacking says that something cannot be had here.
func lacking(what string) error {
	return fault.New(what, "needs GDAL, and this program was built without it (tag nogdal)",
		"Use a tile store that is there already (data.store, --store), made by prepare on a machine with GDAL; or a program built without the tag.")
}

// Version returns "none": there is no GDAL.
func Version() string { return "none" }

// Ready has nothing to look for: there are no tables.
func Ready() error { return nil }

// Inflate needs GDAL.
func Inflate(_, _ []byte) error { return lacking("an OpenStreetMap file") }

// LimitCache has no cache to limit.
func LimitCache(int) {}

// The definitions that a store's own grids have, as GDAL writes them.
const (
	wgs84WKT    = `GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]]`
	mercatorWKT = `PROJCS["WGS 84 / Pseudo-Mercator",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AUTHORITY["EPSG","4326"]],PROJECTION["Mercator_1SP"],PARAMETER["central_meridian",0],PARAMETER["scale_factor",1],PARAMETER["false_easting",0],PARAMETER["false_northing",0],UNIT["metre",1,AUTHORITY["EPSG","9001"]],AXIS["Easting",EAST],AXIS["Northing",NORTH],EXTENSION["PROJ4","+proj=merc +a=6378137 +b=6378137 +lat_ts=0 +lon_0=0 +x_0=0 +y_0=0 +k=1 +units=m +nadgrids=@null +wktext +no_defs"],AUTHORITY["EPSG","3857"]]`
)

// lookUp knows the CRSs of the grids of degrees and of web-mercator tiles.
func lookUp(text string) (*CRS, error) {
	switch strings.ToUpper(text) {
	case "EPSG:4326":
		return &CRS{wkt: wgs84WKT, name: "EPSG:4326", geographic: true}, nil
	case "EPSG:3857":
		return &CRS{wkt: mercatorWKT, name: "EPSG:3857", unit: 1}, nil
	}
	return nil, lacking("CRS " + quoted(text))
}

func alike(_, _ *CRS) bool { return false }

// PROJJSON needs GDAL.
func (c *CRS) PROJJSON() (string, error) { return "", lacking("PROJJSON") }

// Transform carries points between EPSG:4326 and EPSG:3857.
type Transform struct{ from, to *CRS }

// NewTransform prepares the way from one CRS to another.
func NewTransform(from, to *CRS) (*Transform, error) {
	if from == nil || to == nil {
		return nil, fault.New("CRS", "a coordinate reference system is missing", "declare it in the configuration (crs: EPSG:...)")
	}
	return &Transform{from, to}, nil
}

// Points moves the points (x[i], y[i]) in place. If any of them has no image, it
// returns an error; those are then set to NaN and the others have still been moved.
func (t *Transform) Points(x, y []float64) error {
	if len(x) != len(y) {
		return fmt.Errorf("raster: %d x for %d y coordinates", len(x), len(y))
	}
	if t.from.Same(t.to) {
		return nil
	}
	const radius, degree = 6378137, math.Pi / 180
	bad := -1
	for i := range x {
		if t.to.geographic {
			x[i], y[i] = x[i]/radius/degree, math.Atan(math.Sinh(y[i]/radius))/degree
		} else {
			if !(math.Abs(y[i]) < 90) { // a pole is infinitely far
				y[i] = math.NaN()
			}
			x[i], y[i] = radius*x[i]*degree, radius*math.Asinh(math.Tan(y[i]*degree))
		}
		if math.IsNaN(x[i]+y[i]) || math.IsInf(x[i]+y[i], 0) {
			x[i], y[i] = math.NaN(), math.NaN()
			if bad < 0 {
				bad = i
			}
		}
	}
	if bad >= 0 {
		return fault.New(fmt.Sprintf("%s to %s", t.from, t.to), fmt.Sprintf("point %d has no coordinates in the other CRS", bad), "check that the CRS is the right one for these coordinates")
	}
	return nil
}

// Close has nothing to free.
func (t *Transform) Close() {}

// Valid reports whether g is a valid geometry; nobody can say, and nothing is made of it.
func (g Geometry) Valid() bool { return true }

// Repair needs GDAL's GEOS.
func (g Geometry) Repair() (Geometry, error) { return Geometry{}, lacking("repairing a geometry") }

// Dataset is an open raster; there is none here.
type Dataset struct{}

// Open needs GDAL.
func Open(path string, _ Options) (*Dataset, error) { return nil, lacking(path) }

// The methods of a Dataset exist so that callers compile; Open never gives one.

func (d *Dataset) Path() string                                             { return "" }
func (d *Dataset) Width() int                                               { return 0 }
func (d *Dataset) Height() int                                              { return 0 }
func (d *Dataset) Bands() int                                               { return 0 }
func (d *Dataset) Band(int) (Band, error)                                   { return Band{}, Without() }
func (d *Dataset) DType() DType                                             { return "" }
func (d *Dataset) Nodata(int) (float64, bool)                               { return 0, false }
func (d *Dataset) IsNodata(int, float64) bool                               { return true }
func (d *Dataset) AlphaBand() int                                           { return 0 }
func (d *Dataset) GeoTransform() (g [6]float64, ok bool)                    { return g, false }
func (d *Dataset) CRS() *CRS                                                { return nil }
func (d *Dataset) Georeferenced() error                                     { return Without() }
func (d *Dataset) Outline(int) Polygon                                      { return nil }
func (d *Dataset) Read(_, _, _, _, _ int, _ []float64) error                { return Without() }
func (d *Dataset) ReadResampled(_, _, _, _, _, _, _ int, _ []float64) error { return Without() }
func (d *Dataset) ReadBytes([]int, int, int, int, int, []uint8) error       { return Without() }
func (d *Dataset) ReadMask(_, _, _, _, _ int, _ []uint8) error              { return Without() }
func (d *Dataset) Masked(int) (bool, error)                                 { return false, Without() }
func (d *Dataset) Palette() bool                                            { return false }
func (d *Dataset) Files() []string                                          { return nil }
func (d *Dataset) Overviews() []Overview                                    { return nil }
func (d *Dataset) ReadPatch([]int, *Patch) error                            { return Without() }
func (d *Dataset) Steps() []time.Time                                       { return nil }
func (d *Dataset) Names() []string                                          { return nil }
func (d *Dataset) Unit() string                                             { return "" }
func (d *Dataset) Close()                                                   {}

// Variables needs GDAL.
func Variables(path string) ([]Variable, error) { return nil, lacking(path) }

// FileList finds nothing: whoever reads the file later gets the error.
func FileList(string) []string { return nil }

// Stat finds nothing of GDAL's file systems.
func Stat(string) (size int64, changed time.Time, ok bool) { return 0, time.Time{}, false }

// Object needs GDAL's file systems.
func Object(name string) (size int64, changed time.Time, err error) {
	return 0, time.Time{}, lacking(name)
}

// Names needs GDAL's file systems.
func Names(folder string) ([]string, error) { return nil, lacking(folder) }

// Copy needs GDAL's file systems.
func Copy(name string, _ func([]byte) error) error { return lacking(name) }

// ingest reads nothing: no VRT can be opened either.
func ingest(string) []byte { return nil }

// Layer is an open vector layer; there is none here.
type Layer struct{}

// OpenVector needs GDAL.
func OpenVector(path, _, _ string, _ map[string]string) (*Layer, error) { return nil, lacking(path) }

func (l *Layer) Path() string                                     { return "" }
func (l *Layer) Name() string                                     { return "" }
func (l *Layer) Layers() []string                                 { return nil }
func (l *Layer) Fields() []Field                                  { return nil }
func (l *Layer) CRS() *CRS                                        { return nil }
func (l *Layer) Plain() bool                                      { return false }
func (l *Layer) Count() int                                       { return 0 }
func (l *Layer) Has(string) error                                 { return Without() }
func (l *Layer) Each(context.Context, func(*Feature) error) error { return Without() }
func (l *Layer) Close()                                           {}

// Feature is one row of a layer.
type Feature struct {
	FID      int64
	Geometry Geometry
}

func (f *Feature) Text(string) (string, bool)          { return "", false }
func (f *Feature) Float(string) (float64, bool, error) { return 0, false, Without() }

// Writer writes a GeoTIFF; there is none here.
type Writer struct{}

// Create needs GDAL.
func Create(path string, _ Spec) (*Writer, error) { return nil, lacking(path) }

// Write needs GDAL.
func Write[T Number](_ *Writer, _, _, _, _, _ int, _ []T) error { return Without() }

func (w *Writer) Close() error { return Without() }
func (w *Writer) Abort()       {}

// VectorWriter writes a vector file; there is none here.
type VectorWriter struct{}

// CreateVector needs GDAL.
func CreateVector(path string, _ VectorSpec) (*VectorWriter, error) { return nil, lacking(path) }

func (w *VectorWriter) Add(Geometry, ...any) error { return Without() }
func (w *VectorWriter) Close() error               { return Without() }
func (w *VectorWriter) Abort()                     {}
