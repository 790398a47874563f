package poi

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"opencarbon/data/raster"
)

// berlinSquare is one cell of 0.1 degree in 1000 pixels.
func berlinSquare() Target {
	return Target{Cells: 1, Size: 1000, Region: [4]float64{13.4, 52.5, 13.5, 52.6},
		Locate: block(1, 1, func(lon, lat float64) (float64, float64) { return (lon - 13.4) * 10, (52.6 - lat) * 10 })}
}

func TestOpenStreetMap(t *testing.T) {
	r := read(t, Spec{Path: filepath.Join("testdata", "poi.osm.pbf")}, berlinSquare())
	want := []string{"0 amenity:cafe 839 60 1", "0 amenity:cafe 850 50 1", "0 highway:bus_stop 829 70 1", "0 shop:kiosk 799 100 1"}
	if got := show(r); !sameButForOnePixel(got, want) || r.Report.Rows != 4 {
		t.Errorf("got %q (%d rows), want %q", got, r.Report.Rows, want)
	}
	r = read(t, Spec{Path: filepath.Join("testdata", "poi.osm.pbf"), Columns: Columns{Category: "shop"}}, berlinSquare())
	want = []string{"0 shop:bakery 839 60 1", "0 shop:kiosk 799 100 1", "0 shop:no 789 110 1"}
	if got := show(r); !sameButForOnePixel(got, want) {
		t.Errorf("one key: got %q, want %q", got, want)
	}
}

// sameButForOnePixel: the points lie on pixel borders, and rounding decides.
func sameButForOnePixel(got, want []string) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		var a, b struct {
			cell, row, col int
			cat            string
			n              float64
		}
		fmt.Sscan(got[i], &a.cell, &a.cat, &a.row, &a.col, &a.n)
		fmt.Sscan(want[i], &b.cell, &b.cat, &b.row, &b.col, &b.n)
		if a.cell != b.cell || a.cat != b.cat || a.n != b.n || max(a.row-b.row, b.row-a.row, a.col-b.col, b.col-a.col) > 1 {
			return false
		}
	}
	return true
}

func TestOSMTags(t *testing.T) {
	tags := map[string]string{}
	parseTags(`"amenity"=>"cafe","name"=>"The \"Quoted\" \\ Bean","x"=>""`, tags)
	if want := map[string]string{"amenity": "cafe", "name": `The "Quoted" \ Bean`, "x": ""}; !reflect.DeepEqual(tags, want) {
		t.Errorf("%q", tags)
	}
	for _, s := range []string{"", `"`, `"a`, `"a"`, `"a"=>`, `"a"=>"`, `"a\`, `x`} {
		tags := map[string]string{}
		if parseTags(s, tags); len(tags) != 0 {
			t.Errorf("%q gave %q", s, tags)
		}
	}
}

// The shapefile is in EPSG:32633 and was written by ogr2ogr.
func TestShapefile(t *testing.T) {
	r := read(t, Spec{Path: filepath.Join("testdata", "poi.shp"), Columns: Columns{Count: "n"}}, berlinSquare())
	want := []string{"0 Bäckerei 829 70 2", "0 bar 839 60 3", "0 cafe 850 50 1"}
	if got := show(r); !sameButForOnePixel(got, want) || r.Report.CRS != "EPSG:32633" {
		t.Errorf("got %q in %s, want %q", got, r.Report.CRS, want)
	}
}

func TestGeoJSON(t *testing.T) {
	feature := func(kind, geometry string) string {
		return fmt.Sprintf(`{"type":"Feature","properties":{"id":"%s","type":"%s"},"geometry":%s}`, kind, kind, geometry)
	}
	text := `{"type":"FeatureCollection","features":[` + strings.Join([]string{
		feature("point", `{"type":"Point","coordinates":[10.55,51.55]}`),
		feature("points", `{"type":"MultiPoint","coordinates":[[10.0,51.0],[10.3,51.3]]}`),
		feature("line", `{"type":"LineString","coordinates":[[10.1,51.9],[10.4,51.6]]}`),
		feature("square", `{"type":"Polygon","coordinates":[[[11.05,50.05],[11.45,50.05],[11.45,50.45],[11.05,50.45],[11.05,50.05]]]}`),
		// A square with a hole that takes away its western half: the center moves east.
		feature("holed", `{"type":"Polygon","coordinates":[[[11,50],[11.8,50],[11.8,50.8],[11,50.8],[11,50]],[[11,50],[11.4,50],[11.4,50.8],[11,50.8],[11,50]]]}`),
		feature("point", `{"type":"Point","coordinates":[10.55,51.55]}`), // the same id and place
		feature("point", `{"type":"Point","coordinates":[10.75,51.75]}`), // the same id elsewhere
		feature("nothing", `null`),
	}, ",") + `]}`
	target := square()
	target.Size = 1000
	r := read(t, Spec{Path: file(t, "p.geojson", text), MaxBadRows: 0.2}, target)
	want := []string{"0 line 250 250 1", "0 point 250 750 1", "0 point 450 550 1", "0 points 850 150 1", "3 holed 600 600 1", "3 square 750 250 1"}
	if got := show(r); !sameButForOnePixel(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if r.Report.Duplicates != 1 || r.Report.IDElsewhere != 1 || r.Report.Bad != 1 || r.Report.BadExamples[0] != "feature 8: it has no geometry" {
		t.Errorf("%+v", r.Report)
	}
}

func TestGeoPackage(t *testing.T) {
	crs, err := raster.ParseCRS("EPSG:3857")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "p.gpkg")
	w, err := raster.CreateVector(path, raster.VectorSpec{Layer: "pois", CRS: crs, Points: true,
		Fields: []raster.Field{{Name: "kind", Type: raster.Text}, {Name: "n", Type: raster.Real}}})
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range []any{2.5, nil, -1.0, 0.0} {
		at := raster.Geometry{Points: [][2]float64{{1174072.75, 6675000 + float64(i)}}}
		if err := w.Add(at, "cafe", n); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	spec := Spec{Path: path, Layer: "pois", Columns: Columns{Category: "kind", Count: "n"}, MaxBadRows: 0.7}
	r := read(t, spec, square())
	// 1174072.75 m is 10.5469 E in web mercator, 6675000 m 51.32 N.
	if got := show(r); !reflect.DeepEqual(got, []string{"0 cafe 6 5 2.5"}) || r.Report.Bad != 2 || r.Report.ZeroCount != 1 {
		t.Errorf("got %q, %+v", got, r.Report)
	}
}
