//go:build !nogdal

package raster

import (
	"archive/zip"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"opencarbon/data/fault"
)

func TestWriteAndRead(t *testing.T) {
	nodata := -9999.0
	for _, dtype := range []DType{Byte, UInt16, Int16, UInt32, Int32, Float32, Float64} {
		t.Run(string(dtype), func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "a.tif")
			s := Spec{Width: 37, Height: 21, Bands: 2, DType: dtype, CRS: mustCRS(t, "EPSG:27700"), GeoTransform: North(500000, 200000, 100, 100),
				Metadata: map[string]string{"YEAR": "2019"}, Unit: "tCO2/yr", Descriptions: []string{"first", "second"}, Tiled: dtype == Float64}
			if dtype == Float64 {
				s.Nodata = &nodata
			}
			value := func(b, c, r int) float64 { return float64((b*50 + c + r) % 200) }
			writeTIFF(t, path, s, value)
			onlyFiles(t, dir, "a.tif")
			d, err := Open(path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			gt, ok := d.GeoTransform()
			if d.Width() != 37 || d.Height() != 21 || d.Bands() != 2 || d.DType() != dtype || !ok || gt != s.GeoTransform || d.CRS().String() != "EPSG:27700" {
				t.Fatalf("facts are wrong: %d x %d, %d bands of %s, %v, %s", d.Width(), d.Height(), d.Bands(), d.DType(), gt, d.CRS())
			}
			if v, ok := d.Nodata(1); ok != (s.Nodata != nil) || (ok && v != nodata) {
				t.Errorf("nodata %g %v", v, ok)
			}
			got := make([]float64, 5*4)
			if err := d.Read(2, 30, 10, 5, 4, got); err != nil {
				t.Fatal(err)
			}
			for i, v := range got {
				if want := value(2, 30+i%5, 10+i/5); v != want {
					t.Fatalf("pixel %d: %g, want %g", i, v, want)
				}
			}
			bytes := make([]uint8, 2*3*3)
			if err := d.ReadBytes([]int{2, 1}, 0, 0, 3, 3, bytes); err != nil {
				t.Fatal(err)
			}
			if bytes[0] != 100 || bytes[9] != 50 || bytes[17] != 54 {
				t.Errorf("bytes by band: %v", bytes)
			}
			for _, w := range [][4]int{{-1, 0, 2, 2}, {0, 0, 38, 1}, {36, 0, 2, 1}, {0, 21, 1, 1}, {0, 0, 0, 1}} {
				if err := d.Read(1, w[0], w[1], w[2], w[3], make([]float64, 100)); err == nil {
					t.Errorf("window %v read", w)
				}
			}
			if err := d.Read(1, 0, 0, 5, 5, make([]float64, 24)); err == nil {
				t.Error("read into too little room")
			}
			if err := d.Read(3, 0, 0, 1, 1, got); !fault.IsInput(err) || !strings.Contains(err.Error(), "bands 1 to 2") {
				t.Errorf("band 3: %v", err)
			}
		})
	}
}

// TestReadAgainstGDAL compares windows of a real file with what GDAL's own
// gdallocationinfo prints.
func TestReadAgainstGDAL(t *testing.T) {
	path := sharedData(t, "berlin/sentinel2_20241024.tif")
	if _, err := exec.LookPath("gdallocationinfo"); err != nil {
		t.Skip("gdallocationinfo is not installed (gdal-bin)")
	}
	d, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if d.Bands() != 10 || d.DType() != Float64 || d.CRS().String() != "EPSG:32633" {
		t.Fatalf("%d bands of %s in %s", d.Bands(), d.DType(), d.CRS())
	}
	for _, at := range [][3]int{{1, 0, 0}, {3, 100, 200}, {10, 347, 347}} {
		got := make([]float64, 1)
		if err := d.Read(at[0], at[1], at[2], 1, 1, got); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("gdallocationinfo", "-valonly", "-b", fmt.Sprint(at[0]), path, fmt.Sprint(at[1]), fmt.Sprint(at[2])).Output()
		if err != nil {
			t.Fatal(err)
		}
		var want float64
		fmt.Sscan(string(out), &want)
		if math.Abs(got[0]-want) > 1e-9*math.Abs(want) {
			t.Errorf("band %d at %d, %d: %g, gdallocationinfo says %g", at[0], at[1], at[2], got[0], want)
		}
	}
}

