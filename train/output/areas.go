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
	"opencarbon/train/atomicfile"
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

	FilledIntervals []totals.Interval // of Filled: only cells that the inventory lacks are uncertain
}

// sum adds the areas up. Intervals are of the corrected total; where the whole is
// known they are of the area's share in it, and where areas' own totals are known
// there are none. truth is the inventory's emission [N], NaN where it has none.
func (k *KnownTotals) sum(p *Predictions, sums areaSums, truth []float64, x Estimate) {
	raw, best := exp(x.Ln), x.amounts()
	all := 0.0
	for _, v := range best {
		all += v
	}
	for i, a := range k.set.Areas {
		t := AreaTotal{Name: a.Name, Cells: len(a.Cell), KM2: a.KM2, Covered: a.Covered, Corrected: math.NaN(), Known: math.NaN(), Factor: math.NaN()}
		before, known := 0.0, 0.0
		for j, c := range a.Cell {
			t.Raw, t.Total, t.True = t.Raw+a.Share[j]*raw[c], t.Total+a.Share[j]*best[c], t.True+a.Share[j]*truth[c]
			if v := truth[c]; v == v {
				known += a.Share[j] * v
			} else {
				t.Filled += a.Share[j] * best[c]
			}
			if x.Corrected != nil {
				before += a.Share[j] * x.Corrected[c]
			}
		}
		t.Filled += known
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
		if sums.all != nil && t.Cells > 0 {
			f := 1.0
			if k.whole > 0 {
				f = p.Scaled
			}
			t.Intervals, t.FilledIntervals = shifted(sums.all[i].Intervals, f, 0), shifted(sums.unknown[i].Intervals, f, known)
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
	for _, i := range levels {
		names = append(names, fmt.Sprintf("filled_low_%g", 100*i.Level), fmt.Sprintf("filled_high_%g", 100*i.Level))
	}
	return names
}

func (a AreaTotal) values(levels []totals.Interval) []float64 {
	v := []float64{float64(a.Rank), float64(a.Cells), a.KM2, a.Covered, a.Total, a.PerKM2, a.Share, a.Raw, a.Corrected, a.True, a.Filled, a.Known, a.Factor}
	for _, of := range [][]totals.Interval{a.Intervals, a.FilledIntervals} {
		for k := range levels {
			if of == nil {
				v = append(v, math.NaN(), math.NaN())
			} else {
				v = append(v, of[k].Low, of[k].High)
			}
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

// digits are seven significant ones, in plain notation as far as people write it, and
// nothing for NaN: the table is for eyes and spreadsheets. The layer, the workbook and
// the cells of predictions.csv keep all of a number, to which known totals hold.
func digits(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 7, 64), 64)
	if a := math.Abs(v); a >= 1e15 || a > 0 && a < 1e-5 {
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
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
				line = append(line, digits(v))
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
