package poi

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
)

// Bad inputs: the message names the file or key, what is wrong, and the remedy.
func TestBadInputs(t *testing.T) {
	ok := "lon,lat,category\n10.5,51.5,cafe\n"
	many := func(n int, row string) string {
		var b strings.Builder
		b.WriteString("lon,lat,category\n")
		for i := range n {
			b.WriteString(strings.ReplaceAll(row, "#", fmt.Sprint(i)) + "\n")
		}
		return b.String()
	}
	for _, c := range []struct {
		name, file, text string
		spec             Spec
		want, remedy     string
	}{
		{"no column", "p.csv", "lon,lat,kind\n1,2,3\n", Spec{}, "has no column named category, top_category", "data.poi.columns.category. It has: lon, lat, kind"},
		{"no longitude", "p.csv", "lat,category\n1,2\n", Spec{}, "has no column named lon", "data.poi.columns.lon"},
		{"named column absent", "p.csv", ok, Spec{Columns: Columns{Lat: "breite"}}, `has no column "breite", which data.poi.columns.lat names`, "It has: lon, lat, category"},
		{"named id absent", "p.csv", ok, Spec{Columns: Columns{ID: "key"}}, `data.poi.columns.id names`, "It has"},
		{"no header", "p.csv", "10.5,51.5,cafe\n10.5,51.5,cafe\n", Spec{}, "has no column named lon", "It has: 10.5"},
		{"empty", "p.csv", "", Spec{}, "is empty", "first line"},
		{"blank lines", "p.csv", "\n\n\n", Spec{}, "is empty", "first line"},
		{"only a header", "p.csv", "lon,lat,category\n", Spec{}, "has no rows", "points"},
		{"broken header", "p.csv", "\"lon,lat\n1,2\n", Spec{}, "first line", "lon,lat,category"},
		{"unknown encoding", "p.csv", ok, Spec{Encoding: "klingon"}, `no encoding "klingon"`, "leave it out"},
		{"wrong encoding", "p.csv", many(10, "10.5,51.5,\xb2\xcd\xff\xff"), Spec{Encoding: "gbk"}, "characters that gbk does not have", "data.poi.encoding"},
		{"binary", "p.csv", "PK\x03\x04\x00\x00\x00", Spec{}, "is not a text file", ".gpkg"},
		{"GBK text said to be UTF-8", "p.csv", many(10, "10.5,51.5,\xb2\xcd\xb9\xdd"), Spec{Encoding: "utf-8"}, "cannot be read as text", "data.poi.encoding (e.g. gb18030)"},
		{"Chinese or Korean", "p.csv", many(10, "10.5,51.5,\xb0\xa1\xb0\xa2\xb0\xa3\xb0\xa4\xb0\xa5\xb0\xa6\xb0\xa7\xb0\xa8"), Spec{}, "not UTF-8, and may be", "data.poi.encoding"},
		{"too many broken rows", "p.csv", ok + "x,51,cafe\n10.5\n", Spec{MaxBadRows: 0.5}, "2 of 3 rows cannot be read", "data.poi.max_bad_rows"},
		{"bad row shown", "p.csv", ok + "x,51,cafe\n", Spec{}, `line 3: longitude "x" is not a number`, "Mend"},
		{"no broken row allowed", "p.csv", many(500, "10.5,51.5,cafe") + "\"", Spec{}, "1 of 501 rows", "Mend"},
		{"infinite", "p.csv", ok + "inf,51,cafe\n", Spec{}, `"inf" is not a number`, "Mend"},
		{"latitude empty", "p.csv", ok + "10,,cafe\n", Spec{}, `latitude "" is not a number`, "Mend"},
		{"count below zero", "p.csv", "lon,lat,category,n\n10.5,51.5,cafe,-1\n", Spec{Columns: Columns{Count: "n"}}, `count "-1" is not a number from 0 up`, "Mend"},
		{"no count", "p.csv", "lon,lat,category,n\n10.5,51.5,cafe,\n", Spec{Columns: Columns{Count: "n"}}, `count "" is not a number from 0 up`, "Mend"},
		{"counts of zero alone", "p.csv", "lon,lat,category,n\n10.5,51.5,cafe,0\n", Spec{Columns: Columns{Count: "n"}}, `all 1 points in the region are counted 0 times`, "data.poi.columns.count"},
		{"swapped", "p.csv", "lat,lon,category\n10.5,51.5,cafe\n11.5,50.5,cafe\n3,3,cafe\n", Spec{}, "longitude and latitude are swapped: 2 of 3", "data.poi.columns.lon"},
		{"swapped beyond 90", "p.csv", "lat,lon,category\n", Spec{}, "longitude and latitude are swapped", "Exchange"},
		{"elsewhere", "p.csv", "lon,lat,category\n-0.1,51.5,cafe\n", Spec{}, "none of its points lies in the region", "data.poi.crs"},
		{"metres", "p.csv", "x,y,category\n530000,180000,cafe\n", Spec{}, "rows cannot be read", "data.poi.crs (e.g. EPSG:27700)"},
		{"unknown CRS", "p.csv", ok, Spec{CRS: "Mars"}, "unknown coordinate reference system Mars", "GCJ-02 or BD-09"},
		{"wrong CRS", "p.csv", ok, Spec{CRS: "EPSG:27700"}, "none of its points lies in the region", "data.poi.crs"},
		{"no categories at all", "p.csv", many(10, "10.5,51.5,"), Spec{}, "no point in the region has a category", "data.poi.columns.category"},
		{"names as categories", "p.csv", many(2500, "10.5,51.5,shop #"), Spec{}, "has 2500 different categories", "data.poi.categories"},
		{"share out of range", "p.csv", ok, Spec{MaxBadRows: 1.5}, "1.5 is no share", "0 to 1"},
		{"table maps nothing", "p.csv", ok, Spec{Categories: "table:categories: {a: [x]}"}, "maps none of the 1 points", `"cafe" (1)`},
		{"table is broken", "p.csv", ok, Spec{Categories: "table:categories: {a: {like: [x]}}"}, `unknown key "like"`, "exact, prefix, regex"},
		{"table is absent", "p.csv", ok, Spec{Categories: "absent.yaml"}, "category table cannot be read", "data.poi.categories"},
		{"not gzip", "p.csv.gz", ok, Spec{}, "is not a gzip file", "Fetch"},
		{"gzip cut short", "p.csv.gz", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xca", Spec{}, "damaged or cut short", "Fetch"},
		{"not GeoJSON", "p.geojson", "{", Spec{}, "cannot be opened", ""},
		{"GeoJSON without the attribute", "p.geojson", `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"kind":"a"},"geometry":{"type":"Point","coordinates":[10.5,51.5]}}]}`,
			Spec{}, "has no column named category", "It has: kind"},
		{"no such layer", "p.geojson", `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"type":"a"},"geometry":{"type":"Point","coordinates":[10.5,51.5]}}]}`,
			Spec{Layer: "roads"}, `no layer "roads"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			target := square()
			if c.name == "swapped beyond 90" {
				target = tokyoTarget()
				c.text += strings.Repeat("139.7,35.7,cafe\n", 5)
			}
			c.spec.Path = file(t, c.file, c.text)
			if text, isTable := strings.CutPrefix(c.spec.Categories, "table:"); isTable {
				c.spec.Categories = file(t, "t.yaml", text)
			}
			r, err := Read(context.Background(), c.spec, target, nil)
			if r != nil || !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.remedy) {
				t.Errorf("got %v\nwant %q, remedy %q", err, c.want, c.remedy)
			}
		})
	}
}

func TestUnreadableFiles(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "folder.csv")
	if err := os.Mkdir(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"":                               "data.poi.path",
		filepath.Join(dir, "no.csv"):     "does not exist",
		filepath.Join(dir, "no.geojson"): "no such file",
		folder:                           "is a folder",
		filepath.Join(dir, "a", "b.csv"): "does not exist",
	} {
		if _, err := Read(context.Background(), Spec{Path: path}, square(), nil); !fault.IsInput(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", path, err)
		}
	}
}