// TestNodata: a float32 band's nodata value has to be recognized although its
// decimal form is no float32 (the Berlin file's -3.4e38).
func TestNodata(t *testing.T) {
	path := sharedData(t, "berlin/traffic_co2_20220906_hourly.tif")
	d, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	all := make([]float64, d.Width()*d.Height())
	mask := make([]uint8, len(all))
	if err := d.Read(1, 0, 0, d.Width(), d.Height(), all); err != nil {
		t.Fatal(err)
	}
	if err := d.ReadMask(1, 0, 0, d.Width(), d.Height(), mask); err != nil {
		t.Fatal(err)
	}
	gaps := 0
	for i, v := range all {
		if d.IsNodata(1, v) != (mask[i] == 0) {
			t.Fatalf("pixel %d (%g): mask says %d", i, v, mask[i])
		}
		if mask[i] == 0 {
			gaps++
		}
	}
	if gaps == 0 || gaps == len(all) {
		t.Errorf("%d of %d pixels are nodata", gaps, len(all))
	}
}

func TestDeclaredNodataAndCRS(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.tif")
	writeTIFF(t, path, Spec{Width: 4, Height: 4, GeoTransform: North(0, 0, 1, 1)}, func(_, c, r int) float64 { return float64(c) })
	two := 2.0
	d, err := Open(path, Options{Nodata: &two, CRS: "EPSG:4326"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if !d.IsNodata(1, 2) || d.IsNodata(1, 1) || !d.IsNodata(1, math.NaN()) || d.CRS().String() != "EPSG:4326" {
		t.Error("what the file does not say was not added")
	}
}

func TestCOG(t *testing.T) {
	if _, err := exec.LookPath("gdalinfo"); err != nil {
		t.Skip("gdalinfo is not installed (gdal-bin)")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "cog.tif")
	writeTIFF(t, path, Spec{Width: 1100, Height: 900, Bands: 3, DType: Byte, COG: true, CRS: mustCRS(t, "EPSG:3857"), GeoTransform: North(0, 0, 10, 10),
		Color: []string{"Red", "Green", "Blue"}, Unit: "m", Metadata: map[string]string{"A": "b"}}, func(b, c, r int) float64 { return float64((c/10 + b) % 256) })
	onlyFiles(t, dir, "cog.tif")
	out, err := exec.Command("gdalinfo", path).CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"LAYOUT=COG", "Overviews: 550x450", "ColorInterp=Blue", "Unit Type: m", "A=b", "COMPRESSION=DEFLATE"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("gdalinfo does not show %s", want)
		}
	}
}

func TestArchives(t *testing.T) {
	dir := t.TempDir()
	tif := filepath.Join(dir, "a.tif")
	writeTIFF(t, tif, Spec{Width: 8, Height: 8, GeoTransform: North(0, 0, 1, 1), CRS: mustCRS(t, "EPSG:4326")}, func(_, c, r int) float64 { return float64(10*r + c) })
	content, err := os.ReadFile(tif)
	if err != nil {
		t.Fatal(err)
	}
	create := func(name string, write func(io.Writer)) string {
		p := filepath.Join(dir, name)
		f, err := os.Create(p)
		if err != nil {
			t.Fatal(err)
		}
		write(f)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		return p
	}
	zipped := func(names ...string) func(io.Writer) {
		return func(w io.Writer) {
			z := zip.NewWriter(w)
			for _, n := range names {
				m, _ := z.Create(n)
				_, _ = m.Write(content)
			}
			_ = z.Close()
		}
	}
	one := create("one.zip", zipped("x/README.txt", "x/in.tif", "__MACOSX/x/in.tif"))
	two := create("two.zip", zipped("b.tif", "a.tif"))
	none := create("none.zip", zipped("README.txt"))
	bad := create("bad.zip", func(w io.Writer) { _, _ = w.Write([]byte("PK no")) })
	gz := create("a.tif.gz", func(w io.Writer) { g := gzip.NewWriter(w); _, _ = g.Write(content); _ = g.Close() })
	for _, p := range []string{one, gz, two + "/b.tif"} {
		d, err := Open(p, Options{})
		if err != nil {
			t.Errorf("%s: %v", p, err)
			continue
		}
		got := make([]float64, 1)
		if err := d.Read(1, 3, 5, 1, 1, got); err != nil || got[0] != 53 {
			t.Errorf("%s: pixel %g, %v", p, got[0], err)
		}
		d.Close()
	}
	for p, want := range map[string]string{two: "holds 2 files", none: "holds no raster", bad: "not a readable zip", two + "/c.tif": "cannot be opened"} {
		if _, err := Open(p, Options{}); !fault.IsInput(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", p, err, want)
		}
	}
}

