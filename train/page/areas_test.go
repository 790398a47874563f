package page

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

const areaText = `name,rank,cells,km2,covered_km2,total_tCO2_per_yr,per_km2,share,raw_tCO2_per_yr,corrected_tCO2_per_yr,known_tCO2_per_yr,factor,low_90,high_90
"<b>South</b>",2,5,10,9.5,1000,105.2,0.25,500,1000,,,700,1500
Far,0,0,10,0,0,,0,0,0,,,,
North,1,9,20,20,3000,150,0.75,1500,3000,,,2000,4500
`

func areasFolder(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, AreasFile), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

// The table of areas is sorted by rank, without areas outside the region, and areas
// get the outlines of the layer beside it.
func TestReadAreas(t *testing.T) {
	dir := areasFolder(t, areaText)
	out, err := raster.CreateVector(filepath.Join(dir, AreasLayer), raster.VectorSpec{Layer: "areas", CRS: grid.WGS84(), Fields: []raster.Field{{Name: "name", Type: raster.Text}}})
	if err != nil {
		t.Fatal(err)
	}
	ring := [][2]float64{{10, 47}, {10.5, 47.0000001}, {11, 47}, {11, 48}, {10, 48}, {10, 47}} // the second one lies on a line
	if err := out.Add(raster.Geometry{Polygons: []raster.Polygon{{ring}}}, "North"); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	a, err := ReadAreas(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Rows) != 2 || a.Rows[0].Name != "North" || a.Rows[1].Name != "<b>South</b>" || a.Rows[0].Total != 3000 || a.Rows[1].Interval() != "700 to 1,500" ||
		a.Rows[0].Percent() != "75.0 %" || !a.ranged() || a.known() {
		t.Errorf("%+v", a.Rows)
	}
	if !a.Rows[0].Placed() || a.Rows[1].Placed() || len(a.Rows[0].rings) != 1 || len(a.Rows[0].rings[0]) != 10 {
		t.Errorf("outlines %v, %v", a.Rows[0].rings, a.Rows[1].rings)
	}
}

func TestReadAreasRefuses(t *testing.T) {
	for _, bad := range []string{"", "name,rank\nA,1\n", strings.Replace(areaText, "North,1", "North,9", 1), strings.Replace(areaText, "North,1", "North,first", 1)} {
		if _, err := ReadAreas(areasFolder(t, bad)); !fault.IsInput(err) || !strings.Contains(err.Error(), AreasFile) {
			t.Errorf("%.40q: %v", bad, err)
		}
	}
	if a, err := ReadAreas(t.TempDir()); err != nil || a.Rows != nil {
		t.Errorf("no table: %v, %v", a, err)
	}
}

// With the inventory's own numbers in part the table has a filled total and its range.
func TestFilledAreas(t *testing.T) {
	text := strings.Replace(areaText, "high_90\n", "high_90,filled_tCO2_per_yr,filled_low_90,filled_high_90\n", 1)
	for row, more := range map[string]string{"1500\n": ",1200,1100,1300\n", ",,,\n": ",,,\n", "4500\n": ",3000,,\n"} {
		text = strings.Replace(text, row, strings.TrimSuffix(row, "\n")+more, 1)
	}
	a, err := ReadAreas(areasFolder(t, text))
	if err != nil {
		t.Fatal(err)
	}
	if !a.filled() || a.Rows[1].Filled != 1200 || a.Rows[1].FilledInterval() != "1,100 to 1,300" || a.Rows[0].FilledInterval() != "–" {
		t.Errorf("%+v", a.Rows)
	}
	if got := (Area{Filled: 1200, Least: 1200, Most: 1200}).FilledInterval(); got != "known" {
		t.Errorf("of the inventory alone: %q", got)
	}
	if page := render(t, Page{Unit: "tCO2/yr", Areas: a}); !strings.Contains(page, `<th scope="col">filled</th>`) || !strings.Contains(page, "1,100 to 1,300") {
		t.Errorf("%.3000s", page)
	}
	if a, err = ReadAreas(areasFolder(t, areaText)); err != nil || a.filled() || strings.Contains(render(t, Page{Areas: a}), "filled") {
		t.Errorf("an older table: %v, %+v", err, a.Rows)
	}
}

// A closed ring keeps its ends and the corners that matter.
func TestSimplify(t *testing.T) {
	var circle [][2]float64
	for i := range 361 {
		a := float64(i) * math.Pi / 180
		circle = append(circle, [2]float64{math.Cos(a), math.Sin(a)})
	}
	got := simplify(circle, 0.01)
	if len(got) < 12 || len(got) > 60 || got[0] != circle[0] || got[len(got)-1] != circle[360] {
		t.Errorf("%d points", len(got))
	}
	for _, p := range circle {
		best := math.Inf(1)
		for i := 1; i < len(got); i++ {
			best = min(best, distance(p, got[i-1], got[i]))
		}
		if best > 0.0101 {
			t.Fatalf("%v lies %g away", p, best)
		}
	}
}
