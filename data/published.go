package data

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"opencarbon/data/published"
	"opencarbon/data/split"
	"opencarbon/data/store"
)

func (p *Published) spec() published.Spec {
	return published.Spec{Dir: p.Dir, City: p.City, Zoom: p.Zoom, Target: p.Target, Units: p.Units}
}

// normalizePublished is Published's part of Normalize.
func (c *Config) normalizePublished() error {
	p := &c.Published
	s := p.spec()
	s.First = c.PublishedFirstTile
	if p.Dir == "" {
		if len(c.PublishedFirstTile) > 0 {
			return stray("published_first_tile", "without data.published.dir", "Give the dataset's folder, or remove the key.")
		}
		for _, k := range []struct {
			key   string
			given bool
		}{{"city", p.City != ""}, {"target", p.Target != ""}, {"units", p.Units != ""}, {"zoom", p.Zoom != 0}} {
			if k.given {
				return stray("published."+k.key, "without data.published.dir", "Give the dataset's folder, or remove the key.")
			}
		}
		return nil
	}
	if err := s.Normalize(); err != nil {
		return err
	}
	p.Zoom, p.Target, p.Units = s.Zoom, s.Target, s.Units
	return nil
}

// paths are the dataset's files by key, for the list of inputs.
func (p *Published) paths() ([]keyPath, error) {
	s := p.spec()
	f, err := s.Find()
	if err != nil {
		return nil, err
	}
	const key = "data.published.dir"
	return []keyPath{{key, f.POI}, {key, f.Counts}, {key, f.Carbon}, {key, f.Split}, {key, f.Images}}, nil
}

// importPublished makes the store of a published dataset.
func (b *build) importPublished(ctx context.Context) error {
	b.report.Grid = fmt.Sprintf("xyz, zoom %d, tiles of a published dataset", b.c.Published.Zoom)
	plain, _ := b.c.plain()
	config, err := json.Marshal(plain)
	if err != nil {
		return err
	}
	out := published.Output{Store: b.c.Store, Progress: b.o.Progress, Meta: store.Meta{Program: "opencarbon", Name: b.o.Name, ConfigHash: b.hash, Config: config}}
	for _, in := range b.report.Inputs {
		out.Meta.Inputs = append(out.Meta.Inputs, store.InputFile{Path: in.Path, Bytes: in.Bytes, SHA256: in.SHA256})
	}
	out.Describe = func(r *published.Report, m *store.Meta) error {
		b.report.Published = r
		b.report.Cells = Cells{Region: r.Tiles + r.NoImage, NoImage: r.NoImage, Stored: r.Tiles, Samples: r.Samples, NoTarget: r.NoTarget}
		b.report.Split = &split.Report{Method: "published", Text: r.Split, Train: r.Train, Validation: r.Validation, Test: r.Test,
			Unused: r.Samples - r.Train - r.Validation - r.Test, NoTarget: r.NoTarget, Foreign: r.Foreign}
		b.report.Seconds = time.Since(b.began).Seconds()
		var err error
		m.Report, err = b.report.encode()
		return err
	}
	spec := b.c.Published.spec()
	spec.Workers, spec.First = b.c.Workers, b.c.PublishedFirstTile
	if _, err := published.Build(ctx, spec, out); err != nil {
		return err
	}
	return b.measure()
}

// printPublished writes the account of a published dataset.
func (r *Report) printPublished(w io.Writer, line liner, some counter) {
	p := r.Published
	fmt.Fprintf(w, "published dataset of %s\n", p.City)
	line("categories", p.Categories)
	line("points", p.Points, "non-zero entries of the matrices")
	some("rounded to float32", p.Rounded)
	some("images without POIs", p.NoPOI, "left out")
	some("images that came twice", p.Duplicates, "the last was taken")
	some("tiles without a POI matrix", p.Empty, "taken as empty")
	how := "the first in the folder's own order"
	if p.FirstGiven {
		how = "as data.published_first_tile says"
	}
	line("first tile", fmt.Sprintf("%d, %d", p.First[0], p.First[1]), how)
	if !p.FirstGiven {
		some("tiles at a border", p.Border, published.FirstMatters)
	}
}
