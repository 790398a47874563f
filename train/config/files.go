package config

import (
	"fmt"
	"os"
	"strings"

	"opencarbon/data"
	"opencarbon/data/emissions"
	"opencarbon/data/fault"
	"opencarbon/data/paths"
)

// need is a file that the data section names: which key, where it must be, in
// what form, and where it can be had.
type need struct {
	key, path, form, from string
}

// CheckFiles says whether every input file that the config names is there. If
// not, the error (a *fault.Input, hence exit code 2) lists all that are missing
// at once: where each is expected, in what form, where it can be had, and how to
// try the demo instead. It is for a tile store that has yet to be built; files
// of a modality that model.modalities leaves out are read into it all the same.
func CheckFiles(c *Config) error {
	var missing []need
	for _, n := range needs(c) {
		if n.path == "" || connection.MatchString(n.path) {
			continue
		}
		if there(n.path) {
			continue
		}
		missing = append(missing, n)
	}
	if len(missing) == 0 {
		return nil
	}
	var b strings.Builder
	files := "files are"
	if len(missing) == 1 {
		files = "file is"
	}
	fmt.Fprintf(&b, "%d input %s missing:", len(missing), files)
	for _, n := range missing {
		fmt.Fprintf(&b, "\n  %s\n    expected at  %s\n    form         %s", n.key, n.path, n.form)
		if n.from != "" {
			fmt.Fprintf(&b, "\n    to be had    %s", n.from)
		}
	}
	remedy := "Put the files there, or point to yours: --set " + missing[0].key + "=PATH (or in your own YAML file)."
	if _, ok := Preset(c.Name); ok && c.Name != "demo" {
		remedy += "\n  Presets look for their files below the folder " + EnvData + " names, else below the current folder."
	}
	if c.Name == "demo" {
		remedy = "The demo's city is made, not downloaded: run make demo, or go run ./cmd/synth --out demo-city"
	} else {
		remedy += "\n  To try the program without any data: make demo"
	}
	return fault.New(c.Name, b.String(), remedy)
}

// there reports whether a path, or any file of a glob, exists.
func there(path string) bool {
	if at := strings.Index(strings.ToLower(path), ".zip/"); at >= 0 { // a member of an archive
		path = path[:at+4]
	}
	if root, ok := paths.TileRoot(path); ok { // map tiles: folder/{z}/{x}/{y}.png
		path = root
	}
	if _, err := os.Stat(path); err == nil {
		return true
	}
	found, err := paths.Match(path)
	return err == nil && len(found) > 0
}

// needs lists the input files of a config.
func needs(c *Config) []need {
	d := &c.Data
	var out []need
	add := func(key, path, form string) { out = append(out, need{key, path, form, sourceOf(c, key)}) }

	if d.Published.Dir != "" {
		add("data.published.dir", d.Published.Dir, "folder of a published dataset: <city>_data with tile2poi_distribution_<city>.npy, til2carbon_<city>.npy and the satellite images")
	} else {
		addRaw(d, c, add)
	}
	add("model.weights", c.Model.Weights, "checkpoint of a run (.safetensors), or of the published program (.pth)")
	for key, path := range map[string]string{"model.image_weights": c.Model.ImageWeights, "model.image_features": c.Model.ImageFeatures} {
		add(key, path, "ResNet-18 weights by torchvision's names (.pth or .safetensors)")
		if path != "" {
			out[len(out)-1].from = "https://download.pytorch.org/models/resnet18-f37072fd.pth (45 MB, BSD-3; or leave the key empty)"
		}
	}
	return out
}

// bandForm says which bands a mosaic must have.
func bandForm(b data.Bands) string {
	switch {
	case b.All():
		return "all its bands"
	case len(b) == 3:
		return fmt.Sprintf("red, green and blue in bands %v", b)
	}
	return fmt.Sprintf("with the bands %v", b)
}

