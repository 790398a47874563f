package published

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/store"
)

// truth is what testdata/make_fixtures.py knows of a city.
type truth struct {
	Tiles  [][2]int64
	Points map[string][][4]float64
	Carbon map[string]float64
	Images map[string]string // SHA-256 of [3, 256, 256] as Pillow decodes it
	Split  [][][2]int64
}

func truths(t testing.TB, name string) map[string]truth {
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]truth
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// unpack writes those files of a fixture zip whose names hold the word to a
// new folder.
func unpack(t testing.TB, name, word string) string {
	dir := t.TempDir()
	z, err := zip.OpenReader(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		if !strings.Contains(f.Name, word) {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func checkPoints(t *testing.T, tile string, got store.Points, want [][4]float64) {
	t.Helper()
	if got.Len() != len(want) {
		t.Errorf("tile %s has %d points, want %d", tile, got.Len(), len(want))
		return
	}
	for i, w := range want {
		if g := [4]float64{float64(got.Category[i]), float64(got.Row[i]), float64(got.Col[i]), float64(got.Count[i])}; g != w {
			t.Errorf("tile %s, point %d: %v, want %v", tile, i, g, w)
		}
	}
}

// TestCities builds stores of two whole datasets and compares every number
// with what Python put in: POI entries, emissions, splits, pixels.
func TestCities(t *testing.T) {
	for _, city := range []string{"london", "yinchuan"} {
		t.Run(city, func(t *testing.T) {
			want := truths(t, "expected.json")[city]
			dir := unpack(t, "published.zip", city)
			if city == "yinchuan" { // the data folder itself works too
				dir = filepath.Join(dir, "yinchuan_data")
			}
			out := filepath.Join(t.TempDir(), "store")
			report, err := Build(context.Background(), Spec{Dir: dir}, Output{Store: out, Meta: store.Meta{Name: city}})
			if err != nil {
				t.Fatal(err)
			}
			s, err := store.Open(out)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if err := s.Verify(context.Background()); err != nil {
				t.Fatal(err)
			}
			if s.Len() != 8 || report.Samples != 7 || report.NoTarget != 1 || report.City != city || len(s.Categories()) != 3 || report.Unit != "proxy" {
				t.Fatalf("%d tiles, report %+v", s.Len(), report)
			}
			if report.First != [2]int64{s.Cells()[0].Col, s.Cells()[0].Row} || report.FirstGiven || report.Border != 8 { // all: the block lacks a corner
				t.Errorf("the first tile is %v, %d at the border", report.First, report.Border)
			}
			for _, c := range want.Tiles {
				name := fmt.Sprintf("%d_%d", c[0], c[1])
				i := slices.Index(s.Cells(), store.Cell{Col: c[0], Row: c[1]})
				if i < 0 {
					t.Fatalf("tile %s is missing", name)
				}
				checkPoints(t, name, s.POIs(i), want.Points[name])
				w, ok := want.Carbon[name]
				if got := s.Targets()[i]; ok && got != w || !ok && !math.IsNaN(got) {
					t.Errorf("tile %s has the target %v, want %v", name, got, w)
				}
				if sum := sha256.Sum256(s.Image(i)); hex.EncodeToString(sum[:]) != want.Images[name] {
					t.Errorf("tile %s has other pixels than Pillow reads", name)
				}
			}
			checkSplits(t, s, report, want)
			if b := s.Meta().Bounds; !(b[0] < s.LonLat()[0] && s.LonLat()[0] < b[2] && b[1] < s.LonLat()[1] && s.LonLat()[1] < b[3]) {
				t.Errorf("tile 0 at %v lies outside of %v", s.LonLat()[:2], b)
			}
			if a := s.AreaKM2()[0]; math.Abs(a-0.876) > 0.01 { // (40075 km / 2^15)^2 cos^2(40.0 N), as GDAL measures it
				t.Errorf("tile 0 has %v km2", a)
			}
		})
	}
}

func checkSplits(t *testing.T, s *store.Store, r *Report, want truth) {
	t.Helper()
	if want.Split == nil { // at random: 7 samples
		if r.Train+r.Validation+r.Test != 7 { // over the tiles, of which one has no target; TestRandomSplit has more
			t.Errorf("split %d / %d / %d", r.Train, r.Validation, r.Test)
		}
		return
	}
	if r.Foreign != 1 {
		t.Errorf("%d foreign tiles", r.Foreign)
	}
	for k, part := range want.Split {
		for _, c := range part {
			i := slices.Index(s.Cells(), store.Cell{Col: c[0], Row: c[1]})
			if i >= 0 && s.Splits()[i] != store.Split(k+1) {
				t.Errorf("tile %v is in %s", c, s.Splits()[i])
			}
		}
	}
}

// TestPOIFiles reads the POI matrices of every protocol, number kind, order
// and container.
func TestPOIFiles(t *testing.T) {
	for _, fixture := range []string{"published.zip", "published_numpy2.zip"} {
		want := truths(t, strings.NewReplacer("published", "expected", ".zip", ".json").Replace(fixture))
		for _, city := range slices.Sorted(maps.Keys(want)) {
			t.Run(fixture+"/"+city, func(t *testing.T) {
				dir := unpack(t, fixture, city+"_data/tile2poi_distribution")
				found, err := filepath.Glob(filepath.Join(dir, city+"_data", "*"))
				if err != nil || len(found) != 1 {
					t.Fatal(found, err)
				}
				b := &build{report: &Report{}, out: Output{Progress: func(string, int, int) {}}}
				cells, tiles, err := b.readPOIs(context.Background(), found[0])
				if err != nil {
					t.Fatal(err)
				}
				w := want[city]
				if len(cells) != len(w.Tiles) {
					t.Fatalf("%d tiles, want %d", len(cells), len(w.Tiles))
				}
				for i, c := range cells {
					if c != (grid.Cell{Col: w.Tiles[i][0], Row: w.Tiles[i][1]}) {
						t.Fatalf("tile %d is %s", i, c)
					}
					p := store.Points{Count: tiles[i].counts}
					for _, k := range tiles[i].keys {
						p.Category, p.Row, p.Col = append(p.Category, uint16(k>>32)), append(p.Row, uint16(k>>16)), append(p.Col, uint16(k))
					}
					checkPoints(t, c.String(), p, w.Points[c.String()])
				}
			})
		}
	}
}

// TestNumpy2 reads the emissions and the split of a dataset that NumPy 2 wrote.
func TestNumpy2(t *testing.T) {
	want := truths(t, "expected_numpy2.json")["beijing"]
	dir := unpack(t, "published_numpy2.zip", "beijing")
	b := &build{report: &Report{}, spec: Spec{Dir: dir}}
	for _, c := range want.Tiles {
		b.cells = append(b.cells, grid.Cell{Col: c[0], Row: c[1]})
	}
	if err := b.readTargets(filepath.Join(dir, "beijing_data", "til2carbon_beijing.npy")); err != nil {
		t.Fatal(err)
	}
	if err := b.split(filepath.Join(dir, "train_test_split_beijing_fengtai.pkl")); err != nil {
		t.Fatal(err)
	}
	for i, c := range b.cells {
		if w, ok := want.Carbon[c.String()]; ok && b.targets[i] != w {
			t.Errorf("tile %s: %v, want %v", c, b.targets[i], w)
		}
	}
	for k, part := range want.Split {
		for _, c := range part {
			if i := slices.Index(b.cells, grid.Cell{Col: c[0], Row: c[1]}); b.splits[i] != store.Split(k+1) {
				t.Errorf("tile %v is in %s", c, b.splits[i])
			}
		}
	}
}

// TestMistakes: each mistake of a user gives one clear message, and no store.
func TestMistakes(t *testing.T) {
	london := unpack(t, "published.zip", "london")
	beside := func(change func(dir string)) string {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(london)); err != nil {
			t.Fatal(err)
		}
		change(dir)
		return dir
	}
	write := func(dir, name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const poi, carbon = "london_data/tile2poi_distribution_london.npy", "london_data/til2carbon_london.npy"
	for _, c := range []struct {
		name, want string
		spec       Spec
	}{
		{"no folder", "cannot be read", Spec{Dir: filepath.Join(london, "none")}},
		{"a file", "is a file", Spec{Dir: filepath.Join(london, poi)}},
		{"another city", "tile2poi_distribution_paris.npy", Spec{Dir: london, City: "paris"}},
		{"two cities", "holds london, paris", Spec{Dir: beside(func(d string) { _ = os.Mkdir(filepath.Join(d, "paris_data"), 0o755) })}},
		{"nothing", "holds no dataset", Spec{Dir: t.TempDir()}},
		{"zoom", "does not exist at zoom 12", Spec{Dir: london, Zoom: 12}},
		{"zoom 99", "data.published.zoom", Spec{Dir: london, Zoom: 99}},
		{"target", "data.published.target", Spec{Dir: london, Target: "log"}},
		{"LFS", "Git LFS pointer", Spec{Dir: beside(func(d string) { write(d, poi, "version https://git-lfs.github.com/spec/v1\n") })}},
		{"HTML", "HTML page", Spec{Dir: beside(func(d string) { write(d, poi, "<html>") })}},
		{"empty", "is empty", Spec{Dir: beside(func(d string) { write(d, carbon, "") })}},
		{"text", "neither a NumPy file nor a pickle", Spec{Dir: beside(func(d string) { write(d, carbon, "x,y,carbon\n") })}},
		{"cut short", "truncated", Spec{Dir: beside(func(d string) { _ = os.Truncate(filepath.Join(d, poi), 9_000_000) })}},
		{"malice", `"posix.system"`, Spec{Dir: beside(func(d string) { write(d, carbon, "\x80\x03cposix\nsystem\nX\x02\x00\x00\x00ls\x85R.") })}},
		{"swapped files", "not a number", Spec{Dir: beside(func(d string) {
			_ = os.Rename(filepath.Join(d, poi), filepath.Join(d, carbon))
			_ = os.Link(filepath.Join(d, carbon), filepath.Join(d, poi))
		})}},
		{"no images", "holds no images", Spec{Dir: beside(func(d string) {
			_ = os.RemoveAll(filepath.Join(d, "satellite_images_london"))
			_ = os.Mkdir(filepath.Join(d, "satellite_images_london"), 0o755)
		})}},
		{"damaged image", "26995_12415.png", Spec{Dir: beside(func(d string) { write(d, "satellite_images_london/26995_12415.png", "GIF89a") })}},
		{"foreign split", "none of its tiles", Spec{Dir: beside(func(d string) { write(d, "train_test_split_london.pkl", "\x80\x02]K\x01K\x02\x86a]]\x87.") })}},
		{"strange split", "not a tuple of the lists", Spec{Dir: beside(func(d string) { write(d, "train_test_split_london.pkl", "\x80\x02}.") })}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "store")
			_, err := Build(context.Background(), c.spec, Output{Store: out})
			var in *fault.Input
			if !errors.As(err, &in) || !strings.Contains(err.Error(), c.want) || in.Remedy == "" {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("a store was left behind")
			}
		})
	}
}

// TestCancel: a cancelled import stops and leaves nothing.
func TestCancel(t *testing.T) {
	dir := unpack(t, "published.zip", "london")
	for _, stage := range []string{"POIs", "images"} {
		ctx, cancel := context.WithCancel(context.Background())
		out := t.TempDir()
		_, err := Build(ctx, Spec{Dir: dir}, Output{Store: filepath.Join(out, "store"), Progress: func(s string, done, total int) {
			if s == stage {
				cancel()
			}
		}})
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", stage, err)
		}
		if left, _ := os.ReadDir(out); len(left) > 1 { // the lock file may stay
			t.Errorf("%s: left behind: %v", stage, left)
		}
	}
}

// TestLogarithms: a file of logarithms gives the same targets.
func TestLogarithms(t *testing.T) {
	b := &build{report: &Report{}, spec: Spec{Target: "ln"}, cells: []grid.Cell{{Col: 1, Row: 2}}}
	path := filepath.Join(t.TempDir(), "c.npy")
	if err := os.WriteFile(path, []byte("\x80\x02}K\x01K\x02\x86G\x40\x00\x00\x00\x00\x00\x00\x00s."), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := b.readTargets(path); err != nil || b.targets[0] != math.Exp(2) {
		t.Errorf("%v, %v", b.targets, err)
	}
}
