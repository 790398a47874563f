package imagery

import (
	"context"
	"errors"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

// TestCoverage: what the file marks as missing counts as missing, whatever the
// way in which it says so, and never colors the pixels beside it.
func TestCoverage(t *testing.T) {
	const level = 200
	nothing := func(v float64) *float64 { return &v }
	// The cell `here` is the western half; its left quarter is missing.
	gap := func(missing float64) func(b, x, y int) float64 {
		return func(_, x, _ int) float64 {
			if x < 20 {
				return missing
			}
			return level
		}
	}
	cases := []struct {
		name string
		make func() string
		spec Spec
	}{
		{"nodata 0 in bytes", func() string {
			s := covering(t, 160, 80)
			s.Nodata = nothing(0)
			return made(t, s, gap(0))
		}, Spec{}},
		{"nodata told by the configuration", func() string { return made(t, covering(t, 160, 80), gap(7)) }, Spec{Nodata: nothing(7)}},
		{"nodata -9999 in int16", func() string {
			s := covering(t, 160, 80)
			s.DType, s.Nodata = raster.Int16, nothing(-9999)
			return made(t, s, gap(-9999))
		}, Spec{Scale: ScaleNone}},
		{"NaN beside a nodata value", func() string {
			s := covering(t, 160, 80)
			s.DType, s.Nodata = raster.Float32, nothing(-9999)
			return made(t, s, func(b, x, y int) float64 {
				if x < 20 && y%2 == 0 {
					return math.NaN()
				}
				return gap(-9999)(b, x, y)
			})
		}, Spec{Scale: ScaleNone}},
		{"nodata of the size of float64", func() string {
			s := covering(t, 160, 80)
			s.DType, s.Nodata = raster.Float64, nothing(-1.7976931348623157e308)
			return made(t, s, gap(-1.7976931348623157e308))
		}, Spec{Scale: ScaleNone}},
		{"infinite", func() string {
			s := covering(t, 160, 80)
			s.DType = raster.Float32
			return made(t, s, gap(math.Inf(1)))
		}, Spec{Scale: ScaleNone}},
		{"alpha", func() string {
			s := covering(t, 160, 80)
			s.Bands, s.Color = 4, []string{"Red", "Green", "Blue", "Alpha"}
			return made(t, s, func(b, x, y int) float64 {
				if b == 3 {
					return gap(0)(b, x, y)
				}
				return gap(33)(b, x, y)
			})
		}, Spec{}},
		{"alpha in float32", func() string {
			s := covering(t, 160, 80)
			s.DType, s.Bands, s.Color = raster.Float32, 4, []string{"Red", "Green", "Blue", "Alpha"}
			return made(t, s, func(b, x, y int) float64 {
				if b == 3 {
					return gap(0)(b, x, y)
				}
				return gap(33)(b, x, y)
			})
		}, Spec{Scale: ScaleNone}},
	}
	g := metreGrid(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for _, kernel := range []string{"near", "bilinear", "cubic", "average"} {
				for _, size := range []int{40, 80, 200} { // finer, alike, coarser than the source
					spec := c.spec
					spec.Path, spec.Resampling, spec.Size, spec.MinCoverage = c.make(), kernel, size, 0.5
					rgb, r, _ := warped(t, spec, g, []grid.Cell{here, beside}, 1)
					if got := float64(r.Coverage[0]); math.Abs(got-0.75) > 0.51/float64(size) || r.Coverage[1] != 1 {
						t.Errorf("%s %d: coverage %v, want 0.75 and 1", kernel, size, r.Coverage)
					}
					for i, v := range rgb {
						if v != level && v != 0 {
							t.Errorf("%s %d: pixel %d is %d: a missing pixel has colored it", kernel, size, i, v)
							break
						}
					}
				}
			}
		})
	}
}

// TestDarkPixelIsNoGap: in a byte mosaic with nodata 0, a pixel that is 0 in one
// band only has a value.
func TestDarkPixelIsNoGap(t *testing.T) {
	zero := 0.0
	s := covering(t, 64, 32)
	s.Nodata = &zero
	path := made(t, s, func(b, _, _ int) float64 { return float64([]int{0, 90, 180}[b]) })
	rgb, r, _ := warped(t, Spec{Path: path, Size: 32}, metreGrid(t), []grid.Cell{here}, 1)
	if r.Coverage[0] != 1 || rgb[0] != 0 || rgb[1024] != 90 || rgb[2048] != 180 {
		t.Errorf("coverage %v, pixel %v %v %v", r.Coverage[0], rgb[0], rgb[1024], rgb[2048])
	}
}

