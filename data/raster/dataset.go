//go:build !nogdal

package raster

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/lukeroth/gdal"

	"opencarbon/data/fault"
)

// gdalTypes pairs our names with the binding's.
var gdalTypes = map[DType]gdal.DataType{Byte: gdal.Byte, UInt16: gdal.UInt16, Int16: gdal.Int16,
	UInt32: gdal.UInt32, Int32: gdal.Int32, Float32: gdal.Float32, Float64: gdal.Float64}

// Dataset is an open raster. It belongs to one goroutine at a time; open the
// file once per goroutine. Close frees it.
type Dataset struct {
	ds     gdal.Dataset
	open   bool
	path   string // as the user wrote it
	width  int
	height int
	bands  []Band
	gt     [6]float64
	hasGT  bool
	crs    *CRS
}

// Open opens a raster that GDAL knows. A path that ends in .zip or .gz is read
// inside the archive. Every error is a *fault.Input that names the file.
func Open(path string, o Options) (*Dataset, error) {
	name, err := resolve(path)
	if err != nil {
		return nil, err
	}
	d := &Dataset{path: path}
	err = native(func() error {
		var err error
		d.ds, err = gdal.OpenEx(name, gdal.OFReadOnly|gdal.OFRaster|gdal.OFVerbose_Error, nil, optionList(o.OpenOptions), nil)
		d.open = !d.ds.IsNull()
		return err
	})
	if !d.open {
		return nil, fault.Wrap(err, path, "cannot be opened as a raster", "check that the file is complete and of a format GDAL reads (gdalinfo FILE)")
	}
	// GDAL may open a damaged file with a complaint; what is read from it later
	// fails again where it matters, so only the facts are asked for here.
	if err := d.inspect(o); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// inspect reads the facts about the raster.
func (d *Dataset) inspect(o Options) error {
	var wkt string
	var bad string
	var degrees bool
	err := nativeLenient(func() error {
		d.width, d.height = d.ds.RasterXSize(), d.ds.RasterYSize()
		d.gt = d.ds.GeoTransform()
		wkt = d.ds.Projection()
		degrees = wkt == "" && inDegrees(d.ds.Metadata(""))
		n := d.ds.RasterCount()
		for i := 1; i <= n; i++ {
			b := d.ds.RasterBand(i)
			band := Band{DType: DType(b.RasterDataType().Name()), Color: b.ColorInterp().Name(), Scale: 1}
			if band.DType == Byte && b.MetadataItem("PIXELTYPE", "IMAGE_STRUCTURE") == "SIGNEDBYTE" {
				band.DType, band.unsigned = Int8, true
			}
			band.Name = description(b)
			if _, known := gdalTypes[band.DType]; !known && band.DType != Int8 {
				bad = string(band.DType)
			}
			band.Nodata, band.HasNodata = b.NoDataValue()
			if !band.HasNodata && o.Nodata != nil {
				band.Nodata, band.HasNodata = *o.Nodata, true
			}
			if v, ok := b.GetScale(); ok && v != 0 {
				band.Scale = v
			}
			band.Offset, _ = b.GetOffset()
			band.BlockWidth, band.BlockHeight = b.BlockSize()
			d.bands = append(d.bands, band)
		}
		return nil
	})
	switch {
	case err != nil:
		return fault.Wrap(err, d.path, "cannot be read as a raster", "check the file with gdalinfo")
	case len(d.bands) == 0 || d.width < 1 || d.height < 1:
		return fault.New(d.path, "the raster has no bands", "if it is a container (NetCDF, HDF), name one of its subdatasets as gdalinfo lists them")
	case bad != "":
		return fault.New(d.path, fmt.Sprintf("pixels of type %s are not supported", bad), "convert it, e.g. gdal_translate -ot Float32 IN OUT.tif")
	}
	// GDAL's default of an identity transform means that the file has none.
	d.hasGT = d.gt != [6]float64{0, 1, 0, 0, 0, 1}
	if d.hasGT {
		det := d.gt[1]*d.gt[5] - d.gt[2]*d.gt[4]
		if det == 0 || math.IsNaN(det) || math.IsInf(det, 0) {
			return fault.New(d.path, fmt.Sprintf("its geotransform %v is degenerate", d.gt), "repair it with gdal_translate -a_ullr")
		}
	}
	if wkt != "" {
		d.crs, err = crsFrom(func(sr gdal.SpatialReference) error { return sr.FromWKT(wkt) })
		if err != nil && !errors.Is(err, errNoPlace) {
			return fault.Wrap(err, d.path, "its coordinate reference system cannot be used", "assign another with gdal_edit.py -a_srs EPSG:CODE")
		}
	}
	if d.crs == nil && (o.CRS != "" || degrees) {
		if d.crs, err = ParseCRS(cmp.Or(o.CRS, "EPSG:4326")); err != nil {
			return err
		}
	}
	return nil
}

// inDegrees reports whether the axes of a NetCDF file are longitude and latitude:
// as the CF conventions have it (4.1, 4.2) their units alone say so, and most
// inventories leave it at that.
func inDegrees(metadata []string) bool {
	east, north := false, false
	for _, line := range metadata {
		key, unit, _ := strings.Cut(line, "=")
		if !strings.HasSuffix(key, "#units") {
			continue
		}
		east = east || degreesEast.MatchString(unit)
		north = north || degreesNorth.MatchString(unit)
	}
	return east && north
}

var (
	degreesEast  = regexp.MustCompile(`(?i)^\s*degrees?_?e(?:ast)?\s*$`)
	degreesNorth = regexp.MustCompile(`(?i)^\s*degrees?_?n(?:orth)?\s*$`)
)

// optionList writes options as GDAL wants them, in a stable order.
func optionList(m map[string]string) []string {
	var list []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		list = append(list, k+"="+m[k])
	}
	return list
}

