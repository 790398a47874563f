package output

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"opencarbon/data"
	"opencarbon/data/areas"
	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/train/metrics"
	"opencarbon/train/totals"
)

// Known is what a user knows of a region beside its cells: areas, and totals that
// the predictions are to add up to. The zero value is nothing.
type Known struct {
	Areas  string // file of polygons
	Field  string // its column of names
	Total  string // of the whole region, e.g. "29.06 Mt"
	Totals string // file of the areas' totals: CSV, or the polygons themselves
	Year   string // which year of Totals
}

// KnownTotals are Known, read and cut into cells.
type KnownTotals struct {
	set     *areas.Set
	parts   []totals.Area // [areas]
	want    []float64     // [areas] tCO2 a year, 0: not known
	whole   float64       // 0: not known
	year    string
	missing []string
}

// Read reads the files and cuts areas into the cells of s. Errors are
// *fault.Input.
func (k Known) Read(ctx context.Context, s *store.Store, unit string) (*KnownTotals, error) {
	out := &KnownTotals{year: k.Year}
	if (k.Total != "" || k.Totals != "") && unit != "tCO2/yr" {
		return nil, fault.New("--total, --totals", fmt.Sprintf("the model predicts %s, which no total in tonnes says anything about", cmp.Or(unit, "a proxy")),
			"Leave the total out, or use a model that was trained on emissions.")
	}
	if k.Total != "" && k.Totals != "" {
		return nil, fault.New("--total, --totals", "both are given, and may contradict each other", "Give the total of the whole region, or those of its areas.")
	}
	if k.Total != "" {
		var err error
		if out.whole, err = areas.ParseAmount("--total", k.Total, ""); err != nil {
			return nil, err
		}
	}
	path := k.Areas
	if path == "" && k.Totals != "" {
		if !areas.Vector(k.Totals) {
			return nil, fault.New("--totals", k.Totals+" is a table: it does not tell where its areas lie", "Give their polygons as well: --areas districts.geojson --field NAME.")
		}
		path = k.Totals
	}
	if path == "" {
		if k.Field != "" {
			return nil, fault.New("--field", "is given without --areas", "Give the file of polygons as well.")
		}
		return out, nil
	}
	g, cells, err := data.CellsOf(s)
	if err != nil {
		return nil, err
	}
	if out.set, err = areas.Read(ctx, path, k.Field, g, cells); err != nil {
		return nil, err
	}
	for _, a := range out.set.Areas {
		out.parts = append(out.parts, totals.Area{Cell: a.Cell, Share: a.Share})
	}
	if k.Totals != "" {
		if out.want, out.missing, err = out.set.Totals(ctx, k.Totals, k.Year); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// apply scales x to the totals that are known.
func (k *KnownTotals) apply(p *Predictions, x *Estimate) error {
	if k.whole == 0 && k.want == nil {
		return nil
	}
	v := slices.Clone(x.amounts())
	if k.whole > 0 {
		f, _, err := totals.Rake(v, []totals.Area{totals.Whole(len(v))}, []float64{k.whole})
		if err != nil {
			return fault.Wrap(err, "--total", "the predictions cannot be scaled", "Check the predictions.")
		}
		p.Scaled = f[0]
		p.Notes = append(p.Notes, fmt.Sprintf("scaled to the known total of %s: times %.4g", metrics.Amount(k.whole), f[0]))
	} else if _, bad, err := totals.Rake(v, k.parts, k.want); err != nil {
		return fault.Wrap(err, k.set.Path, fmt.Sprintf("area %q", k.set.Areas[bad].Name), "Check its total and its unit, or join areas that are smaller than a cell.")
	}
	if len(k.missing) > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("no total is known of %s: what is predicted there stays", some(k.missing)))
	}
	x.Scaled = v
	return nil
}

func some(names []string) string {
	if len(names) > 8 {
		return strings.Join(names[:8], ", ") + fmt.Sprintf(" and %d more", len(names)-8)
	}
	return strings.Join(names, ", ")
}
