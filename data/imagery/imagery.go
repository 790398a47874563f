// Package imagery turns a satellite mosaic into one small picture for each grid
// cell: [3, H, W] bytes, red, green and blue, or any other bands [B, H, W] as bytes
// or floating-point numbers, resampled from whatever raster the user has, with the
// share of the cell that the mosaic covers.
//
// The order of things: Open finds the mosaic and checks what was asked of it;
// Normalize decides once, for the whole mosaic, how its numbers become bytes;
// Warp makes the cells, in parallel. Files are read through package raster, and
// folders of map tiles by the standard library. How cells are laid out (package
// grid) and where pictures are kept (package store) is not this room's business.
package imagery

import (
	"fmt"
	"math"
	"os"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
)

// Limits of a cell's picture, in pixels.
const (
	MinSize = 32
	MaxSize = 512
)

// Spec says what is wanted of a mosaic. Its fields are those of the
// configuration section data.imagery, whose zero values mean the defaults.
type Spec struct {
	Path        string    // anything GDAL opens, a folder of map tiles, or a pattern such as dir/{z}/{x}/{y}.png
	CRS         string    // only where the file has none
	Bands       []int     // of a picture, counted from 1, red, green and blue first where there are any; default 1, 2, 3
	Named       []string  // in place of Bands: names (the file's descriptions) or numbers, or AllBands alone
	Preview     []string  // three of them, by number or name, that pictures for people show; default the first three
	Type        string    // what a picture's numbers are kept as: uint8 (default), float16 or float32
	Code        string    // of the mosaic's own numbers: CodeNone or CodeQuadratic
	Scale       string    // none | minmax | percentile | range; default none for 8-bit sources, else percentile
	Percentile  []float64 // low, high; default 2, 98
	Range       []float64 // low, high in the mosaic's own numbers; or those of each band, 6 numbers for three
	Size        int       // H = W in pixels; default 256
	Resampling  string    // near | bilinear | cubic | average; default bilinear
	MinCoverage float64   // cells whose valid share is below are left out; default 0.9
	Nodata      *float64  // only where the file does not say it
	TileZoom    int       // zoom of map tiles whose names do not tell it; 0: not known
}

// withDefaults fills in what was left out and checks the rest. Errors name the
// configuration key.
func (s Spec) withDefaults() (Spec, error) {
	if s.Path == "" {
		return s, fault.New("data.imagery.path", "no mosaic is named", "give the path of an image file or of a folder of z/x/y tiles")
	}
	if len(s.Bands) == 0 && len(s.Named) == 0 {
		s.Bands = []int{1, 2, 3}
	}
	if s.Type == "" {
		s.Type = UInt8
	}
	if typeBytes(s.Type) == 0 {
		return s, fault.New("data.imagery.type", fmt.Sprintf("%q is not a type of pictures", s.Type), "choose uint8, float16 or float32")
	}
	if s.Code != CodeNone && s.Code != CodeQuadratic {
		return s, fault.New("data.imagery.code", fmt.Sprintf("%q is not a code", s.Code), "choose quadratic (AlphaEarth's signed bytes), or leave it out")
	}
	if s.Code == CodeQuadratic && s.Nodata == nil { // the one byte that the code has no number for
		none := -128.0
		s.Nodata = &none
	}
	if len(s.Preview) != 0 && len(s.Preview) != 3 {
		return s, fault.New("data.imagery.preview", fmt.Sprintf("%d bands are named, 3 are needed", len(s.Preview)), "name those that are shown as red, green and blue")
	}
	if s.Size == 0 {
		s.Size = 256
	}
	if s.Size < MinSize || s.Size > MaxSize {
		return s, fault.New("data.imagery.size", fmt.Sprintf("a picture of %d pixels is not possible", s.Size), fmt.Sprintf("choose a size from %d to %d", MinSize, MaxSize))
	}
	if _, ok := raster.ParseResampling(s.Resampling); !ok {
		return s, fault.New("data.imagery.resampling", fmt.Sprintf("%q is not a resampling method", s.Resampling), "choose near, bilinear, cubic or average")
	}
	if s.MinCoverage == 0 {
		s.MinCoverage = 0.9
	}
	if c := s.MinCoverage; !(c > 0 && c <= 1) {
		return s, fault.New("data.imagery.min_coverage", fmt.Sprintf("%v is not a share", c), "choose a number above 0 and up to 1, e.g. 0.9")
	}
	switch s.Scale {
	case "", ScaleNone, ScaleMinMax:
	case ScalePercentile:
	case ScaleRange:
		ok := len(s.Range) > 0 && len(s.Range)%2 == 0
		for i := 0; ok && i < len(s.Range); i += 2 {
			ok = s.Range[i] < s.Range[i+1] && !math.IsInf(s.Range[i+1]-s.Range[i], 0)
		}
		if !ok {
			return s, fault.New("data.imagery.range", fmt.Sprintf("%v is not a range", s.Range), "give two numbers, the lower first, e.g. range: [0, 3000], or two for each band")
		}
	default:
		return s, fault.New("data.imagery.scale", fmt.Sprintf("%q is not a way of scaling", s.Scale), "choose none, minmax, percentile or range")
	}
	if len(s.Percentile) == 0 {
		s.Percentile = []float64{2, 98}
	}
	if p := s.Percentile; len(p) != 2 || !(p[0] >= 0 && p[0] < p[1] && p[1] <= 100) {
		return s, fault.New("data.imagery.percentile", fmt.Sprintf("%v are not two percentiles", s.Percentile), "give two numbers between 0 and 100, the lower first, e.g. percentile: [2, 98]")
	}
	return s, nil
}