// addRaw lists the files of raw open data.
func addRaw(d *data.Config, c *Config, add func(key, path, form string)) {
	add("data.region.file", d.Region.File, "polygons of the region in WGS84 or with a CRS: GeoJSON, Shapefile or GeoPackage"+filter(d.Region.Where))
	add("data.imagery.path", d.Imagery.Path, fmt.Sprintf(
		"daytime mosaic with a CRS, %s: GeoTIFF, COG, VRT, JP2, or a folder of z/x/y.png tiles; a cell becomes %d x %d pixels", bandForm(d.Imagery.Bands), d.Imagery.Size, d.Imagery.Size))
	add("data.imagery.sources", d.Imagery.Sources, "polygons of one of the mosaic's two sources, in WGS84 or with a CRS: GeoJSON, Shapefile or GeoPackage")
	add("data.emissions.path", d.Emissions.Path, emissionForm(c))
	add("data.poi.path", d.POI.Path, "table with columns lon, lat and category (others by data.poi.columns), coordinates in "+or(d.POI.CRS, "WGS84")+
		": CSV, GeoJSON, GeoPackage, Shapefile or OSM PBF")
	for _, r := range d.Rasters {
		add("data.rasters", r.Path, fmt.Sprintf("raster with a CRS, called %q, whose band %d becomes one number of a cell (%s)", r.Name, r.Band, r.How))
	}
	add("data.poi.categories", d.POI.Categories, "YAML table that maps raw categories to the model's")
	switch d.Split.Method {
	case "attribute":
		districts := append(append(append([]string(nil), d.Split.Train...), d.Split.Validation...), d.Split.Test...)
		add("data.split.file", d.Split.File, fmt.Sprintf("polygons with a field %q that holds the names %s", d.Split.Field, strings.Join(districts, ", ")))
	case "list":
		add("data.split.file", d.Split.File, "CSV of cells and their split (train, validation, test)")
	}
}

func emissionForm(c *Config) string {
	e := &c.Data.Emissions
	if e.Source != "" && e.Units == "" {
		return "as published: " + emissions.About(e.Source)
	}
	if e.Attribute != "" {
		return fmt.Sprintf("polygons with a column %q in %s per %s and %s", e.Attribute, e.Units, e.Per, e.Period)
	}
	form := fmt.Sprintf("raster with a CRS in %s per %s and %s", e.Units, e.Per, e.Period)
	if e.Units == "proxy" {
		form = "raster with a CRS that stands in for emissions"
	}
	if e.Period == "month" && strings.ContainsAny(e.Path, "*?[") {
		form += "; twelve monthly files, unpacked, that add up to the year"
	}
	return form
}

