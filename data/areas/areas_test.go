package areas

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
)

// box is a rectangle of a district, degrees.
type box struct {
	name                     string
	west, south, east, north float64
	more                     string // further properties, JSON
}

func geojson(t *testing.T, boxes ...box) string {
	t.Helper()
	var f []string
	for _, b := range boxes {
		f = append(f, fmt.Sprintf(`{"type":"Feature","properties":{"name":%q%s},"geometry":{"type":"Polygon","coordinates":[[[%[3]g,%[4]g],[%[5]g,%[4]g],[%[5]g,%[6]g],[%[3]g,%[6]g],[%[3]g,%[4]g]]]}}`,
			b.name, b.more, b.west, b.south, b.east, b.north))
	}
	return write(t, "districts.geojson", `{"type":"FeatureCollection","features":[`+strings.Join(f, ",")+`]}`)
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// square is 4 x 4 cells of a tenth of a degree, 10 to 10.4 E, 50 to 49.6 N.
func square(t *testing.T) (*grid.Grid, []grid.Cell) {
	t.Helper()
	g, err := grid.New(grid.Spec{Scheme: grid.Degrees, CellDegrees: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	var cells []grid.Cell
	for row := range int64(4) {
		for col := range int64(4) {
			cells = append(cells, grid.Cell{Col: 1900 + col, Row: 400 + row})
		}
	}
	return g, cells
}

// Borders through the middle of cells share them by area; parts of one name are
// one area; what lies outside is said.
func TestRead(t *testing.T) {
	g, cells := square(t)
	path := geojson(t, box{"West", 9.9, 49.5, 10.15, 50.1, ""}, box{"East", 10.15, 49.8, 10.4, 50, ""},
		box{"Far", 20, 50, 21, 51, ""}, box{"East", 10.15, 49.6, 10.4, 49.8, ""})
	s, err := Read(context.Background(), path, "name", g, cells)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(s.Names()) != "[West East Far]" || fmt.Sprint(s.Outside) != "[Far]" {
		t.Fatalf("areas %v, outside %v", s.Names(), s.Outside)
	}
	m, err := g.NewMeasure()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	km2, err := m.Areas(cells)
	if err != nil {
		t.Fatal(err)
	}
	for a, want := range [][4]float64{{1, 0.5, 0, 0}, {0, 0.5, 1, 1}} {
		got := make([]float64, len(cells))
		covered := 0.0
		for k, i := range s.Areas[a].Cell {
			got[i] = s.Areas[a].Share[k]
			covered += got[i] * km2[i]
		}
		for i, v := range got {
			if math.Abs(v-want[i%4]) > 1e-9 {
				t.Errorf("%s has %g of cell %d, want %g", s.Areas[a].Name, v, i, want[i%4])
			}
		}
		if math.Abs(covered/s.Areas[a].Covered-1) > 1e-9 || s.Areas[a].Covered > s.Areas[a].KM2*(1+1e-9) {
			t.Errorf("%s covers %g of %g km2, want %g", s.Areas[a].Name, s.Areas[a].Covered, s.Areas[a].KM2, covered)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	g, cells := square(t)
	good := box{"A", 10, 49.6, 10.2, 50, ""}
	for _, c := range []struct {
		name, path, field, want string
	}{
		{"no field", geojson(t, good), "", "name"},
		{"other field", geojson(t, good), "district", "no attribute"},
		{"nameless", geojson(t, good, box{" ", 10.2, 49.6, 10.4, 50, ""}), "name", "has no name"},
		{"outside", geojson(t, box{"A", 20, 50, 21, 51, ""}), "name", "none of its 1 areas"},
		{"overlap", geojson(t, good, box{"B", 10.1, 49.6, 10.4, 50, ""}), "name", `"A" overlaps "B"`},
		{"twice", geojson(t, good, box{"B", 10, 49.6, 10.2, 50, ""}), "name", `"A" overlaps "B"`},
		{"points", write(t, "p.geojson", `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"name":"A"},"geometry":{"type":"Point","coordinates":[10,50]}}]}`), "name", "no polygons"},
		{"missing", "absent.geojson", "name", "absent.geojson"},
	} {
		if _, err := Read(context.Background(), c.path, c.field, g, cells); !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// Borders that were drawn twice overlap a little: the cells are then shared, and
// given away once.
func TestSlivers(t *testing.T) {
	g, cells := square(t)
	s, err := Read(context.Background(), geojson(t, box{"A", 10, 49.6, 10.2005, 50, ""}, box{"B", 10.2, 49.6, 10.4, 50, ""}), "name", g, cells)
	if err != nil {
		t.Fatal(err)
	}
	sum := make([]float64, len(cells))
	for _, a := range s.Areas {
		for k, i := range a.Cell {
			sum[i] += a.Share[k]
		}
	}
	for i, v := range sum {
		if math.Abs(v-1) > 1e-9 {
			t.Errorf("cell %d is given away %g times", i, v)
		}
	}
}

func TestTotals(t *testing.T) {
	g, cells := square(t)
	west, east := box{"West", 10, 49.6, 10.2, 50, ""}, box{"East", 10.2, 49.6, 10.4, 50, ""}
	s, err := Read(context.Background(), geojson(t, west, east, box{"Far", 20, 50, 21, 51, ""}), "name", g, cells)
	if err != nil {
		t.Fatal(err)
	}
	withTotals := geojson(t, box{"West", 0, 0, 1, 1, `,"total":"1.5 kt"`}, box{"East", 1, 1, 2, 2, `,"total":null`})
	for _, c := range []struct {
		name, path, year, want string // want: totals, or words of the error
		missing                int
	}{
		{"plain", write(t, "a.csv", "name,total\nWest,1 kt\nEast,2 ktC\n"), "", "[1000 7333.333333333333 0]", 0},
		{"unit column, byte-order mark, semicolons", write(t, "a.csv", "\ufeffname;total;unit\nWest;1.5;Mt\n"), "", "[1.5e+06 0 0]", 1},
		{"a year", write(t, "a.csv", "name,year,total\nWest,2013,1 t\nWest,2019,2 t\nEast,2019,3 t\n"), "2019", "[2 3 0]", 0},
		{"vector", withTotals, "", "[1500 0 0]", 1},
		{"years", write(t, "a.csv", "name,year,total\nWest,2013,1 t\nWest,2019,2 t\n"), "", "2013, 2019", 0},
		{"no year there", write(t, "a.csv", "name,total\nWest,1 t\nEast,3 t\n"), "2019", "[1 3 0]", 0},
		{"no year in a line", write(t, "a.csv", "name,year,total\nWest,2013,1 t\nEast,,3 t\n"), "2013", "line 3", 0},
		{"no year in a line, none asked for", write(t, "a.csv", "name,year,total\nWest,2013,1 t\nEast,,3 t\n"), "", "line 3", 0},
		{"no such year", write(t, "a.csv", "name,year,total\nWest,2013,1 t\n"), "2020", "Years there: 2013", 0},
		{"unknown name", write(t, "a.csv", "name,total\nWset,1 t\n"), "", `line 2: there is no area "Wset"`, 0},
		{"twice", write(t, "a.csv", "name,total\nWest,1 t\nWest,1 t\n"), "", "second total", 0},
		{"zero", write(t, "a.csv", "name,total\nWest,0 t\n"), "", "total of nothing", 0},
		{"no unit", write(t, "a.csv", "name,total\nWest,5\n"), "", "has no unit", 0},
		{"no column", write(t, "a.csv", "name,sum\nWest,5\n"), "", "columns are name, sum", 0},
		{"empty", write(t, "a.csv", "name,total\n"), "", "holds no totals", 0},
		{"no cells", write(t, "a.csv", "name,total\nFar,1 t\n"), "", "no cell in the region", 0},
		{"absent", "absent.csv", "", "cannot be read", 0},
	} {
		known, missing, err := s.Totals(context.Background(), c.path, c.year)
		if err != nil {
			if !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", c.name, err, c.want)
			}
			continue
		}
		if fmt.Sprint(known) != c.want || len(missing) != c.missing {
			t.Errorf("%s: %v, missing %v; want %s", c.name, known, missing, c.want)
		}
	}
}

func TestParseAmount(t *testing.T) {
	for text, want := range map[string]float64{
		"29.06 Mt": 29.06e6, "29.06Mt": 29.06e6, "29060 ktCO2": 29.06e6, "1 MtC": 1e6 * 44 / 12, "12,345,678 t": 12345678, "1,234.5 kt CO2/yr": 1234500,
		"3 tonnes": 3, "7e3 kg": 7, "2 Gt CO₂ a year": 2e9,
	} {
		if got, err := ParseAmount("x", text, ""); err != nil || math.Abs(got/want-1) > 1e-12 {
			t.Errorf("%q: %g, %v, want %g", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "no amount", "Mt": "no amount", "5": "no unit", "29,06 Mt": "no amount", "1 mt": "unknown unit", "1 lb": "unknown unit", "0 t": "nothing",
		"-3 Mt": "negative", "NaN t": "no amount", "5 MtCO2e": "other gases", "1e999 t": "no amount", "1e-40 t": "no amount",
	} {
		if _, err := ParseAmount("x", text, ""); !fault.IsInput(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func FuzzParseAmount(f *testing.F) {
	for _, s := range []string{"29.06 Mt", "1,234 kgC", "-", ",", "1,,2 t", "e5 t"} {
		f.Add(s, "t")
	}
	f.Fuzz(func(t *testing.T, text, unit string) {
		v, err := ParseAmount("x", text, unit)
		if err == nil && !(v > 0 && !math.IsInf(v, 0)) {
			t.Errorf("%q %q: %g", text, unit, v)
		}
		if err != nil && !fault.IsInput(err) {
			t.Errorf("%q %q: %v", text, unit, err)
		}
	})
}

// A district given as the squares of an inventory, which touch along their edges,
// is their union: no square is lost, and its outline has no inner borders; squares
// that overlap count once.
func TestTouchingParts(t *testing.T) {
	g, cells := square(t)
	var boxes []box
	for i := range 8 {
		for j := range 8 {
			x, y := func(i int) float64 { return 10 + float64(i)/20 }, func(j int) float64 { return 49.6 + float64(j)/20 } // the same bits for neighbors
			boxes = append(boxes, box{"All", x(i), y(j), x(i + 1), y(j + 1), ""})
		}
	}
	for name, more := range map[string][]box{"touching": nil, "overlapping": {{"All", 10.02, 49.62, 10.33, 49.7, ""}}} {
		s, err := Read(context.Background(), geojson(t, append(append([]box{}, boxes...), more...)...), "name", g, cells)
		if err != nil {
			t.Fatal(name, err)
		}
		a := s.Areas[0]
		if len(a.Cell) != 16 || math.Abs(a.Covered/a.KM2-1) > 1e-9 {
			t.Fatalf("%s: %d cells, %g of %g km2", name, len(a.Cell), a.Covered, a.KM2)
		}
		for k, share := range a.Share {
			if math.Abs(share-1) > 1e-9 {
				t.Errorf("%s: cell %d has %g", name, a.Cell[k], share)
			}
		}
		if len(a.Shape.Polygons) != 1 || len(a.Shape.Polygons[0]) != 1 {
			t.Errorf("%s: %d polygons are left", name, len(a.Shape.Polygons))
		}
	}
}
