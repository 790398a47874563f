//go:build !nogdal

package raster

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestFileList: GDAL's own word on what it reads, and an empty one, not a crash,
// for what it cannot open.
func TestFileList(t *testing.T) {
	dir := t.TempDir()
	tif, vrt := filepath.Join(dir, "a.tif"), filepath.Join(dir, "v.vrt")
	writeTIFF(t, tif, Spec{Width: 4, Height: 4, Bands: 1, DType: Float32, GeoTransform: North(10, 50, 0.1, 0.1), CRS: mustCRS(t, "EPSG:4326")},
		func(_, col, row int) float64 { return float64(col + row) })
	text := `<VRTDataset rasterXSize="4" rasterYSize="4"><VRTRasterBand dataType="Float32" band="1"><SimpleSource>
		<SourceFilename relativeToVRT="1">a.tif</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>`
	if err := os.WriteFile(vrt, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct {
		name string
		want []string
	}{
		{tif, []string{tif}},
		{vrt, []string{vrt, tif}},
		{"/vsizip/" + dir + "/none.zip", nil},
		{filepath.Join(dir, "none"), nil},
		{"", nil},
	} {
		if got := FileList(k.name); !slices.Equal(got, k.want) {
			t.Errorf("%q: %v, want %v", k.name, got, k.want)
		}
	}
	changed := time.Date(2020, 3, 4, 5, 6, 7, 0, time.UTC)
	if err := os.Chtimes(vrt, changed, changed); err != nil {
		t.Fatal(err)
	}
	if size, at, ok := Stat(vrt); !ok || size != int64(len(text)) || !at.Equal(changed) {
		t.Errorf("%d bytes of %v (%v), want %d of %v", size, at, ok, len(text), changed)
	}
	if _, _, ok := Stat(vrt + "x"); ok {
		t.Error("a file that is not there has a size")
	}
}