// Path returns the path as given to Open.
func (d *Dataset) Path() string { return d.path }

// Width returns the number of columns.
func (d *Dataset) Width() int { return d.width }

// Height returns the number of rows.
func (d *Dataset) Height() int { return d.height }

// Bands returns the number of bands.
func (d *Dataset) Bands() int { return len(d.bands) }

// Band returns the description of band i, counted from 1.
func (d *Dataset) Band(i int) (Band, error) {
	if i < 1 || i > len(d.bands) {
		return Band{}, fault.New(d.path, fmt.Sprintf("there is no band %d", i), fmt.Sprintf("the file has bands 1 to %d", len(d.bands)))
	}
	return d.bands[i-1], nil
}

// DType returns the type of the first band's pixels.
func (d *Dataset) DType() DType { return d.bands[0].DType }

// Nodata returns the nodata value of band i (from 1), if it has one.
func (d *Dataset) Nodata(i int) (float64, bool) {
	if i < 1 || i > len(d.bands) {
		return 0, false
	}
	return d.bands[i-1].Nodata, d.bands[i-1].HasNodata
}

// IsNodata reports whether v, read from band i (from 1), stands for a missing
// value: NaN, or the band's nodata value in the precision of its pixels.
func (d *Dataset) IsNodata(i int, v float64) bool {
	if math.IsNaN(v) {
		return true
	}
	b := d.bands[i-1]
	if !b.HasNodata {
		return false
	}
	return v == b.Nodata || (b.DType == Float32 && float32(v) == float32(b.Nodata))
}

// AlphaBand returns the number of the alpha band, counted from 1, or 0.
func (d *Dataset) AlphaBand() int {
	for i, b := range d.bands {
		if b.Color == "Alpha" {
			return i + 1
		}
	}
	return 0
}

// GeoTransform returns GDAL's six numbers: x = g0 + col g1 + row g2,
// y = g3 + col g4 + row g5; ok is false where the file has none.
func (d *Dataset) GeoTransform() (g [6]float64, ok bool) { return d.gt, d.hasGT }

// CRS returns the raster's CRS, or nil.
func (d *Dataset) CRS() *CRS { return d.crs }

// Georeferenced returns an error that says what is missing unless the raster
// has both a geotransform and a CRS.
func (d *Dataset) Georeferenced() error {
	if !d.hasGT {
		return fault.New(d.path, "the raster does not say where it lies (no geotransform)", "assign one with gdal_translate -a_ullr WEST NORTH EAST SOUTH, or supply its world file")
	}
	if d.crs == nil {
		return fault.New(d.path, "the file has no coordinate reference system (CRS)", `declare it in the configuration, e.g. crs: "EPSG:4326"`)
	}
	return nil
}

// Outline returns the raster's border in its CRS as a closed ring, each side in n
// pieces.
func (d *Dataset) Outline(n int) Polygon {
	w, h := float64(d.width), float64(d.height)
	corners := [5][2]float64{{0, 0}, {w, 0}, {w, h}, {0, h}, {0, 0}}
	ring := make([][2]float64, 0, 4*n+1)
	for i := range 4 {
		a, b := corners[i], corners[i+1]
		for k := range n {
			f := float64(k) / float64(n)
			col, row := a[0]+f*(b[0]-a[0]), a[1]+f*(b[1]-a[1])
			ring = append(ring, [2]float64{d.gt[0] + col*d.gt[1] + row*d.gt[2], d.gt[3] + col*d.gt[4] + row*d.gt[5]})
		}
	}
	return Polygon{append(ring, ring[0])}
}

// Read fills dst with the window of w x h pixels at column x, row y of one band
// (from 1), row by row. The numbers are the raw ones: scale and offset are not
// applied, nodata is not replaced.
func (d *Dataset) Read(band, x, y, w, h int, dst []float64) error {
	return d.ReadResampled(band, x, y, w, h, w, h, dst)
}

