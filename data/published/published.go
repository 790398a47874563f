// Package published brings the datasets of the authors' published program into
// a tile store: pickled NumPy dicts of POI matrices and emissions, pickled
// splits, and folders of satellite tiles, for the published cities (London,
// Beijing, Yinchuan) and those of the transfer study.
//
// Names of the files, in <city>_data/ or beside it:
//
//	tile2poi_distribution_<city>.npy|npz  {(x, y): array [256, 256, C]}
//	tile2poi_count_<city>.npy             {(x, y): array [C]}; not of the transfer cities
//	til2carbon_<city>.npy                 {(x, y): yearly emission}
//	train_test_split_<city>*.pkl          (train, validation, test), lists of (x, y)
//	satellite_images_<city>/[district/]<x>_<y>.png|jpg
//
// (x, y) are web-mercator tile numbers. A suffix _<city> may be missing, as in
// Yinchuan's. The files of a transfer city may lie in transfer_experiments/<city>.
//
// Tiles are those of the counts file, where there is one, that have an image; they
// are numbered in the order in which the published program finds the images
// (findImages), so that tile 0 of the store is that program's: it takes it for
// every neighbor that does not exist.
//
// The POI file is read as a stream: of its dense matrices one is in memory at a
// time, and only its non-zero entries stay. Reading of other inputs, and the
// logarithm of the target, have no place here.
package published

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/store"
)

// Spec says which dataset to read and what its numbers mean.
type Spec struct {
	Dir     string // folder of the dataset, or the one above several
	City    string // as in the file names; "" where there is only one
	Zoom    int    // of the tile numbers; default 15 (about 1 km)
	Target  string // emission (default): yearly emission, stored as it is | ln: its logarithm
	Units   string // proxy (default; the files state no unit) | tCO2; a label, numbers are never converted
	Workers int    // goroutines that decode images; 0 = all cores
	First   []int  // x, y of the first tile, where the folder's order is not the original's; empty: the first image found
}

// Size is the edge in pixels of the published images and POI matrices.
const Size = 256

// Normalize fills in defaults and refuses what cannot be meant.
func (s *Spec) Normalize() error {
	if s.Zoom == 0 {
		s.Zoom = 15
	}
	if s.Zoom < 1 || s.Zoom > 22 {
		return fault.New("data.published.zoom", fmt.Sprintf("the value is %d", s.Zoom), "Allowed: 1 to 22; 15 is about 1 km.")
	}
	for _, k := range []struct {
		key   string
		value *string
		words [2]string
	}{{"target", &s.Target, [2]string{"emission", "ln"}}, {"units", &s.Units, [2]string{"proxy", "tCO2"}}} {
		switch *k.value {
		case "":
			*k.value = k.words[0]
		case k.words[0], k.words[1]:
		default:
			return fault.New("data.published."+k.key, fmt.Sprintf("the value is %q", *k.value), "Allowed: "+k.words[0]+", "+k.words[1]+".")
		}
	}
	if n := len(s.First); n != 0 && n != 2 {
		return fault.New("data.published_first_tile", fmt.Sprintf("has %d numbers", n), "Give the x and y of a tile: [26995, 12416].")
	}
	if s.Workers <= 0 {
		s.Workers = runtime.NumCPU()
	}
	return nil
}

// Output says where the store goes.
type Output struct {
	Store string     // folder
	Meta  store.Meta // name, program, configuration; grid, bounds, unit and split are filled in
	// Describe, where given, may add to the metadata what the import found.
	Describe func(*Report, *store.Meta) error
	// Progress hears how much of a stage (POIs, images) is done.
	Progress func(stage string, done, total int)
}

// Report counts what an import found.
type Report struct {
	City       string `json:"city"`
	Files      Files  `json:"files"`
	Tiles      int    `json:"tiles"`      // stored
	Categories int    `json:"categories"` // C
	Points     int    `json:"points"`     // non-zero entries of all stored matrices
	Rounded    int    `json:"rounded"`    // counts that a float32 cannot hold exactly
	NoImage    int    `json:"no_image"`   // tiles of the counts file (else the POI file) without an image, left out
	NoPOI      int    `json:"no_poi"`     // images of no such tile, left out
	Empty      int    `json:"empty"`      // stored tiles without a POI matrix, taken as one of zeros
	Samples    int    `json:"samples"`    // tiles with a target
	NoTarget   int    `json:"no_target"`  // stored tiles without a target, or with zero: neighbors only
	Duplicates int    `json:"duplicates"` // images that came twice (districts that share a tile)
	Train      int    `json:"train"`
	Validation int    `json:"validation"`
	Test       int    `json:"test"`
	Foreign    int    `json:"foreign"` // tiles of the split file that the dataset has not
	Split      string `json:"split"`   // how tiles were split, for people
	Unit       string `json:"unit"`    // of the stored targets

	First      [2]int64 `json:"first_tile"`       // x, y of tile 0
	FirstGiven bool     `json:"first_tile_given"` // it was named, not found
	Border     int      `json:"border"`           // tiles that lack one of their eight neighbors or more
}

// Build reads a dataset and writes its store, whole or not at all. Errors that
// the user can mend are *fault.Input.
func Build(ctx context.Context, s Spec, out Output) (*Report, error) {
	if err := s.Normalize(); err != nil {
		return nil, err
	}
	if out.Progress == nil {
		out.Progress = func(string, int, int) {}
	}
	files, err := s.Find()
	if err != nil {
		return nil, err
	}
	b := &build{spec: s, out: out, report: &Report{City: files.City, Files: *files}}
	if err := b.read(ctx, files); err != nil {
		return nil, err
	}
	if err := b.write(ctx); err != nil {
		return nil, err
	}
	return b.report, nil
}

