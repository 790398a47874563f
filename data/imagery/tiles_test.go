package imagery

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"image"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

// The web-mercator tiles that the made folders hold, at zoom 15.
const tileX, tileY = 17000, 10000

func webGrid(t testing.TB) *grid.Grid {
	t.Helper()
	g, err := grid.New(grid.Spec{Zoom: 15})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// picture is a tile of px pixels whose texture continues over the folder.
func picture(px, x, y int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, px, px))
	for j := range px {
		for i := range px {
			u, v := (x-tileX)*px+i, (y-tileY)*px+j
			img.SetNRGBA(i, j, color.NRGBA{uint8(texture(0, u, v)), uint8(texture(1, u, v)), uint8(texture(2, u, v)), 255})
		}
	}
	return img
}

// TestTilesComeThroughUnchanged: on the grid of the tiles' own zoom and size,
// every kernel hands out the tiles' pixels, in each layout of names.
func TestTilesComeThroughUnchanged(t *testing.T) {
	layouts := []struct {
		name   func(x, y int) string
		path   string
		zoom   int
		kernel string
	}{
		{func(x, y int) string { return fmt.Sprintf("15/%d/%d.png", x, y) }, "", 0, "bilinear"},
		{func(x, y int) string { return fmt.Sprintf("city/15/%d/%d.PNG", x, y) }, "", 0, "near"},
		{func(x, y int) string { return fmt.Sprintf("district%d/%d_%d.png", x%2, x, y) }, "", 15, "cubic"},
		{func(x, y int) string { return fmt.Sprintf("x%d/z15y%d.png", x, y) }, "x{x}/z{z}y{y}.png", 0, "average"},
		{func(x, y int) string { return fmt.Sprintf("15/%d/%d.png", x, 1<<15-1-y) }, "{z}/{x}/{-y}.png", 0, "bilinear"},
	}
	for k, l := range layouts {
		dir := t.TempDir()
		const px = 64
		var cells []grid.Cell
		var want []uint8
		for y := tileY; y < tileY+2; y++ {
			for x := tileX; x < tileX+3; x++ {
				img := picture(px, x, y)
				name := l.name(x, y)
				writeTile(t, dir, strings.Replace(name, ".PNG", ".png", 1), img)
				if strings.HasSuffix(name, ".PNG") {
					if err := os.Rename(filepath.Join(dir, strings.Replace(name, ".PNG", ".png", 1)), filepath.Join(dir, name)); err != nil {
						t.Fatal(err)
					}
				}
				cells = append(cells, grid.Cell{Col: int64(x), Row: int64(y)})
				for b := range 3 {
					for i := range px * px {
						want = append(want, img.Pix[4*i+b])
					}
				}
			}
		}
		spec := Spec{Path: filepath.Join(dir, l.path), Size: px, Resampling: l.kernel, TileZoom: l.zoom}
		got, r, n := warped(t, spec, webGrid(t), cells, 2)
		if !bytes.Equal(got, want) {
			t.Errorf("layout %d: the pixels are not the tiles'", k)
		}
		if n.TileZoom != 15 || n.Source.Files != 6 || r.Coverage[5] != 1 {
			t.Errorf("layout %d: %+v, coverage %v", k, n, r.Coverage)
		}
	}
}

// TestTilesEqualGeoTIFF: a folder of tiles of 256 or 512 pixels, one of them
// missing, makes the pictures that one GeoTIFF of the same pixels makes, in
// another zoom and another CRS too.
func TestTilesEqualGeoTIFF(t *testing.T) {
	for _, px := range []int{256, 512} {
		dir := t.TempDir()
		data := make([][]uint8, 4)
		for b := range data {
			data[b] = make([]uint8, 9*px*px)
		}
		for y := range 3 {
			for x := range 3 {
				if x == 2 && y == 2 {
					continue
				}
				img := picture(px, tileX+x, tileY+y)
				writeTile(t, dir, fmt.Sprintf("15/%d/%d.png", tileX+x, tileY+y), img)
				for i := range px * px {
					at := (y*px+i/px)*3*px + x*px + i%px
					for b := range data {
						data[b][at] = img.Pix[4*i+b]
					}
				}
			}
		}
		g := webGrid(t)
		west, _, east, north := g.Bounds(grid.Cell{Col: tileX, Row: tileY})
		path := filepath.Join(dir, "whole.tif")
		w, err := raster.Create(path, raster.Spec{Width: 3 * px, Height: 3 * px, Bands: 4, DType: raster.Byte, CRS: crsOf(t, "EPSG:3857"),
			GeoTransform: raster.North(west, north, (east-west)/float64(px), (east-west)/float64(px)), Color: []string{"Red", "Green", "Blue", "Alpha"}})
		if err != nil {
			t.Fatal(err)
		}
		for b := range data {
			if err := raster.Write(w, b+1, 0, 0, 3*px, 3*px, data[b]); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		degrees, err := grid.New(grid.Spec{Scheme: grid.Degrees})
		if err != nil {
			t.Fatal(err)
		}
		finer, err := grid.New(grid.Spec{Zoom: 16})
		if err != nil {
			t.Fatal(err)
		}
		transform, err := raster.NewTransform(g.CRS(), degrees.CRS())
		if err != nil {
			t.Fatal(err)
		}
		defer transform.Close()
		x, y := g.Center(grid.Cell{Col: tileX + 1, Row: tileY + 1})
		xs, ys := []float64{x}, []float64{y}
		if err := transform.Points(xs, ys); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			g    *grid.Grid
			cell grid.Cell
		}{{finer, grid.Cell{Col: 2*tileX + 3, Row: 2*tileY + 3}}, {degrees, degrees.At(xs[0], ys[0])}} {
			a, ra, _ := warped(t, Spec{Path: dir, Size: 100, MinCoverage: 0.1}, c.g, []grid.Cell{c.cell}, 1)
			b, rb, _ := warped(t, Spec{Path: path, Size: 100, MinCoverage: 0.1}, c.g, []grid.Cell{c.cell}, 1)
			if largest, _ := difference(a, b); largest > 1 || ra.Coverage[0] != rb.Coverage[0] {
				t.Errorf("%d px, %s: pictures differ by %d, coverage %v and %v", px, c.g, largest, ra.Coverage[0], rb.Coverage[0])
			}
		}
	}
}

