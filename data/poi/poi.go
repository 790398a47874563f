// Package poi reads points of interest (shops, schools, bus stops) from a CSV
// table or a vector file, brings them to WGS84, maps their categories, and
// counts them in the pixels of the grid's cells.
//
// Its result is sparse and ready for the tile store. It knows nothing of grids:
// the caller supplies the function that finds a point's cell and its place in
// it. GDAL is reached through data/raster only.
package poi

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/label"
	"opencarbon/data/store"
)

// Spec says what to read. It mirrors the data.poi section of the
// configuration, whose keys the error messages name.
type Spec struct {
	Path       string            // CSV (also .gz), GeoJSON, GeoPackage, Shapefile, OSM PBF
	Layer      string            // of a vector file; default the first (OpenStreetMap: osmLayers)
	CRS        string            // WGS84 | EPSG:n | GCJ-02 | BD-09; default WGS84, or the file's own
	Encoding   string            // of a table's text; empty: found out
	Columns    Columns           // column names; empty ones are looked for
	Categories string            // YAML table of categories, see Table; empty: raw values are the categories
	Table      string            // text of such a table, where Categories is empty
	MaxBadRows float64           // share of unreadable rows above which reading fails, 0 to 1
	Options    map[string]string // open options of the OGR driver
}

// Columns names the columns of a table or the attributes of a layer. Empty names
// are looked for under the usual ones, see usualColumns.
type Columns struct {
	Lon, Lat  string
	Place     string // one column with both coordinates, in place of Lon and Lat
	Category  string
	ID, Count string
}

// Target says where points are counted.
type Target struct {
	Cells  int        // N, number of cells
	Size   int        // edge of a cell's frame in pixels; the published program has 256
	Region [4]float64 // west, south, east, north of all cells, degrees (WGS84)
	// Locate finds the cells of points given in degrees (WGS84): cell[i] is -1
	// outside all of them, else 0 to Cells-1 with the place inside the cell, u
	// from 0 in the west to 1 in the east and v from 0 in the north to 1 in the
	// south, measured in the grid's own CRS. The image of a cell is warped in
	// that CRS, so a point falls on the pixel that shows it. It is called from
	// one goroutine at a time, may write into its arguments, and is not asked
	// for points far from Region.
	Locate func(lon, lat []float64) (cell []int32, u, v []float64)
}

// Result is the POI modality of a region: what store.Writer.SetPOIs takes.
type Result struct {
	Categories []string // [C], sorted by name, or in the order of the category table
	Size       int      // of the frame, pixels
	Offsets    []int64  // [N+1] into Points
	Points     store.Points
	Report     Report
}

// Progress is told now and then how much of the input is done, in bytes or
// features; total is -1 where that is unknown. It may be nil.
type Progress func(done, total int64)

// Read reads all points and counts them. Errors that the user can mend are
// *fault.Input; a cancelled context ends it with the context's error.
func Read(ctx context.Context, spec Spec, target Target, progress Progress) (*Result, error) {
	if target.Cells < 1 || target.Size < 1 || target.Size > 1<<16 || target.Locate == nil {
		return nil, fmt.Errorf("poi: target of %d cells of %d pixels", target.Cells, target.Size)
	}
	if !(spec.MaxBadRows >= 0 && spec.MaxBadRows <= 1) {
		return nil, fault.New("data.poi.max_bad_rows", fmt.Sprintf("%v is no share", spec.MaxBadRows), "Give a number from 0 to 1, e.g. 0.01.")
	}
	if progress == nil {
		progress = func(int64, int64) {}
	}
	if spec.Path == "" {
		return nil, fault.New("data.poi.path", "no file is given", "Give the path of a CSV, GeoJSON, GeoPackage, Shapefile or OSM PBF file.")
	}
	var table *Table
	if spec.Categories != "" {
		var err error
		if table, err = LoadTable(spec.Categories); err != nil {
			return nil, err
		}
	} else if spec.Table != "" {
		var err error
		spec.Categories = "the model's category table"
		if table, err = ParseTable(spec.Categories, []byte(spec.Table)); err != nil {
			return nil, err
		}
	}
	tighten()
	result, err := readAny(ctx, spec, target, table, progress)
	loosen(err == nil && result.Report.Rows > 1_000_000)
	return result, err
}

