//go:build !nogdal

package raster

import (
	"bytes"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"opencarbon/data/fault"
)

// TestBadWrites: nothing half-written is ever left.
func TestBadWrites(t *testing.T) {
	dir := t.TempDir()
	if _, err := Create(filepath.Join(dir, "no", "a.tif"), Spec{Width: 1, Height: 1}); !fault.IsInput(err) {
		t.Errorf("missing folder: %v", err)
	}
	if _, err := Create(filepath.Join(dir, "a.tif"), Spec{Width: 0, Height: 1}); err == nil {
		t.Error("no width accepted")
	}
	if _, err := Create(filepath.Join(dir, "a.tif"), Spec{Width: 8, Height: 8, Compress: "NONSENSE"}); !fault.IsInput(err) {
		t.Errorf("unknown compression: %v", err)
	}
	w, err := Create(filepath.Join(dir, "a.tif"), Spec{Width: 8, Height: 8})
	if err != nil {
		t.Fatal(err)
	}
	if err := Write(w, 1, 4, 4, 5, 5, make([]float32, 25)); err == nil {
		t.Error("window beyond the raster written")
	}
	if err := Write(w, 2, 0, 0, 1, 1, []uint8{1}); err == nil {
		t.Error("band 2 of 1 written")
	}
	w.Abort()
	w.Abort()
	if err := w.Close(); err == nil {
		t.Error("closing an aborted file succeeds")
	}
	onlyFiles(t, dir)
}

// TestFullDisk writes more than the process may: in a child whose files are
// limited to 200 kB, which looks to GDAL like a disk that has run full. The error
// must come back, with nothing left behind.
func TestFullDisk(t *testing.T) {
	if dir := os.Getenv("RASTER_TEST_FULL_DISK"); dir != "" {
		signal.Ignore(syscall.SIGXFSZ)
		limit := syscall.Rlimit{Cur: 200_000, Max: 200_000}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		fullRaster(t, filepath.Join(dir, "a.tif"), Spec{Compress: "NONE"})
		fullRaster(t, filepath.Join(dir, "cog.tif"), Spec{COG: true})
		fullVector(t, filepath.Join(dir, "a.gpkg"))
		fullVector(t, filepath.Join(dir, "a.geojson"))
		return
	}
	dir := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run=^TestFullDisk$")
	child.Env = append(os.Environ(), "RASTER_TEST_FULL_DISK="+dir)
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	} else if strings.Contains(string(out), "ERROR") {
		t.Errorf("GDAL spoke for itself:\n%s", out)
	}
	onlyFiles(t, dir)
}

func fullRaster(t *testing.T, path string, s Spec) {
	t.Helper()
	s.Width, s.Height = 1000, 1000
	w, err := Create(path, s)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]float32, 1000*1000)
	for i := range data {
		data[i] = float32(i*7919%10007) / 3
	}
	err = Write(w, 1, 0, 0, 1000, 1000, data)
	if err == nil {
		err = w.Close()
	} else {
		w.Abort()
	}
	if !fault.IsInput(err) || !strings.Contains(err.Error(), "disk has room") {
		t.Errorf("%s: error %v", path, err)
	}
}

func fullVector(t *testing.T, path string) {
	t.Helper()
	w, err := CreateVector(path, VectorSpec{CRS: mustCRS(t, "EPSG:4326"), Fields: []Field{{"name", Text}}})
	for i := 0; err == nil && i < 20_000; i++ {
		err = w.Add(square(float64(i%100), 0, 1), strings.Repeat("x", 100))
	}
	if err == nil {
		err = w.Close()
	} else {
		w.Abort()
	}
	if !fault.IsInput(err) || !strings.Contains(err.Error(), "disk has room") {
		t.Errorf("%s: error %v", path, err)
	}
}

// What lies beside an old file belongs to it until the new one is whole, and not
// a moment longer.
func TestSidecars(t *testing.T) {
	dir := t.TempDir()
	write := func(names ...string) {
		t.Helper()
		for _, n := range names {
			if err := os.WriteFile(filepath.Join(dir, n), []byte("old"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	write("p.gpkg", "p.gpkg-wal", "p.gpkg-shm", "p.tif", "p.tif.aux.xml", "p.tif.ovr", "p.tif.msk", "q.tif.ovr")
	vector := func() *VectorWriter {
		t.Helper()
		w, err := CreateVector(filepath.Join(dir, "p.gpkg"), VectorSpec{Fields: []Field{{Name: "n", Type: Integer}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Add(Geometry{}, 1); err != nil {
			t.Fatal(err)
		}
		return w
	}
	image := func() *Writer {
		t.Helper()
		w, err := Create(filepath.Join(dir, "p.tif"), Spec{Width: 2, Height: 2, COG: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := Write(w, 1, 0, 0, 2, 2, []float32{1, 2, 3, 4}); err != nil {
			t.Fatal(err)
		}
		return w
	}
	v, r := vector(), image()
	v.Abort()
	r.Abort()
	onlyFiles(t, dir, "p.gpkg", "p.gpkg-shm", "p.gpkg-wal", "p.tif", "p.tif.aux.xml", "p.tif.msk", "p.tif.ovr", "q.tif.ovr")
	v, r = vector(), image()
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	onlyFiles(t, dir, "p.gpkg", "p.tif", "q.tif.ovr")
}

// A GeoPackage of one date is the same file whenever it is written, its style too.
func TestVectorOfOneDate(t *testing.T) {
	write := func(at time.Time) []byte {
		path := filepath.Join(t.TempDir(), "p.gpkg")
		w, err := CreateVector(path, VectorSpec{Layer: "p", Points: true, CRS: mustCRS(t, "EPSG:4326"), Fields: []Field{{Name: "n", Type: Integer}}, Style: "<qgis/>", Changed: at})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Abort()
		if err := w.Add(Geometry{Points: [][2]float64{{1, 2}}}, 3); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	day := time.Date(2021, 3, 4, 5, 6, 7, 0, time.UTC)
	old := write(day)
	if !bytes.Contains(old, []byte("2021-03-04T05:06:07")) {
		t.Error("the date is not in the file")
	}
	if now := write(time.Time{}); bytes.Contains(now, []byte("2021-03-04")) {
		t.Error("the date stayed for the next file")
	}
	if !bytes.Equal(old, write(day)) {
		t.Error("the same content of the same date is another file")
	}
}
