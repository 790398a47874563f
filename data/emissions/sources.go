package emissions

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"opencarbon/data/fault"
)

// source is what is known of a published inventory, so that a user need not look
// it up: what its numbers are of, and which of its grids are sums of others.
type source struct {
	title string
	gas   string // C | CO2: what its masses are of, where its files do not say it

	// units are those of grids that say none: of a NetCDF variable by its name,
	// of any other raster or column under "".
	units map[string]Unit

	total     *regexp.Regexp // names of variables or columns that are the sum of the others
	totalFile *regexp.Regexp // and of files
	wanted    []string       // variables that are taken where the user names none and there is no total
	sectors   bool           // each sector has a file of its own
	bounds    *regexp.Regexp // names of files that are bounds of uncertainty, beside which there are the estimates
}

// The facts are those of the inventories' own guides: EDGAR's readme of 2024,
// ODIAC's and Vulcan 3's user guides, GRACED's data page, the US Greenhouse Gas
// Center's page of Vulcan 4, and the LAEI's shapefiles.
var sources = map[string]*source{
	"edgar": {
		title: "EDGAR, 0.1 degree, NetCDF",
		gas:   "CO2",
		units: map[string]Unit{
			"emissions": {Amount: "t", Per: "cell"}, // of the year, or of each of twelve months
			"fluxes":    {Amount: "kg", Per: "m2", Period: "second"},
			"emi_co2":   {Amount: "kg", Per: "m2", Period: "second"}, // to version 7
		},
		totalFile: regexp.MustCompile(`(?i)(?:^|[_.])TOTALS?(?:[_.]|$)`),
		sectors:   true,
	},
	"odiac": {
		title: "ODIAC, 1 km GeoTIFFs of months, or 1 degree NetCDF",
		gas:   "C",
		units: map[string]Unit{
			"":            {Amount: "t", Per: "cell", Period: "month"},
			"land":        {Amount: "g", Per: "m2", Period: "day"},
			"intl_bunker": {Amount: "g", Per: "m2", Period: "day"},
		},
		wanted: []string{"land"}, // as the GeoTIFFs: without ships and planes between countries
	},
	"cams-reg": {
		title:   "CAMS-REG and CAMS-GLOB-ANT, NetCDF with a variable for each sector",
		gas:     "CO2",
		total:   regexp.MustCompile(`(?i)^(?:sum|total|sumallsectors|sum_all_sectors|totals)$`),
		sectors: true,
	},
	"graced": graced, "carbon-monitor": graced,
	"vulcan": {
		title: "Vulcan 3 (NetCDF) and 4 (GeoTIFF), 1 km, USA",
		gas:   "CO2",
		units: map[string]Unit{
			"":                 {Amount: "tCO2", Gas: "CO2", Per: "cell", Period: "year"},
			"carbon_emissions": {Amount: "tC", Gas: "C", Per: "km2", Period: "year"},
		},
		totalFile: regexp.MustCompile(`(?i)(?:^|[_.])total(?:[_.]|$)`),
		bounds:    regexp.MustCompile(`[_.](?:hi|lo)(?:[_.]|$)`),
		sectors:   true,
	},
	"laei": {
		title: "London Atmospheric Emissions Inventory, 1 km polygons or GeoTIFF",
		gas:   "CO2",
		units: map[string]Unit{"": {Amount: "t", Per: "cell", Period: "year"}},
		total: regexp.MustCompile(`(?i)^all_(?:19|20)[0-9]{2}$`),
	},
}

// graced is what Carbon Monitor's daily totals are spread to.
var graced = &source{
	title:     "GRACED (Carbon Monitor's grids), 0.1 degree, NetCDF, daily or monthly",
	gas:       "C",
	units:     map[string]Unit{"*": {Amount: "kg", Per: "cell", Period: "hour"}},
	total:     regexp.MustCompile(`(?i)^total$`),
	totalFile: regexp.MustCompile(`(?i)(?:^|[_.-])total(?:[_.-]|$)`),
	sectors:   true,
}

// Sources are the names of the inventories whose units are known.
var Sources = slices.Sorted(maps.Keys(sources))

