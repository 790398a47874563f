package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"opencarbon/data/fault"
)

// made is what a test wrote into a store.
type made struct {
	cells   []Cell
	lonlat  []float64
	area    []float64
	cover   []float32
	targets []float64
	splits  []Split
	images  [][]uint8
	cats    []string
	offsets []int64
	points  Points
}

// makeTiles invents rows x cols tiles with images of size px (0: none) and, when
// cats > 0, POIs.
func makeTiles(seed uint64, rows, cols, size, cats int) made {
	r := rand.New(rand.NewPCG(seed, 1))
	var m made
	for row := range rows {
		for col := range cols {
			m.cells = append(m.cells, Cell{Col: int64(29072 + col), Row: int64(12872 + row)})
			m.lonlat = append(m.lonlat, 139+float64(col)*0.01, 35-float64(row)*0.01)
			m.area = append(m.area, 0.9+r.Float64()/10)
			m.cover = append(m.cover, float32(r.Float64()))
			t := math.Exp(r.NormFloat64() + 8)
			if r.IntN(10) == 0 {
				t = math.NaN()
			}
			m.targets = append(m.targets, t)
			m.splits = append(m.splits, Split(r.IntN(4)))
			if size > 0 {
				img := make([]uint8, 3*size*size)
				for i := range img {
					img[i] = uint8(r.Uint32())
				}
				m.images = append(m.images, img)
			}
		}
	}
	if cats == 0 {
		return m
	}
	for c := range cats {
		m.cats = append(m.cats, fmt.Sprintf("category %d", c))
	}
	m.offsets = []int64{0}
	for range m.cells {
		keys := map[[3]int]bool{}
		for range r.IntN(30) {
			keys[[3]int{r.IntN(cats), r.IntN(256), r.IntN(256)}] = true
		}
		var sorted [][3]int
		for k := range keys {
			sorted = append(sorted, k)
		}
		slices.SortFunc(sorted, func(a, b [3]int) int { return slices.Compare(a[:], b[:]) })
		for _, k := range sorted {
			m.points.Category = append(m.points.Category, uint16(k[0]))
			m.points.Row = append(m.points.Row, uint16(k[1]))
			m.points.Col = append(m.points.Col, uint16(k[2]))
			m.points.Count = append(m.points.Count, float32(1+r.IntN(3)))
		}
		m.offsets = append(m.offsets, int64(m.points.Len()))
	}
	return m
}

func (m made) fill(t testing.TB, w *Writer) {
	t.Helper()
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := g; i < len(m.images); i += 4 {
				if err := w.SetImage(i, m.images[i]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	w.SetCells(m.cells)
	w.SetLonLat(m.lonlat)
	w.SetAreaKM2(m.area)
	w.SetCoverage(m.cover)
	w.SetTargets(m.targets)
	w.SetSplits(m.splits)
	if m.cats != nil {
		w.SetPOIs(m.cats, 256, m.offsets, m.points)
	}
}

// write builds a store and fails the test when that does not work.
func (m made) write(t testing.TB, dir string, meta Meta) {
	t.Helper()
	size := 0
	if m.images != nil {
		size = int(math.Sqrt(float64(len(m.images[0]) / 3)))
	}
	w, err := Create(dir, meta, len(m.cells), size)
	if err != nil {
		t.Fatal(err)
	}
	m.fill(t, w)
	if err := w.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// sameFloats compares with NaN equal to NaN.
func sameFloats(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) })
}

