package train

import (
	"cmp"
	"strings"

	"opencarbon/train/mapfiles"
)

// areaMeanings say what the columns of areas are, by their names without a unit.
var areaMeanings = map[string]string{
	"name": "name of the area", "rank": "1: the largest total", "cells": "cells that it has a part of", "km2": "its area",
	"covered": "the part of it that lies in predicted cells; the amounts are of that", "total": "the best there is: known, scaled, corrected or raw",
	"per": "total by covered area", "share": "of the whole region's total", "raw": "sum of the uncorrected predictions, too low",
	"corrected": "sum of the corrected predictions", "true": "sum of the inventory's emissions, where all its cells have one", "known": "the total that was given", "factor": "known total by the predicted one",
}

// areaSheet is the table of areas of a workbook.
func (p *Predictions) areaSheet() mapfiles.Sheet {
	levels := p.levels()
	sheet := mapfiles.Sheet{Name: "areas"}
	for _, name := range append([]string{"name"}, areaColumns(p.Unit, levels)...) {
		head, rest, _ := strings.Cut(name, "_")
		c := mapfiles.Column{Name: name, Meaning: areaMeanings[head]}
		unit := cmp.Or(p.Unit, "proxy")
		switch head {
		case "total", "raw", "corrected", "true", "known":
			c.Unit = unit
		case "km2", "covered":
			c.Unit = "km2"
		case "per":
			c.Unit = unit + " per km2"
		case "low", "high":
			c.Unit, c.Meaning = unit, map[string]string{"low": "lower", "high": "upper"}[head]+" end of the "+rest+"% interval of the total"
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
