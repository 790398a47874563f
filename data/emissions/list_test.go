package emissions

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/grid"
)

func writeList(t testing.TB, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "list.csv")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// gridded are the rows of source cells of 0.1 x 0.05 degrees, two sectors each.
func gridded() []string {
	rows := []string{"Lon,Lat,GNFR_Sector,CO2_ff,CO2_bf"}
	for _, sector := range []string{"A", "F1"} {
		for y := range 4 {
			for x := range 4 {
				rows = append(rows, fmt.Sprintf("%.3f,%.4f,%s,%d,1", 10.05+0.1*float64(x), 50.025+0.05*float64(y), sector, 10+x+y))
			}
		}
	}
	return rows
}

// A list of the middles of source cells is spread over them, and its sum is kept; a
// plant between them is in one cell.
func TestListOfSourceCells(t *testing.T) {
	g := mustGrid(t, grid.Spec{Scheme: "degrees", CellDegrees: 0.025})
	cells := mustCells(t, g, grid.BBox{West: 10, South: 50, East: 10.4, North: 50.2})
	path := writeList(t, append(gridded(), "10.2123,50.1234,A,5000,0", "10.05,50.025,A,-7,0", "10.05,50.025,A,,")...)
	res := mustLoad(t, Spec{Path: path, Variables: []string{"CO2_ff", "CO2_bf"}, Units: "tCO2"}, g, cells)
	want, values := 0.0, 0.0
	for y := range 4 {
		for x := range 4 {
			want += 2 * float64(11+x+y)
		}
	}
	want += 5000
	most, unknown := 0.0, 0
	for i, v := range res.Values {
		if math.IsNaN(v) {
			unknown++
			continue
		}
		values += v
		most = max(most, v)
		if c := res.Coverage[i]; math.Abs(c-1) > 1e-6 {
			t.Fatalf("cell %v is covered by %g", cells[i], c)
		}
	}
	if math.Abs(values-want) > 1e-6*want || unknown > 0 || most < 5000 || most > 5030 {
		t.Errorf("sum %g, want %g; the largest %g; %d unknown", values, want, most, unknown)
	}
	if r := res.Report; r.Negative != 1 || !strings.Contains(r.Times, "16 source cells of 0.1 x 0.05; places between them: 1,") || math.Abs(r.FileSum-want) > 1e-6 {
		t.Errorf("%+v", r)
	}
	// per km2: an amount of a source cell's area, which a place alone has not.
	if _, err := Load(context.Background(), Spec{Path: path, Attribute: "CO2_ff", Units: "tCO2", Per: "km2"}, g, cells, nil); err == nil || !strings.Contains(err.Error(), "no middles of a regular grid") {
		t.Errorf("%v", err)
	}
}

// The account of a list says which months were read, and what its places are.
func TestListOfAMonth(t *testing.T) {
	g := mustGrid(t, grid.Spec{Scheme: "degrees", CellDegrees: 0.1})
	cells := mustCells(t, g, grid.BBox{West: 10, South: 50, East: 10.4, North: 50.2})
	path := filepath.Join(t.TempDir(), "inventory_201803.csv")
	if err := os.WriteFile(path, []byte(strings.Join(gridded(), "\n")+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	r := mustLoad(t, Spec{Path: path, Attribute: "CO2_ff", Units: "tCO2", Period: "month", MissingMonths: "scale"}, g, cells).Report
	if want := "months 03 of 2018; 16 source cells of 0.1 x 0.05"; r.Times != want || r.YearFactor != 12 || len(r.MissingMonths) != 11 {
		t.Errorf("%q, want %q; times %g, %d months missing", r.Times, want, r.YearFactor, len(r.MissingMonths))
	}
}

// A list of plants gives each amount to one cell; cells without one are unknown.
func TestListOfPlants(t *testing.T) {
	g := mustGrid(t, grid.Spec{Scheme: "degrees", CellDegrees: 0.1})
	cells := mustCells(t, g, grid.BBox{West: 10, South: 50, East: 11, North: 51})
	path := writeList(t, "name;longitude;latitude;kt", "north;10.55;50.95;3", "south;10.51;50.05;2", "south too;10.52;50.01;1", "elsewhere;30;10;9")
	res := mustLoad(t, Spec{Path: path, Attribute: "kt", Units: "ktCO2"}, g, cells)
	known := map[float64]int{}
	for i, v := range res.Values {
		if !math.IsNaN(v) {
			known[v]++
			if res.Coverage[i] != 1 {
				t.Errorf("cell %v is covered by %g", cells[i], res.Coverage[i])
			}
		}
	}
	if len(known) != 1 || known[3000] != 2 {
		t.Errorf("%v", known)
	}
	if r := res.Report; r.InRegion != 6000 || r.SourceTotal != 15000 {
		t.Errorf("%g in the region, of %g", r.InRegion, r.SourceTotal)
	}
}

func TestListFaults(t *testing.T) {
	g := mustGrid(t, grid.Spec{Scheme: "degrees", CellDegrees: 0.1})
	cells := mustCells(t, g, grid.BBox{West: 10, South: 50, East: 11, North: 51})
	plants := writeList(t, "lon,lat,t", "10.5,50.5,3")
	for name, c := range map[string]struct {
		s    Spec
		want string
	}{
		"no column named":   {Spec{Path: plants, Units: "tCO2"}, "lon, lat, t"},
		"no such column":    {Spec{Path: plants, Units: "tCO2", Attribute: "CO2"}, "CO2"},
		"no coordinates":    {Spec{Path: writeList(t, "a,b,t", "10.5,50.5,3"), Units: "tCO2", Attribute: "t"}, "coordinates are looked for in columns named lon and lat"},
		"a place elsewhere": {Spec{Path: writeList(t, "lon,lat,t", "50.5,10.5,3"), Units: "tCO2", Attribute: "t"}, "does not overlap the region"},
		"no number":         {Spec{Path: writeList(t, "lon,lat,t", "10.5,50.5,three"), Units: "tCO2", Attribute: "t"}, "not a number"},
	} {
		_, err := Load(context.Background(), c.s, g, cells, nil)
		if err == nil || !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := Extent(context.Background(), Spec{Path: plants, Units: "tCO2", Attribute: "t"}); err == nil || !strings.Contains(err.Error(), "list of places") {
		t.Errorf("%v", err)
	}
}