func TestRoundTrip(t *testing.T) {
	for _, c := range []struct {
		name             string
		rows, cols, size int
		cats             int
	}{
		{"images and POIs", 5, 7, 33, 17}, {"images only", 3, 3, 32, 0}, {"POIs only", 4, 2, 0, 46}, {"neither", 2, 2, 0, 0}, {"one tile", 1, 1, 32, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := makeTiles(1, c.rows, c.cols, c.size, c.cats)
			dir := filepath.Join(t.TempDir(), "stores", "tokyo")
			meta := Meta{Name: "Tokyo", TargetUnit: "proxy", Grid: GridSpec{Scheme: "xyz", Zoom: 15, EPSG: 3857, Columns: 1 << 15},
				Config: []byte(`{"a": 1}`), ConfigHash: "h", Inputs: []InputFile{{Path: "x.tif", Bytes: 3, SHA256: "ff"}}, Split: "blocks"}
			m.write(t, dir, meta)
			s := open(t, dir)
			if err := s.Verify(context.Background()); err != nil {
				t.Fatal(err)
			}
			if s.Len() != c.rows*c.cols || s.ImageSize() != c.size || s.HasImages() != (c.size > 0) || s.HasPOIs() != (c.cats > 0) {
				t.Fatalf("Len %d, ImageSize %d, HasImages %v, HasPOIs %v", s.Len(), s.ImageSize(), s.HasImages(), s.HasPOIs())
			}
			if !slices.Equal(s.Cells(), m.cells) || !slices.Equal(s.LonLat(), m.lonlat) || !slices.Equal(s.AreaKM2(), m.area) ||
				!slices.Equal(s.Coverage(), m.cover) || !sameFloats(s.Targets(), m.targets) || !slices.Equal(s.Splits(), m.splits) {
				t.Error("a table came back changed")
			}
			if got := s.Meta(); got.Name != "Tokyo" || got.TargetUnit != "proxy" || got.Grid != meta.Grid || got.FormatVersion != s.head.version() ||
				got.ConfigHash != "h" || got.Split != "blocks" || !slices.Equal(got.Inputs, meta.Inputs) || got.Built == "" {
				t.Errorf("metadata came back as %+v", got)
			}
			if !slices.Equal(s.Images(), slices.Concat(m.images...)) {
				t.Error("images differ")
			}
			for i, img := range m.images {
				read := make([]uint8, len(img))
				if err := s.ReadImage(i, read); err != nil || !slices.Equal(read, img) {
					t.Errorf("image %d is read as another one: %v", i, err)
				}
				if s.ReadImage(i, read[1:]) == nil || s.ReadImage(s.Len(), read) == nil || s.ReadImage(-1, read) == nil {
					t.Errorf("images that do not exist are read")
				}
				if !slices.Equal(s.Image(i), img) {
					t.Errorf("image %d differs", i)
				}
			}
			if !slices.Equal(s.Categories(), m.cats) && c.cats > 0 {
				t.Errorf("categories %v", s.Categories())
			}
			for i := range s.Len() {
				p := s.POIs(i)
				if c.cats == 0 {
					if p.Len() != 0 {
						t.Error("points where there are none")
					}
					continue
				}
				a, b := m.offsets[i], m.offsets[i+1]
				if !slices.Equal(p.Category, m.points.Category[a:b]) || !slices.Equal(p.Row, m.points.Row[a:b]) ||
					!slices.Equal(p.Col, m.points.Col[a:b]) || !slices.Equal(p.Count, m.points.Count[a:b]) {
					t.Errorf("points of tile %d differ", i)
				}
			}
			for _, name := range []string{filepath.Dir(dir), dir} {
				for _, e := range list(t, name) {
					if strings.Contains(e, "partial") || strings.Contains(e, "lock") {
						t.Errorf("%s was left", e)
					}
				}
			}
		})
	}
}

