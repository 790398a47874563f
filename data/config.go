// Package data turns what a user has (a satellite mosaic, an emission
// inventory, a POI table, district borders) into a tile store: one
// memory-mapped dataset of 1 km cells that the trainer reads.
//
// This folder holds the configuration of that work and the building of the
// store; each kind of input has a room of its own below it: grid, raster (the
// only one that touches GDAL), imagery, emissions, poi, published, split, store,
// synth, and charset and label for texts and names, half for numbers of 16 bits.
// Nothing here knows tensors: what leaves this floor are Go slices.
package data

// Config is the `data:` section of an experiment file. Every field's zero value
// is either a good default (filled in by Normalize) or "not given".
type Config struct {
	Store     string    `mapstructure:"store" yaml:"store"` // folder of the tile store; default stores/<experiment name>
	Grid      Grid      `mapstructure:"grid" yaml:"grid"`
	Region    Region    `mapstructure:"region" yaml:"region"`
	Imagery   Imagery   `mapstructure:"imagery" yaml:"imagery"`
	Emissions Emissions `mapstructure:"emissions" yaml:"emissions"`
	POI       POI       `mapstructure:"poi" yaml:"poi"`
	Split     Split     `mapstructure:"split" yaml:"split"`
	Published Published `mapstructure:"published" yaml:"published"`                 // a dataset of the authors' program, in place of all inputs above
	Workers   int       `mapstructure:"workers" yaml:"workers"`                     // goroutines that read; 0 = all cores
	Trust     []string  `mapstructure:"trust" yaml:"trust,flow" json:",omitempty"`  // folders, as absolute paths, in which a VRT may name files besides its own folder, and the word remote for sources on the network; for VRTs of people you trust
	Cache     string    `mapstructure:"cache" yaml:"cache" json:",omitempty"`       // folder that keeps what addresses (https://, s3://, gs://, az://) in place of paths give, shared by runs; default: opencarbon in the user's cache folder
	CacheGB   float64   `mapstructure:"cache_gb" yaml:"cache_gb" json:",omitempty"` // gigabytes above which fetched files not used for longest are removed, none of the last day; default 20

	// Absent from JSON where empty: the hash of a store without it stays.
	Rasters []Raster `mapstructure:"rasters" yaml:"rasters,omitempty" json:",omitempty"` // further rasters (night light, population, heights), each one number of a cell that models see: [{name: nightlight, path: light.tif, how: mean}, ...]; how: mean (default), sum (amounts: each pixel gives its share of ground), max or sd; band: counted from 1, default 1; crs, nodata: only where the file has none

	// So is this.
	PublishedFirstTile []int `mapstructure:"published_first_tile" yaml:"published_first_tile,flow" json:",omitempty"` // x, y of the tile that the published program found first and takes for every missing neighbor; empty: the first image in the folder's own order, which a copied dataset may have lost
}

// Raster is a further raster that becomes one number of every cell.
type Raster struct {
	Name string `mapstructure:"name" yaml:"name"`
	Path string `mapstructure:"path" yaml:"path"`
	How  string `mapstructure:"how" yaml:"how"`   // of emissions.Hows; default mean
	Band int    `mapstructure:"band" yaml:"band"` // counted from 1; default 1
	CRS  string `mapstructure:"crs" yaml:"crs,omitempty"`

	Nodata *float64 `mapstructure:"nodata" yaml:"nodata,omitempty" json:",omitempty"` // only where the file does not say it
}

// Grid says how the earth is cut into cells.
type Grid struct {
	Scheme      string  `mapstructure:"scheme" yaml:"scheme"`             // xyz | degrees | projected
	Zoom        int     `mapstructure:"zoom" yaml:"zoom"`                 // xyz: web-mercator zoom, default 15
	CellDegrees float64 `mapstructure:"cell_degrees" yaml:"cell_degrees"` // degrees: edge in degrees, default 1/120 (ODIAC)
	EPSG        int     `mapstructure:"epsg" yaml:"epsg"`                 // projected: EPSG code of a CRS in meters
	CellMetres  float64 `mapstructure:"cell_metres" yaml:"cell_metres"`   // projected: edge in meters, default 1000
}

// Region is the region of interest: a bounding box, or the polygons of a file
// (cells whose center lies inside are taken). With neither, the imagery's
// extent is the region, or the emissions' where there is no imagery.
type Region struct {
	BBox  []float64 `mapstructure:"bbox" yaml:"bbox,flow"` // west, south, east, north in degrees (WGS84)
	File  string    `mapstructure:"file" yaml:"file"`      // polygons: GeoJSON, Shapefile, GeoPackage
	Layer string    `mapstructure:"layer" yaml:"layer"`    // layer of File; default: the first
	Where string    `mapstructure:"where" yaml:"where"`    // OGR attribute filter, e.g. "name = 'Fengtai'"
}

