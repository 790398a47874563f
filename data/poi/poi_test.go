package poi

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// square is 2 x 2 cells of one degree from 10 E, 52 N, in frames of 10 pixels.
func square() Target {
	return Target{Cells: 4, Size: 10, Region: [4]float64{10, 50, 12, 52},
		Locate: block(2, 2, func(lon, lat float64) (float64, float64) { return lon - 10, 52 - lat })}
}

// file writes a text into a temporary file.
func file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t testing.TB, spec Spec, target Target) *Result {
	t.Helper()
	r, err := Read(context.Background(), spec, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// show writes a result's points as "cell category row col count".
func show(r *Result) []string {
	var s []string
	for cell := range len(r.Offsets) - 1 {
		for i := r.Offsets[cell]; i < r.Offsets[cell+1]; i++ {
			p := r.Points
			s = append(s, fmt.Sprintf("%d %s %d %d %g", cell, r.Categories[p.Category[i]], p.Row[i], p.Col[i], p.Count[i]))
		}
	}
	return s
}

func TestTables(t *testing.T) {
	want := []string{"0 bar 9 9 1", "0 cafe 4 0 2", "3 cafe 9 9 1"}
	plain := "lon,lat,category,name\n10.05,51.55,cafe,A\n10.06,51.54,cafe,\"B\nC\"\n10.99,51.01,bar,D\n11.99,50.01,cafe,E\n"
	zipped := func() string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write([]byte(plain))
		z.Close()
		return b.String()
	}
	swapColumns := strings.NewReplacer("lon,lat", "breite,laenge").Replace(plain)
	for _, c := range []struct {
		name, file, text string
		spec             Spec
	}{
		{"plain", "p.csv", plain, Spec{}},
		{"byte order mark", "p.csv", "\xef\xbb\xbf" + plain, Spec{}},
		{"carriage returns", "p.csv", strings.ReplaceAll(plain, "\n", "\r\n"), Spec{}},
		{"compressed", "p.csv.gz", zipped(), Spec{}},
		{"tabs", "p.tsv", strings.ReplaceAll(plain, ",", "\t"), Spec{}},
		{"bars", "p.txt", strings.ReplaceAll(plain, ",", "|"), Spec{}},
		{"semicolons and decimal commas", "p.csv", strings.ReplaceAll(strings.ReplaceAll(plain, ",", ";"), ".", ","), Spec{}},
		{"named columns", "p.csv", strings.Replace(swapColumns, "category", "kind", 1), Spec{Columns: Columns{Lon: "breite", Lat: "laenge", Category: "kind"}}},
		{"capitals and blanks", "p.csv", strings.Replace(plain, "lon,lat,category", " Longitude , LATITUDE,Type ", 1), Spec{}},
		{"SafeGraph, old", "p.csv", "safegraph_place_id,location_name,top_category,latitude,longitude\n" +
			"sg:1,A,cafe,51.55,10.05\nsg:2,B,cafe,51.54,10.06\nsg:3,D,bar,51.01,10.99\nsg:4,E,cafe,50.01,11.99\nsg:4,E again,cafe,50.01,11.99\n", Spec{}},
		{"SafeGraph, placekey", "p.csv", "placekey,location_name,top_category,sub_category,latitude,longitude\n" +
			"222-1@a,A,cafe,x,51.55,10.05\n222-2@a,B,cafe,x,51.54,10.06\n222-3@a,D,bar,x,51.01,10.99\n222-4@a,E,cafe,y,50.01,11.99\n222-1@a,A,cafe,x,51.55,10.05\n", Spec{}},
		{"counts", "p.csv", "lon,lat,category,n\n10.05,51.55,cafe,2\n10.99,51.01,bar,1\n11.99,50.01,cafe,1e0\n", Spec{Columns: Columns{Count: "n"}}},
		{"outside and without category", "p.csv", plain + "9,51,cafe,\n10.5,51.5,,\n10.5,51.5,  ,\n", Spec{}},
		{"longitudes beyond 360", "p.csv", plain + "370.1,51,cafe,\n", Spec{MaxBadRows: 0.5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.spec.Path = file(t, c.file, c.text)
			r := read(t, c.spec, square())
			if got := show(r); !reflect.DeepEqual(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			if !slices.Equal(r.Categories, []string{"bar", "cafe"}) {
				t.Errorf("categories %v", r.Categories)
			}
		})
	}
}

func TestLongitudesTo360(t *testing.T) {
	target := square()
	target.Region = [4]float64{-81, 50, -79, 52}
	target.Locate = block(2, 2, func(lon, lat float64) (float64, float64) { return lon + 80, 52 - lat })
	r := read(t, Spec{Path: file(t, "p.csv", "lon,lat,type\n280.5,51.5,a\n-79.5,51.5,a\n")}, target)
	if got := show(r); !reflect.DeepEqual(got, []string{"0 a 5 5 2"}) {
		t.Errorf("got %q", got)
	}
}

func TestReport(t *testing.T) {
	text := "id,lon,lat,category\n" +
		"1,10.5,51.5,cafe\n" + "1,10.5,51.5,cafe\n" + // duplicate
		",10.5,51.5,cafe\n" + ",10.5,51.5,cafe\n" + // no id: no duplicates
		"2,20,51.5,cafe\n" + // outside
		"3,x,51.5,cafe\n" + "4,10.5\n" + "5,10.5,95,cafe\n" + // bad
		"6,10.5,51.5,\n" + // no category
		"7,11.5,50.5,bar\n"
	r := read(t, Spec{Path: file(t, "p.csv", text), MaxBadRows: 0.3}, square())
	rep := r.Report
	if rep.Rows != 10 || rep.Duplicates != 1 || rep.Outside != 1 || rep.Bad != 3 || rep.Uncategorized != 1 || rep.CRS != "WGS84" || rep.Pixels != 2 {
		t.Errorf("%+v", rep)
	}
	if want := []ValueCount{{"bar", 1}, {"cafe", 3}}; !reflect.DeepEqual(rep.PerCategory, want) {
		t.Errorf("per category: %v", rep.PerCategory)
	}
	for i, want := range []string{"line 7: longitude \"x\" is not a number", "line 8: broken quotes", "line 9: longitude 10.5, latitude 95"} {
		if !slices.ContainsFunc(rep.BadExamples, func(s string) bool { return strings.HasPrefix(s, want) }) {
			t.Errorf("example %d: %q not in %q", i, want, rep.BadExamples)
		}
	}
	sum := rep.Bad + rep.Duplicates + rep.Outside + rep.Uncategorized + 4
	if sum != rep.Rows {
		t.Errorf("the report's parts add up to %d of %d rows", sum, rep.Rows)
	}
}

// A few swapped rows are said; many are refused (TestBadInputs).
func TestSomeSwapped(t *testing.T) {
	target := square()
	target.Region = [4]float64{10, 50, 12, 52}
	rep := read(t, Spec{Path: file(t, "p.csv", "lon,lat,type\n10.5,51.5,a\n10.6,51.4,a\n51.5,10.5,a\n20,51,a\n")}, target).Report
	if rep.Swapped != 1 || rep.Outside != 2 || rep.Rows != 4 {
		t.Errorf("%+v", rep)
	}
}

// The order of rows must not matter, and counts must be kept, whatever the input.
func TestOrderDoesNotMatter(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var rows []string
	for i := range 30000 {
		rows = append(rows, fmt.Sprintf("%d,%.3f,%.3f,c%d", i, 9.9+r.Float64()*2.2, 49.9+r.Float64()*2.2, r.IntN(7)))
	}
	first := read(t, Spec{Path: file(t, "p.csv", "id,lon,lat,category\n"+strings.Join(rows, "\n"))}, square())
	r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	second := read(t, Spec{Path: file(t, "p.csv", "id,lon,lat,category\n"+strings.Join(rows, "\n"))}, square())
	if !reflect.DeepEqual(first, second) {
		t.Error("another order of rows gave another result")
	}
	total := float32(0)
	for _, n := range first.Points.Count {
		total += n
	}
	if int(total) != 30000-first.Report.Outside || first.Report.Outside == 0 {
		t.Errorf("%v points counted, %d outside, of 30000", total, first.Report.Outside)
	}
}

// Points on a cell's far edges, which rounding may put at 1, belong to the last
// pixel.
func TestPixel(t *testing.T) {
	for _, c := range []struct {
		f    float64
		want uint16
	}{{0, 0}, {0.00389, 0}, {0.00391, 1}, {0.5, 128}, {0.99999, 255}, {1, 255}, {-1e-18, 0}} {
		if got := pixel(c.f, 256); got != c.want {
			t.Errorf("pixel(%v) = %d, want %d", c.f, got, c.want)
		}
	}
}

func TestCoordinateSystems(t *testing.T) {
	china := Target{Cells: 4, Size: 100, Region: [4]float64{116, 39, 118, 41},
		Locate: block(2, 2, func(lon, lat float64) (float64, float64) { return lon - 116, 41 - lat })}
	want := []string{"2 cafe 8 37 1"} // Beijing's WGS84 116.377817, 39.911954
	for crs, xy := range map[string]string{
		"":          "116.377817,39.911954",
		"WGS84":     "116.377817,39.911954",
		"epsg:4326": "116.377817,39.911954",
		"GCJ-02":    "116.38404722455657,39.91334545536069",
		"gcj02":     "116.38404722455657,39.91334545536069",
		"BD-09":     "116.39053,39.91942",
		"EPSG:3857": "12955119.34,4852931.27",
	} {
		if crs == "BD-09" {
			lon, lat := toBD09(116.377817, 39.911954)
			xy = fmt.Sprintf("%.9f,%.9f", lon, lat)
		}
		r := read(t, Spec{Path: file(t, "p.csv", "x,y,type\n"+xy+",cafe\n"), CRS: crs}, china)
		if got := show(r); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %q", crs, got)
		}
	}
}
