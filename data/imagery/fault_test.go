package imagery

import (
	"context"
	"image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

// attempt goes the whole way and returns the first error.
func attempt(t *testing.T, s Spec, g *grid.Grid, cells ...grid.Cell) error {
	t.Helper()
	m, err := Open(s)
	if err != nil {
		return err
	}
	n, err := m.Normalize(context.Background(), 1)
	if err != nil {
		return err
	}
	_, err = m.Warp(context.Background(), g, cells, n, Options{Workers: 2}, func(int, float64, []uint8) error { return nil })
	return err
}

// TestFaults: every bad input gives one error of the user's kind, which names
// the file or key, says what is wrong, and how to mend it.
func TestFaults(t *testing.T) {
	g := metreGrid(t)
	good := func() string { return made(t, covering(t, 80, 40), texture) }
	noise := func(_, x, y int) float64 { return float64(uint32(x*2654435761+y*40503) >> 7 & 255) }
	packed := func(compress string) string {
		s := covering(t, 1000, 500)
		s.Compress, s.Tiled = compress, true
		if compress == "JPEG" {
			s.Compress = ""
			s.Options = map[string]string{"COMPRESS": "JPEG", "PHOTOMETRIC": "YCBCR"}
		}
		return made(t, s, noise)
	}
	bare := func(change func(*raster.Spec)) string {
		s := covering(t, 80, 40)
		change(&s)
		return made(t, s, texture)
	}
	tiles := func(fill func(dir string)) string {
		dir := t.TempDir()
		fill(dir)
		return dir
	}
	opaque := image.NewGray(image.Rect(0, 0, 256, 256))
	small := image.NewGray(image.Rect(0, 0, 64, 64))
	oblong := image.NewGray(image.Rect(0, 0, 256, 128))
	cases := []struct {
		name string
		spec func() Spec
		want []string // in the message
	}{
		{"no path", func() Spec { return Spec{} }, []string{"data.imagery.path"}},
		{"missing file", func() Spec { return Spec{Path: "nowhere/mosaic.tif"} }, []string{"nowhere/mosaic.tif", "no such file"}},
		{"text for an image", func() Spec {
			p := filepath.Join(t.TempDir(), "mosaic.tif")
			os.WriteFile(p, []byte("not an image"), 0o666)
			return Spec{Path: p}
		}, []string{"mosaic.tif", "cannot be opened"}},
		{"empty file", func() Spec {
			p := filepath.Join(t.TempDir(), "mosaic.tif")
			os.WriteFile(p, nil, 0o666)
			return Spec{Path: p}
		}, []string{"mosaic.tif"}},
		{"header cut short", func() Spec { return Spec{Path: truncate(t, good(), 0.01)} }, []string{"mosaic.tif"}},
		{"uncompressed, cut short", func() Spec { return Spec{Path: truncate(t, packed("NONE"), 0.5)} }, []string{"mosaic.tif", "cut short"}},
		{"deflate, cut short", func() Spec { return Spec{Path: truncate(t, packed("DEFLATE"), 0.5)} }, []string{"mosaic.tif", "cut short"}},
		{"lzw, cut short", func() Spec { return Spec{Path: truncate(t, packed("LZW"), 0.5)} }, []string{"mosaic.tif", "cut short"}},
		{"jpeg, cut short", func() Spec { return Spec{Path: truncate(t, packed("JPEG"), 0.5)} }, []string{"mosaic.tif", "cut short"}},
		{"cut short, found by the percentiles", func() Spec {
			return Spec{Path: truncate(t, packed("DEFLATE"), 0.5), Scale: ScalePercentile}
		}, []string{"mosaic.tif", "cut short"}},
		{"no CRS", func() Spec { return Spec{Path: bare(func(s *raster.Spec) { s.CRS = nil })} }, []string{"mosaic.tif", "coordinate reference system", "crs"}},
		{"a CRS that is none", func() Spec {
			return Spec{Path: bare(func(s *raster.Spec) { s.CRS = nil }), CRS: "EPSG:999999"}
		}, []string{"EPSG:999999"}},
		{"no geotransform", func() Spec { return Spec{Path: bare(func(s *raster.Spec) { s.GeoTransform = [6]float64{} })} }, []string{"mosaic.tif", "geotransform"}},
		{"no overlap", func() Spec {
			return Spec{Path: bare(func(s *raster.Spec) { s.GeoTransform[0] += 50000 })}
		}, []string{"mosaic.tif", "does not overlap", "data.region"}},
		{"no overlap: degrees taken for meters", func() Spec {
			return Spec{Path: bare(func(s *raster.Spec) { s.GeoTransform = raster.North(13, 52, 0.01, 0.01) })}
		}, []string{"does not overlap", "32633"}},
		{"pixels of a millimeter", func() Spec {
			return Spec{Path: bare(func(s *raster.Spec) { s.GeoTransform[1], s.GeoTransform[5] = 0.001, -0.001 }), Size: 32}
		}, []string{"mosaic.tif", "31250 times finer", "gdaladdo"}},
		{"band 4 of 3", func() Spec { return Spec{Path: good(), Bands: []int{4, 2, 1}} }, []string{"band 4", "3 band", "data.imagery.bands"}},
		{"band 0", func() Spec { return Spec{Path: good(), Bands: []int{0, 1, 2}} }, []string{"band 0"}},
		{"two bands shown", func() Spec { return Spec{Path: good(), Preview: []string{"1", "2"}} }, []string{"data.imagery.preview", "2 bands"}},
		{"a band shown that is not read", func() Spec { return Spec{Path: good(), Bands: []int{1, 2}, Preview: []string{"1", "2", "3"}} }, []string{"data.imagery.preview", "band 3"}},
		{"a name that is none", func() Spec { return Spec{Path: good(), Named: []string{"B8A"}} }, []string{"B8A", "data.imagery.bands", "numbers"}},
		{"a band named beyond the last", func() Spec { return Spec{Path: good(), Named: []string{"all of it", "9"}} }, []string{"all of it"}},
		{"a type that is none", func() Spec { return Spec{Path: good(), Type: "float64"} }, []string{"data.imagery.type", "float16"}},
		{"a code that is none", func() Spec { return Spec{Path: good(), Code: "cubic"} }, []string{"data.imagery.code", "quadratic"}},
		{"a code of other bytes", func() Spec { return Spec{Path: good(), Code: CodeQuadratic} }, []string{"Byte", "data.imagery.code", "signed"}},
		{"ranges of other bands", func() Spec { return Spec{Path: good(), Scale: ScaleRange, Range: []float64{0, 1, 0, 1}} }, []string{"data.imagery.range", "4 numbers for 3 bands"}},
		{"three bands of a file with one", func() Spec {
			return Spec{Path: bare(func(s *raster.Spec) { s.Bands = 1 })}
		}, []string{"mosaic.tif", "1 band", "[1, 1, 1]"}},
		{"unknown scale", func() Spec { return Spec{Path: good(), Scale: "stretch"} }, []string{"data.imagery.scale", "stretch"}},
		{"percentiles turned round", func() Spec {
			return Spec{Path: good(), Scale: ScalePercentile, Percentile: []float64{98, 2}}
		}, []string{"data.imagery.percentile"}},
		{"a percentile above 100", func() Spec {
			return Spec{Path: good(), Scale: ScalePercentile, Percentile: []float64{2, 980}}
		}, []string{"data.imagery.percentile"}},
		{"one percentile", func() Spec { return Spec{Path: good(), Percentile: []float64{2}} }, []string{"data.imagery.percentile"}},
		{"NaN percentile", func() Spec { return Spec{Path: good(), Percentile: []float64{math.NaN(), 98}} }, []string{"data.imagery.percentile"}},
		{"range missing", func() Spec { return Spec{Path: good(), Scale: ScaleRange} }, []string{"data.imagery.range"}},
		{"range of three numbers", func() Spec { return Spec{Path: good(), Scale: ScaleRange, Range: []float64{0, 5, 9}} }, []string{"data.imagery.range"}},
		{"range of nothing in green", func() Spec { return Spec{Path: good(), Scale: ScaleRange, Range: []float64{0, 5, 5, 5, 0, 5}} }, []string{"data.imagery.range"}},
		{"range of nothing", func() Spec { return Spec{Path: good(), Scale: ScaleRange, Range: []float64{5, 5}} }, []string{"data.imagery.range"}},
		{"endless range", func() Spec {
			return Spec{Path: good(), Scale: ScaleRange, Range: []float64{0, math.Inf(1)}}
		}, []string{"data.imagery.range"}},
		{"size 31", func() Spec { return Spec{Path: good(), Size: 31} }, []string{"data.imagery.size", "32 to 512"}},
		{"size 513", func() Spec { return Spec{Path: good(), Size: 513} }, []string{"data.imagery.size", "32 to 512"}},
		{"size -1", func() Spec { return Spec{Path: good(), Size: -1} }, []string{"data.imagery.size"}},
		{"unknown resampling", func() Spec { return Spec{Path: good(), Resampling: "lanczos9"} }, []string{"data.imagery.resampling", "lanczos9"}},
		{"min_coverage above 1", func() Spec { return Spec{Path: good(), MinCoverage: 90} }, []string{"data.imagery.min_coverage"}},
		{"all NaN", func() Spec {
			s := covering(t, 80, 40)
			s.DType = raster.Float32
			return Spec{Path: made(t, s, func(int, int, int) float64 { return math.NaN() })}
		}, []string{"mosaic.tif", "no valid pixel"}},
		{"all nodata, bytes", func() Spec {
			s, zero := covering(t, 80, 40), 0.0
			s.Nodata = &zero
			return Spec{Path: made(t, s, func(int, int, int) float64 { return 0 })}
		}, []string{"mosaic.tif", "valid pixel", "nodata"}},
		{"all nodata, minmax", func() Spec {
			s, none := covering(t, 80, 40), -9999.0
			s.DType, s.Nodata = raster.Int16, &none
			return Spec{Path: made(t, s, func(int, int, int) float64 { return -9999 }), Scale: ScaleMinMax}
		}, []string{"mosaic.tif", "no valid pixel"}},
		{"no such folder of tiles", func() Spec { return Spec{Path: "nowhere/{z}/{x}/{y}.png"} }, []string{"nowhere", "no such folder"}},
		{"empty folder of tiles", func() Spec { return Spec{Path: t.TempDir()} }, []string{"no map tiles"}},
		{"folder of other images", func() Spec {
			return Spec{Path: tiles(func(d string) { writeTile(t, d, "house.png", opaque) })}
		}, []string{"1 images", "z/x/y"}},
		{"tile that is no image", func() Spec {
			return Spec{Path: tiles(func(d string) {
				writeTile(t, d, "15/17000/10000.png", opaque)
				writeTile(t, d, "15/17001/10000.png", opaque)
				os.WriteFile(filepath.Join(d, "15/17001/10000.png"), []byte("404 not found"), 0o666)
			})}
		}, []string{"15/17001/10000.png", "cannot be read"}},
		{"tile cut short", func() Spec {
			return Spec{Path: tiles(func(d string) {
				writeTile(t, d, "15/17000/10000.jpg", opaque)
				writeTile(t, d, "15/17001/10000.jpg", opaque)
				truncate(t, filepath.Join(d, "15/17001/10000.jpg"), 0.8)
			})}
		}, []string{"15/17001/10000.jpg", "cannot be read"}},
		{"tile of another size", func() Spec {
			return Spec{Path: tiles(func(d string) {
				writeTile(t, d, "15/17000/10000.png", opaque)
				writeTile(t, d, "15/17001/10000.png", small)
			})}
		}, []string{"17001/10000.png", "64 x 64"}},
		{"tile that is not square", func() Spec {
			return Spec{Path: tiles(func(d string) { writeTile(t, d, "15/17000/10000.png", oblong) })}
		}, []string{"256 x 128"}},
		{"tile beyond its zoom", func() Spec {
			return Spec{Path: tiles(func(d string) { writeTile(t, d, "3/17000/10000.png", opaque) })}
		}, []string{"zoom 3 has no tile x 17000"}},
		{"zoom 30", func() Spec {
			return Spec{Path: tiles(func(d string) { writeTile(t, d, "30/17000/10000.png", opaque) })}
		}, []string{"no zoom 30"}},
		{"tiles without a zoom", func() Spec {
			return Spec{Path: tiles(func(d string) { writeTile(t, d, "17000_10000.png", opaque) })}
		}, []string{"does not tell its zoom"}},
		{"pattern without a row", func() Spec { return Spec{Path: "tiles/{z}/{x}/{x}y}.png"} }, []string{"data.imagery.path", "pattern"}},
		{"band 4 of tiles", func() Spec {
			return Spec{Path: tiles(func(d string) { writeTile(t, d, "15/17000/10000.png", opaque) }), Bands: []int{1, 2, 4}}
		}, []string{"band 4", "3 bands"}},
	}
	web, err := grid.New(grid.Spec{Zoom: 15})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			use, cells := g, []grid.Cell{here, beside}
			if strings.Contains(c.name, "tile") {
				use, cells = web, []grid.Cell{{Col: 17000, Row: 10000}, {Col: 17001, Row: 10000}}
			}
			err := attempt(t, c.spec(), use, cells...)
			if err == nil {
				t.Fatal("no error")
			}
			if !fault.IsInput(err) {
				t.Errorf("not an error the user can mend: %v", err)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q is not in the message: %v", w, err)
				}
			}
		})
	}
}

