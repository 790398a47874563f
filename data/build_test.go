package data

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
	"opencarbon/data/store"
	"opencarbon/data/synth"
)

// cityConfig writes a made city and returns the configuration of its store.
func cityConfig(t *testing.T, rows, cols int) (Config, *synth.City) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "city")
	cities, err := synth.Write(t.Context(), dir, synth.Config{Rows: rows, Cols: cols, Size: 32, Seed: 9}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := Config{
		Store: filepath.Join(t.TempDir(), "stores", "demo"),
		Grid:  Grid{Scheme: "degrees"},
		Imagery: Imagery{
			Path: synth.MosaicFile, Size: 32,
		},
		Emissions: Emissions{Path: synth.MonthsFolder + "/odiac2022_1km_excl_intl_18*.tif", Units: "tC", Period: "month"},
		POI:       POI{Path: synth.POIFile},
		Split: Split{Method: "attribute", File: synth.DistrictsFile, Field: "split",
			Train: []string{"train"}, Validation: []string{"validation"}, Test: []string{"test"}},
	}
	if err := c.Normalize("demo", dir); err != nil {
		t.Fatal(err)
	}
	return c, cities[0]
}

func mustBuild(t *testing.T, c *Config, o Options) *Report {
	t.Helper()
	r, err := Build(t.Context(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func open(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestStoreHoldsTheCity compares every table of the store with what the city was
// made from.
func TestStoreHoldsTheCity(t *testing.T) {
	c, city := cityConfig(t, 10, 14)
	r := mustBuild(t, &c, Options{Name: "demo"})
	s := open(t, c.Store)
	if err := s.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.Len() != 140 || s.ImageSize() != 32 || s.POISize() != 256 || s.Meta().TargetUnit != "tCO2/yr" {
		t.Fatalf("%d tiles, images of %d, POIs of %d, unit %q", s.Len(), s.ImageSize(), s.POISize(), s.Meta().TargetUnit)
	}
	mosaic, err := raster.Open(c.Imagery.Path, raster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer mosaic.Close()
	samples, points := 0, 0.0
	counts := map[string]float64{}
	for i, cell := range s.Cells() {
		lon, lat := s.LonLat()[2*i], s.LonLat()[2*i+1]
		col, row := int((lon-city.West)*120), int((city.North-lat)*120)
		k := row*city.Cols + col
		if i > 0 && !(s.Cells()[i-1].Row < cell.Row || s.Cells()[i-1].Col < cell.Col) {
			t.Fatal("cells are out of order")
		}
		// Targets: exactly the sum of the twelve files, in CO2.
		want := math.Exp(city.LnSeen[k])
		if got := s.Targets()[i]; math.IsNaN(got) != math.IsNaN(want) || math.Abs(got/want-1) > 1e-9 {
			t.Fatalf("cell %d: target %v, want %v", k, got, want)
		}
		if math.IsNaN(want) {
			if s.Splits()[i] != store.None {
				t.Errorf("cell %d has no target and is in split %s", k, s.Splits()[i])
			}
		} else {
			samples++
			if got := s.Splits()[i].String(); got != city.Districts[city.District[k]].Split {
				t.Errorf("cell %d is in split %s, want %s", k, got, city.Districts[city.District[k]].Split)
			}
		}
		// Images: the cells lie on the mosaic's pixels, so not a bit changes.
		px := make([]uint8, 3*32*32)
		if err := mosaic.ReadBytes([]int{1, 2, 3}, col*32, row*32, 32, 32, px); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(px, s.Image(i)) && !slices.Equal(deinterleave(px), s.Image(i)) {
			t.Fatalf("cell %d: the image differs from the mosaic", k)
		}
		p := s.POIs(i)
		for j := range p.Len() {
			counts[s.Categories()[p.Category[j]]] += float64(p.Count[j])
			points += float64(p.Count[j])
		}
		sum := 0
		for _, n := range city.Count[k] {
			sum += n
		}
		got := 0.0
		for _, n := range p.Count {
			got += float64(n)
		}
		if got != float64(sum) {
			t.Fatalf("cell %d: %v POIs, want %d", k, got, sum)
		}
	}
	for k, name := range synth.Categories {
		want := 0
		for _, n := range city.Count {
			want += n[k]
		}
		if counts[name] != float64(want) {
			t.Errorf("%s: %v POIs, want %d", name, counts[name], want)
		}
	}
	if r.Cells.Samples != samples || r.POI.Stored != points || r.POI.Duplicates != city.Duplicates || r.POI.Outside != city.Outside {
		t.Errorf("the report counts %+v and %v POIs, want %d samples and %v POIs", r.Cells, r.POI.Stored, samples, points)
	}
	if e := r.Emissions; math.Abs(e.Regridded/e.InRegion-1) > 1e-9 || math.Abs(e.Samples/e.InRegion-1) > 1e-9 {
		t.Errorf("mass: %v in the region, %v after regridding, %v in samples", e.InRegion, e.Regridded, e.Samples)
	}
	var out strings.Builder
	if err := r.Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, w := range []string{"in the region", "before regridding", "after regridding", "restaurant", "duplicates", "outside the region", "train", "overlap left, 3 x 3", "there was no store"} {
		if !strings.Contains(out.String(), w) {
			t.Errorf("the table lacks %q:\n%s", w, out.String())
		}
	}
	if left, _ := filepath.Glob(filepath.Dir(c.Store) + "/*"); len(left) != 1 {
		t.Errorf("beside the store: %v", left)
	}
}

// deinterleave turns [H, W, 3] into [3, H, W].
func deinterleave(px []uint8) []uint8 {
	n := len(px) / 3
	out := make([]uint8, len(px))
	for i := range n {
		for b := range 3 {
			out[b*n+i] = px[3*i+b]
		}
	}
	return out
}

// TestRebuiltWhenNeeded: only when the content of an input or the configuration
// changed, and then always.
func TestRebuiltWhenNeeded(t *testing.T) {
	c, _ := cityConfig(t, 8, 8)
	first := mustBuild(t, &c, Options{})
	if first.Reused || first.Why == "" {
		t.Fatal("the first build built nothing")
	}
	stamp := func() time.Time {
		info, err := os.Stat(filepath.Join(c.Store, "tiles.ocs"))
		if err != nil {
			t.Fatal(err)
		}
		return info.ModTime()
	}
	built := stamp()
	again := mustBuild(t, &c, Options{Verify: true})
	a, _ := json.Marshal(first)
	b, _ := json.Marshal(again)
	if !again.Reused || !stamp().Equal(built) || string(a) != string(b) {
		t.Errorf("reused %v; the kept report differs: %v", again.Reused, string(a) != string(b))
	}
	expect := func(what string, reused bool, why string) {
		t.Helper()
		r := mustBuild(t, &c, Options{})
		if r.Reused != reused || !strings.Contains(r.Why, why) {
			t.Errorf("%s: reused %v (%q), want %v (%q)", what, r.Reused, r.Why, reused, why)
		}
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(c.POI.Path, later, later); err != nil {
		t.Fatal(err)
	}
	expect("another time, same content", true, "")
	f, err := os.OpenFile(c.POI.Path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("new,10.01,46.99,shop,new\n"); err != nil {
		t.Fatal(err)
	}
	f.Close()
	expect("a new row", false, "poi.csv changed")
	c.Split.Buffer = 1
	expect("another buffer", false, "the configuration changed")
	c.Workers = 1
	expect("another number of workers", true, "")
	nan := math.NaN()
	c.Imagery.Nodata = &nan
	expect("a nodata value", false, "the configuration changed")
	expect("the same again", true, "")
	// A file that belongs to an input: a world file beside the mosaic.
	if err := os.WriteFile(strings.TrimSuffix(c.Imagery.Path, ".tif")+".ovr", []byte("no overview"), 0o644); err != nil {
		t.Fatal(err)
	}
	expect("a side file", false, "mosaic.ovr changed")
	if r := mustBuild(t, &c, Options{Force: true}); r.Reused {
		t.Error("--force built nothing")
	}
}

// TestVRTSources: a VRT mosaic is out of date when a file it names is.
func TestVRTSources(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.vrt": `<VRTDataset><SourceFilename relativeToVRT="1">b.vrt</SourceFilename></VRTDataset>`,
		"b.vrt": `<SourceFilename relativeToVRT="1" shared="0">sub/c.tif</SourceFilename><SourceFilename relativeToVRT="0">` + dir + `/d.tif</SourceFilename><SourceFilename relativeToVRT="1">a.vrt</SourceFilename>`,
		"d.tif": "d", "d.tfw": "w",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "sub/c.tif"), []byte("c"), 0o644); err != nil {
		t.Fatal(err)
	}
	var got []string
	files, err := withParts(t.Context(), []string{filepath.Join(dir, "a.vrt")})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range files {
		rel, _ := filepath.Rel(dir, p)
		got = append(got, rel)
	}
	if want := []string{"a.vrt", "b.vrt", "d.tfw", "d.tif", "sub/c.tif"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestCancelled stops builds at every stage: nothing new may remain, and an older
// store stays as it was.
func TestCancelled(t *testing.T) {
	c, _ := cityConfig(t, 8, 8)
	for _, older := range []bool{false, true} {
		if older {
			mustBuild(t, &c, Options{})
		}
		before, _ := os.ReadFile(filepath.Join(c.Store, "tiles.ocs"))
		for _, stage := range []string{stageEmissions, stagePOIs, stageScale, stageImages, stageStore} {
			ctx, cancel := context.WithCancel(t.Context())
			hit := false
			_, err := Build(ctx, &c, Options{Force: true, Progress: func(s string, done, total int) {
				if s == stage {
					hit = true
					cancel()
				}
			}})
			cancel()
			if !hit {
				t.Errorf("stage %s was not heard of", stage)
			}
			if !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled at %s: %v", stage, err)
			}
			left, _ := filepath.Glob(filepath.Dir(c.Store) + "/*")
			if older != (len(left) == 1) || len(left) > 1 {
				t.Errorf("cancelled at %s: %v remain", stage, left)
			}
		}
		after, _ := os.ReadFile(filepath.Join(c.Store, "tiles.ocs"))
		if string(before) != string(after) {
			t.Error("the older store changed")
		}
	}
}

// TestAbsentModalities builds regions without images, without POIs and without
// emissions.
func TestAbsentModalities(t *testing.T) {
	full, city := cityConfig(t, 8, 9)
	noImages := full
	noImages.Imagery, noImages.POI.Size = Imagery{}, 64
	r := mustBuild(t, &noImages, Options{Force: true})
	if s := open(t, noImages.Store); s.HasImages() || !s.HasPOIs() || s.POISize() != 64 || s.Len() != 72 || r.Images != nil {
		t.Errorf("without images: images %v, POIs %v of %d, %d tiles", s.HasImages(), s.HasPOIs(), s.POISize(), s.Len())
	}
	noPOIs := full
	noPOIs.POI = POI{}
	mustBuild(t, &noPOIs, Options{Force: true})
	if s := open(t, noPOIs.Store); !s.HasImages() || s.HasPOIs() {
		t.Errorf("without POIs: images %v, POIs %v", s.HasImages(), s.HasPOIs())
	}
	predict := full
	predict.Emissions = Emissions{}
	r = mustBuild(t, &predict, Options{Force: true})
	s := open(t, predict.Store)
	for i, v := range s.Targets() {
		if !math.IsNaN(v) || s.Splits()[i] != store.None {
			t.Fatalf("without emissions: target %v, split %s", v, s.Splits()[i])
		}
	}
	if s.Len() != 72 || r.Cells.Samples != 0 {
		t.Errorf("without emissions: %d tiles, %d samples", s.Len(), r.Cells.Samples)
	}
	box := full
	box.Region.BBox = []float64{city.West, city.North - 4.0/120, city.West + 5.0/120, city.North}
	mustBuild(t, &box, Options{Force: true})
	if s := open(t, box.Store); s.Len() != 20 {
		t.Errorf("a box of 4 x 5 cells holds %d", s.Len())
	}
	none := full
	none.Imagery, none.POI = Imagery{}, POI{}
	if _, err := Build(t.Context(), &none, Options{}); !fault.IsInput(err) {
		t.Errorf("without images and POIs: %v", err)
	}
}

// TestPartlyCovered: cells that the mosaic covers too little are dropped and
// counted; those beyond the inventory stay as neighbors.
func TestPartlyCovered(t *testing.T) {
	c, city := cityConfig(t, 8, 8)
	// One column of cells wider than the mosaic on either side, half a cell of
	// overlap at the cells of another grid.
	c.Grid = Grid{Scheme: "xyz", Zoom: 15}
	c.Region.BBox = []float64{city.West - 0.03, city.North - 9.0/120, city.West + 0.1, city.North + 0.03}
	r := mustBuild(t, &c, Options{})
	k := r.Cells
	if k.Coverage == 0 || k.NoImage == 0 || k.Region != k.Coverage+k.NoImage+k.Stored || k.Stored != k.Samples+k.NoTarget+k.Zero+k.Sliver {
		t.Errorf("%+v", k)
	}
	s := open(t, c.Store)
	for i, v := range s.Coverage() {
		if v < 0.9 {
			t.Errorf("tile %d has coverage %v", i, v)
		}
	}
	if r.POI.Dropped == 0 {
		t.Error("no POI lies in a dropped cell")
	}
	// Mass: what lies in the region's cells arrives there.
	if e := r.Emissions; math.Abs(e.Regridded/e.InRegion-1) > 1e-9 || math.Abs((e.InRegion+e.Outside)/e.SourceTotal-1) > 1e-9 {
		t.Errorf("mass: %+v", e.Report)
	}
}

// TestMissingInputs: each key's file is looked for before any work begins.
func TestMissingInputs(t *testing.T) {
	for _, k := range []struct {
		key string
		do  func(c *Config)
	}{
		{"data.imagery.path", func(c *Config) { c.Imagery.Path += "x" }},
		{"data.imagery.path", func(c *Config) { c.Imagery.Path = filepath.Dir(c.Store) + "/no.zip/mosaic.tif" }},
		{"data.imagery.path", func(c *Config) { c.Imagery.Path = filepath.Dir(c.Store) + "/tiles/{z}/{x}/{y}.png" }},
		{"data.emissions.path", func(c *Config) { c.Emissions.Path = filepath.Dir(c.Store) + "/*.tif" }},
		{"data.emissions.path", func(c *Config) { c.Emissions.Path = filepath.Dir(c.Store) + "/[a.tif" }},
		{"data.poi.path", func(c *Config) { c.POI.Path += "x" }},
		{"data.poi.categories", func(c *Config) { c.POI.Categories = "/no/table.yaml" }},
		{"data.region.file", func(c *Config) { c.Region.File = "/no/region.gpkg" }},
		{"data.split.file", func(c *Config) { c.Split.File += "x" }},
	} {
		c, _ := cityConfig(t, 8, 8)
		k.do(&c)
		_, err := Build(t.Context(), &c, Options{Progress: func(stage string, _, _ int) { t.Errorf("%s: %s began", k.key, stage) }})
		if !fault.IsInput(err) || !strings.HasPrefix(err.Error(), k.key+":") || !strings.Contains(err.Error(), "\n  ") {
			t.Errorf("%s: %v", k.key, err)
		}
		if _, err := os.Stat(filepath.Dir(c.Store)); err == nil {
			t.Errorf("%s: the store's folder was made", k.key)
		}
	}
}

// A store is told by its header, never by the words of a message: a folder may
// be called anything.
func TestExistingStoreOfNewerProgram(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tile store of version 1")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		magic   string
		version byte
		refused bool
	}{
		{"newer", "OCTILES\n", 200, true},
		{"unfinished", "\x00\x00\x00\x00\x00\x00\x00\x00", 200, false},
		{"no store", "anything", 200, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := make([]byte, 1<<16)
			copy(b, c.magic)
			b[8] = c.version
			if err := os.WriteFile(filepath.Join(dir, "tiles.ocs"), b, 0o666); err != nil {
				t.Fatal(err)
			}
			_, why, err := existing(t.Context(), dir, Options{})
			if c.refused != (err != nil) || c.refused != errors.Is(err, store.ErrNewer) {
				t.Fatalf("why %q, error %v", why, err)
			}
			if c.refused && !fault.IsInput(err) || !c.refused && why == "" {
				t.Errorf("why %q, error %v", why, err)
			}
		})
	}
}

// A model's category table is the default of a region that names none, and a store
// keeps the text of the table that it was made with.
func TestCategoryTableOfTheModel(t *testing.T) {
	const table = "categories:\n  eat: [restaurant, cafe]\n  shop: [shop]\nignore:\n  regex: [\".\"]\n"
	c, _ := cityConfig(t, 8, 9)
	c.POI.Categories = ""
	mustBuild(t, &c, Options{Name: "demo"})
	raw := open(t, c.Store)
	if len(raw.Categories()) < 4 || raw.Meta().CategoryTable != "" {
		t.Fatalf("raw values: %v", raw.Categories())
	}
	before := raw.Meta().ConfigHash
	if r := mustBuild(t, &c, Options{Name: "demo", CategoryTable: table}); r.Reused {
		t.Error("a store of raw values was taken for one by the table")
	}
	s := open(t, c.Store)
	if !slices.Equal(s.Categories(), []string{"eat", "shop"}) || s.Meta().CategoryTable != table || s.Meta().ConfigHash == before {
		t.Errorf("%v, table %q", s.Categories(), s.Meta().CategoryTable)
	}
	if r := mustBuild(t, &c, Options{Name: "demo", CategoryTable: table}); !r.Reused {
		t.Error("built again for nothing: " + r.Why)
	}
	// What the configuration names goes before the model's.
	own := filepath.Join(t.TempDir(), "own.yaml")
	if err := os.WriteFile(own, []byte("categories:\n  school: [school]\nother: rest\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	c.POI.Categories = own
	mustBuild(t, &c, Options{Name: "demo", CategoryTable: table})
	if s := open(t, c.Store); !slices.Equal(s.Categories(), []string{"school", "rest"}) || !strings.Contains(s.Meta().CategoryTable, "rest") {
		t.Errorf("%v", s.Categories())
	}
}
