package output

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"opencarbon/train/mapfiles"
	"opencarbon/train/metrics"
)

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
	filled := slices.ContainsFunc(p.Areas, AreaTotal.partly)
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
	if filled {
		fmt.Fprint(w, "filled\t")
	}
	if filled && ranged {
		fmt.Fprint(w, "90% interval of it\t")
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
		if filled {
			fmt.Fprintf(w, "%s\t", metrics.Amount(a.Filled))
		}
		if filled && ranged && !math.IsNaN(a.True) {
			fmt.Fprint(w, "known\t")
		} else if filled && ranged {
			fmt.Fprintf(w, "%s to %s\t", metrics.Amount(a.FilledIntervals[level].Low), metrics.Amount(a.FilledIntervals[level].High))
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	return b.String()
}

// partly reports whether the inventory has a number for some cells of the area, but not
// for all.
func (a AreaTotal) partly() bool {
	return a.Cells > 0 && math.IsNaN(a.True) && a.Filled != a.Total
}

// areaMeanings say what the columns of areas are, by their names without a unit.
var areaMeanings = map[string]string{
	"name": "name of the area", "rank": "1: the largest total", "cells": "cells that it has a part of", "km2": "its area",
	"covered": "the part of it that lies in predicted cells; the amounts are of that", "total": "the best there is: known, scaled, corrected or raw",
	"per": "total by covered area", "share": "of the whole region's total", "raw": "sum of the uncorrected predictions, too low",
	"corrected": "sum of the corrected predictions", "true": "sum of the inventory's emissions, where all its cells have one", "filled": "the same, with the prediction where a cell has none",
	"known": "the total that was given", "factor": "known total by the predicted one",
}

// areaSheet is the table of areas of a workbook.
func (p *Predictions) areaSheet() mapfiles.Sheet {
	levels := p.levels()
	sheet := mapfiles.Sheet{Name: "areas"}
	for _, name := range append([]string{"name"}, areaColumns(p.Unit, levels)...) {
		of, filled := strings.CutPrefix(name, "filled_")
		if !filled || !strings.HasPrefix(of, "low_") && !strings.HasPrefix(of, "high_") {
			of = name
		}
		head, rest, _ := strings.Cut(of, "_")
		c := mapfiles.Column{Name: name, Meaning: areaMeanings[head]}
		unit := cmp.Or(p.Unit, "proxy")
		switch head {
		case "total", "raw", "corrected", "true", "filled", "known":
			c.Unit = unit
		case "km2", "covered":
			c.Unit = "km2"
		case "per":
			c.Unit = unit + " per km2"
		case "low", "high":
			c.Unit, c.Meaning = unit, map[string]string{"low": "lower", "high": "upper"}[head]+" end of the "+rest+"% interval of the "
			if of == name {
				c.Meaning += "total"
			} else {
				c.Meaning += "filled total, of which only the cells that the inventory lacks are uncertain"
			}
		}
		sheet.Columns = append(sheet.Columns, c)
	}
	for _, a := range p.Areas {
		row := []any{a.Name}
		for _, v := range a.values(levels) {
			row = append(row, v)
		}
		sheet.Rows = append(sheet.Rows, row)
	}
	return sheet
}
