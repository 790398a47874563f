package train

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"opencarbon/data"
	"opencarbon/data/areas"
	"opencarbon/data/fault"
	"opencarbon/data/raster"
	"opencarbon/data/sheet"
	"opencarbon/data/store"
	"opencarbon/train/atomicfile"
	"opencarbon/train/conformal"
	"opencarbon/train/metrics"
	"opencarbon/train/qgis"
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

// AreasFile and AreasLayer are what Predict leaves of areas.
const (
	AreasFile  = "areas.csv"
	AreasLayer = "areas.gpkg"
)

// AreaTotal is the sum over an area. Amounts are in the unit of the predictions.
type AreaTotal struct {
	Name      string
	Cells     int     // cells that it has a part of
	KM2       float64 // its area
	Covered   float64 // km2 of it that lie in predicted cells; the amounts are of these
	Raw       float64 // sum of exp(predicted ln), too low
	Corrected float64 // NaN without a correction
	True      float64 // sum of the inventory's emissions; NaN where a cell has none
	Total     float64 // the best there is: known, scaled, corrected or raw
	PerKM2    float64 // Total / Covered
	Share     float64 // of the whole region's total
	Known     float64 // the total that was given; NaN: none
	Factor    float64 // Known by what was predicted; NaN: none
	Rank      int     // 1: the largest total; 0: no cells
	Intervals []totals.Interval
}

// knownTotals are Known, read and cut into cells.
type knownTotals struct {
	set     *areas.Set
	parts   []totals.Area // [areas]
	want    []float64     // [areas] tCO2 a year, 0: not known
	whole   float64       // 0: not known
	year    string
	missing []string
}

// read reads the files and cuts areas into the cells of s. Errors are
// *fault.Input.
func (k Known) read(ctx context.Context, s *store.Store, unit string) (*knownTotals, error) {
	out := &knownTotals{year: k.Year}
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
func (k *knownTotals) apply(p *Predictions, x *estimate) error {
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
	x.scaled = v
	return nil
}

func some(names []string) string {
	if len(names) > 8 {
		return strings.Join(names[:8], ", ") + fmt.Sprintf(" and %d more", len(names)-8)
	}
	return strings.Join(names, ", ")
}

// sum adds the areas up. Intervals are of the corrected total; where the whole is
// known they are of the area's share in it, and where an area's own total is
// known there is none.
func (k *knownTotals) sum(p *Predictions, model *totals.Model, s *store.Store, x estimate) {
	var sums []totals.Sum
	switch {
	case model == nil:
	case k.whole > 0:
		sums = model.Shares(placed(s, x.ln), k.parts, totals.Whole(len(x.ln)), conformal.Levels())
	default:
		sums = model.Sums(placed(s, x.ln), k.parts, conformal.Levels())
	}
	raw, best, truth := exp(x.ln), x.amounts(), exp(newDataset(s).ln)
	all := 0.0
	for _, v := range best {
		all += v
	}
	for i, a := range k.set.Areas {
		t := AreaTotal{Name: a.Name, Cells: len(a.Cell), KM2: a.KM2, Covered: a.Covered, Corrected: math.NaN(), Known: math.NaN(), Factor: math.NaN()}
		before := 0.0
		for j, c := range a.Cell {
			t.Raw, t.Total, t.True = t.Raw+a.Share[j]*raw[c], t.Total+a.Share[j]*best[c], t.True+a.Share[j]*truth[c]
			if x.corrected != nil {
				before += a.Share[j] * x.corrected[c]
			}
		}
		if t.Cells == 0 {
			t.True = math.NaN()
		}
		if x.corrected != nil {
			t.Corrected = before
		} else {
			before = t.Raw
		}
		t.PerKM2, t.Share = t.Total/t.Covered, t.Total/all
		if k.want != nil && k.want[i] > 0 {
			t.Known, t.Factor = k.want[i], k.want[i]/before
		}
		if sums != nil && k.want == nil && t.Cells > 0 {
			for _, v := range sums[i].Intervals {
				f := 1.0
				if k.whole > 0 {
					f = p.Scaled
				}
				t.Intervals = append(t.Intervals, totals.Interval{Level: v.Level, Low: f * v.Low, High: f * v.High})
			}
		}
		p.Areas = append(p.Areas, t)
	}
	order := make([]int, len(p.Areas))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p.Areas[b].Total, p.Areas[a].Total) })
	for n, i := range order {
		if p.Areas[i].Cells > 0 {
			p.Areas[i].Rank = n + 1
		}
	}
	if len(k.set.Outside) > 0 {
		p.Notes = append(p.Notes, "outside the region, without any cell: "+some(k.set.Outside))
	}
	var partly []string
	for _, a := range p.Areas {
		if a.Cells > 0 && a.Covered < 0.99*a.KM2 {
			partly = append(partly, fmt.Sprintf("%s (%.0f%%)", a.Name, 100*a.Covered/a.KM2))
		}
	}
	if len(partly) > 0 {
		p.Notes = append(p.Notes, "only in part within the region, and added up as far as they are: "+some(partly))
	}
}