// denied is a file system in which one folder may not be read.
type denied struct{ fstest.MapFS }

func (d denied) ReadDir(name string) ([]os.DirEntry, error) {
	if name == "15/7" {
		return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrPermission}
	}
	return d.MapFS.ReadDir(name)
}

// TestUnreadableFolder: a folder of tiles that may not be listed is an error and
// not a gap in the mosaic.
func TestUnreadableFolder(t *testing.T) {
	fsys := denied{fstest.MapFS{"15/6/5.png": {}, "15/7/5.png": {}}}
	_, err := findTiles(fsys, "tiles", nil, 0)
	if !fault.IsInput(err) || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("error %v", err)
	}
}

// TestPaletteTileIsExpanded: indices are not gray levels.
func TestPaletteTileIsExpanded(t *testing.T) {
	dir := t.TempDir()
	img := image.NewPaletted(image.Rect(0, 0, 256, 256), color.Palette{color.NRGBA{200, 10, 30, 255}, color.NRGBA{1, 250, 90, 255}, color.NRGBA{0, 0, 0, 0}})
	for i := range img.Pix {
		img.Pix[i] = uint8(i / 256 / 128)
		if i < 256 {
			img.Pix[i] = 2 // the first row is transparent
		}
	}
	writeTile(t, dir, "15/17000/10000.png", img)
	g, err := grid.New(grid.Spec{Zoom: 15})
	if err != nil {
		t.Fatal(err)
	}
	rgb, r, _ := warped(t, Spec{Path: dir, Size: 256}, g, []grid.Cell{{Col: 17000, Row: 10000}}, 1)
	if want := float32(255) / 256; r.Coverage[0] != want {
		t.Errorf("coverage %v, want %v", r.Coverage[0], want)
	}
	for i, want := range map[int][3]uint8{10: {0, 0, 0}, 256*5 + 3: {200, 10, 30}, 256*200 + 9: {1, 250, 90}} {
		if got := [3]uint8{rgb[i], rgb[65536+i], rgb[2*65536+i]}; got != want {
			t.Errorf("pixel %d is %v, want %v", i, got, want)
		}
	}
}
