package emissions

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

func translate(t testing.TB, from, to string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("gdal_translate"); err != nil {
		t.Skip("gdal_translate is not installed (gdal-bin)")
	}
	if out, err := exec.Command("gdal_translate", append(append([]string{"-q"}, args...), from, to)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// TestBadInputs: every mistake a user can make has one message that names the
// place and the remedy.
func TestBadInputs(t *testing.T) {
	path := inDir(t)
	one := func(_, _, _ int) float64 { return 1 }
	s := box(t)
	writeTIFF(t, path("good.tif"), s, one)
	for _, m := range []string{"1801", "1802", "1804", "1905"} {
		writeTIFF(t, path("odiac_"+m+".tif"), s, one)
	}
	writeTIFF(t, path("again_1801.tif"), s, one)
	writeTIFF(t, path("extra_yearly.tif"), s, one)
	bare := s
	bare.CRS = nil
	writeTIFF(t, path("bare.tif"), bare, one)
	small := s
	small.Width = 5
	writeTIFF(t, path("size_1.tif"), s, one)
	writeTIFF(t, path("size_2.tif"), small, one)
	far := s
	far.GeoTransform = raster.North(100, 10, 0.01, 0.01)
	writeTIFF(t, path("far.tif"), far, one)
	big := s
	big.Width, big.Height = 400, 400
	big.GeoTransform = raster.North(9.9, 50.1, 0.001, 0.001)
	writeTIFF(t, path("big.tif"), big, func(_, c, r int) float64 { return float64((c*7919 + r*104729) % 1009) })
	content, err := os.ReadFile(path("big.tif"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path("cut.tif"), content[:len(content)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	const square = "[[[10,50],[10.02,50],[10.02,49.98],[10,50]]]"
	writeJSON(t, path("good.geojson"), [2]string{square, "1"})
	writeJSON(t, path("text.geojson"), [2]string{square, `"lots"`})
	writeJSON(t, path("points.geojson"), [2]string{"[10,50]", "1"})
	writeJSON(t, path("far.geojson"), [2]string{"[[[100,10],[101,10],[101,11],[100,10]]]", "1"})
	w, err := raster.CreateVector(path("bare.gpkg"), raster.VectorSpec{Fields: []raster.Field{{Name: "amount", Type: raster.Real}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path("folder"), 0o755); err != nil {
		t.Fatal(err)
	}

	g := mustGrid(t, grid.Spec{})
	cells := mustCells(t, g, aroundBox)
	for _, c := range []struct {
		name string
		spec Spec
		want []string // what the message must hold
	}{
		{"no path", Spec{Units: "tC"}, []string{"data.emissions.path", "odiac"}},
		{"missing file", Spec{Path: path("absent.tif"), Units: "tC"}, []string{"absent.tif", "no such file"}},
		{"folder", Spec{Path: path("folder"), Units: "tC"}, []string{"folder", "*.tif"}},
		{"truncated", Spec{Path: path("cut.tif"), Units: "tC"}, []string{"cut.tif"}},
		{"no CRS", Spec{Path: path("bare.tif"), Units: "tC"}, []string{"bare.tif", "coordinate reference system", "EPSG:"}},
		{"wrong CRS", Spec{Path: path("bare.tif"), Units: "tC", CRS: "EPSG:9"}, []string{"EPSG:9"}},
		{"no overlap", Spec{Path: path("far.tif"), Units: "tC"}, []string{"far.tif", "does not overlap", "EPSG:4326", "9.9"}},
		{"no overlap of polygons", Spec{Path: path("far.geojson"), Attribute: "amount", Units: "tC"}, []string{"far.geojson", "does not overlap"}},
		{"wrong band", Spec{Path: path("good.tif"), Units: "tC", Bands: []int{2}}, []string{"good.tif", "no band 2", "1 to 1"}},
		{"band 0", Spec{Path: path("good.tif"), Units: "tC", Bands: []int{0}}, []string{"no band 0"}},
		{"band twice", Spec{Path: path("good.tif"), Units: "tC", Bands: []int{1, 1}}, []string{"data.emissions.bands", "twice"}},
		{"missing attribute", Spec{Path: path("good.geojson"), Attribute: "all_2019", Units: "tC"}, []string{"all_2019", "it has: amount, name"}},
		{"no attribute", Spec{Path: path("good.geojson"), Units: "tC"}, []string{"data.emissions.attribute", "amount"}},
		{"non-numeric attribute", Spec{Path: path("text.geojson"), Attribute: "amount", Units: "tC"}, []string{"lots", "not a number"}},
		{"attribute of names", Spec{Path: path("good.geojson"), Attribute: "name", Units: "tC"}, []string{`"x"`, "numeric"}},
		{"no unit", Spec{Path: path("good.tif")}, []string{"data.emissions.units", "tCO2"}},
		{"unknown unit", Spec{Path: path("good.tif"), Units: "MtCO2e"}, []string{"MtCO2e", "kgCO2"}},
		{"unknown area", Spec{Path: path("good.tif"), Units: "tC", Per: "acre"}, []string{"acre", "km2"}},
		{"unknown period", Spec{Path: path("good.tif"), Units: "tC", Period: "fortnight"}, []string{"fortnight", "month"}},
		{"unknown choice", Spec{Path: path("good.tif"), Units: "tC", MissingMonths: "guess"}, []string{"guess", "scale"}},
		{"proxy with period", Spec{Path: path("good.tif"), Units: "proxy", Period: "month"}, []string{"proxy"}},
		{"no match", Spec{Path: path("none_*.tif"), Units: "tC"}, []string{"none_*.tif", "no file matches"}},
		{"no folder", Spec{Path: path("nowhere/*.tif"), Units: "tC"}, []string{"nowhere", "folder cannot be read"}},
		{"bad pattern", Spec{Path: path("a[.tif"), Units: "tC"}, []string{"pattern"}},
		{"missing months", Spec{Path: path("odiac_18*.tif"), Units: "tC", Period: "month"}, []string{"3 of 12 months", "2018-03", "2018-12", "scale"}},
		{"mixed years", Spec{Path: path("odiac_*.tif"), Units: "tC", Period: "month", MissingMonths: "scale"}, []string{"different years", "1905", "2018"}},
		{"month twice", Spec{Path: path("[ao]*_1801.tif"), Units: "tC", Period: "month", MissingMonths: "scale"}, []string{"month 01", "twice"}},
		{"no month in name", Spec{Path: path("[oe]*_[1y][8e]*.tif"), Units: "tC", Period: "month", MissingMonths: "scale"}, []string{"do not end in a month"}},
		{"one month alone", Spec{Path: path("good.tif"), Units: "tC", Period: "month"}, []string{"1 of 12 months", "scale"}},
		{"other size", Spec{Path: path("size_*.tif"), Units: "tC"}, []string{"size_2.tif", "size_1.tif", "gdalwarp"}},
		{"no polygons", Spec{Path: path("points.geojson"), Attribute: "amount", Units: "tC"}, []string{"points.geojson", "no polygons"}},
		{"polygons without CRS", Spec{Path: path("bare.gpkg"), Attribute: "amount", Units: "tC"}, []string{"bare.gpkg", "data.emissions.crs"}},
		{"empty polygon file", Spec{Path: path("bare.gpkg"), Attribute: "amount", Units: "tC", CRS: "EPSG:4326"}, []string{"no polygons"}},
		{"several polygon files", Spec{Path: path("*.geojson"), Attribute: "amount", Units: "tC"}, []string{"4 polygon files"}},
		{"unknown layer", Spec{Path: path("good.geojson"), Attribute: "amount", Layer: "roads", Units: "tC"}, []string{"roads", "good"}},
		{"raster with attribute", Spec{Path: path("good.tif"), Attribute: "amount", Units: "tC"}, []string{"good.tif", "vector"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, err := Load(context.Background(), c.spec, g, cells, nil)
			if res != nil || !fault.IsInput(err) {
				t.Fatalf("error %v is not a user's", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the message does not say %q:\n%v", want, err)
				}
			}
			if _, _, err := Extent(context.Background(), c.spec); err != nil && !fault.IsInput(err) {
				t.Errorf("Extent: %v", err)
			}
		})
	}
	t.Run("no cells", func(t *testing.T) {
		if _, err := Load(context.Background(), Spec{Path: path("good.tif"), Units: "tC"}, g, nil, nil); !fault.IsInput(err) {
			t.Error(err)
		}
	})
	t.Run("unreadable folder", func(t *testing.T) {
		if os.Getuid() == 0 {
			t.Skip("root may read everything")
		}
		if err := os.Chmod(path("folder"), 0); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(context.Background(), Spec{Path: path("folder/*.tif"), Units: "tC"}, g, cells, nil); !fault.IsInput(err) || !strings.Contains(err.Error(), "chmod") {
			t.Error(err)
		}
	})
}

func TestMonths(t *testing.T) {
	for name, want := range map[string][2]int{
		"odiac2022_1km_excl_intl_1812.tif":      {2018, 12},
		"odiac2022_1km_excl_intl_0001.tif.gz":   {2000, 1},
		"odiac2022_0112.tif":                    {2001, 12},
		"a/b/2103.tif":                          {2021, 3},
		"odiac2022.tif":                         {-1, 0},
		"odiac_1813.tif":                        {-1, 0},
		"odiac_201812.tif":                      {2018, 12},
		"odiac_201812.tif.gz":                   {2018, 12},
		"co2_2018-12.nc":                        {2018, 12},
		"co2_2018_12.tif":                       {2018, 12},
		"co2.2018.12.tif":                       {2018, 12},
		"2018-07_co2_v3.tif":                    {2018, 7},
		"co2_20181231.tif":                      {2018, 12},
		"co2-2018-12-31.tif":                    {2018, 12},
		"v2022_10_fluxes_2018_07.tif":           {2018, 7},
		"co2_201813.tif":                        {-1, 0},
		"co2_1201812.tif":                       {-1, 0},
		"flux_Jan_2018.tif":                     {2018, 1},
		"2018 december.tif":                     {2018, 12},
		"marsh_2018.tif":                        {-1, 0},
		"1812_odiac.tif":                        {-1, 0},
		`NETCDF:"a/b/flux_2018-03.nc":co2_1812`: {2018, 3},
	} {
		y, m, ok := monthOf(name)
		if ok != (want[0] >= 0) || (ok && (y != want[0] || m != want[1])) {
			t.Errorf("%s: %d %d %v", name, y, m, ok)
		}
	}
}

// TestYears: leap years count whole; months without names count by number.
func TestYears(t *testing.T) {
	for _, c := range []struct {
		period string
		files  int
		bands  int
		want   float64 // 0: an error
	}{
		{"year", 1, 1, 1}, {"year", 2, 3, 1}, {"month", 12, 1, 1}, {"month", 1, 12, 1}, {"month", 6, 1, 0}, {"month", 13, 1, 0},
		{"day", 365, 1, 1}, {"day", 366, 1, 1}, {"day", 1, 73, 5}, {"day", 367, 1, 0}, {"hour", 1, 24, 365}, {"second", 1, 1, 31536000}, {"second", 1, 365, 86400}, {"second", 1, 366, 86400}, {"second", 8760, 1, 3600}, {"hour", 1, 8784, 1}, {"hour", 1, 8760, 1},
	} {
		s := Spec{Path: "x", Units: "tC", Period: c.period, MissingMonths: "error"}
		var parts []part
		for f := range c.files {
			for b := range c.bands {
				parts = append(parts, part{file: f, band: b + 1})
			}
		}
		cal, err := calendarOf(&s, parts)
		if (err != nil) != (c.want == 0) || (err == nil && cal.factor != c.want) {
			t.Errorf("%s x %d x %d: %g, %v", c.period, c.files, c.bands, cal.factor, err)
		}
	}
}

// Brackets in the user's own folder names are names, before and after a pattern.
func TestBracketsInFolders(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data [2018]", "a*b")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for m := 1; m <= 12; m++ {
		writeTIFF(t, filepath.Join(dir, fmt.Sprintf("odiac[x]_18%02d.tif", m)), box(t), func(_, _, _ int) float64 { return 1 })
	}
	g := mustGrid(t, grid.Spec{Scheme: grid.Degrees})
	cell := []grid.Cell{g.At(10.004, 49.996)}
	for pattern, want := range map[string]float64{"*.tif": 12, "odiac?x?_18*.tif": 12, "odiac[x]_1803.tif": 12} {
		s := Spec{Path: filepath.Join(dir, pattern), Units: "tCO2", Period: "month", MissingMonths: "scale"}
		if got := mustLoad(t, s, g, cell).Values[0]; got < want-1e-9 || got > want+1e-9 {
			t.Errorf("%s: %g, want %g", pattern, got, want)
		}
	}
}
