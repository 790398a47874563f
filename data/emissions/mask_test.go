package emissions

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

// TestMasks: what a raster masks counts as no data, whatever the way in which it
// says so. The western half is masked and full of numbers.
func TestMasks(t *testing.T) {
	dir := t.TempDir()
	full := func(_, _, _ int) float64 { return 5 }
	s := box(t)
	plain := filepath.Join(dir, "plain.tif")
	writeTIFF(t, plain, s, full)
	s.Bands, s.Color = 2, []string{"Gray", "Alpha"}
	s.DType = raster.Float32
	alpha := filepath.Join(dir, "alpha.tif")
	writeTIFF(t, alpha, s, func(b, c, _ int) float64 {
		switch {
		case b == 1:
			return 5
		case c < 6:
			return 0
		}
		return 255
	})
	inputs := map[string]string{"alpha": alpha}
	if program, err := exec.LookPath("gdal_translate"); err == nil {
		for name, args := range map[string][]string{
			"internal": {"--config", "GDAL_TIFF_INTERNAL_MASK", "YES"},
			"beside":   {"--config", "GDAL_TIFF_INTERNAL_MASK", "NO"},
			"VRT":      {"-of", "VRT"},
		} {
			to := filepath.Join(dir, name+".tif")
			args = append(append([]string{"-q", "-b", "1", "-mask", "2"}, args...), alpha, to)
			if text, err := exec.Command(program, args...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			inputs[name] = to
		}
		if _, err := os.Stat(filepath.Join(dir, "beside.tif.msk")); err != nil {
			t.Error(err)
		}
	} else {
		t.Log("gdal_translate is not installed: masks inside and beside the file were not tried")
	}
	g := mustGrid(t, grid.Spec{Scheme: grid.Degrees})
	cells := mustCells(t, g, grid.BBox{West: 10, South: 50 - 10.0/120, East: 10 + 12.0/120, North: 50})
	if got := mustLoad(t, Spec{Path: plain, Units: "tCO2"}, g, cells).Report; math.Abs(got.Regridded-600) > 1e-6 {
		t.Fatalf("without a mask: %g, want 600", got.Regridded)
	}
	for name, path := range inputs {
		got := mustLoad(t, Spec{Path: path, Units: "tCO2"}, g, cells)
		if r := got.Report; math.Abs(r.Regridded-300) > 1e-6 || r.EmptyCells != 60 || r.Nodata < 60 {
			t.Errorf("%s: %g in the region, %d cells without a source, want 300 and 60", name, r.Regridded, r.EmptyCells)
		}
	}
}