// ReadResampled is Read into an array of bw x bh numbers: each is the nearest
// pixel, taken from an overview where there is one.
func (d *Dataset) ReadResampled(band, x, y, w, h, bw, bh int, dst []float64) error {
	if _, err := d.Band(band); err != nil {
		return err
	}
	if err := d.window(x, y, w, h, bw*bh, len(dst)); err != nil {
		return err
	}
	err := native(func() error {
		return d.ds.RasterBand(band).IO(gdal.Read, x, y, w, h, dst, bw, bh, 0, 0)
	})
	if d.bands[band-1].unsigned {
		sign(dst[:bw*bh])
	}
	return d.readFault(x, y, w, h, err)
}

// sign makes signed bytes of what GDAL reads as unsigned ones.
func sign[T float32 | float64](v []T) {
	for i := range v {
		if v[i] > 127 {
			v[i] -= 256
		}
	}
}

// ReadBytes fills dst with a window of several bands (from 1) as uint8,
// [len(bands), h, w]. Values beyond 0..255 are clamped.
func (d *Dataset) ReadBytes(bands []int, x, y, w, h int, dst []uint8) error {
	for _, b := range bands {
		if _, err := d.Band(b); err != nil {
			return err
		}
	}
	if err := d.window(x, y, w, h, w*h*len(bands), len(dst)); err != nil {
		return err
	}
	return d.readFault(x, y, w, h, native(func() error {
		return d.ds.IO(gdal.Read, x, y, w, h, dst, w, h, len(bands), bands, 0, 0, 0)
	}))
}

// ReadMask fills dst, [h, w], with the validity of a band's pixels as GDAL knows
// it (nodata value, alpha or mask band): 0 is missing, 255 is there.
func (d *Dataset) ReadMask(band, x, y, w, h int, dst []uint8) error {
	if _, err := d.Band(band); err != nil {
		return err
	}
	if err := d.window(x, y, w, h, w*h, len(dst)); err != nil {
		return err
	}
	if alpha := d.oddAlpha(band); alpha > 0 {
		opacity := make([]float64, w*h)
		err := d.Read(alpha, x, y, w, h, opacity)
		for i, v := range opacity {
			if dst[i] = 255; !(v > 0) {
				dst[i] = 0
			}
		}
		return err
	}
	return d.readFault(x, y, w, h, native(func() error {
		return d.ds.RasterBand(band).GetMaskBand().IO(gdal.Read, x, y, w, h, dst, w, h, 0, 0)
	}))
}

// oddAlpha is the alpha band of a band that has no other mask, where GDAL takes
// no notice of it for its type: an inventory with alpha is seldom of bytes. 0:
// there is none.
func (d *Dataset) oddAlpha(band int) int {
	alpha := d.AlphaBand()
	if alpha == 0 || alpha == band || d.bands[alpha-1].DType == Byte || d.bands[alpha-1].DType == UInt16 {
		return 0
	}
	other := false
	_ = nativeLenient(func() error {
		other = d.ds.RasterBand(band).GetMaskFlags()&gdal.GMF_ALL_VALID == 0
		return nil
	})
	if other {
		return 0
	}
	return alpha
}

// Masked reports whether a band (from 1) has a mask that is more than its nodata
// value: one inside the file or beside it (.msk), or an alpha band.
func (d *Dataset) Masked(band int) (bool, error) {
	if _, err := d.Band(band); err != nil {
		return false, err
	}
	if d.oddAlpha(band) > 0 {
		return true, nil
	}
	masked := false
	err := native(func() error {
		masked = d.ds.RasterBand(band).GetMaskFlags()&(gdal.GMF_ALL_VALID|gdal.GMF_NODATA) == 0
		return nil
	})
	return masked, d.readFault(0, 0, d.width, d.height, err)
}

// window checks a window and the room for it.
func (d *Dataset) window(x, y, w, h, need, have int) error {
	switch {
	case !d.open:
		return errors.New(d.path + ": the dataset is closed")
	case w < 1 || h < 1 || x < 0 || y < 0 || x > d.width-w || y > d.height-h:
		return fmt.Errorf("%s: window %d x %d at column %d, row %d lies outside the raster of %d x %d", d.path, w, h, x, y, d.width, d.height)
	case need < 1 || have < need:
		return fmt.Errorf("%s: window of %d numbers read into room for %d", d.path, need, have)
	}
	return nil
}

// readFault dresses an error of reading pixels.
func (d *Dataset) readFault(x, y, w, h int, err error) error {
	if err == nil {
		return nil
	}
	return fault.Wrap(err, d.path, fmt.Sprintf("pixels cannot be read (window %d x %d at column %d, row %d)", w, h, x, y),
		"the file is damaged or cut short: fetch or copy it again, then compare sizes")
}

// Close frees the dataset. It may be called more than once.
func (d *Dataset) Close() {
	if d == nil || !d.open {
		return
	}
	d.open = false
	_ = nativeLenient(func() error { d.ds.Close(); return nil })
}
