package areas

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/label"
	"opencarbon/data/raster"
	"opencarbon/data/regular"
)

// Names of the columns of a table of totals, beside that of the areas' names.
const (
	totalColumn = "total"
	unitColumn  = "unit"
	yearColumn  = "year"
)

const tableForm = `A table of totals has the columns name (or that of --field), total ("29.06 Mt", or a number with a column unit) and, where it holds several years, year.`

// row is a line of a table of totals.
type row struct{ where, name, total, unit, year string }

// Totals reads the known totals of the set's areas, tonnes of CO2 a year, [areas];
// 0 where the file has none, which missing lists. The file is a CSV table, or a
// vector file whose features are the areas (Vector). year picks the rows of one
// year, where the table has several. What the user can mend is a *fault.Input
// error: no such column, a name that is no area, a name that comes twice, several
// years and none picked, a total of 0, an unknown unit.
func (s *Set) Totals(ctx context.Context, path, year string) (known []float64, missing []string, err error) {
	rows, err := readRows(ctx, path, s.Field)
	if err != nil {
		return nil, nil, err
	}
	if rows, err = ofYear(path, rows, year); err != nil {
		return nil, nil, err
	}
	known = make([]float64, len(s.Areas))
	for _, r := range rows {
		i := slices.IndexFunc(s.Areas, func(a Area) bool { return a.Name == r.name })
		if i < 0 {
			return nil, nil, fault.New(r.where, fmt.Sprintf("there is no area %q in column %s of %s", r.name, s.Field, s.Path), "The areas there: "+some(s.Names())+".")
		}
		if known[i] != 0 {
			return nil, nil, fault.New(r.where, fmt.Sprintf("gives area %q a second total", r.name), "Leave one line for each area, and year.")
		}
		if known[i], err = ParseAmount(r.where, r.total, r.unit); err != nil {
			return nil, nil, err
		}
		if len(s.Areas[i].Cell) == 0 {
			return nil, nil, fault.New(r.where, fmt.Sprintf("area %q has a total but no cell in the region", r.name), "Leave it out, or predict a region that holds it.")
		}
	}
	for i, a := range s.Areas {
		if known[i] == 0 && len(a.Cell) > 0 {
			missing = append(missing, a.Name)
		}
	}
	if len(rows) == 0 {
		return nil, nil, fault.New(path, "holds no totals", tableForm)
	}
	return known, missing, nil
}

// Vector reports whether a file of totals holds the areas as well, as polygons.
func Vector(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv", ".tsv", ".txt":
		return false
	}
	return true
}

// maxTable bounds a table of totals.
const maxTable = 64 << 20

func readRows(ctx context.Context, path, field string) ([]row, error) {
	if Vector(path) {
		return readVector(ctx, path, field)
	}
	text, err := regular.Read(path, maxTable)
	if err != nil {
		return nil, fault.Wrap(err, path, "cannot be read", "Give a CSV table, or a vector file with a column "+totalColumn+".")
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	if first, _, _ := bytes.Cut(text, []byte("\n")); bytes.Count(first, []byte(";")) > bytes.Count(first, []byte(",")) {
		r.Comma = ';'
	} else if bytes.Contains(first, []byte("\t")) {
		r.Comma = '\t'
	}
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil {
		return nil, fault.Wrap(err, path, "is no table", tableForm)
	}
	column := func(names ...string) int {
		for _, n := range names {
			if i := slices.IndexFunc(header, func(h string) bool { return strings.EqualFold(label.Of(h), label.Of(n)) }); i >= 0 {
				return i
			}
		}
		return -1
	}
	name, total, unit, year := column(field, "name"), column(totalColumn), column(unitColumn), column(yearColumn)
	if name < 0 || total < 0 {
		return nil, fault.New(path, "its columns are "+some(header), tableForm)
	}
	var rows []row
	for {
		line, err := r.Read()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return nil, fault.Wrap(err, path, "is damaged as a table", tableForm)
		}
		at := func(i int) string {
			if i < 0 || i >= len(line) {
				return ""
			}
			return label.Of(line[i])
		}
		n, _ := r.FieldPos(0)
		if x := (row{fmt.Sprintf("%s, line %d", path, n), at(name), at(total), at(unit), at(year)}); x.name != "" || x.total != "" {
			rows = append(rows, x)
		}
	}
}

func readVector(ctx context.Context, path, field string) ([]row, error) {
	l, err := raster.OpenVector(path, "", "", nil)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	column, err := columnOf(l, field)
	if err != nil {
		return nil, err
	}
	if err := l.Has(totalColumn); err != nil {
		return nil, fault.Wrap(err, path, "has no totals", tableForm)
	}
	var rows []row
	err = l.Each(ctx, func(f *raster.Feature) error {
		text := func(c string) string { v, _ := f.Text(c); return label.Of(v) }
		x := row{fmt.Sprintf("%s, feature %d", path, f.FID), text(column), text(totalColumn), text(unitColumn), text(yearColumn)}
		if x.total != "" {
			rows = append(rows, x)
		}
		return nil
	})
	return rows, err
}

// ofYear keeps the rows of a year. A table that says none is of the year that it is
// used for.
func ofYear(path string, rows []row, year string) ([]row, error) {
	var years []string
	for _, r := range rows {
		if !slices.Contains(years, r.year) {
			years = append(years, r.year)
		}
	}
	slices.Sort(years)
	if len(years) > 1 && years[0] == "" {
		i := slices.IndexFunc(rows, func(r row) bool { return r.year == "" })
		return nil, fault.New(rows[i].where, "says no year, and other lines do", "Give every line its year, or none.")
	}
	if len(years) == 1 && years[0] == "" {
		return rows, nil
	}
	if year == "" {
		if len(years) > 1 {
			return nil, fault.New(path, "holds totals of the years "+some(years), "Pick one with --year.")
		}
		return rows, nil
	}
	kept := slices.DeleteFunc(rows, func(r row) bool { return r.year != label.Of(year) })
	if len(kept) == 0 {
		return nil, fault.New(path, fmt.Sprintf("holds no totals of the year %s", year), "Years there: "+some(years)+".")
	}
	return kept, nil
}

// some lists names, not more than a message can hold.
func some(names []string) string {
	const most = 12
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
