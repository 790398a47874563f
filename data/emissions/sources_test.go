package emissions

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

// TestSources: each known inventory in its own layout, of a few cells, gives the
// tonnes of CO2 a year that its guide says, with nothing but its name.
func TestSources(t *testing.T) {
	path := inDir(t)
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	const w, h = 4, 3
	g := mustGrid(t, grid.Spec{Scheme: "degrees", CellDegrees: 0.1})
	cells := mustCells(t, g, grid.BBox{West: 10.001, South: 50.001, East: 10.399, North: 50.299})
	m := mustMeasure(t, g)
	areas, err := m.Areas(cells)
	if err != nil {
		t.Fatal(err)
	}
	ground := 0.0 // m2
	for _, a := range areas {
		ground += a * 1e6
	}
	folder := func(name string) string {
		if err := os.MkdirAll(path(name), 0o777); err != nil {
			t.Fatal(err)
		}
		return path(name)
	}
	// nc writes variables that hold the same everywhere, one value for each time.
	nc := func(file, unit, times string, at []float64, vars ...any) string {
		dims, list := ncGrid(w, h, 10)
		if at != nil {
			d, v := ncTimes(times, at...)
			dims, list = append(dims, d), append(list, v)
		}
		for i := 0; i < len(vars); i += 2 {
			v := ncVar{vars[i].(string), []string{"lat", "lon"}, [][2]string{{"units", unit}}, constant(w*h, vars[i+1].([]float64)...)}
			if at != nil {
				v.dims = []string{"time", "lat", "lon"}
			}
			list = append(list, v)
		}
		return writeNetCDF(t, file, dims, list)
	}
	tif := func(file string, value float64) string {
		writeTIFF(t, file, raster.Spec{Width: w, Height: h, DType: raster.Float32, CRS: mustCRS(t, "EPSG:4326"), GeoTransform: raster.North(10, 50.3, 0.1, 0.1)},
			func(_, _, _ int) float64 { return value })
		return file
	}
	v := func(values ...float64) []float64 { return values }
	to := func(n int, from float64) (list []float64) {
		for i := range n {
			list = append(list, from+float64(i))
		}
		return list
	}
	byMonth := func(year int, rates []float64) (sum float64) { // of mean rates a day
		for i, r := range rates {
			sum += r * float64(daysIn(year, i+1))
		}
		return sum
	}
	var firsts []float64 // days of 2020 on which months begin
	days := 0
	for m := 1; m <= 12; m++ {
		firsts = append(firsts, float64(days))
		days += daysIn(2020, m)
	}
	rising := to(12, 1)

	odiac, sectors, graced, daily, vulcan, vulcan4 := folder("odiac"), folder("edgar"), folder("graced"), folder("daily"), folder("vulcan"), folder("vulcan4")
	for m := 1; m <= 12; m++ {
		tif(filepath.Join(odiac, fmt.Sprintf("odiac2023_1km_excl_intl_19%02d.tif", m)), 1000)
		tif(filepath.Join(odiac, fmt.Sprintf("odiac2023_1km_excl_intl_20%02d.tif", m)), float64(m))
		for _, s := range []string{"Power", "Industry"} {
			n := daysIn(2020, m)
			nc(filepath.Join(graced, fmt.Sprintf("CarbonMonitor_%s_y2020_m%02d.nc", s, m)), "kgC/h", fmt.Sprintf("days since 2020-%02d-01", m), to(n, 0), "emission", constant(n, float64(m)))
		}
	}
	for d := range 366 { // as unpacked: a file for each day, without a time axis
		day := time.Date(2020, 1, 1+d, 0, 0, 0, 0, time.UTC)
		nc(filepath.Join(daily, "GRACED_power_"+day.Format("20060102")+".nc"), "", "", nil, "power", v(2))
	}
	for _, s := range []string{"ENE", "RCO", "TRO"} {
		nc(filepath.Join(sectors, "v8.0_FT2022_GHG_CO2_2020_"+s+"_flx.nc"), "kg m-2 s-1", "", nil, "fluxes", v(1e-9))
		nc(filepath.Join(sectors, "v8.0_FT2022_GHG_CO2_2019_"+s+"_flx.nc"), "kg m-2 s-1", "", nil, "fluxes", v(5))
	}
	for _, kind := range []string{"mn", "hi", "lo"} {
		nc(filepath.Join(vulcan, "Vulcan_v3_US_annual_1km_total_"+kind+".nc4"), "Mg km-2 year-1", "days since 2010-01-01", v(182, 547, 912), "carbon_emissions", v(1, 2, 3))
	}
	for _, y := range []int{2020, 2021} {
		tif(filepath.Join(vulcan4, fmt.Sprintf("TOTAL.v4_0.total.%d.mn.tif", y)), float64(y-2015))
	}
	laei := path("laei.geojson")
	ring := `[[[10.1,50.1],[10.2,50.1],[10.2,50.2],[10.1,50.2],[10.1,50.1]]]`
	if err := os.WriteFile(laei, []byte(`{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"all_2016":5,"all_2019":7,"domestic":2,"road":4},"geometry":{"type":"Polygon","coordinates":`+ring+`}}]}`), 0o666); err != nil {
		t.Fatal(err)
	}
	cams := nc(path("CAMS-GLOB-ANT_v5.3_carbon-dioxide_2020.nc"), "kg m-2 s-1", "hours since 2020-01-01", firstHours(firsts),
		"ene", scaled(rising, 1e-9), "ind", scaled(rising, 2e-9), "sum", scaled(rising, 3e-9))
	reg := nc(path("CAMS-REG-GHG_v5.1_co2_ff_2019.nc"), "Tg", "", nil, "A_PublicPower", v(1e-6), "B_Industry", v(2e-6), "F_RoadTransport", v(4e-6))

	const carbon, cellCount = 44.0 / 12, w * h
	flux := func(days float64) float64 { return 1e-12 * days * 86400 * ground } // of 1e-9 kg m-2 s-1
	// As inventories are downloaded: in archives.
	text, err := os.ReadFile(nc(path("EDGAR_CO2_2020_flx.nc"), "kg m-2 s-1", "", nil, "fluxes", v(1e-9)))
	if err != nil {
		t.Fatal(err)
	}
	pack(t, path("EDGAR_CO2_2020_flx_nc.zip"), "EDGAR_CO2_2020_flx.nc", text)
	pack(t, path("EDGAR_CO2_2020_flx.nc.gz"), "EDGAR_CO2_2020_flx.nc", text)
	pack(t, path("EDGAR_CO2_2020_flx.tar.gz"), "EDGAR_CO2_2020_flx.nc", text)
	sources := []struct {
		name string
		spec Spec
		want float64 // t
		text string  // in the account
	}{
		{"EDGAR, tonnes of a year", Spec{Source: "edgar", Path: nc(path("v8.0_FT2022_GHG_CO2_2022_TOTALS_emi.nc"), "Tonnes", "", nil, "emissions", v(10))}, 10 * cellCount, "emissions"},
		{"EDGAR, the mean flux of a leap year", Spec{Source: "edgar", Path: nc(path("EDGAR_2024_GHG_CO2_2020_TOTALS_flx.nc"), "kg m-2 s-1", "", nil, "fluxes", v(1e-9))}, flux(366), "fluxes"},
		{"EDGAR, sectors of one year among two", Spec{Source: "edgar", Path: filepath.Join(sectors, "*.nc"), Year: 2020}, 3 * flux(366), ""},
		{"EDGAR, one sector", Spec{Source: "edgar", Path: filepath.Join(sectors, "*ENE*.nc"), Year: 2020}, flux(366), ""},
		{"EDGAR, monthly fluxes", Spec{Source: "edgar", Path: nc(path("v8.1_CO2_2020_bkl_flx.nc"), "kg m-2 s-1", "days since 2020-01-01", firsts, "fluxes", scaled(rising, 1e-9))}, flux(byMonth(2020, rising)), "1..12 of 12"},
		{"EDGAR, tonnes of months", Spec{Source: "edgar", Path: nc(path("v8.1_CO2_2020_bkl_emi.nc"), "Tonnes", "days since 2020-01-01", firsts, "emissions", rising)}, 78 * cellCount, "1..12 of 12"},
		{"EDGAR before version 8", Spec{Source: "edgar", Path: nc(path("v6.0_CO2_excl_short-cycle_org_C_2018_TOTALS.0.1x0.1.nc"), "kg m-2 s-1", "", nil, "emi_co2", v(1e-9))}, flux(365), "emi_co2"},
		{"EDGAR in a zip", Spec{Source: "edgar", Path: path("EDGAR_CO2_2020_flx_nc.zip")}, flux(366), "fluxes"},
		{"EDGAR, a zip's member", Spec{Source: "edgar", Path: path("EDGAR_CO2_2020_flx_nc.zip/EDGAR_CO2_2020_flx.nc")}, flux(366), "fluxes"},
		{"EDGAR, gzip", Spec{Source: "edgar", Path: path("EDGAR_CO2_2020_flx.nc.gz")}, flux(366), "fluxes"},
		{"EDGAR, tar", Spec{Source: "edgar", Path: path("EDGAR_CO2_2020_flx.tar.gz")}, flux(366), "fluxes"},
		{"ODIAC, months of one year among two", Spec{Source: "odiac", Path: filepath.Join(odiac, "*.tif"), Year: 2020}, 78 * carbon * cellCount, ""},
		{"ODIAC, 1 degree", Spec{Source: "odiac", Path: nc(path("odiac2023_1x1d_2020.nc"), "gC/m2/d", "months since 2020-01-01", to(12, 0), "land", rising, "intl_bunker", constant(12, 100))}, byMonth(2020, rising) * 1e-6 * carbon * ground, "land, bands 1..12"},
		{"ODIAC, 1 degree, no time axis", Spec{Source: "odiac", Path: nc(path("odiac2024_1x1d_2020.nc"), "", "months", to(12, 1), "land", rising, "intl_bunker", constant(12, 100)), Variables: []string{"land", "intl_bunker"}}, byMonth(2020, append(rising[:0:0], to(12, 101)...)) * 1e-6 * carbon * ground, "land + intl_bunker"},
		{"CAMS, its sum", Spec{Source: "cams-reg", Path: cams}, 3 * flux(byMonth(2020, rising)), "sum"},
		{"CAMS, two sectors", Spec{Source: "cams-reg", Path: cams, Variables: []string{"ene", "ind"}}, 3 * flux(byMonth(2020, rising)), "ene + ind"},
		{"CAMS-REG, teragrams of all sectors", Spec{Source: "cams-reg", Path: reg}, 7 * cellCount, "A_PublicPower + B_Industry + F_RoadTransport"},
		{"GRACED, days in monthly files of sectors", Spec{Source: "graced", Path: filepath.Join(graced, "*.nc"), Year: 2020}, 2 * byMonth(2020, rising) * 24 * 1e-3 * carbon * cellCount, "732 bands"},
		{"GRACED, a file for each day", Spec{Source: "carbon-monitor", Path: filepath.Join(daily, "*.nc")}, 2 * 366 * 24 * 1e-3 * carbon * cellCount, "power"},
		{"Vulcan 3, one year, not its bounds", Spec{Source: "vulcan", Path: filepath.Join(vulcan, "*.nc4"), Year: 2011}, 2 * carbon * ground / 1e6, "band 2 of 3"},
		{"Vulcan 4, bands by name", Spec{Source: "vulcan", Path: bandsOf(t, path("named.tif")), Variables: []string{"rail", "cement"}}, (1 + 3) * 12 * 10, "rail + cement, bands 1, 3 of 3"},
		{"Vulcan 4", Spec{Source: "vulcan", Path: filepath.Join(vulcan4, "*.tif"), Year: 2021}, 6 * cellCount, ""},
		{"LAEI, the year's total", Spec{Source: "laei", Path: laei, CRS: "EPSG:4326", Year: 2019}, 7, ""},
		{"LAEI, sectors", Spec{Source: "laei", Path: laei, CRS: "EPSG:4326", Variables: []string{"domestic", "road"}}, 6, "domestic + road"},
		{"the user's unit goes first", Spec{Source: "edgar", Path: path("v8.0_FT2022_GHG_CO2_2022_TOTALS_emi.nc"), Units: "kgCO2"}, 0.01 * cellCount, ""},
		{"no source: named variables", Spec{Path: reg, Variables: []string{"B_Industry"}, Units: "TgCO2"}, 2 * cellCount, "B_Industry"},
		{"no source: a year of an axis", Spec{Path: filepath.Join(vulcan, "*_mn.nc4"), Year: 2012, Units: "tC", Per: "km2"}, 3 * carbon * ground / 1e6, "band 3 of 3"},
	}
	for _, c := range sources {
		t.Run(c.name, func(t *testing.T) {
			res, err := Load(context.Background(), c.spec, g, cells, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := res.Report.Regridded; !(math.Abs(got/c.want-1) < 1e-6) {
				t.Errorf("%g t, want %g; %+v", got, c.want, res.Report)
			}
			if f := res.Report.Files[0]; !strings.HasPrefix(f, filepath.Dir(path("x"))) {
				t.Errorf("the account names %s", f)
			}
			if !strings.Contains(res.Report.Bands, c.text) {
				t.Errorf("the account says %q, want %q in it", res.Report.Bands, c.text)
			}
		})
	}
	if left, _ := os.ReadDir(temporary); len(left) > 0 {
		t.Errorf("left of archives: %v", left)
	}
	tif(filepath.Join(folder("mixed"), "a_TOTALS_2020.tif"), 1)
	tif(path("mixed/a_ENE_2020.tif"), 1)
	for _, c := range []struct {
		name string
		spec Spec
		want []string
	}{
		{"bands of a known source", Spec{Source: "vulcan", Path: bandsOf(t, path("v4.tif"))}, []string{"3 bands", "data.emissions.variables"}},
		{"another form", Spec{Source: "edgar", Path: tif(path("edgar.tif"), 1)}, []string{"says no unit", "EDGAR, 0.1 degree", "data.emissions.units"}},
		{"bands without names", Spec{Path: path("edgar.tif"), Units: "tCO2", Variables: []string{"ene"}}, []string{`"ene"`, "no names", "data.emissions.bands"}},
		{"unknown", Spec{Source: "edger", Path: cams}, []string{"data.emissions.source", "edger", "edgar"}},
		{"totals beside sectors", Spec{Source: "edgar", Path: path("mixed/*.tif")}, []string{"a_TOTALS_2020.tif", "twice"}},
		{"a total beside its sectors", Spec{Source: "cams-reg", Path: cams, Variables: []string{"ene", "sum"}}, []string{"data.emissions.variables", "sum", "twice"}},
		{"no such variable", Spec{Source: "cams-reg", Path: cams, Variables: []string{"tro"}}, []string{"tro", "ene, ind, sum"}},
		{"several variables and no word", Spec{Path: reg, Units: "tCO2"}, []string{"3 grids", "data.emissions.variables"}},
		{"no such year", Spec{Source: "vulcan", Path: filepath.Join(vulcan, "*.nc4"), Year: 2018}, []string{"2018", "data.emissions.year"}},
		{"several years and no word", Spec{Source: "vulcan", Path: filepath.Join(vulcan, "*.nc4")}, []string{"3 bands", "data.emissions.year: 2012"}},
		{"several totals", Spec{Source: "laei", Path: laei, CRS: "EPSG:4326"}, []string{"data.emissions.year", "all_2016, all_2019"}},
		{"an unknown unit", Spec{Source: "cams-reg", Path: nc(path("odd.nc"), "furlongs", "", nil, "sum", v(1))}, []string{"furlongs", "data.emissions.units"}},
		{"January alone", Spec{Source: "graced", Path: filepath.Join(graced, "*_m01.nc")}, []string{"1 of 12 months", "missing 2020-02"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(context.Background(), c.spec, g, cells, nil)
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
		})
	}
}

// scaled is each of v by f.
func scaled(v []float64, f float64) (list []float64) {
	for _, x := range v {
		list = append(list, x*f)
	}
	return list
}

func firstHours(days []float64) []float64 { return scaled(days, 24) }

// bandsOf writes a raster of three named bands that hold 1, 2 and 3.
func bandsOf(t *testing.T, file string) string {
	t.Helper()
	s := raster.Spec{Width: 12, Height: 10, Bands: 3, DType: raster.Float32, CRS: mustCRS(t, "EPSG:4326"), GeoTransform: raster.North(10.1, 50.2, 1.0/120, 1.0/120), Descriptions: []string{"rail", "road", "cement"}}
	writeTIFF(t, file, s, func(b, _, _ int) float64 { return float64(b) })
	return file
}

// pack writes an archive of one file, of the kind that its name says.
func pack(t *testing.T, archive, member string, content []byte) {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch {
	case strings.HasSuffix(archive, ".zip"):
		z := zip.NewWriter(&b)
		w, e := z.Create(member)
		_, err = w.Write(content)
		err = errors.Join(e, err, z.Close())
	default:
		z := gzip.NewWriter(&b)
		if strings.HasSuffix(archive, ".tar.gz") {
			a := tar.NewWriter(z)
			err = a.WriteHeader(&tar.Header{Name: member, Mode: 0o644, Size: int64(len(content))})
			_, e := a.Write(content)
			err = errors.Join(err, e, a.Close())
		} else {
			_, err = z.Write(content)
		}
		err = errors.Join(err, z.Close())
	}
	if err = errors.Join(err, os.WriteFile(archive, b.Bytes(), 0o666)); err != nil {
		t.Fatal(err)
	}
}
