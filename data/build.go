package data

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
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
	if raster.Without() != nil {
		return c.given(ctx, o)
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