func list(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// The neighborhoods are compared with a plain search over all cells.
// Blocks lie where columns and rows are multiples of their edge, so that negative
// ones round down too.
func TestBlockOfACell(t *testing.T) {
	for _, c := range [][3]int64{{0, 4, 0}, {3, 4, 0}, {4, 4, 1}, {-1, 4, -1}, {-4, 4, -1}, {-5, 4, -2}, {-8, 1, -8}, {7, 3, 2}} {
		if got, want := (Cell{c[0], 5 * c[1]}).Block(c[1]), (Cell{c[2], 5}); got != want {
			t.Errorf("column %d by %d: %v, want %v", c[0], c[1], got, want)
		}
	}
}

func TestNeighbors(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	m := makeTiles(2, 12, 12, 0, 0)
	var kept made
	for i := range m.cells { // a region with holes
		if r.IntN(4) > 0 {
			kept.cells = append(kept.cells, m.cells[i])
			kept.lonlat = append(kept.lonlat, m.lonlat[2*i:2*i+2]...)
			kept.area = append(kept.area, m.area[i])
		}
	}
	dir := filepath.Join(t.TempDir(), "s")
	kept.write(t, dir, Meta{})
	s := open(t, dir)
	for _, width := range []int{1, 3, 5, 7} {
		got, err := s.Neighbors(width)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != s.Len()*width*width {
			t.Fatalf("M = %d: %d ids", width, len(got))
		}
		k := int64(width / 2)
		at := 0
		for _, c := range kept.cells {
			for row := c.Row - k; row <= c.Row+k; row++ { // Row counts southward: north first
				for col := c.Col - k; col <= c.Col+k; col++ {
					want := int32(slices.Index(kept.cells, Cell{col, row}))
					if got[at] != want {
						t.Fatalf("M = %d: cell %v at (%d, %d): %d, want %d", width, c, col, row, got[at], want)
					}
					at++
				}
			}
		}
	}
	for _, width := range []int{-3, 0, 2, 4, 9} {
		if _, err := s.Neighbors(width); !fault.IsInput(err) {
			t.Errorf("M = %d: %v", width, err)
		}
	}
}

func TestNeighborsAcrossAntimeridian(t *testing.T) {
	cells := []Cell{{Col: 32767, Row: 5}, {Col: 0, Row: 5}}
	got := neighborhoods(cells, 32768)
	const center = 3*7 + 3
	if got[center] != 0 || got[center+1] != 1 || got[49+center-1] != 0 {
		t.Errorf("closed grid: %d, %d, %d", got[center], got[center+1], got[49+center-1])
	}
	if got := neighborhoods(cells, 0); got[center+1] != -1 {
		t.Errorf("open grid: %d", got[center+1])
	}
}

// Select leaves out tiles whose images turned out to be too thin.
func TestSelect(t *testing.T) {
	m := makeTiles(4, 3, 5, 32, 3)
	keep := []int{0, 3, 4, 9, 13}
	dir := filepath.Join(t.TempDir(), "s")
	w, err := Create(dir, Meta{}, len(m.cells), 32)
	if err != nil {
		t.Fatal(err)
	}
	for i, img := range m.images {
		if i%2 == 1 || slices.Contains(keep, i) { // images of dropped tiles need not exist
			if err := w.SetImage(i, img); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Select(keep); err != nil {
		t.Fatal(err)
	}
	var cells []Cell
	var lonlat, area []float64
	for _, i := range keep {
		cells, lonlat, area = append(cells, m.cells[i]), append(lonlat, m.lonlat[2*i], m.lonlat[2*i+1]), append(area, m.area[i])
	}
	w.SetCells(cells)
	w.SetLonLat(lonlat)
	w.SetAreaKM2(area)
	if err := w.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	if s.Len() != len(keep) {
		t.Fatalf("%d tiles", s.Len())
	}
	for k, i := range keep {
		if !slices.Equal(s.Image(k), m.images[i]) {
			t.Errorf("tile %d does not have image %d", k, i)
		}
	}
	if err := s.Verify(context.Background()); err != nil {
		t.Error(err)
	}
	if s.Coverage()[0] != 1 || !math.IsNaN(s.Targets()[0]) || s.Splits()[0] != None {
		t.Error("defaults of tables that were not set")
	}
}

func TestReplaceKeepsOpenReaders(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	a, b := makeTiles(5, 2, 2, 32, 2), makeTiles(6, 3, 3, 32, 2)
	a.write(t, dir, Meta{ConfigHash: "old"})
	if err := os.WriteFile(filepath.Join(dir, "preview.png"), []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	old := open(t, dir)
	if !UpToDate(dir, "old") || UpToDate(dir, "new") || UpToDate(dir, "") {
		t.Error("UpToDate before the second build")
	}
	b.write(t, dir, Meta{ConfigHash: "new"})
	if !UpToDate(dir, "new") || UpToDate(dir, "old") {
		t.Error("UpToDate after the second build")
	}
	if !slices.Equal(old.Image(3), a.images[3]) || old.Len() != 4 {
		t.Error("the reader of the old store saw it change")
	}
	if s := open(t, dir); s.Len() != 9 {
		t.Errorf("%d tiles", s.Len())
	}
	if _, err := os.Stat(filepath.Join(dir, "preview.png")); err != nil {
		t.Error("a file of the user's was removed:", err)
	}
}

func TestAbortAndCancelLeaveNothing(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "s")
	m := makeTiles(7, 2, 2, 32, 2)
	w, err := Create(dir, Meta{}, 4, 32)
	if err != nil {
		t.Fatal(err)
	}
	m.fill(t, w)
	w.Abort()
	w.Abort()
	if left := list(t, parent); len(left) != 0 {
		t.Errorf("Abort left %v", left)
	}
	m.write(t, dir, Meta{ConfigHash: "first"})
	if w, err = Create(dir, Meta{ConfigHash: "second"}, 4, 32); err != nil {
		t.Fatal(err)
	}
	m.fill(t, w)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := w.Commit(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Commit of a cancelled build: %v", err)
	}
	if left := list(t, parent); !slices.Equal(left, []string{"s"}) || !UpToDate(dir, "first") {
		t.Errorf("a cancelled build left %v, old store intact: %v", left, UpToDate(dir, "first"))
	}
	s := open(t, dir)
	if err := s.Verify(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Verify with a cancelled context: %v", err)
	}
}

// What an unfinished build leaves when its process is killed is not a store,
// even under the final name, and the next build removes it.
func TestKilledBuild(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "s")
	w, err := Create(dir, Meta{}, 4, 32)
	if err != nil {
		t.Fatal(err)
	}
	stale := filepath.Join(parent, "s.partial.999999999")
	if err := os.Rename(w.partial, stale); err != nil {
		t.Fatal(err)
	}
	w.lock.Close() // the kernel does this when a process dies
	if _, err := Open(stale); err == nil || !strings.Contains(err.Error(), "unfinished build") {
		t.Errorf("opening an unfinished build: %v", err)
	}
	other := filepath.Join(parent, "s2.partial.5")
	if err := os.Mkdir(other, 0o777); err != nil {
		t.Fatal(err)
	}
	makeTiles(7, 2, 2, 32, 2).write(t, dir, Meta{})
	if left := list(t, parent); !slices.Equal(left, []string{"s", "s2.partial.5"}) {
		t.Errorf("left: %v", left)
	}
}

// A region may have POI categories (from a table) and no point of them.
func TestNoPoints(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	m := makeTiles(8, 2, 2, 0, 5)
	m.offsets, m.points = make([]int64, 5), Points{}
	m.write(t, dir, Meta{})
	s := open(t, dir)
	if err := s.Verify(context.Background()); err != nil || !s.HasPOIs() || len(s.Categories()) != 5 || s.POIs(3).Len() != 0 {
		t.Errorf("HasPOIs %v, categories %v, Verify %v", s.HasPOIs(), s.Categories(), err)
	}
}

func TestBytesPerTile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	m := makeTiles(8, 10, 10, 0, 17)
	m.write(t, dir, Meta{})
	s := open(t, dir)
	if got := s.DenseBytesPerTile(); got != 8912896 { // 256 * 256 * 17 * 8: the published program's 8.9 MB
		t.Errorf("dense: %d", got)
	}
}
