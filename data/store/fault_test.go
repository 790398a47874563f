package store

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"opencarbon/data/fault"
)

// rehash gives a changed header a valid checksum, so that tests reach what lies
// behind it.
func rehash(b []byte) {
	binary.LittleEndian.PutUint32(b[36:], 0)
	binary.LittleEndian.PutUint32(b[36:], crc32.Checksum(b[:headerSize], castagnoli))
}

// entry is the section table entry of a name.
func entry(b []byte, name string) []byte {
	for i := 64; i < headerSize; i += entrySize {
		if strings.TrimRight(string(b[i:i+24]), "\x00") == name {
			return b[i : i+entrySize]
		}
	}
	panic("no section " + name)
}

func TestDamagedStores(t *testing.T) {
	le := binary.LittleEndian
	// content changes a section's first bytes and makes its checksum fit.
	content := func(b []byte, name string, f func(sec []byte)) []byte {
		e := entry(b, name)
		sec := b[le.Uint64(e[32:]) : le.Uint64(e[32:])+le.Uint64(e[40:])]
		f(sec)
		le.PutUint32(e[28:], crc32.Checksum(sec, castagnoli))
		rehash(b)
		return b
	}
	for _, c := range []struct {
		name   string
		change func(b []byte) []byte
		want   string
		verify bool // only Verify can find it
	}{
		{"empty", func(b []byte) []byte { return nil }, "cut short", false},
		{"half a header", func(b []byte) []byte { return b[:2000] }, "cut short", false},
		{"last byte gone", func(b []byte) []byte { return b[:len(b)-1] }, "cut short", false},
		{"a byte too many", func(b []byte) []byte { return append(b, 0) }, "has grown", false},
		{"another file", func(b []byte) []byte { copy(b, "\x89PNG\r\n\x1a\n"); return b }, "is not a tile store", false},
		{"unfinished", func(b []byte) []byte { clear(b[:headerSize]); return b }, "unfinished build", false},
		{"newer version", func(b []byte) []byte { le.PutUint32(b[8:], 4); rehash(b); return b }, "version 4, and this program reads versions up to 3: it was written by a newer program", false},
		{"version 0", func(b []byte) []byte { le.PutUint32(b[8:], 0); rehash(b); return b }, "unknown version 0", false},
		{"header bit", func(b []byte) []byte { b[70] ^= 1; return b }, `section "header" is damaged: checksum`, false},
		{"absurd tiles", func(b []byte) []byte { le.PutUint64(b[16:], 1<<60); rehash(b); return b }, "out of range", false},
		{"one tile more", func(b []byte) []byte { b[16]++; rehash(b); return b }, "expected", false},
		{"section outside", func(b []byte) []byte { le.PutUint64(entry(b, secTargets)[32:], 1<<62); rehash(b); return b }, "outside the file", false},
		{"section overflow", func(b []byte) []byte { le.PutUint64(entry(b, secMeta)[40:], math.MaxInt64); rehash(b); return b }, "outside the file", false},
		{"section unaligned", func(b []byte) []byte { entry(b, secArea)[32]++; rehash(b); return b }, "outside the file", false},
		{"section size", func(b []byte) []byte { entry(b, secArea)[40] -= 8; rehash(b); return b }, "bytes, expected", false},
		{"element size", func(b []byte) []byte { entry(b, secArea)[24] = 4; rehash(b); return b }, "elements of 4 bytes", false},
		{"section unknown", func(b []byte) []byte { entry(b, secArea)[0] = 'x'; rehash(b); return b }, "unexpected section", false},
		{"section twice", func(b []byte) []byte { copy(entry(b, secCol), secRow+"\x00"); rehash(b); return b }, "unexpected section", false},
		{"section missing", func(b []byte) []byte { b[12]--; rehash(b); return b }, "is missing", false},
		{"points disagree", func(b []byte) []byte { entry(b, secCount)[40] -= 4; rehash(b); return b }, "where another section has", false},
		{"target bit", func(b []byte) []byte { b[le.Uint64(entry(b, secTargets)[32:])] ^= 1; return b }, `section "targets" is damaged: checksum`, false},
		{"meta not JSON", func(b []byte) []byte { return content(b, secMeta, func(s []byte) { s[0] = 'x' }) }, `section "meta" is damaged`, false},
		{"category names", func(b []byte) []byte { b[32]++; rehash(b); return b }, "category names for", false},
		{"neighbor id", func(b []byte) []byte { return content(b, secNeighbors, func(s []byte) { le.PutUint32(s, 4) }) }, "neighbor 4 of 4", false},
		{"split", func(b []byte) []byte { return content(b, secSplits, func(s []byte) { s[1] = 9 }) }, "unknown value 9", false},
		{"offsets", func(b []byte) []byte { return content(b, secOffsets, func(s []byte) { le.PutUint64(s, 7) }) }, "do not rise", false},
		{"image bit", func(b []byte) []byte { b[headerSize+5000] ^= 8; return b }, `section "images" is damaged: checksum`, true},
		{"point bit", func(b []byte) []byte { b[le.Uint64(entry(b, secRow)[32:])] ^= 8; return b }, `section "poi_row" is damaged: checksum`, true},
		{"point category", func(b []byte) []byte {
			return content(b, secCategory, func(s []byte) { le.PutUint16(s, 77) })
		}, "category 77", true},
		{"point pixel", func(b []byte) []byte { return content(b, secRow, func(s []byte) { le.PutUint16(s, 256) }) }, "256 x 256", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "s")
			makeTiles(9, 2, 2, 32, 4).write(t, dir, Meta{})
			path := filepath.Join(dir, tilesFile)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, c.change(b), 0o666); err != nil {
				t.Fatal(err)
			}
			s, err := Open(dir)
			if c.verify {
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				err = s.Verify(context.Background())
				check, other := s.BeginCheck(context.Background())
				if other == nil {
					other = check.Wait(context.Background())
				}
				if other == nil || err == nil || other.Error() != err.Error() {
					t.Errorf("Verify says %v, BeginCheck %v", err, other)
				}
			}
			var in *fault.Input
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if in, _ = err.(*fault.Input); in == nil || in.Where != path || in.Remedy == "" {
				t.Errorf("the message lacks file or remedy: %#v", err)
			}
		})
	}
}

