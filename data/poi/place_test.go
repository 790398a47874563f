package poi

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"opencarbon/data/raster"
)

// Both coordinates in one column, in every way that tables have them.
func TestPlaceColumns(t *testing.T) {
	want := []string{"0 bar 9 9 1", "0 cafe 4 0 1", "3 cafe 9 9 1"}
	at := [][2]string{{"10.05", "51.55"}, {"10.99", "51.01"}, {"11.99", "50.01"}}
	kinds := []string{"cafe", "bar", "cafe"}
	for _, c := range []struct {
		head, form string // %[1]s is the longitude
		spec       Spec
		columns    string
	}{
		{"location", `"%s,%s"`, Spec{}, "location (longitude, latitude), category"},
		{"location", `"%[2]s,%[1]s"`, Spec{}, "location (latitude, longitude), category"},
		{"latlng", `"%[2]s, %[1]s"`, Spec{}, "latlng (latitude, longitude), category"},
		{`"Lat, Lon"`, `"(%[2]s, %[1]s)"`, Spec{}, "Lat, Lon (latitude, longitude), category"},
		{"coordinates", `"[%s, %s]"`, Spec{}, "coordinates (longitude, latitude), category"},
		{"coords", `%[2]s %[1]s`, Spec{}, "coords (latitude, longitude), category"},
		{"经纬度", `"%s，%s"`, Spec{}, "经纬度 (longitude, latitude), category"},
		{"坐标", `%s;%s`, Spec{}, "坐标 (longitude, latitude), category"},
		{"geometry", "POINT (%s %s)", Spec{}, "geometry, category"},
		{"WKT", "POINT Z(%s %s 12)", Spec{}, "WKT, category"},
		{"the_geom", "SRID=4326;point(%s %s)", Spec{}, "the_geom, category"},
		{"geom", "MULTIPOINT ((%s %s))", Spec{}, "geom, category"},
		{"geom", `"POLYGON ((%[1]s3 %[2]s3, %[1]s5 %[2]s3, %[1]s5 %[2]s5, %[1]s3 %[2]s5, %[1]s3 %[2]s3))"`, Spec{}, "geom, category"},
		{"point", `"{""type"":""Point"",""coordinates"":[%s,%s]}"`, Spec{}, "point, category"},
		{"where", `"%s,%s"`, Spec{Columns: Columns{Place: "where"}}, "where (longitude, latitude), category"},
		{"geometry,lon,lat", "nowhere,%s,%s", Spec{}, "lon, lat, category"},
	} {
		text := c.head + ",category\n"
		for i, p := range at {
			text += fmt.Sprintf(c.form, p[0], p[1]) + "," + kinds[i] + "\n"
		}
		c.spec.Path = file(t, "p.csv", text)
		r := read(t, c.spec, square())
		if got := show(r); !reflect.DeepEqual(got, want) {
			t.Errorf("%s %s: got %q, want %q", c.head, c.form, got, want)
		}
		if r.Report.Columns != c.columns {
			t.Errorf("%s: columns %q, want %q", c.head, r.Report.Columns, c.columns)
		}
	}
}

// Which number is the longitude shows in the first rows, which are not lost.
func TestOrderOfManyPairs(t *testing.T) {
	text := "id,location,category\n" + strings.Repeat(",\"51.5,10.5\",a\n", orderRows+500)
	if got := show(read(t, Spec{Path: file(t, "p.csv", text)}, square())); !reflect.DeepEqual(got, []string{"0 a 5 5 2500"}) {
		t.Errorf("got %q", got)
	}
}

// Metres have an order that nobody need guess, and Chinese systems are applied.
func TestPlacesInOtherSystems(t *testing.T) {
	china := Target{Cells: 4, Size: 100, Region: [4]float64{116, 39, 118, 41},
		Locate: block(2, 2, func(lon, lat float64) (float64, float64) { return lon - 116, 41 - lat })}
	for crs, text := range map[string]string{
		"GCJ-02":    `"116.38404722455657,39.91334545536069"`,
		"gcj02":     `"39.91334545536069,116.38404722455657"`,
		"EPSG:3857": "SRID=3857;POINT(12955119.34 4852931.27)",
	} {
		r := read(t, Spec{Path: file(t, "p.csv", "location,type\n"+text+",cafe\n"), CRS: crs}, china)
		if got := show(r); !reflect.DeepEqual(got, []string{"2 cafe 8 37 1"}) {
			t.Errorf("%s: got %q", crs, got)
		}
	}
}