func filter(where string) string {
	if where == "" {
		return ""
	}
	return ", of which those with " + where + " are taken"
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// sourceOf says where a file can be had: of a preset's its own, of any other what
// of its kind there is for any region (data/GETTING-DATA.md says more).
func sourceOf(c *Config, key string) string {
	if from, preset := sources[c.Name]; preset && from[key] != "" {
		return from[key]
	}
	d := &c.Data
	switch key {
	case "data.region.file":
		return borders
	case "data.split.file":
		if d.Split.Method == "attribute" {
			return borders
		}
	case "data.imagery.path":
		return mosaics
	case "data.rasters":
		return rasters
	case "data.emissions.path":
		if from := inventories[d.Emissions.Source]; from != "" {
			return from
		}
		if d.Emissions.Attribute == "" {
			return odiac + " ; others by name: data.emissions.source"
		}
	case "data.poi.path":
		if crs := strings.ToUpper(d.POI.CRS); strings.HasPrefix(crs, "GCJ") || strings.HasPrefix(crs, "BD") {
			return chinaPOI
		}
		return openPOI
	}
	return ""
}

const (
	odiac    = "ODIAC2022 or later, the 1 km land-only GeoTIFFs of the year: https://db.cger.nies.go.jp/dataset/ODIAC/ (doi:10.17595/20170411.001, CC BY 4.0)"
	mosaics  = "Sentinel-2 true color: https://dataspace.copernicus.eu ; Landsat: https://earthexplorer.usgs.gov ; or tiles of zoom 15 to 17 that you may use"
	borders  = "district borders of OpenStreetMap: https://overpass-turbo.eu (boundary=administrative, admin_level=6; put the names used here into the field)"
	chinaPOI = "an export of a Chinese map service (AMap: GCJ-02, Baidu: BD-09), as the paper; or OpenStreetMap with --set data.poi.crs=WGS84: https://download.geofabrik.de/asia/china.html"
	hongkong = "tiles of zoom 13 and 15, Lands Department of the HKSAR Government (geodata terms 1.3): github.com/HillHeadism/satellites , joined to a GeoTIFF in EPSG:3857"
	openPOI  = "OpenStreetMap, the region's .osm.pbf: https://download.geofabrik.de (ODbL), with data.poi.categories: preset:osm"
	rasters  = "night light: VIIRS, https://eogdata.mines.edu/products/vnl ; people: GHS-POP, https://human-settlement.emergency.copernicus.eu ; heights: Copernicus DEM, https://dataspace.copernicus.eu"
	graced   = "GRACED, daily grids of Carbon Monitor: https://carbonmonitor-graced.com"
	lights   = "NASA Black Marble 2012: https://visibleearth.nasa.gov/collection/1484/earth-at-night ; in EPSG:3857 tiles: github.com/fasiha/nasa-black-marble-tiles"
)

// inventories says where those that data.emissions.source knows can be had.
var inventories = map[string]string{
	"edgar":          "EDGAR's grid maps, NetCDF: https://edgar.jrc.ec.europa.eu (CC BY 4.0)",
	"odiac":          odiac,
	"cams-reg":       "CAMS-REG and CAMS-GLOB-ANT, NetCDF: https://ads.atmosphere.copernicus.eu or https://eccad.aeris-data.fr (free, after registration)",
	"graced":         graced,
	"carbon-monitor": graced,
	"vulcan":         "Vulcan 3: https://daac.ornl.gov/NACP ; Vulcan 4: https://earth.gov/ghgcenter (USA, 1 km)",
	"laei":           "London Atmospheric Emissions Inventory: https://data.london.gov.uk (OGL), grid emissions of CO2",
}

// sources says where the presets' files can be had.
var sources = map[string]map[string]string{
	"beijing": {
		"data.region.file": borders, "data.split.file": borders, "data.imagery.path": mosaics,
		"data.emissions.path": odiac, "data.poi.path": chinaPOI,
	},
	"yinchuan": {
		"data.region.file": borders, "data.split.file": borders, "data.imagery.path": mosaics,
		"data.emissions.path": odiac, "data.poi.path": chinaPOI,
	},
	"london": {
		"data.emissions.path": "London Atmospheric Emissions Inventory 2019, CO2 of all sources: https://data.london.gov.uk/dataset/london-atmospheric-emissions-inventory--laei--2019 (OGL)",
		"data.poi.path":       "OpenStreetMap: https://download.geofabrik.de/europe/united-kingdom/england/greater-london.html (ODbL), joined with github.com/renzorico/the-london-bible and github.com/taniaguerrero/CASA0005repo",
	},
	"shenzhen": {
		"data.region.file": "districts (MIT): github.com/ni1o1/pygeo-tutorial", "data.imagery.path": hongkong, "data.emissions.path": odiac,
		"data.poi.path": "OpenStreetMap points (ODbL): github.com/IntelligentSystemsLab/CHARGED",
	},
	"shenzhen-hongkong": {"data.imagery.path": hongkong, "data.emissions.path": odiac},
	"tokyo": {
		"data.imagery.path":   "Landsat 8 scene 107-035 of 2021-12-28 (USGS, public domain): https://earthexplorer.usgs.gov ; its zoom-15 tiles: github.com/ubukawa/landsat-test01",
		"data.emissions.path": lights,
		"data.poi.path":       "OpenStreetMap points (ODbL): github.com/tabachain/geoJSON",
	},
	"demo": {
		"data.imagery.path": "make demo", "data.emissions.path": "make demo", "data.poi.path": "make demo", "data.split.file": "make demo",
	},
}