func TestOpenWhatIsNoStore(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Join(dir, "absent")} {
		if _, err := Open(d); err == nil || !strings.Contains(err.Error(), "there is no tile store") || !strings.Contains(err.Error(), "cmd/prepare") {
			t.Errorf("%s: %v", d, err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, tilesFile), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("folder in the file's place: %v", err)
	}
}

func TestOpenUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	dir := filepath.Join(t.TempDir(), "s")
	makeTiles(9, 2, 2, 0, 0).write(t, dir, Meta{})
	if err := os.Chmod(filepath.Join(dir, tilesFile), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "may not be read") {
		t.Error(err)
	}
}

func TestTwoBuildsAtOnce(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "s")
	w, err := Create(dir, Meta{}, 4, 32)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Create(dir, Meta{}, 4, 32)
	if !fault.IsInput(err) || !strings.Contains(err.Error(), "another build of this store is under way: process ") {
		t.Errorf("second build: %v", err)
	}
	if _, err := os.Stat(w.partial); err != nil {
		t.Errorf("the second build harmed the first: %v", err)
	}
	other, err := Create(filepath.Join(parent, "t"), Meta{}, 4, 0)
	if err != nil {
		t.Fatalf("a build of another store: %v", err)
	}
	other.Abort()
	w.Abort()
	if w, err = Create(dir, Meta{}, 4, 0); err != nil {
		t.Fatalf("a build after the first has ended: %v", err)
	}
	w.Abort()
}

// failing is a disk that takes `room` bytes and then fails with err.
type failing struct {
	*os.File
	room int64
	err  error
}

func (f *failing) WriteAt(b []byte, off int64) (int, error) {
	if f.room -= int64(len(b)); f.room < 0 {
		return 0, &os.PathError{Op: "write", Path: f.Name(), Err: f.err}
	}
	return f.File.WriteAt(b, off)
}

// A disk may fail at any write; nothing may be left, and the message says so.
func TestFailingDisk(t *testing.T) {
	m := makeTiles(10, 2, 2, 32, 2)
	for _, c := range []struct {
		err  error
		want string
	}{{unix.ENOSPC, "the disk is full"}, {unix.EDQUOT, "the disk is full"}, {unix.EFBIG, "this big"}, {unix.EIO, "cannot write the store"}} {
		for _, room := range []int64{0, 4000, 13000, 13100, 15000} {
			parent := t.TempDir()
			w, err := Create(filepath.Join(parent, "s"), Meta{}, 4, 32)
			if err != nil {
				t.Fatal(err)
			}
			w.file = &failing{w.file.(*os.File), room, c.err}
			for i, img := range m.images {
				if err = w.SetImage(i, img); err != nil {
					w.Abort()
					break
				}
			}
			if err == nil {
				m.images, m.cats = nil, nil
				m.fill(t, w)
				err = w.Commit(context.Background())
				m = makeTiles(10, 2, 2, 32, 2)
			}
			if !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v after %d bytes: %v", c.err, room, err)
			}
			if left := list(t, parent); len(left) != 0 {
				t.Errorf("%v after %d bytes left %v", c.err, room, left)
			}
		}
	}
}