// Imagery is the daytime satellite mosaic. An empty Path means that the image
// modality is absent.
type Imagery struct {
	Path        string    `mapstructure:"path" yaml:"path"`                                 // anything GDAL opens, or a folder of z/x/y tiles
	CRS         string    `mapstructure:"crs" yaml:"crs"`                                   // e.g. EPSG:32633; only where the file has none
	Bands       Bands     `mapstructure:"bands" yaml:"bands,flow"`                          // bands of a picture, by number from 1 or by the file's name for them, red, green and blue first where there are any; or all; default 1, 2, 3
	Type        string    `mapstructure:"type" yaml:"type" json:",omitempty"`               // uint8 | float16 | float32: what pictures are kept as; default uint8. Floats are neither clamped nor rounded to 256 steps, and twice or four times as large
	Code        string    `mapstructure:"code" yaml:"code" json:",omitempty"`               // quadratic: signed bytes v that stand for sign(v) (|v| / 127.5)^2 (AlphaEarth); default: the numbers are themselves
	Preview     Bands     `mapstructure:"preview" yaml:"preview,flow" json:",omitempty"`    // three of the bands that pictures for people show as red, green and blue; default the first three
	Scale       string    `mapstructure:"scale" yaml:"scale"`                               // none | minmax | percentile | range; default: none for uint8, else percentile
	Percentile  []float64 `mapstructure:"percentile" yaml:"percentile,flow"`                // low, high; default 2, 98
	Range       []float64 `mapstructure:"range" yaml:"range,flow"`                          // low, high in the mosaic's own numbers; or two for each band, 6 numbers for three
	Size        int       `mapstructure:"size" yaml:"size"`                                 // H = W in pixels, 32 to 512; default 256
	Resampling  string    `mapstructure:"resampling" yaml:"resampling"`                     // near | bilinear | cubic | average; default bilinear
	MinCoverage float64   `mapstructure:"min_coverage" yaml:"min_coverage"`                 // cells whose valid share is below are left out; default 0.9
	Nodata      *float64  `mapstructure:"nodata" yaml:"nodata"`                             // only where the file does not say it
	Sources     string    `mapstructure:"sources" yaml:"sources" json:",omitempty"`         // polygons (GeoJSON, Shapefile, GeoPackage) of one source of a mosaic that joins two: both get the mean and spread of color that they have together; default: the mosaic is taken as it is
	Attribution string    `mapstructure:"attribution" yaml:"attribution" json:",omitempty"` // line that the imagery's owner wants to be named by; needed with a tile server, https://host/{z}/{x}/{y}.png, and printed in the account
	TileZoom    int       `mapstructure:"tile_zoom" yaml:"tile_zoom" json:",omitempty"`     // tile server: zoom of the tiles to fetch; default: the lowest that resolves size
	Connections int       `mapstructure:"connections" yaml:"connections" json:",omitempty"` // tile server: tiles fetched at once, 1 to 16; default 2
	Delay       float64   `mapstructure:"delay" yaml:"delay" json:",omitempty"`             // tile server: seconds that each connection waits between two tiles; default 0
}

// Emissions is the inventory that supplies targets: rasters (ODIAC) or
// polygons with an attribute (the London inventory). An empty Path means a
// region without targets: one to predict.
type Emissions struct {
	Source        string   `mapstructure:"source" yaml:"source" json:",omitempty"`            // edgar | odiac | cams-reg | graced | carbon-monitor | vulcan | laei: an inventory whose units, period, variables and names are known, so that units, per and period may be left away
	Path          string   `mapstructure:"path" yaml:"path"`                                  // file or glob, e.g. odiac/odiac2022_1km_excl_intl_18*.tif; a raster, polygons, or a CSV list of places
	Year          int      `mapstructure:"year" yaml:"year" json:",omitempty"`                // the year to read, of files (by their names) and time axes that hold several; 0: there is one
	CRS           string   `mapstructure:"crs" yaml:"crs"`                                    // only where the file has none
	Bands         []int    `mapstructure:"bands" yaml:"bands,flow"`                           // bands that are added up; default: those that make up the year by period, else the first
	Variables     []string `mapstructure:"variables" yaml:"variables,flow" json:",omitempty"` // variables of a NetCDF file, bands by their names, or columns of polygons (sectors) that are added up; default: of a known source its total, or else all sectors
	Layer         string   `mapstructure:"layer" yaml:"layer"`                                // polygons: layer; default the first
	Attribute     string   `mapstructure:"attribute" yaml:"attribute"`                        // polygons and lists: the column that holds the amount
	Units         string   `mapstructure:"units" yaml:"units"`                                // tC | tCO2 | kgC | kgCO2 | gC | gCO2 | ktCO2 | MtCO2 | molCO2 | umolCO2 ..., with any SI prefix; or with area and time, kgCO2 m-2 s-1; proxy (no unit: a stand-in such as night light)
	Per           string   `mapstructure:"per" yaml:"per"`                                    // cell | km2 | m2; default cell (km2, m2: densities)
	Period        string   `mapstructure:"period" yaml:"period"`                              // year | month | day | hour | second: the time that an amount is of (kg m-2 s-1: second); means of months are weighed by their days; default year
	MissingMonths string   `mapstructure:"missing_months" yaml:"missing_months"`              // error | scale; default error
	Nodata        *float64 `mapstructure:"nodata" yaml:"nodata"`                              // only where the file does not say it
}

