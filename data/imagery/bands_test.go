package imagery

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/half"
	"opencarbon/data/raster"
)

// pictured are the pictures of the cells here and beside.
func pictured(t *testing.T, s Spec) (*Normalization, [][]byte) {
	t.Helper()
	m, err := Open(s)
	if err != nil {
		t.Fatal(err)
	}
	n, err := m.Normalize(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	out := make([][]byte, 2)
	if _, err := m.Warp(t.Context(), metreGrid(t), []grid.Cell{here, beside}, n, Options{Workers: 2}, func(i int, _ float64, pixels []byte) error {
		mu.Lock()
		defer mu.Unlock()
		out[i] = slices.Clone(pixels)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return n, out
}

// Pictures of five bands of reflectances as bytes, halves and floats: each number
// where it belongs, bytes clamped at the percentiles and floats not.
func TestPicturesOfBands(t *testing.T) {
	s := covering(t, 64, 32)
	s.Bands, s.DType, s.Descriptions = 5, raster.Float32, []string{"B02", "B03", "B04", "B08", "B11"}
	value := func(b, x, y int) float64 { return 100*float64(b) + texture(b, x, y) }
	path := made(t, s, value)
	order := []int{3, 2, 1, 4}
	for _, c := range []struct {
		kind  string
		named bool
	}{{UInt8, false}, {Float16, false}, {Float32, true}} {
		spec := Spec{Path: path, Bands: order, Size: 32, Resampling: "near", Type: c.kind, Scale: ScalePercentile}
		if c.named {
			spec.Bands, spec.Named = nil, []string{"B04", "b03", "1", "B08"}
		}
		n, cells := pictured(t, spec)
		if !slices.Equal(n.Bands, order) || len(n.Low) != 4 || len(n.Constant()) > 0 || c.named != (n.Names != nil) {
			t.Fatalf("%+v", n)
		}
		beyond := false
		for cell, picture := range cells {
			for k, b := range order {
				for y := range 32 {
					for x := range 32 {
						want := (value(b-1, 32*cell+x, y) - n.Low[k]) / (n.High[k] - n.Low[k])
						at := (k*32+y)*32 + x
						var got, off float64
						switch c.kind {
						case UInt8:
							want = math.Min(1, math.Max(0, want))
							got, off = float64(picture[at])/255, 0.5/255
						case Float16:
							got, off = float64(half.To(binary.LittleEndian.Uint16(picture[2*at:]))), 1e-3
						case Float32:
							got, off = float64(math.Float32frombits(binary.LittleEndian.Uint32(picture[4*at:]))), 1e-5
						}
						beyond = beyond || got > 1.01
						if math.Abs(got-want) > off+1e-6 {
							t.Fatalf("%s, cell %d, band %d, pixel %d, %d: %v, want %v", c.kind, cell, b, x, y, got, want)
						}
					}
				}
			}
		}
		if beyond == (c.kind == UInt8) {
			t.Errorf("%s: numbers beyond the percentiles: %v", c.kind, beyond)
		}
	}
	// Everything, with other bands for people, as it is.
	n, cells := pictured(t, Spec{Path: path, Named: []string{AllBands}, Preview: []string{"B08", "3", "B03"}, Size: 32, Type: Float32, Scale: ScaleNone, Resampling: "near"})
	c := n.Colors()
	if len(n.Bands) != 5 || len(cells[0]) != 5*32*32*4 || c == nil || c.Places != [3]int{3, 2, 1} || !(c.Low[0] > 300 && c.High[0] < 560 && c.Low[0] < c.High[0]) {
		t.Errorf("%+v, %+v", n, c)
	}
	if got := math.Float32frombits(binary.LittleEndian.Uint32(cells[1][4*(4*32*32+5*32+7):])); float64(got) != value(4, 39, 5) {
		t.Errorf("the mosaic's own number %v became %v", value(4, 39, 5), got)
	}
}

// A pixel needs a number in every band; a band that has none anywhere is named, and
// one that is the same everywhere is told.
func TestBandsWithoutNumbers(t *testing.T) {
	s := covering(t, 64, 32)
	s.Bands, s.DType = 5, raster.Float32
	none := -9999.0
	s.Nodata = &none
	build := func(f func(b, x, y int) float64) string { return made(t, s, f) }
	for name, gap := range map[string]float64{"NaN": math.NaN(), "infinity": math.Inf(1), "nodata": none} {
		path := build(func(b, x, y int) float64 {
			if b == 3 && x < 16 && y < 16 {
				return gap
			}
			return texture(b, x, y)
		})
		spec := Spec{Path: path, Bands: []int{1, 2, 3, 4}, Size: 32, Type: Float16, MinCoverage: 0.5, Resampling: "near"}
		_, cells := pictured(t, spec)
		for b := range 4 {
			if v := binary.LittleEndian.Uint16(cells[0][2*b*32*32:]); v != 0 {
				t.Errorf("%s: band %d is %v where the fourth has no number", name, b+1, half.To(v))
			}
		}
		if spec.Bands = []int{1, 2, 3}; true { // the others are whole
			if _, cells := pictured(t, spec); cells[0] == nil {
				t.Error("a gap of a band that is not read counts")
			}
		}
		path = build(func(b, x, y int) float64 {
			if b == 2 || b == 4 {
				return gap
			}
			return texture(b, x, y)
		})
		for _, scale := range []string{ScalePercentile, ScaleMinMax, ScaleNone} {
			m, err := Open(Spec{Path: path, Named: []string{AllBands}, Preview: []string{"5", "1", "2"}, Size: 32, Type: Float16, Scale: scale})
			if err == nil {
				_, err = m.Normalize(t.Context(), 2)
			}
			if scale == ScaleNone { // it reads what people are shown alone
				if !fault.IsInput(err) || !strings.Contains(err.Error(), "[5]") {
					t.Errorf("%s, %s: %v", name, scale, err)
				}
				whole, err := Open(Spec{Path: path, Named: []string{AllBands}, Size: 32, Scale: ScaleNone})
				if err != nil {
					t.Fatal(err)
				}
				n, err := whole.Normalize(t.Context(), 2)
				if err != nil {
					t.Fatal(err)
				}
				_, err = whole.Warp(t.Context(), metreGrid(t), []grid.Cell{here}, n, Options{Workers: 2}, func(int, float64, []byte) error { return nil })
				if !fault.IsInput(err) || !strings.Contains(err.Error(), "[3 5]") {
					t.Errorf("%s, as bytes: %v", name, err)
				}
			} else if !fault.IsInput(err) || !strings.Contains(err.Error(), "[3 5]") || !strings.Contains(err.Error(), "data.imagery.bands") {
				t.Errorf("%s, %s: %v", name, scale, err)
			}
		}
	}
	n, _ := pictured(t, Spec{Path: build(func(b, x, y int) float64 {
		if b == 1 {
			return 7
		}
		return texture(b, x, y)
	}), Bands: []int{1, 2, 4, 5}, Size: 32})
	if !slices.Equal(n.Constant(), []int{2}) {
		t.Errorf("constant bands %v", n.Constant())
	}
}

// Many bands are read in smaller pieces, and give the pictures of each alone.
func TestManyBands(t *testing.T) {
	s := covering(t, 200, 100)
	s.Bands, s.DType = 40, raster.Int16
	path := made(t, s, texture)
	var list []int
	for b := range 40 {
		list = append(list, b+1)
	}
	spec := Spec{Path: path, Bands: list, Size: 48, Scale: ScaleRange, Range: []float64{0, 255}}
	_, all := pictured(t, spec)
	for _, b := range []int{1, 17, 40} {
		spec.Bands = []int{b}
		_, one := pictured(t, spec)
		for cell := range one {
			if !slices.Equal(one[cell], all[cell][(b-1)*48*48:b*48*48]) {
				t.Errorf("band %d of cell %d depends on how many are read", b, cell)
			}
		}
	}
}

// Tiles of different types in one mosaic are refused with both files' names; what the
// VRT rescales itself is not.
func TestMixedTypes(t *testing.T) {
	dir := t.TempDir()
	s := covering(t, 32, 32)
	s.GeoTransform[1] = 1000.0 / 32
	for i, dtype := range []raster.DType{raster.Byte, raster.UInt16} {
		part := s
		part.DType = dtype
		part.GeoTransform[0] += 1000 * float64(i)
		if err := os.Rename(made(t, part, texture), filepath.Join(dir, fmt.Sprintf("%d.tif", i))); err != nil {
			t.Fatal(err)
		}
	}
	g := s.GeoTransform
	vrt := func(second, more string) string {
		bands := ""
		for b := 1; b <= 3; b++ {
			bands += fmt.Sprintf(`<VRTRasterBand dataType="Byte" band="%d">`, b)
			for i, kind := range []string{"Byte", second} {
				bands += fmt.Sprintf(`<ComplexSource><SourceFilename relativeToVRT="1">%d.tif</SourceFilename><SourceBand>%d</SourceBand>
<SourceProperties RasterXSize="32" RasterYSize="32" DataType="%s" BlockXSize="32" BlockYSize="32"/>
<SrcRect xOff="0" yOff="0" xSize="32" ySize="32"/><DstRect xOff="%d" yOff="0" xSize="32" ySize="32"/>%s</ComplexSource>`, i, b, kind, 32*i, strings.Repeat(more, i))
			}
			bands += "</VRTRasterBand>"
		}
		path := filepath.Join(dir, "mosaic.vrt")
		text := fmt.Sprintf(`<VRTDataset rasterXSize="64" rasterYSize="32"><SRS>EPSG:32633</SRS><GeoTransform>%g, %g, 0, %g, 0, %g</GeoTransform>%s</VRTDataset>`, g[0], g[1], g[3], g[5], bands)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if _, err := Open(Spec{Path: vrt("UInt16", "")}); !fault.IsInput(err) || !strings.Contains(err.Error(), "0.tif") || !strings.Contains(err.Error(), "UInt16 in 1.tif") {
		t.Errorf("mixed types: %v", err)
	}
	if _, err := Open(Spec{Path: vrt("UInt16", "<ScaleOffset>0</ScaleOffset><ScaleRatio>0.1</ScaleRatio>")}); err != nil {
		t.Errorf("rescaled by the VRT: %v", err)
	}
	if _, err := Open(Spec{Path: vrt("Byte", "")}); err != nil {
		t.Errorf("one type: %v", err)
	}
}

// A picture for people of a mosaic shows the bands of the preview.
func TestPreviewOfBands(t *testing.T) {
	s := covering(t, 64, 32)
	s.Bands, s.DType = 4, raster.UInt16
	path := made(t, s, func(b, x, y int) float64 { return float64(1000*b + 10*x) })
	m, err := Open(Spec{Path: path, Bands: []int{1, 2, 3, 4}, Preview: []string{"4", "1", "2"}, Size: 32, Type: Float32, Scale: ScaleRange, Range: []float64{0, 4000}})
	if err != nil {
		t.Fatal(err)
	}
	n, err := m.Normalize(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	west, south, _, north := metreGrid(t).Bounds(here)
	p, err := m.Preview(context.Background(), metreGrid(t).CRS(), west, south, west+2000, north, 64, n)
	if err != nil {
		t.Fatal(err)
	}
	area := p.Cols * p.Rows
	for k, b := range []int{3, 0, 1} {
		want := (1000*float64(b) + 10*31.5) / 4000 * 255
		if got := float64(p.RGB[k*area+p.Rows/2*p.Cols+31]); math.Abs(got-want) > 2 {
			t.Errorf("color %d shows %v, want %.1f of band %d", k, got, want, b+1)
		}
	}
}
