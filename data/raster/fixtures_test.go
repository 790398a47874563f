//go:build !nogdal

package raster

import (
	"os"
	"path/filepath"
	"testing"
)

// sharedData returns the path of a real file, or skips.
func sharedData(t testing.TB, name string) string {
	t.Helper()
	p := filepath.Join("..", "..", "..", "shared", "data", name)
	if _, err := os.Stat(p); err != nil {
		t.Skipf("real data absent: %s", p)
	}
	return p
}

func mustCRS(t testing.TB, s string) *CRS {
	t.Helper()
	c, err := ParseCRS(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// writeTIFF writes a float64 raster whose pixel (col, row) of band b holds
// value(b, col, row).
func writeTIFF(t testing.TB, path string, s Spec, value func(band, col, row int) float64) {
	t.Helper()
	w, err := Create(path, s)
	if err != nil {
		t.Fatal(err)
	}
	for b := 1; b <= max(s.Bands, 1); b++ {
		data := make([]float64, s.Width*s.Height)
		for i := range data {
			data[i] = value(b, i%s.Width, i/s.Width)
		}
		if err := Write(w, b, 0, 0, s.Width, s.Height, data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// onlyFiles fails unless dir holds exactly these names: no temporary file may be
// left.
func onlyFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if len(got) != len(want) {
		t.Fatalf("folder holds %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("folder holds %q, want %q", got, want)
		}
	}
}
