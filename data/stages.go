package data

import (
	"context"
	"fmt"
	"time"

	"opencarbon/data/emissions"
	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/imagery"
	"opencarbon/data/poi"
	"opencarbon/data/store"
)

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
