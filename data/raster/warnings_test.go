//go:build !nogdal

package raster

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWarnings(t *testing.T) {
	Warnings()
	for i, msg := range []string{"strip 1: odd", "strip 2: odd", "other\x1b[2J", "strip 30: odd"} {
		warned(msg)
		if i == 1 {
			continue
		}
	}
	want := []string{"strip 1: odd (and 2 more like it)", `other\x1b[2J`}
	if got := Warnings(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := Warnings(); got != nil {
		t.Errorf("told twice: %q", got)
	}
}

// A file that GDAL reads with a remark is read, and the remark is kept once however
// often the file is opened; GDAL itself prints nothing.
func TestGDALsRemarks(t *testing.T) {
	// An ASCII grid whose header gives the cell's size twice over is fine; a world file
	// of too few lines beside a picture is remarked.
	path := filepath.Join(t.TempDir(), "a.asc")
	if err := os.WriteFile(path, []byte("ncols 2\nnrows 2\nxllcorner 0\nyllcorner 0\ncellsize 1\nnodata_value nonsense\n1 2\n3 4\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	Warnings()
	for range 40 {
		_ = native(func() error { warnLikeGDAL("unknown field with tag 42113"); return nil })
		if d, err := Open(path, Options{}); err == nil {
			d.Close()
		}
	}
	got := Warnings()
	if !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "unknown field with tag 42113 (and 39 more") }) || len(got) > 3 {
		t.Errorf("%q", got)
	}
}