// POI is the table of points of interest. An empty Path means that the POI
// modality is absent.
type POI struct {
	Path       string            `mapstructure:"path" yaml:"path"`                 // CSV, XLSX, GeoJSON, GeoPackage, Shapefile, OSM PBF
	Layer      string            `mapstructure:"layer" yaml:"layer"`               // default: the first (OpenStreetMap, also as a GeoPackage of ogr2ogr: points, and multipolygons by their centers)
	CRS        string            `mapstructure:"crs" yaml:"crs"`                   // EPSG:n | WGS84 | GCJ-02 | BD-09; default WGS84, or the file's own
	Encoding   string            `mapstructure:"encoding" yaml:"encoding"`         // of a CSV's text: utf-8, gb18030 (gbk), big5, shift_jis, utf-16 ...; default: found out
	Columns    Columns           `mapstructure:"columns" yaml:"columns"`           // column names
	Categories string            `mapstructure:"categories" yaml:"categories"`     // YAML table that maps raw categories, or one that comes with the program (preset:osm, preset:amap, preset:tencent, preset:safegraph: some 15 functions under the same names; preset:london, preset:shenzhen, preset:tokyo); empty: raw values are the categories
	Size       int               `mapstructure:"size" yaml:"size"`                 // edge in pixels of the frame that points are counted in, 32 to 512, whatever the images' size; default 256
	MaxBadRows float64           `mapstructure:"max_bad_rows" yaml:"max_bad_rows"` // share of unreadable rows above which it is an error; default 0.01
	Options    map[string]string `mapstructure:"options" yaml:"options,omitempty"` // open options of the OGR driver
}

// Columns names the columns of a POI table. Empty names are looked for under
// the usual ones: lon, lng, longitude, x; lat, latitude, y; category,
// top_category (SafeGraph), type; id, placekey (SafeGraph), osm_id.
type Columns struct {
	Lon      string `mapstructure:"lon" yaml:"lon"`           // longitude or x
	Lat      string `mapstructure:"lat" yaml:"lat"`           // latitude or y
	Place    string `mapstructure:"place" yaml:"place"`       // both coordinates in one column, in place of lon and lat: "113.26,23.13" in either order, or WKT
	Category string `mapstructure:"category" yaml:"category"` // raw category; of OpenStreetMap's tags in columns of their own several, the first that is filled counts: amenity, shop, office
	ID       string `mapstructure:"id" yaml:"id"`             // rows with the same id, place and category are one point; optional
	Count    string `mapstructure:"count" yaml:"count"`       // points that stand for several; optional
}

// Split says which cells train, validate and test.
type Split struct {
	Method     string    `mapstructure:"method" yaml:"method"`              // attribute | blocks | list | none; default blocks
	File       string    `mapstructure:"file" yaml:"file"`                  // attribute: polygon file; list: CSV of cell id, split
	Layer      string    `mapstructure:"layer" yaml:"layer"`                // attribute: layer; default the first
	Field      string    `mapstructure:"field" yaml:"field"`                // attribute: the district's name
	Train      []string  `mapstructure:"train" yaml:"train,flow"`           // attribute: districts
	Validation []string  `mapstructure:"validation" yaml:"validation,flow"` // attribute: districts
	Test       []string  `mapstructure:"test" yaml:"test,flow"`             // attribute: districts
	Block      int       `mapstructure:"block" yaml:"block"`                // blocks: edge in cells, default 8
	Fractions  []float64 `mapstructure:"fractions" yaml:"fractions,flow"`   // blocks: train, validation, test; default 0.6, 0.2, 0.2
	Seed       int64     `mapstructure:"seed" yaml:"seed"`                  // blocks: seed, default 42
	Buffer     int       `mapstructure:"buffer" yaml:"buffer"`              // cells: training cells this near (Chebyshev) to a test cell are dropped from training; 0 = none
}

// Published is a dataset in the format of the authors' published program
// (package published lists the file names). Where Dir is given it takes the
// place of grid, region, imagery, emissions, poi and split.
type Published struct {
	Dir    string `mapstructure:"dir" yaml:"dir"`       // folder with <city>_data, or that folder itself
	City   string `mapstructure:"city" yaml:"city"`     // as in the file names; may be empty where the folder holds one
	Zoom   int    `mapstructure:"zoom" yaml:"zoom"`     // of the tile numbers; default 15 (about 1 km)
	Target string `mapstructure:"target" yaml:"target"` // emission | ln: what til2carbon holds; default emission (a year's), whose logarithm the trainer takes
	Units  string `mapstructure:"units" yaml:"units"`   // proxy | tCO2: a label for tables, never a conversion; default proxy, as the files state no unit
}
