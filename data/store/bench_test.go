package store

import (
	"context"
	"path/filepath"
	"testing"
)

// BenchmarkOpen opens a store of 20,000 tiles (issue: under 50 ms), and reports
// what a tile's POIs take beside the published program's dense float64.
func BenchmarkOpen(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "s")
	makeTiles(14, 100, 200, 32, 17).write(b, dir, Meta{})
	s := open(b, dir)
	for b.Loop() {
		s, err := Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
	b.ReportMetric(float64(s.points.Len()*10+len(s.offsets)*8)/float64(s.Len()), "POI-bytes/tile")
	b.ReportMetric(float64(s.DenseBytesPerTile()), "dense-bytes/tile")
}

// BenchmarkVerify reads a whole store.
func BenchmarkVerify(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "s")
	makeTiles(14, 30, 30, 128, 17).write(b, dir, Meta{})
	s := open(b, dir)
	b.SetBytes(s.Bytes())
	for b.Loop() {
		if err := s.Verify(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
