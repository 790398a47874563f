package imagery

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

// TestOverviewIsRead: of a mosaic with overviews (a COG) that is much finer than
// the pictures, a reduced copy is read, and the picture stays what averaging the
// full resolution gives.
func TestOverviewIsRead(t *testing.T) {
	s := covering(t, 2048, 1024)
	smooth := func(b, x, y int) float64 { return float64((x*200/2048 + y*50/1024 + 20*b) % 256) }
	s.COG = true
	path := made(t, s, smooth)
	m, err := Open(Spec{Path: path, Size: 32})
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.plan(metreGrid(t), []grid.Cell{here}, false)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.levels) < 2 || p.level.overview < 0 || p.level.fx > 32 {
		t.Fatalf("level %+v of %+v: no overview is used for pixels 32 times coarser", p.level, m.levels)
	}
	s.COG = false
	cells := []grid.Cell{here, beside}
	full, _, _ := warped(t, Spec{Path: made(t, s, smooth), Size: 32}, metreGrid(t), cells, 1)
	reduced, _, _ := warped(t, Spec{Path: path, Size: 32}, metreGrid(t), cells, 1)
	// GDAL makes a COG's overviews by a cubic kernel, from rounded bytes.
	if largest, _ := difference(full, reduced); largest > 2 {
		t.Errorf("pictures from the overview differ by %d gray levels", largest)
	}
}