// Mosaic is a checked source of imagery. It holds no open file and may be
// shared by goroutines.
type Mosaic struct {
	spec          Spec
	kernel        raster.Resampling
	width, height int
	inverse       [6]float64 // of the geotransform: coordinates to pixels
	geotransform  [6]float64
	crs           *raster.CRS
	west, east    float64 // of Bounds
	period        float64 // of x round the earth, see turns; 0: none
	dtype         raster.DType
	read          []int    // distinct bands to be read
	pick          []int    // of a picture's bands, in read
	names         []string // of a picture's bands, by the file; empty: none
	preview       [3]int   // of a picture's bands, those for people
	levels        []level  // the full resolution first, then ever coarser
	block         [2]int   // width and height of what is decoded at once
	files         []string
	tiles         *tileSet
}

// level is the mosaic at one of its resolutions.
type level struct {
	overview      int // OVERVIEW_LEVEL, or -1 for the full resolution
	width, height int
	fx, fy        float64 // pixels of the full resolution in one of these
}

// Open checks the mosaic: that it can be read, has the bands asked for, and says
// where it lies. Errors are *fault.Input.
func Open(spec Spec) (*Mosaic, error) {
	spec, err := spec.withDefaults()
	if err != nil {
		return nil, err
	}
	m := &Mosaic{spec: spec}
	m.kernel, _ = raster.ParseResampling(spec.Resampling)
	info, statErr := os.Stat(spec.Path)
	if isPattern(spec.Path) || (statErr == nil && info.IsDir() && !isDatasetFolder(spec.Path)) {
		return m, m.openTiles()
	}
	return m, m.openFile()
}

// openFile fills in what a GDAL dataset says about itself.
func (m *Mosaic) openFile() error {
	d, err := raster.Open(m.spec.Path, raster.Options{CRS: m.spec.CRS, Nodata: m.spec.Nodata})
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Georeferenced(); err != nil {
		return err
	}
	if err := raster.CheckVRTTypes(m.spec.Path, raster.VRTText(m.spec.Path)); err != nil {
		return err
	}
	have := make([]offered, d.Bands())
	for i := range have {
		band, err := d.Band(i + 1)
		if err != nil {
			return err
		}
		have[i] = offered{band.Name, band.DType, band.Color == "Alpha"}
	}
	if d.Palette() {
		have = make([]offered, 3)
		for i := range have {
			have[i].dtype = raster.Byte
		}
	}
	if err := m.choose(have); err != nil {
		return err
	}
	m.width, m.height, m.crs = d.Width(), d.Height(), d.CRS()
	first, err := d.Band(1)
	if err != nil {
		return err
	}
	m.block, m.files = [2]int{first.BlockWidth, first.BlockHeight}, d.Files()
	m.geotransform, _ = d.GeoTransform()
	m.invert()
	m.closes()
	m.levels = []level{{overview: -1, width: m.width, height: m.height, fx: 1, fy: 1}}
	for _, o := range d.Overviews() {
		l := level{overview: o.Level, width: o.Width, height: o.Height,
			fx: float64(m.width) / float64(o.Width), fy: float64(m.height) / float64(o.Height)}
		if last := m.levels[len(m.levels)-1]; l.fx > last.fx && l.fy > last.fy {
			m.levels = append(m.levels, l)
		}
	}
	return nil
}

func (m *Mosaic) invert() {
	g := m.geotransform
	det := g[1]*g[5] - g[2]*g[4]
	m.inverse = [6]float64{(g[2]*g[3] - g[0]*g[5]) / det, g[5] / det, -g[2] / det,
		(g[0]*g[4] - g[1]*g[3]) / det, -g[4] / det, g[1] / det}
}

// Size returns the edge of a cell's picture, in pixels.
func (m *Mosaic) Size() int { return m.spec.Size }

// Bands returns the number of a picture's bands.
func (m *Mosaic) Bands() int { return len(m.pick) }

// CRS returns the mosaic's coordinate reference system.
func (m *Mosaic) CRS() *raster.CRS { return m.crs }

// Bounds returns the mosaic's extent in its own CRS.
func (m *Mosaic) Bounds() (west, south, east, north float64) {
	g := m.geotransform
	west, south, east, north = math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, c := range [4][2]float64{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
		col, row := c[0]*float64(m.width), c[1]*float64(m.height)
		x, y := g[0]+col*g[1]+row*g[2], g[3]+col*g[4]+row*g[5]
		west, east = math.Min(west, x), math.Max(east, x)
		south, north = math.Min(south, y), math.Max(north, y)
	}
	return west, south, east, north
}

// reader reads patches of one level of a mosaic; it belongs to one goroutine.
type reader interface {
	ReadPatch(bands []int, p *raster.Patch) error
	Close()
}

// open opens the mosaic once more, for one goroutine.
func (m *Mosaic) open(l level) (reader, error) {
	if m.tiles != nil {
		return newTileReader(m.tiles), nil
	}
	o := raster.Options{CRS: m.spec.CRS, Nodata: m.spec.Nodata}
	if l.overview >= 0 {
		o.OpenOptions = map[string]string{"OVERVIEW_LEVEL": fmt.Sprint(l.overview)}
	}
	d, err := raster.Open(m.spec.Path, o)
	if err != nil {
		return nil, err
	}
	if d.Width() != l.width || d.Height() != l.height {
		d.Close()
		return nil, fault.New(m.spec.Path, "the file changed while it was read", "run again when nothing writes to it")
	}
	if m.spec.Code == CodeQuadratic {
		return decoding{d}, nil
	}
	return d, nil
}
