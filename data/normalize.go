package data

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"opencarbon/data/emissions"
	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/imagery"
	"opencarbon/data/paths"
	"opencarbon/data/raster"
	"opencarbon/data/remote"
)

// Defaults of the data section that are numbers; config.go names them.
const (
	defaultZoom        = 15
	defaultCellDegrees = 1.0 / 120
	defaultCellMetres  = 1000
	defaultSize        = 256
	defaultCoverage    = 0.9
	defaultBadRows     = 0.01
	defaultBlock       = 8
	defaultSeed        = 42
	defaultCacheGB     = 20
)

// Normalize fills in the defaults that config.go documents and refuses what
// cannot be meant: the error is a *fault.Input whose Where is the key
// (data.imagery.scale), with the value and what is allowed. name is the
// experiment's (for the default store); relative paths of inputs are taken from
// the folder base, and left alone where base is empty. Doing it twice is the
// same as doing it once. Files are not looked at: that is Build's work.
func (c *Config) Normalize(name, base string) error {
	if c.Store == "" {
		c.Store = filepath.Join("stores", name)
	}
	c.resolvePaths(base)
	for _, check := range []func() error{
		c.Grid.normalize, c.Region.normalize, c.Imagery.normalize,
		c.Emissions.normalize, c.POI.normalize, c.Split.normalize, c.normalizePublished, c.normalizeRasters,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	for _, place := range c.Trust {
		if place != raster.TrustRemote && !filepath.IsAbs(place) {
			return fault.New("data.trust", fmt.Sprintf("%q is neither an absolute path nor remote", place), "Name folders from the root, for example /mnt/tiles, or write remote.")
		}
	}
	if c.CacheGB == 0 {
		c.CacheGB = defaultCacheGB
	}
	if !(c.CacheGB > 0 && c.CacheGB <= 1e6) {
		return outOf("cache_gb", c.CacheGB, "gigabytes above 0")
	}
	if c.Workers < 0 || c.Workers > 4096 {
		return outOf("workers", c.Workers, "0 (all cores) to 4096")
	}
	return nil
}

func (c *Config) resolvePaths(base string) {
	if base == "" {
		return
	}
	c.Rasters = slices.Clone(c.Rasters)
	for i := range c.Rasters {
		if r := &c.Rasters[i]; r.Path != "" {
			r.Path = paths.Resolve(base, r.Path)
		}
	}
	for _, p := range []*string{&c.Region.File, &c.Imagery.Path, &c.Imagery.Sources, &c.Emissions.Path, &c.POI.Path, &c.POI.Categories, &c.Split.File, &c.Published.Dir} {
		if *p != "" && !strings.HasPrefix(*p, "preset:") {
			*p = paths.Resolve(base, *p)
		}
	}
}

// outOf makes the error of a value that is not allowed.
func outOf(key string, value any, allowed string) error {
	if s, ok := value.(string); ok {
		value = fmt.Sprintf("%q", s)
	}
	return fault.New("data."+key, fmt.Sprintf("the value is %v", value), "Allowed: "+allowed+".")
}

// oneOf checks a word; the empty word becomes def.
func oneOf(key string, value *string, def string, allowed ...string) error {
	if *value == "" {
		*value = def
	}
	if *value == "" || slices.Contains(allowed, *value) {
		return nil
	}
	return outOf(key, *value, strings.Join(allowed, ", "))
}

// stray is the error of a key that means nothing beside another's value.
func stray(key, because, remedy string) error {
	return fault.New("data."+key, "has no meaning "+because, remedy)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func (g *Grid) normalize() error {
	if err := oneOf("grid.scheme", &g.Scheme, "xyz", "xyz", "degrees", "projected"); err != nil {
		return err
	}
	for _, k := range []struct {
		key, scheme string
		given       bool
	}{
		{"grid.zoom", "xyz", g.Zoom != 0}, {"grid.cell_degrees", "degrees", g.CellDegrees != 0},
		{"grid.epsg", "projected", g.EPSG != 0}, {"grid.cell_metres", "projected", g.CellMetres != 0},
	} {
		if k.given && k.scheme != g.Scheme {
			return stray(k.key, "with data.grid.scheme: "+g.Scheme, "Remove it, or set data.grid.scheme: "+k.scheme+".")
		}
	}
	switch g.Scheme {
	case "xyz":
		if g.Zoom == 0 {
			g.Zoom = defaultZoom
		}
		if g.Zoom < 1 || g.Zoom > 22 {
			return outOf("grid.zoom", g.Zoom, "1 to 22; 15 is about 1 km")
		}
	case "degrees":
		if g.CellDegrees == 0 {
			g.CellDegrees = defaultCellDegrees
		}
		if !(g.CellDegrees >= 1e-5 && g.CellDegrees <= 10) {
			return outOf("grid.cell_degrees", g.CellDegrees, "0.00001 to 10 degrees; ODIAC's cells have 1/120 = 0.008333...")
		}
	case "projected":
		if g.CellMetres == 0 {
			g.CellMetres = defaultCellMetres
		}
		if g.EPSG <= 0 {
			return outOf("grid.epsg", g.EPSG, "the EPSG code of a projected CRS in meters, such as 27700 or 32633")
		}
		if !(g.CellMetres >= 1 && g.CellMetres <= 1e6) {
			return outOf("grid.cell_metres", g.CellMetres, "1 to 1000000")
		}
	}
	return nil
}

func (r *Region) normalize() error {
	if len(r.BBox) > 0 && r.File != "" {
		return fault.New("data.region", "has both bbox and file", "Keep one of the two.")
	}
	if r.File == "" && (r.Layer != "" || r.Where != "") {
		key := "region.layer"
		if r.Layer == "" {
			key = "region.where"
		}
		return stray(key, "without data.region.file", "Give the polygon file, or remove the key.")
	}
	if len(r.BBox) == 0 {
		return nil
	}
	_, err := grid.ParseBBox(r.BBox)
	return err
}

func (m *Imagery) normalize() error {
	if m.Connections == 0 && remote.IsServer(m.Path) {
		m.Connections = 2
	}
	if m.Connections < 0 || m.Connections > 16 {
		return outOf("imagery.connections", m.Connections, "1 to 16")
	}
	if m.TileZoom < 0 || m.TileZoom > tileLimit {
		return outOf("imagery.tile_zoom", m.TileZoom, "1 to 22")
	}
	if !(m.Delay >= 0 && m.Delay <= 3600) {
		return outOf("imagery.delay", m.Delay, "0 to 3600 seconds")
	}
	if m.Path == "" {
		// Of an absent mosaic only the size matters: POIs are drawn on it.
		for _, k := range []struct {
			key   string
			given bool
		}{{"crs", m.CRS != ""}, {"range", len(m.Range) > 0}, {"nodata", m.Nodata != nil}, {"sources", m.Sources != ""}} {
			if k.given {
				return stray("imagery."+k.key, "without data.imagery.path", "Give the mosaic's path, or remove the key.")
			}
		}
	}
	if len(m.Bands) == 0 {
		m.Bands = BandNumbers(1, 2, 3)
	}
	for _, b := range m.Bands {
		if n, err := strconv.Atoi(b); b == "" || err == nil && n < 1 {
			return outOf("imagery.bands", m.Bands, "band numbers counted from 1 or the file's names for them, red, green and blue first where there are any; or all")
		}
	}
	if len(m.Bands) > imagery.MaxBands {
		return fault.New("data.imagery.bands", fmt.Sprintf("names %d bands", len(m.Bands)), fmt.Sprintf("Name at most %d.", imagery.MaxBands))
	}
	if len(m.Preview) != 0 && len(m.Preview) != 3 {
		return outOf("imagery.preview", m.Preview, "three of data.imagery.bands: those that are shown as red, green and blue")
	}
	if err := oneOf("imagery.type", &m.Type, "", imagery.UInt8, imagery.Float16, imagery.Float32); err != nil {
		return err
	}
	if m.Type == imagery.UInt8 { // as if it was not given, like stores that know of no other
		m.Type = ""
	}
	if err := oneOf("imagery.code", &m.Code, "", imagery.CodeQuadratic); err != nil {
		return err
	}
	if err := oneOf("imagery.scale", &m.Scale, "", "none", "minmax", "percentile", "range"); err != nil {
		return err
	}
	if len(m.Range) > 0 && m.Scale != "range" {
		return stray("imagery.range", "without data.imagery.scale: range", "Set data.imagery.scale: range, or remove the key.")
	}
	if m.Scale == "range" && !isRange(m.Range, m.Bands.Count()) {
		return outOf("imagery.range", m.Range, "two numbers, low below high, in the mosaic's own numbers; or two for each band")
	}
	if len(m.Percentile) == 0 {
		m.Percentile = []float64{2, 98}
	}
	if len(m.Percentile) != 2 || !(m.Percentile[0] >= 0 && m.Percentile[0] < m.Percentile[1] && m.Percentile[1] <= 100) {
		return outOf("imagery.percentile", m.Percentile, "two numbers from 0 to 100, low below high")
	}
	if m.Size == 0 {
		m.Size = defaultSize
	}
	if m.Size < 32 || m.Size > 512 {
		return outOf("imagery.size", m.Size, "32 to 512 pixels")
	}
	if err := oneOf("imagery.resampling", &m.Resampling, "bilinear", "near", "bilinear", "cubic", "average"); err != nil {
		return err
	}
	if m.MinCoverage == 0 {
		m.MinCoverage = defaultCoverage
	}
	if !(m.MinCoverage > 0 && m.MinCoverage <= 1) {
		return outOf("imagery.min_coverage", m.MinCoverage, "more than 0, at most 1")
	}
	return nil
}

func (e *Emissions) normalize() error {
	if e.Path == "" {
		for _, k := range []struct {
			key   string
			given bool
		}{{"source", e.Source != ""}, {"units", e.Units != ""}, {"attribute", e.Attribute != ""}, {"layer", e.Layer != ""}} {
			if k.given {
				return stray("emissions."+k.key, "without data.emissions.path", "Give the inventory's path, or remove the key.")
			}
		}
		return nil
	}
	if e.Source != "" && !slices.Contains(emissions.Sources, e.Source) {
		return outOf("emissions.source", e.Source, strings.Join(emissions.Sources, ", ")+"; or leave it away and say units, per and period")
	}
	if e.Year != 0 && (e.Year < 1750 || e.Year > 2200) {
		return outOf("emissions.year", e.Year, "a year, such as 2019")
	}
	if err := e.normalizeUnits(); err != nil {
		return err
	}
	if err := oneOf("emissions.missing_months", &e.MissingMonths, "error", "error", "scale"); err != nil {
		return err
	}
	for i, b := range e.Bands {
		if b < 1 || slices.Contains(e.Bands[:i], b) {
			return outOf("emissions.bands", e.Bands, "band numbers counted from 1, each once")
		}
	}
	return nil
}

// normalizeUnits checks what the numbers are, and takes a unit with area and time
// (kgCO2 m-2 s-1) apart. Of a known inventory what is not given stays so: its files
// say it.
func (e *Emissions) normalizeUnits() error {
	known, examples := emissions.KnownUnit(e.Units)
	switch {
	case e.Units == "" && e.Source == "":
		return fault.New("data.emissions.units", "is not given", "Say what the numbers are: "+examples+" (a stand-in without a unit). Of a known inventory name it: data.emissions.source: "+strings.Join(emissions.Sources, ", ")+".")
	case e.Units != "" && !known:
		u, ok := emissions.ParseUnit(e.Units)
		if !ok {
			return outOf("emissions.units", e.Units, examples+" and their like, with any SI prefix; or with area and time: kgCO2 m-2 s-1, gC/m2/day")
		}
		if u.Gas == "" {
			return fault.New("data.emissions.units", fmt.Sprintf("%q does not say of what", e.Units), "Write "+u.Amount+"C for carbon or "+u.Amount+"CO2 for carbon dioxide (44/12 as heavy).")
		}
		for _, part := range []struct {
			key         string
			value       *string
			read, blank string
		}{{"per", &e.Per, u.Per, "cell"}, {"period", &e.Period, u.Period, ""}} {
			if *part.value == "" {
				*part.value = part.read
			} else if part.read != part.blank && *part.value != part.read {
				return fault.New("data.emissions."+part.key, fmt.Sprintf("is %s, but data.emissions.units, %q, says %s", *part.value, e.Units, part.read), "Say it once.")
			}
		}
		e.Units = u.Amount
	}
	if e.Units == "" {
		if e.Per == "" && e.Period == "" {
			return nil
		}
		return fault.New("data.emissions.units", "is not given, but per or period is", "Give all three, or none: data.emissions.source: "+e.Source+" knows them.")
	}
	if err := oneOf("emissions.per", &e.Per, "cell", "cell", "km2", "m2"); err != nil {
		return err
	}
	return oneOf("emissions.period", &e.Period, "year", emissions.Periods...)
}

func (p *POI) normalize() error {
	if p.Size == 0 {
		p.Size = defaultSize
	}
	if p.Size < 32 || p.Size > 512 {
		return outOf("poi.size", p.Size, "32 to 512 pixels")
	}
	if p.MaxBadRows == 0 {
		p.MaxBadRows = defaultBadRows
	}
	if !(p.MaxBadRows > 0 && p.MaxBadRows <= 1) {
		return outOf("poi.max_bad_rows", p.MaxBadRows, "more than 0, at most 1 (a share of the rows)")
	}
	if p.Path == "" && (p.Categories != "" || p.Layer != "") {
		key := "poi.categories"
		if p.Categories == "" {
			key = "poi.layer"
		}
		return stray(key, "without data.poi.path", "Give the POI table's path, or remove the key.")
	}
	named := map[string]string{}
	for _, col := range []struct{ key, name string }{
		{"lon", p.Columns.Lon}, {"lat", p.Columns.Lat}, {"place", p.Columns.Place}, {"category", p.Columns.Category}, {"id", p.Columns.ID}, {"count", p.Columns.Count},
	} {
		if col.name == "" {
			continue
		}
		if other, ok := named[col.name]; ok {
			return fault.New("data.poi.columns."+col.key, fmt.Sprintf("is %q, and so is data.poi.columns.%s", col.name, other), "Name two different columns.")
		}
		named[col.name] = col.key
	}
	return nil
}

func (s *Split) normalize() error {
	if err := oneOf("split.method", &s.Method, "blocks", "attribute", "blocks", "list", "none"); err != nil {
		return err
	}
	byFile := s.Method == "attribute" || s.Method == "list"
	switch {
	case byFile && s.File == "":
		return fault.New("data.split.file", "is not given", "With data.split.method: "+s.Method+", name the file: polygons for attribute, a CSV of cell and split for list.")
	case !byFile && s.File != "":
		return stray("split.file", "with data.split.method: "+s.Method, "Set data.split.method: attribute or list, or remove the key.")
	case s.Method == "attribute" && s.Field == "":
		return fault.New("data.split.field", "is not given", "Name the column of "+s.File+" that holds the districts' names.")
	case s.Method == "attribute" && len(s.Train) == 0:
		return fault.New("data.split.train", "lists no district", "List the districts that train, validate and test.")
	case s.Method != "attribute" && len(s.Train)+len(s.Validation)+len(s.Test) > 0:
		key := "split.train"
		if len(s.Train) == 0 {
			key = "split.validation"
			if len(s.Validation) == 0 {
				key = "split.test"
			}
		}
		return stray(key, "with data.split.method: "+s.Method, "Set data.split.method: attribute, or remove the list.")
	}
	in := map[string]string{}
	for _, list := range []struct {
		key   string
		names []string
	}{{"train", s.Train}, {"validation", s.Validation}, {"test", s.Test}} {
		for _, n := range list.names {
			if other, ok := in[n]; ok {
				return fault.New("data.split."+list.key, fmt.Sprintf("lists %q, which data.split.%s lists too", n, other), "A district belongs to one split; list it once.")
			}
			in[n] = list.key
		}
	}
	if s.Block == 0 {
		s.Block = defaultBlock
	}
	if s.Block < 1 || s.Block > 10000 {
		return outOf("split.block", s.Block, "1 to 10000 cells")
	}
	if len(s.Fractions) == 0 {
		s.Fractions = []float64{0.6, 0.2, 0.2}
	}
	sum := 0.0
	for _, f := range s.Fractions {
		if !(f >= 0 && f <= 1) {
			sum = math.NaN()
		}
		sum += f
	}
	if len(s.Fractions) != 3 || !(math.Abs(sum-1) < 1e-6) || s.Fractions[0] == 0 {
		return outOf("split.fractions", s.Fractions, "three shares for train, validation and test that add up to 1, train above 0")
	}
	if s.Seed == 0 {
		s.Seed = defaultSeed
	}
	if s.Buffer < 0 || s.Buffer > 1000 {
		return outOf("split.buffer", s.Buffer, "0 (none) to 1000 cells")
	}
	return nil
}

// isRange says whether v is one range for all bands or one for each of so many; 0:
// nobody knows how many yet.
func isRange(v []float64, bands int) bool {
	if len(v) < 2 || len(v)%2 != 0 || len(v) > 2 && bands > 0 && len(v) != 2*bands {
		return false
	}
	for i := 0; i < len(v); i += 2 {
		if !(v[i] < v[i+1]) || !finite(v[i]) || !finite(v[i+1]) {
			return false
		}
	}
	return true
}
