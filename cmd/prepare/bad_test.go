package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"opencarbon/data/raster"
	"opencarbon/data/synth"
)

// month is the file of a month of the made city.
func month(m int) string { return synth.MonthsFolder + "/" + synth.MonthFile(18, m) }

// square is a GeoJSON polygon over cells [x0, x1) x [y0, y1) of the made city.
func square(name string, x0, y0, x1, y1 float64) string {
	at := func(x, y float64) string {
		return fmt.Sprintf("[%.9f,%.9f]", 10+x*synth.CellDegrees, 47-y*synth.CellDegrees)
	}
	return fmt.Sprintf(`{"type":"Feature","properties":{"split":%q},"geometry":{"type":"Polygon","coordinates":[[%s,%s,%s,%s,%s]]}}`,
		name, at(x0, y0), at(x0, y1), at(x1, y1), at(x1, y0), at(x0, y0))
}

func collection(features ...string) string {
	return `{"type":"FeatureCollection","features":[` + strings.Join(features, ",") + `]}`
}

// TestBadInput runs the whole command on inputs that a user must mend: each time
// it ends with exit code 2 and one message that says where (file or key), what,
// and how to mend it, and leaves nothing behind.
func TestBadInput(t *testing.T) {
	source := master(t)
	key := func(old, now string) func(c city) { return func(c city) { c.yaml(old, now) } }
	add := func(section, line string) func(c city) {
		return func(c city) { c.yaml("  "+section+":\n", "  "+section+":\n    "+line+"\n") }
	}
	cases := []struct {
		name string
		do   func(c city)
		want []string // all of them in the message
	}{
		// Files that are not there or are not what they should be.
		{"missing mosaic", func(c city) { c.remove("mosaic.tif") }, []string{"data.imagery.path", "mosaic.tif", "missing", "--set data.imagery.path=PATH"}},
		{"missing inventory", func(c city) { c.remove("odiac") }, []string{"data.emissions.path", "odiac2022_1km_excl_intl_18*.tif", "missing"}},
		{"missing POI table", func(c city) { c.remove("poi.csv") }, []string{"data.poi.path", "poi.csv", "missing"}},
		{"missing districts", func(c city) { c.remove("districts.geojson") }, []string{"data.split.file", "districts.geojson", "missing"}},
		{"missing region file", func(c city) { c.region("{file: borders.shp}") }, []string{"data.region.file", "borders.shp", "missing"}},
		{"missing category table", add("poi", "categories: table.yaml"), []string{"data.poi.categories", "table.yaml", "missing"}},
		{"empty folder of tiles", func(c city) { c.check(os.Mkdir(c.path("tiles"), 0o755)); c.yaml("mosaic.tif", "tiles") }, []string{"data.imagery.path", "tiles", "empty"}},
		{"truncated mosaic", func(c city) { c.truncate("mosaic.tif", 0.6) }, []string{"mosaic.tif"}},
		{"mosaic cut to its header", func(c city) { c.truncate("mosaic.tif", 0.001) }, []string{"mosaic.tif"}},
		{"truncated month", func(c city) { c.truncate(month(3), 0.5) }, []string{synth.MonthFile(18, 3)}},
		{"mosaic is text", func(c city) { c.write("mosaic.tif", "a city\n") }, []string{"mosaic.tif"}},
		{"districts are text", func(c city) { c.write("districts.geojson", "{") }, []string{"districts.geojson"}},
		{"empty POI table", func(c city) { c.write("poi.csv", "") }, []string{"poi.csv"}},
		{"POI table with a header only", func(c city) { c.write("poi.csv", "id,lon,lat,category,name\n") }, []string{"poi.csv", "no rows"}},

		// Where things lie.
		{"mosaic without CRS", func(c city) { c.raster("mosaic.tif", frame(64, 3, raster.Byte, ""), 9) }, []string{"mosaic.tif", "CRS", "data.imagery", "crs: "}},
		{"month without CRS", func(c city) { c.raster(month(1), frame(8, 1, raster.Float32, ""), 9) }, []string{synth.MonthFile(18, 1), "CRS", "data.emissions", "crs: "}},
		{"unknown CRS", func(c city) {
			c.raster("mosaic.tif", frame(64, 3, raster.Byte, ""), 9)
			add("imagery", "crs: EPSG:999999")(c)
		}, []string{"EPSG:999999", "EPSG code"}},
		{"region beside the mosaic", func(c city) { c.region("{bbox: [20, 50, 20.1, 50.1]}") }, []string{"overlap"}},
		{"inventory elsewhere", func(c city) {
			s := frame(8, 1, raster.Float32, "EPSG:4326")
			s.GeoTransform[0] = -70
			for m := 1; m <= 12; m++ {
				c.raster(month(m), s, 9)
			}
		}, []string{"odiac", "does not overlap the region", "data.region"}},
		{"mosaic declared in meters", func(c city) {
			c.raster("mosaic.tif", frame(64, 3, raster.Byte, "EPSG:32633"), 9)
		}, []string{"mosaic.tif", "data.imagery.crs"}},
		{"points elsewhere", func(c city) { c.edit("poi.csv", ",10.", ",30.") }, []string{"poi.csv", "none of its points lies in the region", "data.poi.crs"}},
		{"longitude and latitude swapped", func(c city) { c.edit("poi.csv", "id,lon,lat", "id,lat,lon") }, []string{"poi.csv", "swapped", "data.poi.columns"}},
		{"points in meters", func(c city) {
			c.write("poi.csv", "id,lon,lat,category\n1,512345,5212345,shop\n2,512346,5212346,shop\n")
		}, []string{"poi.csv", "data.poi.crs"}},
		{"region without cells", func(c city) { c.region("{bbox: [10.0001, 46.99, 10.0002, 46.9901]}") }, []string{"data.region.bbox", "no cell", "larger region"}},
		{"no region at all", func(c city) {
			c.yaml("  imagery:\n    path: mosaic.tif\n", "  imagery:\n")
			c.yaml("    path: odiac/odiac2022_1km_excl_intl_18*.tif\n    units: tC\n    per: cell\n    period: month\n", "    path: ''\n")
		}, []string{"data.region", "data.region.bbox"}},
		{"region file of points", func(c city) {
			c.write("r.geojson", collection(`{"type":"Feature","properties":{},"geometry":{"type":"Point","coordinates":[10,47]}}`))
			c.region("{file: r.geojson}")
		}, []string{"r.geojson", "polygons"}},
		{"region filter that fits nothing", func(c city) { c.region(`{file: districts.geojson, where: "name = 'Atlantis'"}`) }, []string{"districts.geojson", "Atlantis", "filter"}},
		{"region filter that is no filter", func(c city) { c.region(`{file: districts.geojson, where: "name ="}`) }, []string{"districts.geojson", "name ="}},
		{"region layer that is not there", func(c city) { c.region(`{file: districts.geojson, layer: wards}`) }, []string{"districts.geojson", "wards"}},

		// What is in them.
		{"image band beyond the last", add("imagery", "bands: [1, 2, 4]"), []string{"mosaic.tif", "band 4", "data.imagery.bands"}},
		{"gray mosaic", func(c city) { c.raster("mosaic.tif", frame(64, 1, raster.Byte, "EPSG:4326"), 9) }, []string{"mosaic.tif", "band 2", "[1, 1, 1]"}},
		{"mosaic of nodata", func(c city) {
			c.raster("mosaic.tif", frame(64, 3, raster.Byte, "EPSG:4326"), 0)
			add("imagery", "nodata: 0")(c)
		}, []string{"valid pixel", "nodata"}},
		{"inventory band beyond the last", add("emissions", "bands: [2]"), []string{"odiac", "band 2", "data.emissions"}},
		{"missing month", func(c city) { c.remove(month(7)) }, []string{"2018-07", "data.emissions.missing_months"}},
		{"column that is not there", add("poi", "columns: {lon: laenge}"), []string{"poi.csv", `"laenge"`, "data.poi.columns.lon", "id, lon, lat"}},
		{"no column that could be the category", func(c city) { c.edit("poi.csv", "id,lon,lat,category", "id,lon,lat,sort") }, []string{"poi.csv", "category", "data.poi.columns.category"}},
		{"broken rows over the limit", func(c city) {
			c.write("poi.csv", c.read("poi.csv")+strings.Repeat("x,nowhere,47,shop,x\n", 100))
		}, []string{"poi.csv", "data.poi.max_bad_rows", "line"}},
		{"category table that maps nothing", func(c city) {
			c.write("table.yaml", "categories:\n  food: [pizzeria]\n")
			add("poi", "categories: table.yaml")(c)
		}, []string{"table.yaml", "maps none", "restaurant"}},
		{"category table that is not one", func(c city) {
			c.write("table.yaml", "kategorien: {food: [cafe]}\n")
			add("poi", "categories: table.yaml")(c)
		}, []string{"table.yaml", "kategorien", "categories"}},
		{"category listed twice", func(c city) {
			c.write("table.yaml", "categories:\n  food: [cafe]\n  drink: [cafe]\n")
			add("poi", "categories: table.yaml")(c)
		}, []string{"table.yaml", "cafe"}},

		// Splits.
		{"district field that is not there", key("field: split", "field: borough"), []string{"districts.geojson", "borough"}},
		{"district that is not there", key("test: [test]", "test: [Atlantis]"), []string{"Atlantis", "data.split.test"}},
		{"district in two splits", key("test: [test]", "test: [test, train]"), []string{"data.split.test", `"train"`, "data.split.train"}},
		{"districts that overlap", func(c city) {
			c.write("districts.geojson", collection(square("train", 0, 0, 5, 8), square("test", 4, 0, 8, 8), square("validation", 8, 0, 9, 8)))
		}, []string{"districts.geojson", "train", "test"}},
		{"district without cells", func(c city) {
			c.write("districts.geojson", collection(square("train", 0, 0, 5, 8), square("test", 5, 0, 8, 8), square("validation", 20, 0, 30, 8)))
		}, []string{"validation"}},
		{"split list of unknown words", func(c city) {
			c.write("split.csv", "cell,split\n22800_5160,teach\n")
			c.yaml("    method: attribute\n    file: districts.geojson\n    field: split\n    train: [train]\n    validation: [validation]\n    test: [test]\n", "    method: list\n    file: split.csv\n")
		}, []string{"split.csv", "teach"}},
		{"split list of other cells", func(c city) {
			c.write("split.csv", "cell,split\n1_1,train\n2_2,test\n")
			c.yaml("    method: attribute\n    file: districts.geojson\n    field: split\n    train: [train]\n    validation: [validation]\n    test: [test]\n", "    method: list\n    file: split.csv\n")
		}, []string{"split.csv"}},

		// Keys.
		{"unknown key", key("size: 32", "sizes: 32"), []string{"demo.yaml, line", "sizes", "size"}},
		{"key of the wrong type", key("size: 32", "size: large"), []string{"demo.yaml, line", "size", "large"}},
		{"no modality", func(c city) {
			c.yaml("    path: mosaic.tif\n", "    path: ''\n")
			c.yaml("    path: poi.csv\n", "    path: ''\n")
		}, []string{"data", "data.imagery.path", "data.poi.path"}},
		{"grid.scheme", key("scheme: degrees", "scheme: hexagons"), []string{"data.grid.scheme", "hexagons", "xyz, degrees, projected"}},
		{"grid.zoom", key("{scheme: degrees}", "{scheme: xyz, zoom: 99}"), []string{"data.grid.zoom", "99", "1 to 22"}},
		{"grid.zoom of another scheme", key("{scheme: degrees}", "{scheme: degrees, zoom: 15}"), []string{"data.grid.zoom", "xyz"}},
		{"grid.cell_degrees", key("{scheme: degrees}", "{scheme: degrees, cell_degrees: -1}"), []string{"data.grid.cell_degrees", "-1", "1/120"}},
		{"grid.epsg missing", key("{scheme: degrees}", "{scheme: projected}"), []string{"data.grid.epsg", "27700"}},
		{"grid.epsg in degrees", key("{scheme: degrees}", "{scheme: projected, epsg: 4326}"), []string{"data.grid.epsg", "degrees"}},
		{"grid.epsg unknown", key("{scheme: degrees}", "{scheme: projected, epsg: 123456}"), []string{"data.grid.epsg", "123456"}},
		{"grid.cell_metres", key("{scheme: degrees}", "{scheme: projected, epsg: 32632, cell_metres: 0.01}"), []string{"data.grid.cell_metres", "0.01"}},
		{"region.bbox of three", func(c city) { c.region("{bbox: [1, 2, 3]}") }, []string{"data.region.bbox", "four numbers"}},
		{"region.bbox turned", func(c city) { c.region("{bbox: [11, 46, 10, 47]}") }, []string{"data.region.bbox", "[east, south, west, north]", "[10, 46, 11, 47]"}},
		{"region.bbox and file", func(c city) { c.region("{bbox: [10, 46, 11, 47], file: districts.geojson}") }, []string{"data.region", "bbox and file"}},
		{"region.where alone", func(c city) { c.region("{where: x}") }, []string{"data.region.where", "data.region.file"}},
		{"imagery.bands of none", add("imagery", "bands: [0, 2]"), []string{"data.imagery.bands", "counted from 1"}},
		{"imagery.bands by a name that is none", add("imagery", "bands: [B8A, 1]"), []string{"mosaic.tif", "B8A", "numbers from 1 to 3"}},
		{"imagery.preview of two", add("imagery", "preview: [1, 2]"), []string{"data.imagery.preview", "three"}},
		{"imagery.type that is none", add("imagery", "type: float64"), []string{"data.imagery.type", "float16"}},
		{"imagery.code of plain bytes", add("imagery", "code: quadratic"), []string{"mosaic.tif", "Byte", "signed bytes"}},
		{"imagery.scale", add("imagery", "scale: bright"), []string{"data.imagery.scale", "bright", "none, minmax, percentile, range"}},
		{"imagery.range without scale", add("imagery", "range: [0, 10]"), []string{"data.imagery.range", "data.imagery.scale: range"}},
		{"imagery.range turned", add("imagery", "scale: range\n    range: [10, 0]"), []string{"data.imagery.range", "low below high"}},
		{"imagery.percentile", add("imagery", "scale: percentile\n    percentile: [98, 2]"), []string{"data.imagery.percentile", "0 to 100"}},
		{"imagery.size", key("size: 32", "size: 8"), []string{"data.imagery.size", "8", "32 to 512"}},
		{"imagery.resampling", add("imagery", "resampling: lanczos"), []string{"data.imagery.resampling", "lanczos", "bilinear"}},
		{"imagery.min_coverage", add("imagery", "min_coverage: 1.5"), []string{"data.imagery.min_coverage", "1.5"}},
		{"emissions.units missing", key("    units: tC\n", ""), []string{"data.emissions.units", "tCO2"}},
		{"emissions.units", key("units: tC", "units: pounds"), []string{"data.emissions.units", "pounds", "kgCO2"}},
		{"emissions.per", key("per: cell", "per: acre"), []string{"data.emissions.per", "acre", "cell, km2, m2"}},
		{"emissions.period", key("period: month", "period: week"), []string{"data.emissions.period", "week", "month"}},
		{"emissions.missing_months", add("emissions", "missing_months: ignore"), []string{"data.emissions.missing_months", "ignore", "scale"}},
		{"emissions.bands twice", add("emissions", "bands: [1, 1]"), []string{"data.emissions.bands", "once"}},
		{"proxy by month", key("units: tC", "units: proxy"), []string{"data.emissions", "proxy"}},
		{"poi.crs", add("poi", "crs: GCJ-03"), []string{"GCJ-03", "data.poi.crs"}},
		{"poi.max_bad_rows", add("poi", "max_bad_rows: 5"), []string{"data.poi.max_bad_rows", "5"}},
		{"poi.columns twice", add("poi", "columns: {lon: x, lat: x}"), []string{"data.poi.columns.lat", "data.poi.columns.lon"}},
		{"split.method", key("method: attribute", "method: random"), []string{"data.split.method", "random", "attribute, blocks, list, none"}},
		{"split.file missing", key("    file: districts.geojson\n", ""), []string{"data.split.file", "attribute"}},
		{"split.field missing", key("    field: split\n", ""), []string{"data.split.field"}},
		{"split.block", add("split", "block: -3"), []string{"data.split.block", "-3"}},
		{"split.fractions", add("split", "fractions: [0.5, 0.2, 0.2]"), []string{"data.split.fractions", "add up to 1"}},
		{"split.buffer", add("split", "buffer: -1"), []string{"data.split.buffer", "-1"}},
		{"workers", key("  grid:", "  workers: -2\n  grid:"), []string{"data.workers", "-2"}},
		{"store is a file", func(c city) {
			c.check(os.MkdirAll(c.store()[:len(c.store())-len("/demo")], 0o755))
			c.check(os.WriteFile(c.store(), nil, 0o644))
		}, []string{"stores/demo", "is a file", "data.store"}},
	}
	t.Logf("%d cases", len(cases))
	for _, k := range cases {
		t.Run(k.name, func(t *testing.T) {
			c := newCity(t, source)
			c.yaml("name: demo\n", "name: town\n") // a name without a preset's advice
			k.do(c)
			before := c.left()
			code, _, message := c.prepare()
			if code != 2 {
				t.Errorf("exit code %d, want 2", code)
			}
			for _, w := range k.want {
				if !strings.Contains(message, w) {
					t.Errorf("the message does not hold %q:\n%s", w, message)
				}
			}
			if !strings.HasPrefix(message, "error: ") || strings.Contains(message, "panic") || strings.Contains(message, "goroutine") {
				t.Errorf("not a message for people:\n%s", message)
			}
			if lines := strings.Count(message, "\n"); lines < 2 && !strings.Contains(message, "is expected") {
				t.Errorf("no line says how to mend it:\n%s", message)
			}
			if got := c.left(); fmt.Sprint(got) != fmt.Sprint(before) {
				t.Errorf("left behind: %v", got)
			}
		})
	}
}