// TestMaskBand reads a GeoTIFF with an internal mask, which GDAL's own program
// makes.
func TestMaskBand(t *testing.T) {
	program, err := exec.LookPath("gdal_translate")
	if err != nil {
		t.Skip("gdal_translate is not installed")
	}
	s := covering(t, 160, 80)
	s.Bands, s.Color = 4, []string{"Red", "Green", "Blue", "Alpha"}
	from := made(t, s, func(b, x, _ int) float64 {
		if b == 3 && x < 20 {
			return 0
		}
		return 255
	})
	to := filepath.Join(t.TempDir(), "masked.tif")
	if text, err := exec.Command(program, "-q", "-b", "1", "-b", "2", "-b", "3", "-mask", "4", "--config", "GDAL_TIFF_INTERNAL_MASK", "YES", from, to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	_, r, _ := warped(t, Spec{Path: to, Size: 80, MinCoverage: 0.5}, metreGrid(t), []grid.Cell{here, beside}, 1)
	if r.Coverage[0] != 0.75 || r.Coverage[1] != 1 {
		t.Errorf("coverage %v, want 0.75 and 1", r.Coverage)
	}
}

// TestUnwrittenBlocks: blocks that a stopped program never wrote are missing, and
// not black; blocks that are black are there, in overviews too.
func TestUnwrittenBlocks(t *testing.T) {
	s := covering(t, 1024, 512)
	s.Tiled, s.Options = true, map[string]string{"SPARSE_OK": "TRUE"}
	path := filepath.Join(t.TempDir(), "stopped.tif")
	w, err := raster.Create(path, s)
	if err != nil {
		t.Fatal(err)
	}
	for b := range 3 { // the lower left of here's four blocks stays unwritten
		for _, at := range [][2]int{{0, 0}, {256, 0}, {256, 256}, {512, 0}, {768, 0}, {512, 256}, {768, 256}} {
			block := make([]uint8, 256*256)
			for i := range block {
				block[i] = 99
			}
			if err := raster.Write(w, b+1, at[0], at[1], 256, 256, block); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rgb, r, _ := warped(t, Spec{Path: path, Size: 64, MinCoverage: 0.5}, metreGrid(t), []grid.Cell{here, beside}, 1)
	if r.Coverage[0] != 0.75 || r.Coverage[1] != 1 || rgb[63*64] != 0 || rgb[63*64+63] != 99 {
		t.Errorf("coverage %v, corner pixels %d and %d", r.Coverage, rgb[63*64], rgb[63*64+63])
	}
	for _, cog := range []bool{false, true} {
		s := covering(t, 1200, 600)
		s.Tiled, s.COG = true, cog
		black := made(t, s, func(b, x, y int) float64 { return 0 })
		if _, r, _ := warped(t, Spec{Path: black, Size: 32}, metreGrid(t), []grid.Cell{here}, 1); r.Coverage[0] != 1 {
			t.Errorf("COG %v: a black mosaic has coverage %v", cog, r.Coverage[0])
		}
	}
}

// TestMinCoverage: cells below the minimum do not reach the sink and are counted.
func TestMinCoverage(t *testing.T) {
	s := covering(t, 160, 80)
	s.Width = 100 // here is whole, a quarter of beside is covered
	path := made(t, s, texture)
	beyond := grid.Cell{Col: 12, Row: -20}
	m, err := Open(Spec{Path: path, Size: 32, MinCoverage: 0.3})
	if err != nil {
		t.Fatal(err)
	}
	n, err := m.Normalize(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	var progress []int
	r, err := m.Warp(context.Background(), metreGrid(t), []grid.Cell{beyond, here, beside}, n,
		Options{Workers: 1, Progress: func(done, total int) { progress = append(progress, done, total) }},
		func(i int, coverage float64, _ []uint8) error { got = append(got, i); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, []int{1}) || r.Dropped != 1 || r.Empty != 1 || !slices.Equal(r.Kept, []bool{false, true, false}) || r.Coverage[2] != 0.25 {
		t.Errorf("pictures of %v, report %+v", got, r)
	}
	if !slices.Equal(progress, []int{1, 3, 2, 3, 3, 3}) {
		t.Errorf("progress %v", progress)
	}
}

// TestWarpStops: a cancelled context and a failing sink end the work with their
// own error.
func TestWarpStops(t *testing.T) {
	m, err := Open(Spec{Path: made(t, covering(t, 160, 80), texture), Size: 32})
	if err != nil {
		t.Fatal(err)
	}
	n, err := m.Normalize(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	cells := make([]grid.Cell, 5000)
	for i := range cells {
		cells[i] = here
	}
	ctx, cancel := context.WithCancel(context.Background())
	count := 0
	_, err = m.Warp(ctx, metreGrid(t), cells, n, Options{Workers: 1}, func(int, float64, []uint8) error {
		if count++; count == 3 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || count != 3 {
		t.Errorf("error %v after %d pictures", err, count)
	}
	full := errors.New("disk full")
	_, err = m.Warp(context.Background(), metreGrid(t), cells, n, Options{Workers: 2}, func(int, float64, []uint8) error { return full })
	if !errors.Is(err, full) {
		t.Errorf("error %v, want the sink's", err)
	}
	if _, err := m.Normalize(ctx, 1); err != nil {
		t.Errorf("scale none needs no reading, but: %v", err)
	}
	m.spec.Scale = ScalePercentile
	if _, err := m.Normalize(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("percentiles of a cancelled context: %v", err)
	}
}
