package store

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// sample is a small sound store's file.
func sample(t testing.TB) []byte {
	dir := filepath.Join(t.TempDir(), "s")
	makeTiles(13, 2, 3, 32, 3).write(t, dir, Meta{})
	b, err := os.ReadFile(filepath.Join(dir, tilesFile))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// FuzzHeader changes the header and section table behind a checksum that fits.
// Whatever is accepted must lie inside the file.
func FuzzHeader(f *testing.F) {
	b := sample(f)
	size := int64(len(b))
	f.Add(b[:headerSize], size)
	f.Add(b[:headerSize], size+1)
	f.Fuzz(func(t *testing.T, b []byte, size int64) {
		page := make([]byte, headerSize)
		copy(page, b)
		rehash(page)
		h, err := parseHeader(page, size)
		if err != nil {
			return
		}
		for _, s := range h.sections {
			if s.offset < headerSize || s.size < 0 || s.offset+s.size > size || s.offset%align != 0 {
				t.Fatalf("section %+v accepted in a file of %d bytes", s, size)
			}
		}
	})
}

// FuzzOpen overwrites bytes anywhere in a store (the header's checksum is made
// to fit when fix is set) and uses everything that Open then hands out. Nothing
// may panic, and Verify must notice every change of content.
func FuzzOpen(f *testing.F) {
	good := sample(f)
	f.Add(0, []byte{0}, len(good), true)
	f.Add(64+40, []byte{1, 2, 3}, len(good), true)
	f.Add(headerSize+10, []byte{7}, len(good), false)
	f.Add(len(good)-40, []byte(`"x"`), len(good), false)
	f.Add(0, []byte{}, 5000, false)
	f.Fuzz(func(t *testing.T, at int, patch []byte, size int, fix bool) {
		b := append([]byte(nil), good...)
		if size >= 0 && size < len(b) {
			b = b[:size]
		}
		changed := len(b) != len(good)
		for i, p := range patch {
			if j := at + i; j >= 0 && j < len(b) {
				changed = changed || b[j] != p
				b[j] = p
			}
		}
		if fix && len(b) >= headerSize {
			rehash(b)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, tilesFile), b, 0o666); err != nil {
			t.Fatal(err)
		}
		s, err := Open(dir)
		if err != nil {
			return
		}
		defer s.Close()
		sum := 0
		for i := range s.Len() {
			if s.HasImages() {
				sum += int(s.Image(i)[len(s.Image(i))-1])
			}
			p := s.POIs(i)
			sum += p.Len() + len(p.Row) + len(p.Col) + len(p.Count)
			sum += int(s.Cells()[i].Col) + int(s.LonLat()[2*i+1]) + int(s.AreaKM2()[i]) + int(s.Coverage()[i]) + int(s.Splits()[i])
			_ = s.Targets()[i]
		}
		for _, m := range []int{1, 3, 5, 7} {
			ids, err := s.Neighbors(m)
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range ids {
				if id >= 0 {
					_ = s.Cells()[id]
				}
			}
		}
		err = s.Verify(context.Background())
		if changed && !fix && err == nil && !onlyPadding(s, at, len(patch)) {
			t.Fatalf("Verify accepted a change at %d of % x", at, patch)
		}
	})
}

// onlyPadding says whether bytes at .. at+n lie between sections, where nothing
// is stored.
func onlyPadding(s *Store, at, n int) bool {
	for _, sec := range s.head.sections {
		if int64(at) < sec.offset+sec.size && int64(at+n) > sec.offset {
			return false
		}
	}
	return at >= headerSize
}
