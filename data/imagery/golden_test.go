package imagery

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"opencarbon/data/grid"
)

// shared returns the path of a file of the real data set, or skips the test.
func shared(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("real data is not here: %s", path)
	}
	return path
}

const (
	tokyoImage  = "tokyo/landsat8_20211228.tif"
	berlinImage = "berlin/sentinel2_20241024.tif"
)

type goldenFile struct {
	BerlinLow  []float64 `json:"berlin_low"`
	BerlinHigh []float64 `json:"berlin_high"`
	Cases      []struct {
		Name, Source, Kernel string
		Grid                 struct {
			Scheme     string
			Zoom, EPSG int
			Metres     float64
		}
		Size  int
		Cells [][2]int64
	}
}

// golden reads what testdata/referee.py wrote: the cases, and their pictures.
func golden(t *testing.T) (*goldenFile, []byte) {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	g := new(goldenFile)
	if err := json.Unmarshal(text, g); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("testdata/golden.bin.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return g, blob
}

// warped makes the pictures of cells, [N, 3, H, W]; those left out stay 0.
func warped(t testing.TB, spec Spec, g *grid.Grid, cells []grid.Cell, workers int) ([]uint8, *Report, *Normalization) {
	t.Helper()
	m, err := Open(spec)
	if err != nil {
		t.Fatal(err)
	}
	n, err := m.Normalize(context.Background(), workers)
	if err != nil {
		t.Fatal(err)
	}
	each := 3 * m.Size() * m.Size()
	out := make([]uint8, each*len(cells))
	r, err := m.Warp(context.Background(), g, cells, n, Options{Workers: workers}, func(i int, _ float64, rgb []uint8) error {
		copy(out[i*each:], rgb)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out, r, n
}

// difference returns the largest and the mean difference in gray levels.
func difference(a, b []uint8) (largest int, mean float64) {
	sum := 0
	for i := range a {
		d := int(a[i]) - int(b[i])
		if d < 0 {
			d = -d
		}
		sum += d
		largest = max(largest, d)
	}
	return largest, float64(sum) / float64(len(a))
}

// TestGoldenGdalwarp compares pictures with gdalwarp's: every pixel to one gray
// level, which rounding may cost. The exception is average in a turned picture,
// where gdalwarp takes the bounding box of a pixel's turned footprint and we its
// true width.
func TestGoldenGdalwarp(t *testing.T) {
	file, blob := golden(t)
	for _, c := range file.Cases {
		t.Run(c.Name, func(t *testing.T) {
			each := 3 * c.Size * c.Size
			want := blob[:each*len(c.Cells)]
			blob = blob[len(want):]
			spec := Spec{Path: shared(t, tokyoImage), Size: c.Size, Resampling: c.Kernel}
			if c.Source == "berlin" {
				spec.Path, spec.Bands = shared(t, berlinImage), []int{3, 2, 1}
			}
			g, err := grid.New(grid.Spec{Scheme: c.Grid.Scheme, Zoom: c.Grid.Zoom, EPSG: c.Grid.EPSG, CellMetres: c.Grid.Metres})
			if err != nil {
				t.Fatal(err)
			}
			var cells []grid.Cell
			for _, xy := range c.Cells {
				cells = append(cells, grid.Cell{Col: xy[0], Row: xy[1]})
			}
			got, r, n := warped(t, spec, g, cells, 1)
			for i := range cells {
				if r.Coverage[i] != 1 {
					t.Errorf("cell %v: coverage %v", cells[i], r.Coverage[i])
				}
			}
			if c.Source == "berlin" {
				for i := range 3 {
					if n.Low[i] != file.BerlinLow[i] || n.High[i] != file.BerlinHigh[i] {
						t.Errorf("percentiles of band %d: %v, %v; numpy has %v, %v", i, n.Low[i], n.High[i], file.BerlinLow[i], file.BerlinHigh[i])
					}
				}
			}
			largest, mean := difference(got, want)
			t.Logf("largest difference %d, mean %.4f gray levels", largest, mean)
			limit := 1
			if c.Kernel == "average" && c.Source == "berlin" {
				limit = 12
			}
			if largest > limit || mean > 0.7 {
				t.Errorf("largest difference %d, mean %.3f gray levels", largest, mean)
			}
		})
	}
}

// TestGoldenTokyoWhole makes all 4,096 cells and compares the mean of each with
// that of gdalwarp's picture of the whole mosaic.
func TestGoldenTokyoWhole(t *testing.T) {
	path := shared(t, tokyoImage)
	_, blob := golden(t)
	want := blob[len(blob)-64*64*3*2:]
	m, err := Open(Spec{Path: path, Size: 64})
	if err != nil {
		t.Fatal(err)
	}
	n, err := m.Normalize(context.Background(), 2)
	if err != nil {
		t.Fatal(err)
	}
	g, cells := tokyoCells(t)
	var mu sync.Mutex
	worst, calls := 0.0, 0
	r, err := m.Warp(context.Background(), g, cells, n, Options{Workers: 2}, func(i int, _ float64, rgb []uint8) error {
		mu.Lock()
		defer mu.Unlock()
		calls++
		for b := range 3 {
			sum := 0
			for _, v := range rgb[b*64*64 : (b+1)*64*64] {
				sum += int(v)
			}
			have := float64(sum) / (64 * 64)
			worst = math.Max(worst, math.Abs(have-float64(binary.LittleEndian.Uint16(want[(i*3+b)*2:]))/256))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if calls != 4096 || r.Dropped != 0 || r.Empty != 0 {
		t.Errorf("%d pictures, %d dropped, %d empty", calls, r.Dropped, r.Empty)
	}
	t.Logf("largest difference of a cell's mean: %.4f gray levels", worst)
	// Magnifying bytes by two makes many exact halves (n/16), which may be rounded
	// either way: a bias of that size, and no more.
	if worst > 0.15 {
		t.Errorf("the mean of a cell differs by %.3f gray levels from gdalwarp's", worst)
	}
}

// tokyoCells lists the Tokyo mosaic's cells, north to south, west to east.
func tokyoCells(t testing.TB) (*grid.Grid, []grid.Cell) {
	t.Helper()
	g, err := grid.New(grid.Spec{Scheme: grid.XYZ, Zoom: 15})
	if err != nil {
		t.Fatal(err)
	}
	var cells []grid.Cell
	for y := int64(12872); y <= 12935; y++ {
		for x := int64(29072); x <= 29135; x++ {
			cells = append(cells, grid.Cell{Col: x, Row: y})
		}
	}
	return g, cells
}

// TestWorkersAgree: pictures do not depend on how the work is divided.
func TestWorkersAgree(t *testing.T) {
	path := shared(t, tokyoImage)
	g, cells := tokyoCells(t)
	cells = cells[:300]
	one, _, _ := warped(t, Spec{Path: path, Size: 32}, g, cells, 1)
	three, _, _ := warped(t, Spec{Path: path, Size: 32}, g, cells, 3)
	if !bytes.Equal(one, three) {
		t.Error("one worker and three make different pictures")
	}
	alone, _, _ := warped(t, Spec{Path: path, Size: 32}, g, cells[177:178], 1)
	if each := 3 * 32 * 32; !bytes.Equal(one[177*each:178*each], alone) {
		t.Error("a cell made alone differs from the same cell made in a group")
	}
}