func TestBadRasters(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.tif")
	noise := func(_, c, r int) float64 { return math.Sin(float64(c*c+7*r)) * 1e6 }
	writeTIFF(t, good, Spec{Width: 300, Height: 300, GeoTransform: North(0, 0, 1, 1)}, noise)
	content, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	file := func(name string, b []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, c := range []struct{ name, path, want string }{
		{"missing", filepath.Join(dir, "absent.tif"), "no such file"},
		{"empty name", "", "path is empty"},
		{"folder", dir, "this is a folder"},
		{"text", file("text.tif", []byte("hello")), "cannot be opened as a raster"},
		{"empty", file("empty.tif", nil), "cannot be opened as a raster"},
		{"cut header", file("head.tif", content[:4]), "cannot be opened as a raster"},
		{"NUL", "a\x00b", "NUL"},
		{"vector", emptyJSON(t, dir), "cannot be opened as a raster"},
	} {
		d, err := Open(c.path, Options{})
		if d != nil {
			d.Close()
		}
		if !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	t.Run("truncated", func(t *testing.T) {
		d, err := Open(file("cut.tif", content[:len(content)*2/3]), Options{})
		if err == nil {
			defer d.Close()
			err = d.Read(1, 0, 0, 300, 300, make([]float64, 300*300))
		}
		if !fault.IsInput(err) || !strings.Contains(err.Error(), "cut.tif") {
			t.Errorf("a truncated file gave %v, not an error that names it", err)
		}
	})
	t.Run("no CRS", func(t *testing.T) {
		d, err := Open(good, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if err := d.Georeferenced(); !fault.IsInput(err) || !strings.Contains(err.Error(), "no coordinate reference system") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("no geotransform", func(t *testing.T) {
		p := filepath.Join(dir, "nogt.tif")
		writeTIFF(t, p, Spec{Width: 3, Height: 3, CRS: mustCRS(t, "EPSG:4326")}, noise)
		d, err := Open(p, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if err := d.Georeferenced(); !fault.IsInput(err) || !strings.Contains(err.Error(), "geotransform") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("unreadable", func(t *testing.T) {
		if os.Getuid() == 0 {
			t.Skip("root may read everything")
		}
		p := file("secret.tif", content)
		if err := os.Chmod(p, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(p, Options{}); !fault.IsInput(err) || !strings.Contains(err.Error(), "chmod") {
			t.Errorf("error %v", err)
		}
	})
}

func emptyJSON(t *testing.T, dir string) string {
	p := filepath.Join(dir, "points.geojson")
	if err := os.WriteFile(p, []byte(`{"type":"FeatureCollection","features":[]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestErrorsStayApart reads good and damaged files from many goroutines at once:
// GDAL keeps its last message per thread, and each must reach its own caller.
func TestErrorsStayApart(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.tif")
	noise := func(_, c, r int) float64 { return math.Sin(float64(c*c+7*r)) * 1e6 }
	writeTIFF(t, good, Spec{Width: 200, Height: 200, GeoTransform: North(0, 0, 1, 1)}, noise)
	content, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			name := fmt.Sprintf("text%02d.tif", i)
			if err := os.WriteFile(filepath.Join(dir, name), []byte("no raster"), 0o644); err != nil {
				t.Error(err)
			}
			cut := fmt.Sprintf("cut%02d.tif", i)
			if err := os.WriteFile(filepath.Join(dir, cut), content[:len(content)/2], 0o644); err != nil {
				t.Error(err)
			}
			for range 10 {
				if _, err := Open(filepath.Join(dir, name), Options{}); err == nil || strings.Count(err.Error(), name) < 2 {
					t.Errorf("%s: GDAL's message is another's: %v", name, err)
				}
				for file, bad := range map[string]bool{good: false, filepath.Join(dir, cut): true} {
					d, err := Open(file, Options{})
					if err == nil {
						err = d.Read(1, 0, 0, 200, 200, make([]float64, 200*200))
						d.Close()
					}
					if (err != nil) != bad {
						t.Errorf("%s: %v", file, err)
					}
				}
			}
		})
	}
	wg.Wait()
}