// TestTileColors: JPEG, gray and 16-bit tiles have the colors they show.
func TestTileColors(t *testing.T) {
	dir := t.TempDir()
	flat := func(c color.Color, img interface {
		image.Image
		Set(x, y int, c color.Color)
	}) image.Image {
		for i := range 64 * 64 {
			img.Set(i%64, i/64, c)
		}
		return img
	}
	r := image.Rect(0, 0, 64, 64)
	writeTile(t, dir, fmt.Sprintf("15/%d/%d.jpg", tileX, tileY), flat(color.RGBA{200, 100, 50, 255}, image.NewRGBA(r)))
	writeTile(t, dir, fmt.Sprintf("15/%d/%d.png", tileX+1, tileY), flat(color.Gray{77}, image.NewGray(r)))
	writeTile(t, dir, fmt.Sprintf("15/%d/%d.png", tileX+2, tileY), flat(color.NRGBA64{0x8000, 0x4000, 0xffff, 0xffff}, image.NewNRGBA64(r)))
	writeTile(t, dir, fmt.Sprintf("15/%d/%d.png", tileX+3, tileY), flat(color.NRGBA{9, 9, 9, 100}, image.NewNRGBA(r)))
	var cells []grid.Cell
	for i := range int64(4) {
		cells = append(cells, grid.Cell{Col: tileX + i, Row: tileY})
	}
	rgb, report, _ := warped(t, Spec{Path: dir, Size: 64}, webGrid(t), cells, 1)
	for i, want := range [][3]int{{200, 100, 50}, {77, 77, 77}, {128, 64, 255}, {0, 0, 0}} {
		for b := range 3 {
			got := int(rgb[(i*3+b)*4096+2000])
			if d := got - want[b]; d < -2 || d > 2 {
				t.Errorf("tile %d band %d is %d, want %d", i, b, got, want[b])
			}
		}
	}
	if report.Empty != 1 { // less than half opaque
		t.Errorf("%+v", report)
	}
}

// TestHighestZoomIsTaken unless another one is asked for.
func TestHighestZoomIsTaken(t *testing.T) {
	dir := t.TempDir()
	writeTile(t, dir, fmt.Sprintf("14/%d/%d.png", tileX/2, tileY/2), picture(64, tileX, tileY))
	writeTile(t, dir, fmt.Sprintf("15/%d/%d.png", tileX, tileY), picture(64, tileX, tileY))
	for zoom, want := range map[int]int{0: 15, 14: 14, 12: 15} {
		m, err := Open(Spec{Path: dir, TileZoom: zoom})
		if err != nil {
			t.Fatal(err)
		}
		if m.tiles.zoom != want {
			t.Errorf("asked for zoom %d: read %d, want %d", zoom, m.tiles.zoom, want)
		}
	}
}

// TestArchives: the same mosaic inside .zip and .gz makes the same pictures.
func TestArchives(t *testing.T) {
	path := made(t, covering(t, 64, 32), texture)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var zipped, gzipped bytes.Buffer
	z := zip.NewWriter(&zipped)
	inner, err := z.Create("inside/mosaic.tif")
	if err != nil {
		t.Fatal(err)
	}
	gz := gzip.NewWriter(&gzipped)
	for _, w := range []io.Writer{inner, gz} {
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	want, _, _ := warped(t, Spec{Path: path, Size: 48}, metreGrid(t), []grid.Cell{here, beside}, 1)
	for ending, buf := range map[string]*bytes.Buffer{".zip": &zipped, ".tif.gz": &gzipped} {
		archive := strings.TrimSuffix(path, ".tif") + ending
		if err := os.WriteFile(archive, buf.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		got, _, n := warped(t, Spec{Path: archive, Size: 48}, metreGrid(t), []grid.Cell{here, beside}, 2)
		if !bytes.Equal(got, want) || n.Source.Files != 1 {
			t.Errorf("%s: other pictures than without the archive", ending)
		}
	}
}

// FuzzTilePattern: a pattern is refused with an error of the user's kind or
// understood, and never a panic.
func FuzzTilePattern(f *testing.F) {
	for _, s := range []string{"{z}/{x}/{y}.png", "tiles/{x}_{y}.jpg", "a/{z}/{x}/{-y}.png", "{x}{x}{y}", "{x}/(y}", "{-y}{x}[\\"} {
		f.Add(s, "15/17000/10000.png")
	}
	f.Fuzz(func(t *testing.T, pattern, file string) {
		if !isPattern(pattern) {
			return
		}
		_, expr, err := splitPattern(pattern)
		if err != nil {
			if !fault.IsInput(err) {
				t.Errorf("%q: %v", pattern, err)
			}
			return
		}
		if match := expr[0].FindStringSubmatch(file); match != nil {
			found := map[int]map[[2]int]string{}
			if err := addTile(found, expr[0], match, file, pattern, 15); err != nil && !fault.IsInput(err) {
				t.Errorf("%q: %v", file, err)
			}
			for z, tiles := range found {
				for at := range tiles {
					if at[0] < 0 || at[1] < 0 || at[0] >= 1<<z || at[1] >= 1<<z {
						t.Errorf("tile %v at zoom %d", at, z)
					}
				}
			}
		}
	})
}