// readAny reads by the reader for the file's kind, or the next where one cannot.
func readAny(ctx context.Context, spec Spec, target Target, table *Table, progress Progress) (*Result, error) {
	readers := []func(context.Context, Spec, *collector, Progress) error{readVector}
	if isTable(spec.Path) {
		readers[0] = readTable
	} else if readsPBF(spec) {
		readers = append([]func(context.Context, Spec, *collector, Progress) error{readPBF}, readers...)
	}
	var c *collector
	var err, first error
	for _, read := range readers {
		c = newCollector(spec, target, table)
		defer c.close()
		if err = read(ctx, spec, c, progress); err == nil {
			break
		}
		if ctx.Err() != nil {
			return nil, err
		}
		first = err
	}
	if err != nil {
		return nil, err
	}
	if first != nil {
		c.report.Note = fmt.Sprintf("read by OGR, which takes longer: %v", first)
	}
	if spec.CRS == "" && (spec.Categories == tablePrefix+"amap" || spec.Categories == tablePrefix+"tencent") {
		c.report.Note = "the coordinates are taken as they are; as the service gives them they are some 500 m off: then data.poi.crs: GCJ-02"
	}
	return c.finish()
}

// isTable says whether a file is read as a table of text rather than by OGR.
func isTable(path string) bool {
	name := strings.TrimSuffix(strings.ToLower(path), ".gz")
	switch filepath.Ext(name) {
	case ".csv", ".tsv", ".txt", ".tab":
		return true
	}
	return false
}

// usualColumns are the names that are looked for, best first, where the
// configuration gives none. Case does not matter. placekey, safegraph_place_id
// and top_category are SafeGraph's; location is what AMap calls both coordinates.
// Names that say another system than WGS84 (gcj_lon, bd_lng) are not among them:
// data.poi.crs has to say it, too.
var usualColumns = struct{ lon, lat, place, category, id, count []string }{
	lon: []string{"lon", "lng", "long", "longitude", "x", "lon_wgs84", "lng_wgs84", "wgs84_lon", "wgs84_lng", "wgs84经度", "经度", "經度", "経度", "경도"},
	lat: []string{"lat", "latitude", "y", "lat_wgs84", "wgs84_lat", "wgs84纬度", "纬度", "緯度", "위도"},
	place: []string{"location", "geometry", "geom", "the_geom", "wkt", "wkt_geom", "point", "coordinates", "coordinate", "coords",
		"lonlat", "lon_lat", "lon,lat", "lon, lat", "lnglat", "lng_lat", "lng,lat", "lng, lat", "latlon", "lat_lon", "lat,lon", "lat, lon",
		"latlng", "lat_lng", "lat,lng", "lat, lng", "经纬度", "坐标", "經緯度", "座標", "位置"},
	category: []string{"category", "top_category", "type", "fclass", "amenity", "类别", "类型", "大类", "一级分类", "分类", "poi类型", "所属类别", "typecode", "naics_code",
		"類別", "類型", "大類", "分類", "種別", "カテゴリ", "カテゴリー", "업종", "카테고리", "분류"},
	id:    []string{"id", "placekey", "safegraph_place_id", "osm_id", "@id", "uid", "poi_id"},
	count: []string{},
}

// findColumn is the place of a column in names: of the one that the
// configuration asks for, else of a usual one. -1 where an optional column is
// absent; where a needed one is, the error lists what there is.
func findColumn(path, key, asked string, usual, names []string, needed bool) (int, error) {
	want := usual
	if asked != "" {
		for i, n := range names {
			if label.Of(n) == label.Of(asked) {
				return i, nil
			}
		}
		want = []string{asked}
	}
	for _, w := range want {
		for i, n := range names {
			if strings.EqualFold(label.Of(n), label.Of(w)) {
				return i, nil
			}
		}
	}
	key = "data.poi.columns." + key
	have := strings.Join(names, ", ")
	if len(have) > 400 {
		have = have[:400] + " ..."
	}
	switch {
	case asked != "":
		return -1, fault.New(path, fmt.Sprintf("has no column %q, which %s names", asked, key), "It has: "+have)
	case needed:
		return -1, fault.New(path, fmt.Sprintf("has no column named %s", strings.Join(usual, ", ")), fmt.Sprintf("Name the column in %s. It has: %s", key, have))
	}
	return -1, nil
}
