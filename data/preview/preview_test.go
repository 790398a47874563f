package preview

import (
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/store"
)

// build makes a store of a row of tiles, the last one a cell apart.
func build(t *testing.T, n, imageSize int, pois bool, g store.GridSpec) *store.Store {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "s")
	unit := "tCO2/yr"
	w, err := store.Create(dir, store.Meta{Name: "testville", Grid: g, TargetUnit: unit, Bounds: [4]float64{10, 46, 10.1, 46.05}}, n, imageSize)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	cells, lonlat, area := make([]store.Cell, n), make([]float64, 2*n), make([]float64, n)
	targets, splits := make([]float64, n), make([]store.Split, n)
	for i := range n {
		col := int64(i)
		if i == n-1 {
			col++
		}
		cells[i], area[i], targets[i], splits[i] = store.Cell{Col: col, Row: 7}, 1, math.Pow(10, float64(i)), store.Split(i%4)
		if imageSize > 0 {
			img := make([]uint8, 3*imageSize*imageSize)
			for k := range img {
				img[k] = uint8(50 * (k / (imageSize * imageSize)))
			}
			if err := w.SetImage(i, img); err != nil {
				t.Fatal(err)
			}
		}
	}
	targets[0] = math.NaN()
	w.SetCells(cells)
	w.SetLonLat(lonlat)
	w.SetAreaKM2(area)
	w.SetTargets(targets)
	w.SetSplits(splits)
	if pois {
		offsets := make([]int64, n+1)
		for i := 1; i <= n; i++ {
			offsets[i] = 1
		}
		w.SetPOIs([]string{"cafe"}, 32, offsets, store.Points{Category: []uint16{0}, Row: []uint16{1}, Col: []uint16{2}, Count: []float32{3}})
	}
	if err := w.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

var degrees = store.GridSpec{Scheme: "degrees", EPSG: 4326, CellSize: 1.0 / 120}

func decode(t *testing.T, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return img
}

// has reports whether a color covers at least n pixels, each channel within 2.
func has(img image.Image, c color.RGBA, n int) bool {
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, _ := img.At(x, y).RGBA()
			if near(r, c.R) && near(g, c.G) && near(bl, c.B) {
				if n--; n == 0 {
					return true
				}
			}
		}
	}
	return false
}

func near(a uint32, b uint8) bool { d := int(a>>8) - int(b); return d >= -2 && d <= 2 }

func TestPictures(t *testing.T) {
	s := build(t, 6, 32, true, degrees)
	dir := filepath.Join(t.TempDir(), "new", "folder")
	files, err := Write(t.Context(), s, dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(dir, ImageFile), filepath.Join(dir, MosaicFile), filepath.Join(dir, POIFile), filepath.Join(dir, EmissionsFile)}
	if !slices.Equal(files, want) {
		t.Fatalf("%v, want %v", files, want)
	}
	plain, mosaic, heat := decode(t, files[0]), decode(t, files[1]), decode(t, files[3])
	for split, c := range splitColors {
		if !has(mosaic, c, 100) {
			t.Errorf("the mosaic does not show %s", split)
		}
		if split != store.None && has(plain, c, 100) {
			t.Errorf("the images as they are show %s", split)
		}
	}
	// The first tile has no target, the second the least and the last the most.
	for name, c := range map[string]color.RGBA{"no sample": noValue, "least": viridis[0], "most": viridis[len(viridis)-1]} {
		if !has(heat, c, 100) {
			t.Errorf("the emission map does not show %s", name)
		}
	}
	if b := heat.Bounds(); b.Dx() < 600 || b.Dy() < 250 {
		t.Errorf("the picture is %v, too small to read", b)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 4 {
		t.Errorf("%d files in the folder", len(entries))
	}
}

func TestAbsent(t *testing.T) {
	s := build(t, 3, 0, false, store.GridSpec{Scheme: "projected", EPSG: 27700, CellSize: 1000})
	files, err := Write(t.Context(), s, t.TempDir())
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v: want the splits on gray and the emissions", files, err)
	}
	one := build(t, 1, 0, true, degrees) // no target, one value: no range to draw
	if files, err := Write(t.Context(), one, t.TempDir()); err != nil || len(files) != 2 {
		t.Fatalf("%v, %v: want splits and POIs", files, err)
	}
}

func TestRefusals(t *testing.T) {
	s := build(t, 2, 0, true, degrees)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(t.Context(), s, file); !fault.IsInput(err) {
		t.Errorf("a file for a folder: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if files, err := Write(ctx, s, t.TempDir()); !errors.Is(err, context.Canceled) || len(files) > 0 {
		t.Errorf("cancelled: %v, %v", files, err)
	}
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{0.02: "0.02", 1: "1", 999: "999", 1000: "1k", 23_700_000: "23.7M", 2e9: "2G"} {
		if got := number(v); got != want {
			t.Errorf("%v is printed %q, want %q", v, got, want)
		}
	}
	for _, k := range []struct {
		lo, hi float64
		want   []string
	}{{10, 10.2, []string{"10.00", "10.05", "10.10", "10.15", "10.20"}}, {500, 561, []string{"500", "520", "540", "560"}}} {
		var got []string
		for _, tick := range (plainTicks{5}).Ticks(k.lo, k.hi) {
			got = append(got, tick.Label)
		}
		if !slices.Equal(got, k.want) {
			t.Errorf("ticks from %v to %v: %v, want %v", k.lo, k.hi, got, k.want)
		}
	}
	if c := at(viridis, math.Inf(1)); c != viridis[9] {
		t.Errorf("beyond the end: %v", c)
	}
}
