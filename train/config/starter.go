package config

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
)

// Starter is what is known of a region before it has a configuration.
type Starter struct {
	Name      string     // of the experiment
	Box       [4]float64 // west, south, east, north of the region, degrees
	Districts string     // file of its borders; empty: Box is the region
	Field     string     // column with the districts' names; empty: none was found
	Names     []string   // of the districts
}

// Text is a configuration to begin with: complete, with what to change and where
// to get the files in comments. Load takes it as it is.
func (s Starter) Text() string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	lon, lat := (s.Box[0]+s.Box[2])/2, (s.Box[1]+s.Box[3])/2
	meters := 2 * math.Pi * 6378137 / 32768 * math.Cos(lat*math.Pi/180)
	km := func(degrees, per float64) float64 { return degrees * per }
	width, height := km(s.Box[2]-s.Box[0], 111.32*math.Cos(lat*math.Pi/180)), km(s.Box[3]-s.Box[1], 110.57)

	p("# %s: a region of about %.0f x %.0f km. Paths count from this file's folder; where the", s.Name, width, height)
	p("# files can be had is said beside each, and at length in data/GETTING-DATA.md.")
	p("# See what is missing, then what is in it:  go run ./cmd/prepare --config %s.yaml --preview", s.Name)
	p("name: %s", s.Name)
	p("data:")
	p("  # Cells: %.0f m here, about %.0f in the box. Others: {scheme: degrees} (ODIAC's own pixels of 1/120 degree), or", meters, math.Ceil(width*1000/meters)*math.Ceil(height*1000/meters))
	p("  # {scheme: projected, epsg: %d, cell_metres: 1000} (UTM).", utm(lon, lat))
	p("  grid: {scheme: xyz, zoom: 15}")
	if s.Districts != "" {
		p("  region:")
		p("    file: %s", strconv.Quote(s.Districts))
		if s.Field != "" {
			p("    # where: \"%s = 'A'\" takes some of its polygons only", s.Field)
		}
	} else {
		p("  region: {bbox: [%g, %g, %g, %g]} # west, south, east, north", s.Box[0], s.Box[1], s.Box[2], s.Box[3])
	}
	p("  imagery:")
	p("    # A mosaic of one season with few clouds, with a CRS. %s", mosaics)
	p("    path: %s", strconv.Quote(s.Name+"/mosaic.tif"))
	p("    size: %d # pixels a cell: what the mosaic resolves; here 10 m pixels", min(512, max(32, 8*int(math.Round(meters/80)))))
	p("    # bands: [3, 2, 1] # red, green, blue, where they are not 1, 2, 3")
	s.inventory(p, lon, lat)
	s.points(p, lon, lat)
	p("  # Night light, people, heights: each one number of a cell. To be had: %s", rasters)
	p("  # rasters:")
	p("  #   - {name: nightlight, path: %s, how: mean}", s.Name+"/viirs.tif")
	s.split(p)
	p("model:")
	p("  modalities: [image, poi] # without images: [poi], and leave data.imagery out")
	p("train:")
	p("  epochs: 120 # enough for a city of some hundred to a few thousand cells; patience ends it sooner. The paper's: 3000")
	p("  min_epochs: 40")
	p("  contrastive_warmup_epochs: 40")
	p("  validate_every: 4")
	p("  patience: 10")
	return b.String()
}

// inventory writes the section of the targets: the best open one that there is.
func (s Starter) inventory(p func(string, ...any), lon, lat float64) {
	source, path, year := "odiac", "odiac/odiac2023_1km_excl_intl_19*.tif", 2019
	switch {
	case within(lon, lat, -0.6, 51.2, 0.4, 51.75):
		source, path = "laei", s.Name+"/laei2019_co2.shp"
	case within(lon, lat, -125, 24.5, -66.5, 49.5):
		source, path = "vulcan", "vulcan/TOTAL*2019*.tif"
	}
	p("  emissions:")
	p("    # To be had: %s", inventories[source])
	p("    # Others by name: source: edgar | odiac | cams-reg | graced | vulcan | laei. Any other says what its numbers are:")
	p("    # units: tCO2, per: cell | km2, period: year | month. Without an inventory leave the section out: a region to predict.")
	p("    source: %s", source)
	p("    path: %s", strconv.Quote(path))
	p("    year: %d", year)
}

// points writes the section of the points of interest.
func (s Starter) points(p func(string, ...any), lon, lat float64) {
	p("  poi:")
	if mostlyChina(lon, lat) {
		p("    # A Chinese map service's export. With OpenStreetMap (%s):", "https://download.geofabrik.de/asia.html")
		p("    # path: %s, crs: WGS84, categories: preset:osm; expect an order of magnitude fewer points.", s.Name+"/region.osm.pbf")
		p("    path: %s", strconv.Quote(s.Name+"/poi.csv"))
		p("    crs: GCJ-02 # AMap and Tencent; Baidu: BD-09")
		p("    categories: preset:amap # or preset:tencent, or a table of your own")
		return
	}
	p("    # To be had: %s", openPOI)
	p("    path: %s", strconv.Quote(s.Name+"/region.osm.pbf"))
	p("    categories: preset:osm")
}

// split writes who trains, validates and tests: whole districts where there are
// enough of them, else blocks of cells.
func (s Starter) split(p func(string, ...any)) {
	lists := make([][]string, 3)
	for i, n := range s.Names {
		k := max(0, i%5-2) // of five: three, one, one
		lists[k] = append(lists[k], strconv.Quote(n))
	}
	if s.Field == "" || len(s.Names) < 5 {
		p("  split: {method: blocks, block: 8, fractions: [0.6, 0.2, 0.2], seed: 42, buffer: 1}")
		return
	}
	p("  split: # by district; or {method: blocks, block: 8, fractions: [0.6, 0.2, 0.2], seed: 42, buffer: 1}")
	p("    method: attribute")
	p("    file: %s", strconv.Quote(s.Districts))
	p("    field: %s", strconv.Quote(s.Field))
	for k, key := range []string{"train", "validation", "test"} {
		p("    %s: [%s]", key, strings.Join(lists[k], ", "))
	}
}

func within(lon, lat, west, south, east, north float64) bool {
	return lon > west && lon < east && lat > south && lat < north
}

// mostlyChina tells by boxes, whose neighbors' big cities lie outside of them,
// where a Chinese map service knows the points. It only chooses what is proposed.
func mostlyChina(lon, lat float64) bool {
	for _, b := range [][4]float64{{79, 31, 97, 47}, {88, 28.8, 97, 31}, {97, 21.6, 110, 42}, {108.5, 18, 119.9, 42.5}, {119.9, 26, 123, 42.5}, {116, 42.5, 131, 53.5}, {122, 40.2, 124.3, 42.5}} {
		if within(lon, lat, b[0], b[1], b[2], b[3]) {
			return true
		}
	}
	return false
}

// utm is the EPSG code of the zone of Universal Transverse Mercator (WGS84).
func utm(lon, lat float64) int {
	zone := int(math.Mod(math.Floor((lon+180)/6)+60, 60)) + 1
	if lat < 0 {
		return 32700 + zone
	}
	return 32600 + zone
}

// StarterName makes an experiment's name of what somebody calls a region, and the
// file to write.
func StarterName(text string) (name, file string) {
	base := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(text), ".yaml"), ".yml")
	name = nameOf(base)
	return name, filepath.Join(filepath.Dir(text), name+".yaml")
}