func TestSeparatorLine(t *testing.T) {
	want := []string{"0 a 4 0 1"}
	for _, c := range []string{"sep=;\n", "SEP=;\r\n", "\"sep=;\"\r\n", "\xef\xbb\xbfsep=;\n"} {
		r := read(t, Spec{Path: file(t, "p.csv", c+"lon;lat;category\n10,05;51.55;a\nx;1;a\n"), MaxBadRows: 0.5}, square())
		if got := show(r); !reflect.DeepEqual(got, want) || !strings.HasPrefix(r.Report.BadExamples[0], "line 4: ") {
			t.Errorf("%q: got %q, %q", c, got, r.Report.BadExamples)
		}
	}
	for _, sep := range []string{",", "\t", "|"} {
		if got := show(read(t, Spec{Path: file(t, "p.csv", "sep="+sep+"\nlon"+sep+"lat"+sep+"category\n10.05"+sep+"51.55"+sep+"a\n")}, square())); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %q", sep, got)
		}
	}
}

func TestWKT(t *testing.T) {
	ring := [][2]float64{{0, 0}, {4, 0}, {4, 4}, {0, 0}}
	for s, want := range map[string]raster.Geometry{
		"POINT(1 2)":                                            {Points: [][2]float64{{1, 2}}},
		"point  zm ( 1.5e1 -2 3 4 )":                            {Points: [][2]float64{{15, -2}}},
		"POINT EMPTY":                                           {},
		"MULTIPOINT (1 2, 3 4)":                                 {Points: [][2]float64{{1, 2}, {3, 4}}},
		"MULTIPOINT ((1 2), (3 4))":                             {Points: [][2]float64{{1, 2}, {3, 4}}},
		"LINESTRING (1 2, 3 4)":                                 {Points: [][2]float64{{1, 2}, {3, 4}}},
		"MULTILINESTRING ((1 2, 3 4), (5 6, 7 8))":              {Points: [][2]float64{{1, 2}, {3, 4}, {5, 6}, {7, 8}}},
		"POLYGON ((0 0, 4 0, 4 4, 0 0))":                        {Polygons: []raster.Polygon{{ring}}},
		"POLYGON ((0 0,4 0,4 4,0 0),(0 0,4 0,4 4,0 0))":         {Polygons: []raster.Polygon{{ring, ring}}},
		"MULTIPOLYGON(((0 0,4 0,4 4,0 0)),((0 0,4 0,4 4,0 0)))": {Polygons: []raster.Polygon{{ring}, {ring}}},
	} {
		if got, ok := parseWKT(s); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v %v, want %v", s, got, ok, want)
		}
	}
	for _, s := range []string{"", "POINT", "POINT(", "POINT(1)", "POINT(1 2", "POINT(1 2) 3", "POINT(1 x)", "POINT(nan 2)", "POINT(1 2 3 4 5)",
		"POLYGON(1 2)", "POLYGON(((1 2)))", "POINT((((1 2))))", "CIRCLE(1 2)", "1,2"} {
		if g, ok := parseWKT(s); ok {
			t.Errorf("%q gave %v", s, g)
		}
	}
}

func FuzzPlace(f *testing.F) {
	for _, s := range []string{"1,2", "POINT(1 2)", "SRID=4326;MULTIPOLYGON(((0 0,4 0,4 4,0 0)))", `{"coordinates":[1,2]}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, why := parsePlace([]byte(s), "")
		if why == "" && (p.x-p.x != 0 || p.y-p.y != 0) {
			t.Errorf("%q is %v", s, p)
		}
	})
}
