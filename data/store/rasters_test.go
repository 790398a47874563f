package store

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Further numbers of tiles come back with their names, lie under the checksum
// that Open looks at, and are absent from a store that never had any.
func TestRasters(t *testing.T) {
	m := makeTiles(3, 3, 4, 8, 2)
	names := []Raster{{"nightlight", "mean"}, {"heights", "sd"}}
	values := make([]float32, 2*len(m.cells))
	for i := range values {
		values[i] = float32(i) - 5
	}
	values[7] = float32(math.NaN())
	build := func(dir string, names []Raster, values []float32) error {
		w, err := Create(dir, Meta{Name: "x", Built: "then"}, len(m.cells), 8)
		if err != nil {
			t.Fatal(err)
		}
		m.fill(t, w)
		if names != nil {
			w.SetRasters(names, values)
		}
		return w.Commit(context.Background())
	}
	dir := filepath.Join(t.TempDir(), "with")
	if err := build(dir, names, values); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	if !slices.Equal(s.Meta().Rasters, names) || !slices.EqualFunc(s.Rasters(), values, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) {
		t.Errorf("read back %v %v", s.Meta().Rasters, s.Rasters())
	}
	if s.head.version() != 2 || s.Meta().FormatVersion != 2 {
		t.Errorf("layout %d, metadata %d; want 2: older programs must say that they are too old", s.head.version(), s.Meta().FormatVersion)
	}
	var at int64
	for _, sec := range s.head.sections {
		if sec.name == secRasters {
			at = sec.offset
		}
	}
	path := filepath.Join(dir, tilesFile)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[at+2] ^= 1
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), `"rasters" is damaged`) {
		t.Errorf("a changed number: %v", err)
	}

	plain := filepath.Join(t.TempDir(), "without")
	if err := build(plain, nil, nil); err != nil {
		t.Fatal(err)
	}
	p := open(t, plain)
	if p.Rasters() != nil || p.head.version() != 1 || p.Meta().FormatVersion != 1 {
		t.Errorf("a store without rasters: %v, layout %d", p.Rasters(), p.head.version())
	}
	meta, err := os.ReadFile(filepath.Join(plain, metaFile))
	if err != nil || strings.Contains(string(meta), "rasters") {
		t.Errorf("its metadata name rasters (%v)", err)
	}

	for name, bad := range map[string][]float32{"too few": values[:9], "infinite": append([]float32{float32(math.Inf(1))}, values[1:]...)} {
		if err := build(filepath.Join(t.TempDir(), "bad"), names, bad); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