// TestPreview: the picture of a region shows what the cells' pictures show.
func TestPreview(t *testing.T) {
	s := covering(t, 400, 200)
	path := made(t, s, func(b, x, y int) float64 { return float64(x/2 + y/5 + b) })
	m, err := Open(Spec{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	n, err := m.Normalize(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	west, south, east, north := m.Bounds()
	p, err := m.Preview(context.Background(), m.CRS(), west, south, east+1000, north, 300, n)
	if err != nil {
		t.Fatal(err)
	}
	if p.Cols != 300 || p.Rows != 100 {
		t.Fatalf("%d x %d pixels", p.Cols, p.Rows)
	}
	for _, at := range [][2]int{{10, 10}, {199, 70}, {150, 99}} {
		x, y := (float64(at[0])+0.5)*2, (float64(at[1])+0.5)*2
		want := x/2 + y/5
		if got := float64(p.RGB[at[1]*300+at[0]]); got < want-2 || got > want+2 || p.Mask[at[1]*300+at[0]] != 1 {
			t.Errorf("pixel %v is %v, want %v", at, got, want)
		}
	}
	if p.Mask[50*300+201] != 0 || p.RGB[50*300+201] != 0 {
		t.Error("a pixel beyond the mosaic has a value")
	}
	if _, err := m.Preview(context.Background(), m.CRS(), east, south, west, north, 300, n); !fault.IsInput(err) {
		t.Errorf("a region turned round: %v", err)
	}
}

// TestSkipping: every k-th pixel is the one in the middle of k.
func TestSkipping(t *testing.T) {
	d, err := raster.Open(made(t, covering(t, 60, 30), texture), raster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &skipping{source: d, step: 3}
	defer s.Close()
	p := raster.Patch{X: 5, Y: 2, W: 10, H: 6}
	if err := s.ReadPatch([]int{3, 1}, &p); err != nil {
		t.Fatal(err)
	}
	for k, b := range []int{2, 0} {
		for y := range 6 {
			for x := range 10 {
				if got, want := float64(p.Data[k*60+y*10+x]), texture(b, (5+x)*3+1, (2+y)*3+1); got != want {
					t.Fatalf("band %d pixel %d, %d is %v, want %v", b+1, x, y, got, want)
				}
			}
		}
	}
}

// TestHalves: a cell whose source is too large to be read at once is made in
// parts, and looks the same.
func TestHalves(t *testing.T) {
	m, err := Open(Spec{Path: made(t, covering(t, 300, 150), texture), Size: 50, Resampling: "cubic"})
	if err != nil {
		t.Fatal(err)
	}
	g := metreGrid(t)
	w, err := m.newWorker(g.CRS(), m.levels[0])
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	west, south, east, north := g.Bounds(beside)
	for _, f := range []raster.Frame{
		{West: west, South: south, East: east, North: north, Cols: 50, Rows: 51},
		{West: west, South: south, East: east + 200, North: north, Cols: 61, Rows: 50},
	} {
		area := f.Cols * f.Rows
		whole, parts := make([]float32, 3*area), make([]float32, 3*area)
		mask, pieces := make([]uint8, area), make([]uint8, area)
		a, err := w.render(t.Context(), f, whole, mask)
		if err != nil {
			t.Fatal(err)
		}
		b, err := w.halves(t.Context(), f, parts, pieces)
		if err != nil {
			t.Fatal(err)
		}
		if a != b || !bytes.Equal(mask, pieces) {
			t.Errorf("%d valid pixels at once, %d in halves", a, b)
		}
		for i := range whole {
			// Tabulated kernels are right to 1/512 of a source pixel.
			if d := whole[i] - parts[i]; d > 0.25 || d < -0.25 {
				t.Fatalf("value %d: %v at once, %v in halves", i, whole[i], parts[i])
			}
		}
	}
}

// TestVRT: a mosaic of several files; its sources belong to its fingerprint, and
// one that has gone is an error.
func TestVRT(t *testing.T) {
	program, err := exec.LookPath("gdalbuildvrt")
	if err != nil {
		t.Skip("gdalbuildvrt is not installed")
	}
	s := covering(t, 160, 80)
	s.Width = 80
	west := made(t, s, texture)
	s.GeoTransform[0] += 1000
	east := made(t, s, texture)
	vrt := filepath.Join(t.TempDir(), "mosaic.vrt")
	if text, err := exec.Command(program, "-q", vrt, west, east).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	raster.Trust([]string{filepath.Dir(filepath.Dir(vrt))}) // its sources lie in other folders of this test
	defer raster.Trust(nil)
	_, r, n := warped(t, Spec{Path: vrt, Size: 40}, metreGrid(t), []grid.Cell{here, beside}, 1)
	if r.Coverage[0] != 1 || r.Coverage[1] != 1 || n.Source.Files != 3 {
		t.Errorf("coverage %v, source %+v", r.Coverage, n.Source)
	}
	if err := os.Chtimes(east, time.Time{}, n.Source.ModTime.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	_, _, again := warped(t, Spec{Path: vrt, Size: 40}, metreGrid(t), []grid.Cell{here}, 1)
	if again.Source.Fingerprint == n.Source.Fingerprint {
		t.Error("a source changed, the fingerprint did not")
	}
	if err := os.Remove(east); err != nil {
		t.Fatal(err)
	}
	if err := attempt(t, Spec{Path: vrt, Size: 40}, metreGrid(t), here, beside); !fault.IsInput(err) {
		t.Errorf("a source is gone: %v", err)
	}
}

// TestPaletteFile: one band of indices becomes three of colors. The file is a
// PNG with a world file and no CRS, which the configuration supplies.
func TestPaletteFile(t *testing.T) {
	dir := t.TempDir()
	img := image.NewPaletted(image.Rect(0, 0, 80, 40), color.Palette{color.NRGBA{250, 5, 5, 255}, color.NRGBA{0, 130, 200, 255}, color.NRGBA{9, 9, 9, 0}})
	for i := range img.Pix {
		img.Pix[i] = uint8(i % 80 / 35) // 0 to column 34, 1 to 69, transparent from 70
	}
	writeTile(t, dir, "map.png", img)
	west, _, _, north := metreGrid(t).Bounds(here)
	world := fmt.Sprintf("25\n0\n0\n-25\n%f\n%f\n", west+12.5, north-12.5)
	if err := os.WriteFile(filepath.Join(dir, "map.pgw"), []byte(world), 0o666); err != nil {
		t.Fatal(err)
	}
	spec := Spec{Path: filepath.Join(dir, "map.png"), Size: 40, Resampling: "near", MinCoverage: 0.5}
	if _, err := Open(spec); !fault.IsInput(err) || !strings.Contains(err.Error(), "crs") {
		t.Errorf("no CRS: %v", err)
	}
	spec.CRS = "EPSG:32633"
	rgb, r, _ := warped(t, spec, metreGrid(t), []grid.Cell{here, beside}, 1)
	for i, want := range map[int][3]uint8{0: {250, 5, 5}, 39: {0, 130, 200}, 3*1600 + 5: {0, 130, 200}, 3*1600 + 35: {0, 0, 0}} {
		if got := [3]uint8{rgb[i], rgb[i+1600], rgb[i+3200]}; got != want {
			t.Errorf("pixel %d is %v, want %v", i, got, want)
		}
	}
	if r.Coverage[0] != 1 || r.Coverage[1] != 0.75 {
		t.Errorf("coverage %v", r.Coverage)
	}
	spec.Bands = []int{1, 2, 4}
	if _, err := Open(spec); !fault.IsInput(err) {
		t.Errorf("band 4 of a palette: %v", err)
	}
}

// TestJPEG2000: a lossless JP2 makes the pictures of the GeoTIFF it came from.
func TestJPEG2000(t *testing.T) {
	program, err := exec.LookPath("gdal_translate")
	if err != nil {
		t.Skip("gdal_translate is not installed")
	}
	tif := made(t, covering(t, 160, 80), texture)
	jp2 := filepath.Join(t.TempDir(), "mosaic.jp2")
	if text, err := exec.Command(program, "-q", "-of", "JP2OpenJPEG", "-co", "QUALITY=100", "-co", "REVERSIBLE=YES", tif, jp2).CombinedOutput(); err != nil {
		t.Skipf("GDAL writes no JPEG 2000 here: %v: %s", err, text)
	}
	cells := []grid.Cell{here, beside}
	want, _, _ := warped(t, Spec{Path: tif, Size: 100}, metreGrid(t), cells, 1)
	got, _, _ := warped(t, Spec{Path: jp2, Size: 100}, metreGrid(t), cells, 2)
	if !bytes.Equal(got, want) {
		t.Error("other pictures than from the GeoTIFF")
	}
}
