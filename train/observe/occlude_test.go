package observe

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"opencarbon/data/store"
	"opencarbon/train"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/internal/expect"
	"opencarbon/train/internal/town"
	"opencarbon/train/method"
	"opencarbon/train/networks"
)

// without copies a store, less the points of one category.
func without(t *testing.T, s *store.Store, category uint16) *store.Store {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "less")
	meta := *s.Meta()
	w, err := store.Create(dir, meta, s.Len(), s.ImageSize())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	offsets := []int64{0}
	var p store.Points
	for i := range s.Len() {
		if s.HasImages() {
			if err := w.SetImage(i, s.Image(i)); err != nil {
				t.Fatal(err)
			}
		}
		q := s.POIs(i)
		for j, c := range q.Category {
			if c != category {
				p.Category, p.Row, p.Col, p.Count = append(p.Category, c), append(p.Row, q.Row[j]), append(p.Col, q.Col[j]), append(p.Count, q.Count[j])
			}
		}
		offsets = append(offsets, int64(p.Len()))
	}
	w.SetCells(slices.Clone(s.Cells()))
	w.SetLonLat(slices.Clone(s.LonLat()))
	w.SetAreaKM2(slices.Clone(s.AreaKM2()))
	w.SetCoverage(slices.Clone(s.Coverage()))
	w.SetTargets(slices.Clone(s.Targets()))
	w.SetSplits(slices.Clone(s.Splits()))
	w.SetPOIs(s.Categories(), s.POISize(), offsets, p)
	if err := w.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	less, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { less.Close() })
	return less
}

// Predictions without a category are those on a store that never had it, of
// networks, of a simple method and of a stack of both.
func TestOcclude(t *testing.T) {
	plus := town.Both()
	plus.Model.Statistics, plus.Model.LogCounts, plus.Model.Wide = true, true, true
	plus.Train.Stack = []string{"ridge"}
	for name, c := range map[string]*config.Config{"the encoders alone": town.Both(), "counts and features too": plus} {
		t.Run(name, func(t *testing.T) {
			k, s, r := trained(t, c, town.Town{Rows: 6, Cols: 20, Image: town.Size})
			testOcclude(t, k, s)
			if c != plus {
				return
			}
			t.Run("ridge", func(t *testing.T) { testOcclude(t, read(t, filepath.Join(r.Dir, train.MethodFile("ridge"))), s) })
			t.Run("stack", func(t *testing.T) { testOcclude(t, read(t, filepath.Join(r.Dir, train.StackFile)), s) })
		})
	}
}

func testOcclude(t *testing.T, k *checkpoint.Checkpoint, s *store.Store) {
	o := Options{Threads: 1, Progress: silent}
	cells := []int32{0, 7, 33, 59}
	got, err := Occlude(context.Background(), k, s, cells, o)
	if err != nil {
		t.Fatal(err)
	}
	pick := func(s *store.Store) (v []float64) {
		x, err := Model(context.Background(), k, s, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cells {
			v = append(v, x.Predicted[c])
		}
		return v
	}
	expect.Near(t, "as things are", got.Before, pick(s), 1e-5)
	for category := range 3 {
		expect.Near(t, "without "+s.Categories()[category], got.After[category], pick(without(t, s, uint16(category))), 1e-5)
		if slices.Contains(got.Affected[category], false) {
			t.Errorf("category %d occurs near every cell, affected are %v", category, got.Affected[category])
		}
		if slices.Equal(got.After[category], got.Before) {
			t.Errorf("taking %s away changed nothing", s.Categories()[category])
		}
	}
}

// Every kind of network that sees points says what becomes of it without them.
func TestOccludeRivals(t *testing.T) {
	s := town.Town{Rows: 3, Cols: 8, Image: town.Size}.Open(t)
	d := method.New(s)
	for _, r := range config.Rivals() {
		t.Run(r.Variant, func(t *testing.T) {
			if !slices.Contains(networks.Kinds(), r.Variant) {
				t.Fatalf("no network has this kind; there are %v", networks.Kinds())
			}
			f, err := train.Network{Config: town.Rival(r.Variant, "image", "poi")}.Fit(context.Background(), d, method.Options{Seed: 3, Threads: 1, Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "saved.safetensors")
			if err := f.Save(path); err != nil {
				t.Fatal(err)
			}
			x, err := Occlude(context.Background(), read(t, path), s, d.Test, Options{Device: "cpu", Threads: 1, Progress: silent})
			if err != nil {
				t.Fatal(err)
			}
			if slices.Equal(x.After[0], x.Before) || len(x.After) != 3 {
				t.Errorf("points do not matter to it: %v", x.After)
			}
		})
	}
}
