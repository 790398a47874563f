package raster

import "math"

// DType is the type of a raster's pixels, by GDAL's names.
type DType string

// The pixel types. Complex ones are refused on opening.
const (
	Byte    DType = "Byte"
	UInt16  DType = "UInt16"
	Int16   DType = "Int16"
	UInt32  DType = "UInt32"
	Int32   DType = "Int32"
	Float32 DType = "Float32"
	Float64 DType = "Float64"

	// Int8 is read only: GDAL has it as a type since 3.7, and before as bytes with a
	// note that they are signed.
	Int8 DType = "Int8"
)

// Options adds what a file does not say. The zero value adds nothing.
type Options struct {
	CRS         string            // used only where the file has none; a file that has one keeps it
	Nodata      *float64          // used only where a band does not declare one
	OpenOptions map[string]string // open options of the GDAL driver
}

// Band describes one band of a raster.
type Band struct {
	DType         DType
	Nodata        float64 // meaningful when HasNodata
	HasNodata     bool
	Scale, Offset float64 // physical value = raw * Scale + Offset; 1 and 0 by default
	Color         string  // GDAL's color interpretation: "Red", "Gray", "Alpha", "Undefined", ...
	Name          string  // GDAL's description of the band, e.g. "B04"; empty: none
	BlockWidth    int     // pixels that GDAL reads at once
	BlockHeight   int

	unsigned bool // of Int8: GDAL gives -1 as 255
}

// MaskThreshold is the opacity, of 255, from which a pixel of ReadMask is there.
const MaskThreshold = alphaThreshold

// alphaThreshold is the opacity, of 255, from which a pixel counts as there.
const alphaThreshold = 128

// Overview is one of the reduced copies of a raster that its file holds.
type Overview struct {
	Level         int // for the open option OVERVIEW_LEVEL
	Width, Height int
}

// Spec describes a raster to be written.
type Spec struct {
	Width, Height int
	Bands         int   // default 1
	DType         DType // default Float32
	GeoTransform  [6]float64
	CRS           *CRS
	Nodata        *float64
	Metadata      map[string]string // of the dataset
	Unit          string            // unit of every band, e.g. "tCO2/yr"
	Units         []string          // unit of each band, instead of Unit
	Descriptions  []string          // names of the bands, or nil
	Color         []string          // color interpretation per band ("Red", ...), or nil
	Statistics    bool              // least, greatest, mean and deviation of each band, kept in the file
	COG           bool              // a cloud-optimized GeoTIFF with overviews
	Tiled         bool              // 256 x 256 blocks (a COG always is)
	Compress      string            // DEFLATE (default), LZW, ZSTD or NONE
	Options       map[string]string // further creation options of the driver
}

// Number is what pixels can be written from.
type Number interface {
	uint8 | int16 | uint16 | int32 | uint32 | float32 | float64
}

// North returns the geotransform of a north-up raster whose upper left corner is
// (west, north), with pixels of dx x dy.
func North(west, north, dx, dy float64) [6]float64 {
	return [6]float64{west, dx, 0, north, 0, -math.Abs(dy)}
}
