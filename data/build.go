package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"time"

	"opencarbon/data/emissions"
	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/imagery"
	"opencarbon/data/poi"
	"opencarbon/data/raster"
	"opencarbon/data/remote"
	"opencarbon/data/store"
)

// Options of Build. The zero value builds only what is out of date, in silence.
type Options struct {
	Name   string // of the experiment: title and default folder
	Force  bool   // build even if the store is up to date
	Verify bool   // before a store is reused, check every byte of it
	Wait   bool   // where another process builds the store, wait and take what it built

	// CategoryTable is the text of a category table, that of a model, for a
	// configuration that names none.
	CategoryTable string
	// Progress hears of each stage how much is done; it may be called from
	// several goroutines, one at a time.
	Progress func(stage string, done, total int)
	// Note hears, line by line, of what is fetched from servers, before it begins.
	Note func(text string)

	client  remote.Client // of tests: less patient
	outline bool          // leave the images out, see Outline
}

// Build makes the tile store that the configuration describes, or finds that it
// is up to date. It first looks at everything that can be wrong (keys, files,
// columns, units, districts) and only then at pixels. The store appears under
// its name when it is complete; on an error, or when ctx is cancelled, an older
// store is left as it was and nothing else remains. Errors that the user can
// mend are *fault.Input. c is normalized. When ctx is cancelled while GDAL is
// inside one call for long (a compressed mosaic read from its start, a network
// that does not answer), Build does not wait for its end; what is left then is
// removed by the next build.
func Build(ctx context.Context, c *Config, o Options) (*Report, error) {
	for {
		r, err := leave(ctx, patience, func() (*Report, error) { return construct(ctx, c, o) })
		if !o.Wait || !errors.Is(err, store.ErrBusy) {
			return r, err
		}
		select {
		case <-time.After(busyPause):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// busyPause is how long Build waits before it looks again whether another process
// has ended its build.
const busyPause = 2 * time.Second

// patience is how long a cancelled Build waits for its work to end by itself.
const patience = 3 * time.Second

// leave runs f and returns what it returns, or ctx's error when that has ended and
// f has not within the time given. f is then left to itself.
func leave[T any](ctx context.Context, patience time.Duration, f func() (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		v, err := f()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.v, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-done:
		return r.v, r.err
	case <-time.After(patience):
		var none T
		return none, context.Cause(ctx)
	}
}

// construct is Build, to the end.
func construct(ctx context.Context, c *Config, o Options) (*Report, error) {
	if o.Name == "" {
		o.Name = "region"
	}
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	if err := c.Normalize(o.Name, ""); err != nil {
		return nil, err
	}
	if c.Imagery.Path == "" && c.POI.Path == "" && c.Published.Dir == "" {
		return nil, fault.New("data", "neither imagery nor points of interest are given", "Give data.imagery.path, data.poi.path, or both; or data.published.dir.")
	}
	if b, err := grid.ParseBBox(c.Region.BBox); err == nil && o.Note != nil {
		if like := b.ByAxes(); like != "" {
			o.Note(like)
		}
	}
	raster.Warnings() // those of earlier work are none of this region's
	old, why, err := existing(ctx, c.Store, o)
	if err != nil {
		return nil, err
	}
	var known []Input
	if old != nil {
		known = old.Inputs
	}
	local, err := c.fetch(ctx, o)
	if err != nil {
		return nil, err
	}
	inputs, err := local.inputs(ctx, known)
	if err != nil {
		return nil, local.told(err)
	}
	table, err := local.categoryTable(o)
	if err != nil {
		return nil, err
	}
	hash, err := c.hash(inputs, o)
	if err != nil {
		return nil, err
	}
	if old != nil && !o.Force && why == "" {
		if store.UpToDate(c.Store, hash) {
			old.Reused = true
			return old, nil
		}
		why = changes(old.Inputs, inputs)
	}
	b := &build{c: local.Config, o: o, hash: hash, table: table, began: time.Now()}
	b.report = &Report{Name: o.Name, Store: c.Store, Why: why, Inputs: inputs, Attribution: c.Imagery.Attribution}
	work := b.run
	if c.Published.Dir != "" {
		work = b.importPublished
	}
	if err := work(ctx); err != nil {
		return nil, latitudeFirst(c.Region, local.told(err))
	}
	return b.report, nil
}

// latitudeFirst adds to the error of an input that lies elsewhere that the box may
// have been written latitude first: London's is then a box off Somalia, and no
// check of numbers can tell.
func latitudeFirst(r Region, err error) error {
	var in *fault.Input
	if len(r.BBox) != 4 || !errors.As(err, &in) || !elsewhere.MatchString(in.What) {
		return err
	}
	b, badBox := grid.ParseBBox(r.BBox)
	s, ok := b.Swapped()
	if badBox != nil || !ok {
		return err
	}
	with := *in
	if with.Remedy = strings.TrimSpace(with.Remedy); with.Remedy != "" && !strings.HasSuffix(with.Remedy, ".") {
		with.Remedy += "."
	}
	with.Remedy += fmt.Sprintf(" Longitude comes first in data.region.bbox: if it was written latitude first, [%g, %g, %g, %g] is meant.", s.West, s.South, s.East, s.North)
	return &with
}

// elsewhere matches what the rooms say of an input that misses the region.
var elsewhere = regexp.MustCompile(`does not overlap the region|lies in the region|covers no cell|no cell of the region`)

// existing looks at the store that is there: its report, or why it cannot be
// reused. A store of a newer program is not overwritten without being asked to.
func existing(ctx context.Context, dir string, o Options) (r *Report, why string, err error) {
	if o.Force {
		return nil, "a new build was asked for", nil
	}
	s, err := store.Open(dir)
	if err != nil {
		if _, statErr := os.Stat(dir); errors.Is(statErr, fs.ErrNotExist) {
			return nil, "there was no store", nil
		}
		if errors.Is(err, store.ErrNewer) {
			return nil, "", fault.Wrap(err, "data.store", "the store there is not ours to overwrite", "Update this program, set data.store to another folder, or build with --force.")
		}
		return nil, "the store there cannot be used (" + fault.Brief(err) + ")", nil
	}
	defer s.Close()
	if o.Verify {
		if err := s.Verify(ctx); err != nil {
			if ctx.Err() != nil {
				return nil, "", err
			}
			return nil, "the store there is damaged (" + fault.Brief(err) + ")", nil
		}
	}
	if r = decodeReport(s.Meta().Report); r == nil {
		return nil, "the store there has no report", nil
	}
	r.Store, r.Bytes = dir, s.Bytes()
	return r, "", nil
}

// changes says what differs from the build before.
func changes(before, now []Input) string {
	was := map[string]Input{}
	for _, in := range before {
		was[in.Key+in.Path] = in
	}
	for _, in := range now {
		if old, ok := was[in.Key+in.Path]; !ok || old.SHA256 != in.SHA256 {
			return in.Path + " changed"
		}
	}
	return "the configuration changed"
}

// named makes sure that a user's error names the section of the configuration
// that it is about: the rooms below know files, not always keys.
func named(err error, section string) error {
	var in *fault.Input
	if !errors.As(err, &in) || in.Section != "" || key.MatchString(in.Where) {
		return err
	}
	with := *in
	with.Section = section
	return &with
}

// key matches what is a key of the configuration and no file: data.poi.crs.
var key = regexp.MustCompile(`^data\.(grid|region|imagery|emissions|poi|split|published|store|workers|trust|cache|cache_gb)\b`)

// build is one build under way.
type build struct {
	c      *Config
	o      Options
	hash   string
	table  string // text of the category table; empty: raw values are the categories
	began  time.Time
	report *Report

	grid    *grid.Grid
	mosaic  *imagery.Mosaic // nil: no image modality
	cells   []grid.Cell     // of the region
	place   *place
	stock   *emissions.Result // nil: no targets
	least   float64           // the smallest emission that is one; 0: not yet known
	points  *poi.Result       // nil: no POI modality
	rasters [][]float64       // [K][N] numbers of the region's cells
}

// Names of the stages that Progress hears of.
const (
	stageEmissions = "emissions"
	stagePOIs      = "POIs"
	stageRasters   = "rasters"
	stageScale     = "scaling"
	stageImages    = "images"
	stageStore     = "store"
)

func (c *Config) emissionsSpec() emissions.Spec {
	e := c.Emissions
	return emissions.Spec{Source: e.Source, Path: e.Path, Year: e.Year, CRS: e.CRS, Bands: e.Bands, Variables: e.Variables, Layer: e.Layer, Attribute: e.Attribute, Units: e.Units,
		Per: e.Per, Period: e.Period, MissingMonths: e.MissingMonths, Nodata: e.Nodata}
}

// openMosaic opens data.imagery.path.
func (c *Config) openMosaic() (*imagery.Mosaic, error) {
	m := c.Imagery
	spec := imagery.Spec{Path: m.Path, CRS: m.CRS, Scale: m.Scale, Percentile: m.Percentile, Type: m.Type, Code: m.Code,
		Preview: m.Preview, Range: m.Range, Size: m.Size, Resampling: m.Resampling, MinCoverage: m.MinCoverage, Nodata: m.Nodata}
	if numbers, ok := m.Bands.Numbers(); ok {
		spec.Bands = numbers
	} else {
		spec.Named = m.Bands
	}
	mosaic, err := imagery.Open(spec)
	return mosaic, named(err, "data.imagery")
}

func (b *build) run(ctx context.Context) error {
	c := b.c
	var err error
	b.grid, err = grid.New(grid.Spec(c.Grid))
	if err != nil {
		return err
	}
	b.report.Grid = b.grid.String()
	if c.Imagery.Path != "" {
		if b.mosaic, err = c.openMosaic(); err != nil {
			return err
		}
	}
	if err := b.region(ctx); err != nil {
		return err
	}
	defer b.place.close()
	if err := b.readPOIs(ctx); err != nil {
		return named(err, "data.poi")
	}
	if err := b.readRasters(ctx); err != nil {
		return err
	}
	// The split is tried on all cells before pixels are touched, so that a
	// misspelt district is found in seconds.
	all := make([]int, len(b.cells))
	for i := range all {
		all[i] = i
	}
	if _, _, err := b.split(ctx, all); err != nil {
		return err
	}
	return b.write(ctx)
}

// region finds the cells and what the inventory says about them.
func (b *build) region(ctx context.Context) error {
	cells, fromInventory, err := regionCells(ctx, b.c, b.grid, b.mosaic)
	if err != nil {
		return err
	}
	if b.c.Emissions.Path != "" {
		b.stock, err = emissions.Load(ctx, b.c.emissionsSpec(), b.grid, cells, func(f float64) { b.o.Progress(stageEmissions, int(f*1000), 1000) })
		if err != nil {
			return named(err, "data.emissions")
		}
	}
	if fromInventory { // leave out what the inventory does not touch
		kept := 0
		for i := range cells {
			if b.stock.Coverage[i] >= sliver {
				cells[kept], b.stock.Values[kept], b.stock.Coverage[kept] = cells[i], b.stock.Values[i], b.stock.Coverage[i]
				kept++
			}
		}
		if kept == 0 {
			return fault.New(b.c.Emissions.Path, "the inventory has no valid value", "Check data.emissions.attribute, bands and nodata.")
		}
		cells = cells[:kept]
		b.stock.Values, b.stock.Coverage = b.stock.Values[:kept], b.stock.Coverage[:kept]
	}
	b.cells = cells
	b.report.Cells.Region = len(cells)
	b.place, err = newPlace(b.grid, cells)
	return err
}

func (b *build) readPOIs(ctx context.Context) error {
	if b.c.POI.Path == "" {
		return nil
	}
	p := b.c.POI
	spec := poi.Spec{Path: p.Path, Layer: p.Layer, CRS: p.CRS, Encoding: p.Encoding, Categories: p.Categories, Table: b.o.tableFor(b.c), MaxBadRows: p.MaxBadRows, Options: p.Options,
		Columns: poi.Columns(p.Columns)}
	target := poi.Target{Cells: len(b.cells), Size: b.c.POI.Size, Region: b.place.box, Locate: b.place.locate}
	var err error
	b.points, err = poi.Read(ctx, spec, target, func(done, total int64) {
		if total > 0 {
			b.o.Progress(stagePOIs, int(done*1000/total), 1000)
		}
	})
	return err
}

// write makes the images and the store.
func (b *build) write(ctx context.Context) (err error) {
	var image store.Shape
	meta := store.Meta{Program: "opencarbon", Name: b.o.Name, ConfigHash: b.hash, Grid: b.gridSpec(), Attribution: b.c.Imagery.Attribution}
	if b.mosaic != nil && !b.o.outline {
		image = imageShape(b.mosaic.Size(), b.mosaic.Bands(), b.c.Imagery.Type)
	}
	w, err := store.CreateAs(b.c.Store, meta, len(b.cells), image)
	if err != nil {
		return err
	}
	defer w.Abort()
	keep, coverage, err := b.images(ctx, w)
	if err != nil {
		return err
	}
	if err := w.Select(keep); err != nil {
		return err
	}
	if err := b.balance(ctx, w, keep); err != nil {
		return err
	}
	b.o.Progress(stageStore, 0, 1)
	cells := make([]store.Cell, len(keep))
	for k, i := range keep {
		cells[k] = store.Cell{Col: b.cells[i].Col, Row: b.cells[i].Row}
	}
	lon, lat, area := b.place.subset(keep)
	lonlat := make([]float64, 0, 2*len(keep))
	for k := range keep {
		lonlat = append(lonlat, lon[k], lat[k])
	}
	w.SetCells(cells)
	w.SetLonLat(lonlat)
	w.SetAreaKM2(area)
	if coverage != nil {
		w.SetCoverage(coverage)
	}
	w.SetTargets(b.targets(keep))
	splits, account, err := b.split(ctx, keep)
	if err != nil {
		return err
	}
	w.SetSplits(splits)
	b.report.Split = account
	if b.points != nil {
		offsets, points := b.keepPOIs(keep)
		w.SetPOIs(b.points.Categories, b.points.Size, offsets, points)
	}
	if err := b.keepRasters(w, keep); err != nil {
		return err
	}
	if err := b.describe(w.Meta(), keep); err != nil {
		return err
	}
	if err := w.Commit(ctx); err != nil {
		return err
	}
	b.o.Progress(stageStore, 1, 1)
	return b.measure()
}

// tableFor is the category table of the options where the configuration names none.
func (o Options) tableFor(c *Config) string {
	if c.POI.Path == "" || c.POI.Categories != "" {
		return ""
	}
	return o.CategoryTable
}

// categoryTable is the text of the table that makes categories of raw values; empty
// where there is none.
func (c *Config) categoryTable(o Options) (string, error) {
	if c.POI.Path == "" || c.POI.Categories == "" {
		return o.tableFor(c), nil
	}
	text, err := poi.TableText(c.POI.Categories)
	return string(text), err
}

// measure opens what was written, as a last check, and notes its size.
func (b *build) measure() error {
	s, err := store.Open(b.c.Store)
	if err != nil {
		return err
	}
	b.report.Bytes = s.Bytes()
	return s.Close()
}

// images warps the mosaic into the store and returns the numbers of the cells
// that stay and their coverage (nil without images).
func (b *build) images(ctx context.Context, w *store.Writer) (keep []int, coverage []float32, err error) {
	b.report.Cells.Stored = len(b.cells)
	for i := range b.cells {
		keep = append(keep, i)
	}
	if b.mosaic == nil {
		return keep, nil, nil
	}
	b.o.Progress(stageScale, 0, 1)
	n, err := b.mosaic.Normalize(ctx, b.c.Workers)
	if err != nil {
		return nil, nil, named(err, "data.imagery")
	}
	b.o.Progress(stageScale, 1, 1)
	b.report.Images = n
	if c := n.Colors(); c != nil {
		w.Meta().Colors = (*store.Colors)(c)
	}
	if b.o.outline {
		return keep, nil, nil
	}
	keep = nil
	warped, err := b.mosaic.Warp(ctx, b.grid, b.cells, n,
		imagery.Options{Workers: b.c.Workers, Progress: func(done, total int) { b.o.Progress(stageImages, done, total) }},
		func(i int, _ float64, pixels []byte) error { return w.SetImage(i, pixels) })
	if err != nil {
		return nil, nil, named(err, "data.imagery")
	}
	if warped.Blank.Cells > 0 {
		b.report.Blank = &warped.Blank
	}
	best := float32(0)
	for i, ok := range warped.Kept {
		best = max(best, warped.Coverage[i])
		if ok {
			keep = append(keep, i)
			coverage = append(coverage, warped.Coverage[i])
			if warped.Coverage[i] < 1 {
				b.report.Cells.Cut++
			}
		}
	}
	if len(keep) == 0 {
		return nil, nil, fault.New("data.imagery.min_coverage", fmt.Sprintf("the mosaic covers no cell by %g; the best by %.2f", b.c.Imagery.MinCoverage, best),
			"Lower data.imagery.min_coverage, choose smaller cells, or bring a mosaic that covers the region.")
	}
	c := &b.report.Cells
	c.Coverage, c.NoImage, c.Stored = warped.Dropped, warped.Empty, len(keep)
	return keep, coverage, nil
}
