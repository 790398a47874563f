package raster

import "time"

// FieldType is what an attribute's values are.
type FieldType string

// The field types; every other one of OGR's is read as text.
const (
	Text    FieldType = "text"
	Integer FieldType = "integer"
	Real    FieldType = "real"
)

// Field is an attribute of a layer.
type Field struct {
	Name string
	Type FieldType
}

// VectorSpec describes a vector file to be written.
type VectorSpec struct {
	Layer   string // default: the file's base name
	CRS     *CRS
	Fields  []Field
	Points  bool              // features are points; else polygons
	Options map[string]string // layer creation options of the driver
	Style   string            // QML by which QGIS shows the layer, in GeoPackages only; may be empty
	Changed time.Time         // which a GeoPackage names as its last change; zero: the time of writing
}

// Variable is one of several grids that a container (NetCDF, HDF5) holds.
type Variable struct {
	Name string // emissions
	Path string // what Open takes: NETCDF:"a.nc":emissions
}
