package emissions

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
)

// find lists the grids that are read, with NetCDF files taken out of archives until
// remove is called, which is never nil.
func (s *Spec) find() (grids []string, remove func(), err error) {
	var removes []func()
	remove = func() {
		for _, r := range removes {
			r()
		}
	}
	files, err := expand(s.Path)
	if err != nil {
		return nil, remove, err
	}
	files = s.ofYear(files)
	s.origin = map[string]string{}
	for i, f := range files {
		if !archived.MatchString(f) {
			continue
		}
		local, r, err := raster.Unpack(f)
		removes = append(removes, r)
		if err != nil {
			return nil, remove, err
		}
		files[i], s.origin[local] = local, f
	}
	grids, err = s.settle(files)
	return grids, remove, err
}

// netCDF matches files of that format.
var netCDF = regexp.MustCompile(`(?i)\.nc4?$`)

// archived matches files that may be archives.
var archived = regexp.MustCompile(`(?i)\.(?:zip|gz|tgz|tar)(?:$|/)`)

// settle turns the files that were found into the grids that are read: those of
// the year, of them the variables that are asked for. Of a known inventory it
// takes unit and period from the file, or from what is known of it.
func (s *Spec) settle(files []string) ([]string, error) {
	if s.from != nil {
		var err error
		if files, err = s.from.files(s.Path, files); err != nil {
			return nil, err
		}
	}
	if s.vector(files) {
		return files, s.settleColumns(files)
	}
	if s.from == nil && len(s.Variables) == 0 && !netCDF.MatchString(files[0]) {
		return files, nil // nothing to ask
	}
	var grids []string
	for _, f := range files {
		vars, err := raster.Variables(f)
		if err != nil {
			return nil, err
		}
		if vars == nil {
			grids = append(grids, f)
			continue
		}
		names := make([]string, len(vars))
		for i, v := range vars {
			names[i] = v.Name
		}
		if s.read, err = s.choose(f, names); err != nil {
			return nil, err
		}
		for _, n := range s.read {
			grids = append(grids, vars[slices.Index(names, n)].Path)
		}
	}
	return grids, s.settleGrid(grids[0])
}

// settleGrid names bands, and tells the unit of a known inventory from its first
// grid.
func (s *Spec) settleGrid(path string) error {
	if s.from == nil && len(s.Variables) == 0 {
		return nil
	}
	d, err := raster.Open(path, raster.Options{CRS: s.CRS})
	if err != nil {
		return err
	}
	defer d.Close()
	names := d.Names()
	if len(s.Variables) > 0 && s.read == nil && len(s.Bands) == 0 {
		if s.read, err = s.choose(path, names); err != nil {
			return err
		}
		for i, n := range names {
			if slices.Contains(s.read, n) {
				s.Bands = append(s.Bands, i+1)
			}
		}
	}
	if s.from == nil {
		return nil
	}
	name := "" // a band's description is no name of a grid
	if containerOf(path) != path || netCDF.MatchString(path) {
		if name = names[0]; s.read == nil {
			s.read = []string{name}
		}
	}
	return s.take(path, name, d.Unit(), len(distinctTimes(d)) == 12)
}

func distinctTimes(d *raster.Dataset) []int64 {
	var list []int64
	for _, t := range d.Steps() {
		list = append(list, t.Unix())
	}
	if list == nil && d.Bands() == 12 {
		return make([]int64, 12)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// take fills in what the user has not said of units from the inventory.
func (s *Spec) take(path, name, text string, months bool) error {
	u, ok := s.from.unit(name, text)
	if u.Period == "" {
		u.Period = "year"
		if months {
			u.Period = "month"
		}
	}
	if s.Units == "" && !ok && text == "" {
		return fault.New(path, "says no unit, and this is no form in which "+s.Source+" is known ("+s.from.title+")",
			"check data.emissions.path, or say what the numbers are: data.emissions.units, per and period")
	}
	if s.Units == "" && !ok {
		return fault.New(path, fmt.Sprintf("its unit, %q, is none of those that %s comes in", text, s.Source),
			"say what the numbers are: data.emissions.units, per and period")
	}
	if s.Units == "" {
		s.Units = u.Amount
		if s.Per == "" {
			s.Per = u.Per
		}
		if s.Period == "" {
			s.Period = u.Period
		}
	}
	return s.checkUnits()
}

// settleColumns names the columns of polygons that are added up.
func (s *Spec) settleColumns(files []string) error {
	if s.from == nil && len(s.Variables) == 0 {
		return nil
	}
	l, err := raster.OpenVector(files[0], s.Layer, "", nil)
	if err != nil {
		return err
	}
	defer l.Close()
	var names []string
	for _, f := range l.Fields() {
		names = append(names, f.Name)
	}
	switch {
	case s.Attribute != "":
		s.read = []string{s.Attribute}
	case len(s.Variables) > 0:
		if s.read, err = s.choose(files[0], names); err != nil {
			return err
		}
	default: // one for each year
		var totals []string
		for _, n := range names {
			if s.from.total != nil && s.from.total.MatchString(n) && (s.Year == 0 || strings.HasSuffix(n, fmt.Sprint(s.Year))) {
				totals = append(totals, n)
			}
		}
		if len(totals) != 1 {
			return fault.New("data.emissions.year", fmt.Sprintf("%s has %d columns of a year's total that could be meant", files[0], len(totals)),
				"name the year, e.g. data.emissions.year: 2019, or the column: data.emissions.attribute; columns: "+strings.Join(names, ", "))
		}
		s.read = totals
	}
	s.Attribute = s.read[0]
	if s.from == nil {
		return nil
	}
	return s.take(files[0], "", "", false)
}

// ofYear keeps the files whose names are of the year, where names tell several.
func (s *Spec) ofYear(files []string) []string {
	if s.Year == 0 {
		return files
	}
	years := map[int]bool{}
	var kept []string
	for _, f := range files {
		year, _, _ := monthOf(f)
		if year == 0 {
			year = yearIn(f)
		}
		if years[year] = true; year == s.Year {
			kept = append(kept, f)
		}
	}
	if len(years) < 2 || kept == nil { // the time axes decide
		return files
	}
	return kept
}

var (
	subdataset = regexp.MustCompile(`^[A-Z0-9_]+:"?([^"]+?)"?:[^:"]*$`)
	digits     = regexp.MustCompile(`[0-9]+`)
)

// containerOf is the file of a variable; other paths are as they are.
func containerOf(path string) string {
	if m := subdataset.FindStringSubmatch(path); m != nil {
		return m[1]
	}
	return path
}

// sector names what of the inventory a grid is of, so that grids of different
// sectors at the same time are added up and never taken for different times.
func (s *Spec) sector(path string) string {
	name := ""
	if file := containerOf(path); file != path {
		name = path[strings.LastIndex(path, ":")+1:]
	}
	if s.from != nil && s.from.sectors {
		name += "|" + digits.ReplaceAllString(stemOf(path), "")
	}
	return name
}