// areaColumns are those of AreasFile and AreasLayer after the name.
func areaColumns(unit string, levels []totals.Interval) []string {
	u := strings.ReplaceAll(cmp.Or(unit, "proxy"), "/", "_per_")
	names := []string{"rank", "cells", "km2", "covered_km2", "total_" + u, "per_km2", "share", "raw_" + u, "corrected_" + u, "true_" + u, "known_" + u, "factor"}
	for _, i := range levels {
		names = append(names, fmt.Sprintf("low_%g", 100*i.Level), fmt.Sprintf("high_%g", 100*i.Level))
	}
	return names
}

func (a AreaTotal) values(levels []totals.Interval) []float64 {
	v := []float64{float64(a.Rank), float64(a.Cells), a.KM2, a.Covered, a.Total, a.PerKM2, a.Share, a.Raw, a.Corrected, a.True, a.Known, a.Factor}
	for k := range levels {
		if a.Intervals == nil {
			v = append(v, math.NaN(), math.NaN())
		} else {
			v = append(v, a.Intervals[k].Low, a.Intervals[k].High)
		}
	}
	return v
}

// levels are the intervals that some area has.
func (p *Predictions) levels() []totals.Interval {
	for _, a := range p.Areas {
		if a.Intervals != nil {
			return a.Intervals
		}
	}
	return nil
}

// writeAreas writes the table and the layer.
func (p *Predictions) writeAreas(folder string, set *areas.Set, changed time.Time) error {
	levels := p.levels()
	columns := areaColumns(p.Unit, levels)
	path := filepath.Join(folder, AreasFile)
	err := atomicfile.Write(path, func(w io.Writer) error {
		c := sheet.NewWriter(w)
		if err := c.Write(append([]string{"name"}, columns...)); err != nil {
			return err
		}
		for _, a := range p.Areas {
			line := []string{a.Name}
			for _, v := range a.values(levels) {
				text := ""
				if !math.IsNaN(v) {
					text = strconv.FormatFloat(v, 'g', 15, 64)
				}
				line = append(line, text)
			}
			if err := c.Write(line); err != nil {
				return err
			}
		}
		c.Flush()
		return c.Error()
	})
	if err != nil {
		return err
	}
	p.Files = append(p.Files, path)
	path = filepath.Join(folder, AreasLayer)
	var density []float64
	for _, a := range p.Areas {
		density = append(density, a.PerKM2)
	}
	fields := []raster.Field{{Name: "name", Type: raster.Text}}
	for _, c := range columns {
		fields = append(fields, raster.Field{Name: c, Type: raster.Real})
	}
	out, err := raster.CreateVector(path, raster.VectorSpec{Layer: "areas", CRS: set.CRS, Fields: fields, Changed: changed,
		Style: qgis.Polygons("per_km2", qgis.Steps(density), strings.TrimSpace(shownUnit(p.Unit)+" per km2"), true)})
	if err != nil {
		return err
	}
	defer out.Abort()
	for i, a := range p.Areas {
		values := []any{a.Name}
		for _, v := range a.values(levels) {
			values = append(values, v)
		}
		if err := out.Add(set.Areas[i].Shape, values...); err != nil {
			return err
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	p.Files = append(p.Files, path)
	return nil
}

// AreaTable is the sums for a terminal, the largest first; empty without areas.
func (p *Predictions) AreaTable() string {
	if len(p.Areas) == 0 {
		return ""
	}
	sorted := slices.Clone(p.Areas)
	slices.SortStableFunc(sorted, func(a, b AreaTotal) int { return cmp.Compare(b.Total, a.Total) })
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	const level = 1 // 90%
	truth := slices.ContainsFunc(p.Areas, func(a AreaTotal) bool { return !math.IsNaN(a.True) })
	ranged, known := p.levels() != nil, slices.ContainsFunc(p.Areas, func(a AreaTotal) bool { return !math.IsNaN(a.Known) })
	fmt.Fprintf(w, "rank\tarea\tcells\tkm2\ttotal %s\tper km2\tshare\t", p.Unit)
	if ranged {
		fmt.Fprint(w, "90% interval\t")
	}
	if known {
		fmt.Fprint(w, "factor\t")
	}
	if truth {
		fmt.Fprint(w, "true\t")
	}
	fmt.Fprintln(w)
	for _, a := range sorted {
		if a.Cells == 0 {
			continue
		}
		fmt.Fprintf(w, "%d\t%s\t%d\t%s\t%s\t%s\t%.1f%%\t", a.Rank, a.Name, a.Cells, metrics.Amount(a.Covered), metrics.Amount(a.Total), metrics.Amount(a.PerKM2), 100*a.Share)
		if ranged {
			fmt.Fprintf(w, "%s to %s\t", metrics.Amount(a.Intervals[level].Low), metrics.Amount(a.Intervals[level].High))
		}
		if known && !math.IsNaN(a.Factor) {
			fmt.Fprintf(w, "%.4g\t", a.Factor)
		} else if known {
			fmt.Fprint(w, "-\t")
		}
		if truth {
			fmt.Fprintf(w, "%s\t", metrics.Amount(a.True))
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	return b.String()
}