// build is one import under way. The slices run over the stored tiles.
type build struct {
	spec   Spec
	out    Output
	report *Report

	cells   []grid.Cell
	images  []string
	tiles   []*sparse
	targets []float64
	splits  []store.Split
}

func (b *build) read(ctx context.Context, f *Files) error {
	images, err := b.findImages(ctx, f.Images)
	if err != nil {
		return err
	}
	keys, tiles, err := b.readPOIs(ctx, f.POI)
	if err != nil {
		return err
	}
	exist := keys
	if f.Counts != "" {
		if exist, err = b.readCounts(f.Counts); err != nil {
			return err
		}
	}
	left, matrix := make(map[grid.Cell]bool, len(exist)), make(map[grid.Cell]*sparse, len(keys))
	for _, c := range exist {
		left[c] = true
	}
	for i, c := range keys {
		matrix[c] = tiles[i]
	}
	last := int64(1)<<b.spec.Zoom - 1
	for _, image := range images {
		c := image.cell
		if !left[c] {
			b.report.NoPOI++
			continue
		}
		if c.Col < 0 || c.Row < 0 || c.Col > last || c.Row > last {
			return fault.New(f.POI, fmt.Sprintf("tile (%d, %d) does not exist at zoom %d", c.Col, c.Row, b.spec.Zoom),
				"Set data.published.zoom to the zoom of the tile numbers.")
		}
		delete(left, c)
		t := matrix[c]
		if t == nil {
			b.report.Empty++
			t = &sparse{categories: b.report.Categories}
		}
		b.cells, b.images, b.tiles = append(b.cells, c), append(b.images, image.path), append(b.tiles, t)
	}
	b.report.NoImage = len(left)
	if len(b.cells) == 0 {
		return fault.New(f.Images, fmt.Sprintf("none of the %d tiles of %s has an image here", len(exist), cmp.Or(f.Counts, f.POI)),
			"The images of the same city belong here, named <x>_<y>.png or .jpg.")
	}
	if err := b.putFirst(); err != nil {
		return err
	}
	if err := b.readTargets(f.Carbon); err != nil {
		return err
	}
	return b.split(f.Split)
}

func (b *build) write(ctx context.Context) error {
	g, err := grid.New(grid.Spec{Scheme: grid.XYZ, Zoom: b.spec.Zoom})
	if err != nil {
		return err
	}
	n := len(b.cells)
	meta := b.out.Meta
	minX, _, maxX, _ := g.Bounds(b.cells[0])
	meta.Grid = store.GridSpec{Scheme: grid.XYZ, Zoom: b.spec.Zoom, EPSG: 3857, CellSize: maxX - minX, WKT: g.CRS().WKT(), Columns: 1 << b.spec.Zoom}
	b.report.Unit = ""
	if b.report.Samples > 0 {
		b.report.Unit = map[string]string{"proxy": "proxy", "tCO2": "tCO2/yr"}[b.spec.Units]
	}
	meta.TargetUnit, meta.Split = b.report.Unit, b.report.Split
	w, err := store.Create(b.out.Store, meta, n, Size)
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := b.writeImages(ctx, w); err != nil {
		return err
	}
	if err := b.writePlaces(w, g); err != nil {
		return err
	}
	w.SetTargets(b.targets)
	w.SetSplits(b.splits)
	b.writePOIs(w)
	b.report.Tiles = n
	if b.out.Describe != nil {
		if err := b.out.Describe(b.report, w.Meta()); err != nil {
			return err
		}
	}
	return w.Commit(ctx)
}

// writePlaces gives cells, centers, areas and bounds.
func (b *build) writePlaces(w *store.Writer, g *grid.Grid) error {
	m, err := g.NewMeasure()
	if err != nil {
		return err
	}
	defer m.Close()
	lon, lat, err := m.Centers(b.cells)
	if err != nil {
		return err
	}
	area, err := m.Areas(b.cells)
	if err != nil {
		return err
	}
	cells, lonlat := make([]store.Cell, len(b.cells)), make([]float64, 0, 2*len(b.cells))
	box := [4]float64{180, 90, -180, -90}
	for i, c := range b.cells {
		cells[i] = store.Cell{Col: c.Col, Row: c.Row}
		lonlat = append(lonlat, lon[i], lat[i])
		w, n := b.corner(c.Col, c.Row)
		e, s := b.corner(c.Col+1, c.Row+1)
		box = [4]float64{min(box[0], w), min(box[1], s), max(box[2], e), max(box[3], n)}
	}
	w.SetCells(cells)
	w.SetLonLat(lonlat)
	w.SetAreaKM2(area)
	w.Meta().Bounds = box
	return nil
}

// corner is the longitude and latitude of a tile's north-western corner.
func (b *build) corner(x, y int64) (lon, lat float64) {
	n := math.Exp2(float64(b.spec.Zoom))
	return float64(x)/n*360 - 180, math.Atan(math.Sinh(math.Pi*(1-2*float64(y)/n))) * 180 / math.Pi
}

// writeImages decodes all images into the store.
func (b *build) writeImages(ctx context.Context, w *store.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	jobs := make(chan int)
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range min(b.spec.Workers, len(b.images)) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			rgb := make([]uint8, 3*Size*Size)
			for i := range jobs {
				err := decode(b.images[i], rgb, b.report.City == resized)
				if err == nil {
					err = w.SetImage(i, rgb)
				}
				if err != nil {
					cancel(err)
					return
				}
				mu.Lock()
				done++
				b.out.Progress("images", done, len(b.images))
				mu.Unlock()
			}
		}()
	}
feed:
	for i := range b.images {
		select {
		case jobs <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(jobs)
	wg.Wait()
	return context.Cause(ctx)
}
