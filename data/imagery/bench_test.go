package imagery

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

// Cells per second, beside gdalwarp making the same pixels in the same run:
//
//	go test ./data/imagery -run '^$' -bench Warp -benchtime 3x
//
// Ours writes each picture to its place in one file, as the store does; gdalwarp
// writes one uncompressed GeoTIFF. Both read the same source, warmed in the page
// cache by an earlier round.

// benchCase is a region of cells over a mosaic.
type benchCase struct {
	name, path       string
	x, y, cols, rows int64 // zoom 15
	size             int
}

func (c benchCase) cells() []grid.Cell {
	var cells []grid.Cell
	for y := range c.rows {
		for x := range c.cols {
			cells = append(cells, grid.Cell{Col: c.x + x, Row: c.y + y})
		}
	}
	return cells
}

// tiledMosaic writes an uncompressed tiled RGB GeoTIFF that covers c's cells.
func tiledMosaic(b *testing.B, c benchCase, epsg string, resolution float64) string {
	b.Helper()
	crs, err := raster.ParseCRS(epsg)
	if err != nil {
		b.Fatal(err)
	}
	g, err := grid.New(grid.Spec{Zoom: 15})
	if err != nil {
		b.Fatal(err)
	}
	west, south, east, north := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	t, err := raster.NewTransform(g.CRS(), crs)
	if err != nil {
		b.Fatal(err)
	}
	defer t.Close()
	for _, cell := range c.cells() {
		x0, y0, x1, y1 := g.Bounds(cell)
		x, y := []float64{x0, x1, x0, x1}, []float64{y0, y0, y1, y1}
		if err := t.Points(x, y); err != nil {
			b.Fatal(err)
		}
		for i := range x {
			west, east = math.Min(west, x[i]), math.Max(east, x[i])
			south, north = math.Min(south, y[i]), math.Max(north, y[i])
		}
	}
	west, north = west-10*resolution, north+10*resolution
	w, h := int((east-west)/resolution)+10, int((north-south)/resolution)+10
	path := filepath.Join(b.TempDir(), "mosaic.tif")
	out, err := raster.Create(path, raster.Spec{Width: w, Height: h, Bands: 3, DType: raster.Byte, CRS: crs,
		GeoTransform: raster.North(west, north, resolution, resolution), Tiled: true, Compress: "NONE", Options: map[string]string{"INTERLEAVE": "PIXEL"}})
	if err != nil {
		b.Fatal(err)
	}
	line := make([]uint8, 256*w)
	for y := 0; y < h; y += 256 {
		for band := range 3 {
			for i := range line {
				line[i] = uint8((i%w)*(band+3)/7 + (y+i/w)/(band+2) + i*i%11)
			}
			if err := raster.Write(out, band+1, 0, y, w, min(256, h-y), line); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := out.Close(); err != nil {
		b.Fatal(err)
	}
	return path
}

func BenchmarkWarp(b *testing.B) {
	tokyo := benchCase{"tokyo-64px", "", 29072, 12872, 64, 64, 64}
	b.Run(tokyo.name, func(b *testing.B) {
		tokyo.path = shared(b, tokyoImage)
		compareSpeed(b, tokyo)
	})
	thousand := benchCase{"1000-256px-same-crs-4.8m", "", 29072, 12872, 40, 25, 256}
	b.Run(thousand.name, func(b *testing.B) {
		thousand.path = tiledMosaic(b, thousand, "EPSG:3857", 4.7)
		compareSpeed(b, thousand)
	})
	fine := benchCase{"25-256px-utm-1m", "", 29072, 12872, 5, 5, 256}
	b.Run(fine.name, func(b *testing.B) {
		fine.path = tiledMosaic(b, fine, "EPSG:32654", 1)
		compareSpeed(b, fine)
	})
	utm := benchCase{"1000-256px-utm-10m", "", 29072, 12872, 40, 25, 256}
	b.Run(utm.name, func(b *testing.B) {
		utm.path = tiledMosaic(b, utm, "EPSG:32654", 10)
		compareSpeed(b, utm)
	})
}

func compareSpeed(b *testing.B, c benchCase) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers-%d", workers), func(b *testing.B) { ours(b, c, workers) })
		b.Run(fmt.Sprintf("gdalwarp-threads-%d", workers), func(b *testing.B) { theirs(b, c, workers) })
	}
}

func ours(b *testing.B, c benchCase, workers int) {
	g, err := grid.New(grid.Spec{Zoom: 15})
	if err != nil {
		b.Fatal(err)
	}
	cells := c.cells()
	file, err := os.Create(filepath.Join(b.TempDir(), "images"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	for b.Loop() {
		m, err := Open(Spec{Path: c.path, Size: c.size})
		if err != nil {
			b.Fatal(err)
		}
		n, err := m.Normalize(context.Background(), workers)
		if err != nil {
			b.Fatal(err)
		}
		_, err = m.Warp(context.Background(), g, cells, n, Options{Workers: workers}, func(i int, _ float64, rgb []uint8) error {
			_, err := file.WriteAt(rgb, int64(i)*int64(len(rgb)))
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(cells)*b.N)/b.Elapsed().Seconds(), "cells/s")
}

func theirs(b *testing.B, c benchCase, threads int) {
	program, err := exec.LookPath("gdalwarp")
	if err != nil {
		b.Skip("gdalwarp is not installed")
	}
	g, err := grid.New(grid.Spec{Zoom: 15})
	if err != nil {
		b.Fatal(err)
	}
	west, _, _, north := g.Bounds(grid.Cell{Col: c.x, Row: c.y})
	_, south, east, _ := g.Bounds(grid.Cell{Col: c.x + c.cols - 1, Row: c.y + c.rows - 1})
	out := filepath.Join(b.TempDir(), "out.tif")
	args := []string{"-q", "-overwrite", "-t_srs", "EPSG:3857", "-te", fmt.Sprint(west), fmt.Sprint(south), fmt.Sprint(east), fmt.Sprint(north),
		"-ts", fmt.Sprint(c.cols * int64(c.size)), fmt.Sprint(c.rows * int64(c.size)), "-r", "bilinear", "-wm", "512", "--config", "GDAL_CACHEMAX", "1024"}
	if threads > 1 {
		args = append(args, "-multi", "-wo", fmt.Sprintf("NUM_THREADS=%d", threads))
	}
	args = append(args, c.path, out)
	for b.Loop() {
		if text, err := exec.Command(program, args...).CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, text)
		}
	}
	b.ReportMetric(float64(c.cols*c.rows)*float64(b.N)/b.Elapsed().Seconds(), "cells/s")
}
