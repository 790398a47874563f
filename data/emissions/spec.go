// Package emissions turns an inventory (rasters such as ODIAC's, or polygons with
// an amount each) into tonnes of CO2 a year per cell of a grid.
//
// Regridding keeps mass: every source pixel or polygon gives its whole amount to
// the cells it touches, in proportion to the area they share on the WGS84
// ellipsoid, so that the sum over all cells is the source's sum. Nothing is
// resampled, smoothed or rounded. What cannot be used (nodata, negative amounts,
// shapes without a place) is counted and reported, never silently lost.
//
// Targets, logarithms and splits are made elsewhere.
package emissions

import (
	"fmt"
	"slices"
	"strings"

	"opencarbon/data/fault"
)

// Spec says where the inventory lies and what its numbers mean. It mirrors the
// `data.emissions` section of the configuration.
type Spec struct {
	Source        string   // one of Sources, which then says units and the like; "": none
	Path          string   // file or glob
	Year          int      // of files and time axes of several years; 0: they are of one
	CRS           string   // only where the file has none
	Bands         []int    // rasters: bands that are added up, from 1; empty: see chooseBands
	Variables     []string // NetCDF variables, named bands or columns (sectors) that are added up
	Layer         string   // polygons: layer; default the first
	Attribute     string   // polygons: the column that holds the amount
	Units         string   // tC, kgCO2, umolCO2 ... (see unitFactor) | proxy
	Per           string   // cell (default; for polygons: the polygon) | km2 | m2
	Period        string   // year (default) | month | day | hour | second: the time that an amount is of
	MissingMonths string   // error (default) | scale
	Nodata        *float64 // rasters: only where the file does not say it

	from *source  // what Source names
	read []string // the variables or columns that are added up, once they are known

	origin map[string]string // of files that were taken out of archives: the archive's
}

// check fills in the defaults and refuses what is not known.
func (s *Spec) check() error {
	const where = "data.emissions."
	if s.Path == "" {
		return fault.New(where+"path", "no inventory is named", "name a raster, a polygon file or a pattern such as odiac/odiac2022_1km_excl_intl_18*.tif")
	}
	for _, d := range []struct{ value *string }{{&s.Per}, {&s.Period}, {&s.MissingMonths}} {
		*d.value = strings.TrimSpace(*d.value)
	}
	if s.MissingMonths == "" {
		s.MissingMonths = "error"
	}
	if s.Source != "" {
		if s.from = sources[s.Source]; s.from == nil {
			return fault.New(where+"source", fmt.Sprintf("unknown inventory %q", s.Source), "choose one of "+strings.Join(Sources, ", ")+", or leave it away and say units, per and period")
		}
	}
	if s.from == nil || s.Units != "" {
		if err := s.checkUnits(); err != nil {
			return err
		}
	}
	if s.MissingMonths != "error" && s.MissingMonths != "scale" {
		return fault.New(where+"missing_months", fmt.Sprintf("unknown choice %q", s.MissingMonths), "choose error or scale")
	}
	seen := map[int]bool{}
	for _, b := range s.Bands {
		if seen[b] {
			return fault.New(where+"bands", fmt.Sprintf("band %d is named twice and would be counted twice", b), "name each band once")
		}
		seen[b] = true
	}
	named := map[string]bool{}
	for _, v := range s.Variables {
		if named[v] {
			return fault.New(where+"variables", fmt.Sprintf("%s is named twice and would be counted twice", v), "name each once")
		}
		named[v] = true
	}
	return nil
}

// checkUnits fills in what is left of unit, area and period, and refuses what is
// not known.
func (s *Spec) checkUnits() error {
	const where = "data.emissions."
	if s.Per == "" {
		s.Per = "cell"
	}
	if s.Period == "" {
		s.Period = "year"
	}
	if s.Units == "" {
		return fault.New(where+"units", "the unit of the amounts is not declared", "choose one of "+strings.Join(unitNames, ", ")+" (ODIAC: tC, the London inventory: tCO2)")
	}
	if _, ok := unitFactor(s.Units); !ok {
		return fault.New(where+"units", fmt.Sprintf("unknown unit %q", s.Units), "choose one of "+strings.Join(unitNames, ", "))
	}
	if !slices.Contains([]string{"cell", "km2", "m2"}, s.Per) {
		return fault.New(where+"per", fmt.Sprintf("unknown area %q", s.Per), "choose cell, km2 or m2")
	}
	if !knownPeriod(s.Period) {
		return fault.New(where+"period", fmt.Sprintf("unknown period %q", s.Period), "choose "+strings.Join(Periods, ", "))
	}
	if s.Units == "proxy" && (s.Per != "cell" || s.Period != "year") {
		return fault.New(where+"units", "a proxy has no unit, so it has neither an area nor a period", "leave per and period out")
	}
	return nil
}

// proxy reports whether the numbers are an intensity without a unit.
func (s *Spec) proxy() bool { return s.Units == "proxy" }

// areaFactor turns a density into one per km2.
func (s *Spec) areaFactor() float64 {
	if s.Per == "m2" {
		return 1e6
	}
	return 1
}