// A real full disk: a file system in memory that is too small.
func TestFullDisk(t *testing.T) {
	mount := t.TempDir()
	if err := unix.Mount("tmpfs", mount, "tmpfs", 0, "size=256k"); err != nil {
		t.Skip("mounting a small file system needs rights:", err)
	}
	defer unix.Unmount(mount, unix.MNT_DETACH)
	_, err := Create(filepath.Join(mount, "s"), Meta{}, 100, 64)
	if !fault.IsInput(err) || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("got %v", err)
	}
	if left := list(t, mount); len(left) != 0 {
		t.Errorf("left %v", left)
	}
	// The store's folder itself may be a mount point: a rename cannot enter it
	// from beside.
	makeTiles(11, 1, 2, 32, 1).write(t, mount, Meta{})
	open(t, mount).Close()
	if left := list(t, mount); !slices.Equal(left, []string{metaFile, tilesFile}) {
		t.Errorf("left %v", left)
	}
}

func TestReadOnlyDisk(t *testing.T) {
	mount := t.TempDir()
	if err := unix.Mount("tmpfs", mount, "tmpfs", unix.MS_RDONLY, "size=64k"); err != nil {
		t.Skip("mounting a file system needs rights:", err)
	}
	defer unix.Unmount(mount, unix.MNT_DETACH)
	for _, dir := range []string{filepath.Join(mount, "s"), filepath.Join(mount, "a", "s")} {
		_, err := Create(dir, Meta{}, 4, 32)
		if !fault.IsInput(err) || !strings.Contains(err.Error(), mount) || !strings.Contains(err.Error(), "where you may write") {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func TestCreateRefuses(t *testing.T) {
	dir := t.TempDir()
	f := filepath.Join(dir, "file")
	if err := os.WriteFile(f, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		dir     string
		n, size int
		want    string
	}{
		{"no tiles", filepath.Join(dir, "s"), 0, 64, "0 tiles"},
		{"image size", filepath.Join(dir, "s"), 1, 5000, "5000 px"},
		{"a file", f, 1, 64, "is a file"},
		{"below a file", filepath.Join(f, "s"), 1, 64, "cannot make the folder"},
	} {
		_, err := Create(c.dir, Meta{}, c.n, c.size)
		if !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// Mistakes of the program that builds are errors too, not wrong stores.
func TestCommitRefuses(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name   string
		change func(m *made)
		want   string
	}{
		{"short table", func(m *made) { m.area = m.area[1:] }, "area_km2 has 3 values"},
		{"no cells", func(m *made) { m.cells = nil }, "cells has 0 values"},
		{"same cell", func(m *made) { m.cells[2] = m.cells[0] }, "tiles 0 and 2 are both cell"},
		{"zero target", func(m *made) { m.targets = []float64{1, 0, nan, 1} }, "tile 1 has the target 0"},
		{"infinite target", func(m *made) { m.targets = []float64{1, 1, nan, math.Inf(1)} }, "target +Inf"},
		{"split", func(m *made) { m.splits[1] = 4 }, "unknown split 4"},
		{"image missing", func(m *made) { m.images = m.images[:3] }, "tile 3 has no image"},
		{"offsets", func(m *made) { m.offsets = m.offsets[1:] }, "offsets for 4 tiles"},
		{"offsets fall", func(m *made) { m.offsets[2] = m.offsets[4] + 1 }, "do not rise"},
		{"columns differ", func(m *made) { m.points.Row = m.points.Row[1:] }, "values"},
		{"category", func(m *made) { m.points.Category[0] = 9 }, "category 9 of 3"},
		{"pixel", func(m *made) { m.points.Col[0] = 300 }, "col 300"},
		{"count", func(m *made) { m.points.Count[0] = float32(nan) }, "count NaN"},
		{"repeated", func(m *made) {
			m.points.Category[1], m.points.Row[1], m.points.Col[1] = m.points.Category[0], m.points.Row[0], m.points.Col[0]
		}, "not sorted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			parent := t.TempDir()
			m := makeTiles(12, 2, 2, 32, 3)
			c.change(&m)
			w, err := Create(filepath.Join(parent, "s"), Meta{}, 4, 32)
			if err != nil {
				t.Fatal(err)
			}
			m.fill(t, w)
			if err := w.Commit(context.Background()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if left := list(t, parent); len(left) != 0 {
				t.Errorf("left %v", left)
			}
		})
	}
	w, err := Create(filepath.Join(t.TempDir(), "s"), Meta{}, 4, 32)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	for name, err := range map[string]error{
		"short image":     w.SetImage(0, make([]uint8, 5)),
		"image beyond":    w.SetImage(4, make([]uint8, 3*32*32)),
		"keep beyond":     w.Select([]int{0, 4}),
		"keep falling":    w.Select([]int{2, 1}),
		"nothing to keep": w.Select(nil),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	w.SetAreaKM2(nil)
	w.SetCells(make([]Cell, 4))
	if err := w.Select([]int{1}); err == nil {
		t.Error("Select after a setter: no error")
	}
}
