package output

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"opencarbon/data/areas"
	"opencarbon/data/raster"
	"opencarbon/data/sheet"
	"opencarbon/data/store"
	"opencarbon/train/atomicfile"
	"opencarbon/train/conformal"
	"opencarbon/train/method"
	"opencarbon/train/page"
	"opencarbon/train/qgis"
	"opencarbon/train/totals"
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
	Filled    float64 // the same, with Total's share of the cells that have none
	Total     float64 // the best there is: known, scaled, corrected or raw
	PerKM2    float64 // Total / Covered
	Share     float64 // of the whole region's total
	Known     float64 // the total that was given; NaN: none
	Factor    float64 // Known by what was predicted; NaN: none
	Rank      int     // 1: the largest total; 0: no cells
	Intervals []totals.Interval
}

// sum adds the areas up. Intervals are of the corrected total; where the whole is
// known they are of the area's share in it, and where an area's own total is
// known there is none.
func (k *KnownTotals) sum(p *Predictions, model *totals.Model, s *store.Store, x Estimate) {
	var sums []totals.Sum
	switch {
	case model == nil:
	case k.whole > 0:
		sums = model.Shares(totals.At(s.Cells(), x.Ln), k.parts, totals.Whole(len(x.Ln)), conformal.Levels())
	default:
		sums = model.Sums(totals.At(s.Cells(), x.Ln), k.parts, conformal.Levels())
	}
	raw, best, truth := exp(x.Ln), x.amounts(), exp(method.New(s).Ln)
	all := 0.0
	for _, v := range best {
		all += v
	}
	for i, a := range k.set.Areas {
		t := AreaTotal{Name: a.Name, Cells: len(a.Cell), KM2: a.KM2, Covered: a.Covered, Corrected: math.NaN(), Known: math.NaN(), Factor: math.NaN()}
		before := 0.0
		for j, c := range a.Cell {
			t.Raw, t.Total, t.True = t.Raw+a.Share[j]*raw[c], t.Total+a.Share[j]*best[c], t.True+a.Share[j]*truth[c]
			if v := truth[c]; v == v {
				t.Filled += a.Share[j] * v
			} else {
				t.Filled += a.Share[j] * best[c]
			}
			if x.Corrected != nil {
				before += a.Share[j] * x.Corrected[c]
			}
		}
		if t.Cells == 0 {
			t.True = math.NaN()
		}
		if x.Corrected != nil {
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

// areaColumns are those of page.AreasFile and page.AreasLayer after the name.
func areaColumns(unit string, levels []totals.Interval) []string {
	u := strings.ReplaceAll(cmp.Or(unit, "proxy"), "/", "_per_")
	names := []string{"rank", "cells", "km2", "covered_km2", "total_" + u, "per_km2", "share", "raw_" + u, "corrected_" + u, "true_" + u, "filled_" + u, "known_" + u, "factor"}
	for _, i := range levels {
		names = append(names, fmt.Sprintf("low_%g", 100*i.Level), fmt.Sprintf("high_%g", 100*i.Level))
	}
	return names
}

func (a AreaTotal) values(levels []totals.Interval) []float64 {
	v := []float64{float64(a.Rank), float64(a.Cells), a.KM2, a.Covered, a.Total, a.PerKM2, a.Share, a.Raw, a.Corrected, a.True, a.Filled, a.Known, a.Factor}
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
	path := filepath.Join(folder, page.AreasFile)
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
	path = filepath.Join(folder, page.AreasLayer)
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