// About says in what form a known inventory comes; "" of one that is not known.
func About(name string) string {
	if k := sources[name]; k != nil {
		return k.title
	}
	return ""
}

// carbonVariable are names of variables whose masses are of carbon, whatever the
// rest of the inventory's are of.
var carbonVariable = regexp.MustCompile(`(?i)^carbon_emissions$`)

// unit is the unit of a grid of the inventory: as its text says, else as is known.
// What is of C or of CO2 is never in the text of EDGAR's "kg m-2 s-1".
func (k *source) unit(name, text string) (Unit, bool) {
	known, ok := k.units[name]
	if !ok {
		known, ok = k.units["*"]
	}
	if u, read := ParseUnit(text); read {
		if u.Period == "" && u.Per == known.Per {
			u.Period = known.Period
		}
		known, ok = u, true
	}
	if known.Gas == "" {
		known.Gas = k.gas
		if carbonVariable.MatchString(name) {
			known.Gas = "C"
		}
		known.Amount += known.Gas
	}
	return known, ok
}

// files leaves out bounds of uncertainty, and refuses sums beside their parts.
func (k *source) files(path string, files []string) ([]string, error) {
	base := func(f string) string { return filepath.Base(containerOf(f)) }
	if k.bounds != nil {
		kept := slices.DeleteFunc(slices.Clone(files), func(f string) bool { return k.bounds.MatchString(base(f)) })
		if len(kept) > 0 {
			files = kept
		}
	}
	if k.totalFile == nil {
		return files, nil
	}
	i := slices.IndexFunc(files, func(f string) bool { return k.totalFile.MatchString(base(f)) })
	j := slices.IndexFunc(files, func(f string) bool { return !k.totalFile.MatchString(base(f)) })
	if i >= 0 && j >= 0 {
		return nil, fault.New(path, fmt.Sprintf("%s is the sum of all sectors and %s one of them: together they would count twice", base(files[i]), base(files[j])),
			"narrow the pattern to the totals, or to the sectors")
	}
	return files, nil
}

// choose picks the grids that are added up of those that a file has.
func (s *Spec) choose(file string, names []string) ([]string, error) {
	if len(s.Variables) > 0 {
		for _, v := range s.Variables {
			if !slices.Contains(names, v) {
				have := "it has " + strings.Join(names, ", ")
				if !slices.ContainsFunc(names, func(n string) bool { return n != "" }) {
					have = "its bands have no names: say their numbers in data.emissions.bands"
				}
				return nil, fault.New("data.emissions.variables", fmt.Sprintf("there is no %q in %s", v, file), have)
			}
		}
		if s.from != nil && s.from.total != nil && len(s.Variables) > 1 {
			if i := slices.IndexFunc(s.Variables, s.from.total.MatchString); i >= 0 {
				return nil, fault.New("data.emissions.variables", fmt.Sprintf("%s is the sum of the others, which would count twice", s.Variables[i]), "name it alone, or the sectors without it")
			}
		}
		return s.Variables, nil
	}
	// Edges of axes and areas of cells are no amounts.
	data := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return noAmount.MatchString(n) })
	if s.from != nil {
		if i := slices.IndexFunc(data, func(n string) bool { return s.from.total != nil && s.from.total.MatchString(n) }); i >= 0 {
			return data[i : i+1], nil
		}
		for _, list := range [][]string{s.from.wanted, slices.Sorted(maps.Keys(s.from.units))} {
			kept := slices.DeleteFunc(slices.Clone(list), func(n string) bool { return !slices.Contains(data, n) })
			if len(kept) > 0 {
				return kept[:1], nil // EDGAR's emissions and fluxes are the same twice
			}
		}
		if len(data) > 0 {
			return data, nil
		}
	}
	if len(data) == 1 {
		return data, nil
	}
	return nil, fault.New(file, fmt.Sprintf("holds %d grids: %s", len(names), strings.Join(names, ", ")), "name those that are added up: data.emissions.variables, e.g. ["+names[0]+"]")
}

var noAmount = regexp.MustCompile(`(?i)(?:_bnds|_bounds|bnds)$|^(?:area|cell_area|areacella|crs|lat|lon|latitude|longitude|time|x|y)$`)
