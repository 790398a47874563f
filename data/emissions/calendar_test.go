package emissions

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

// withAxis writes a VRT of a raster's bands with a time axis as GDAL's netCDF
// driver describes it.
func withAxis(t testing.TB, source string, units string, values ...float64) string {
	t.Helper()
	var b strings.Builder
	gt := box(t).GeoTransform
	fmt.Fprintf(&b, `<VRTDataset rasterXSize="12" rasterYSize="10"><SRS>EPSG:4326</SRS><GeoTransform>%.17g,%.17g,0,%.17g,0,%.17g</GeoTransform><Metadata><MDI key="time#units">%s</MDI><MDI key="lat#units">degrees_north</MDI></Metadata>`, gt[0], gt[1], gt[3], gt[5], units)
	for i, v := range values {
		fmt.Fprintf(&b, `<VRTRasterBand dataType="Float64" band="%d"><Metadata><MDI key="NETCDF_DIM_time">%g</MDI></Metadata><SimpleSource><SourceFilename relativeToVRT="1">%s</SourceFilename><SourceBand>%d</SourceBand></SimpleSource></VRTRasterBand>`,
			i+1, v, filepath.Base(source), i+1)
	}
	b.WriteString("</VRTDataset>")
	path := strings.TrimSuffix(source, filepath.Ext(source)) + fmt.Sprint(len(values)) + strings.Fields(units)[0] + ".vrt"
	if err := os.WriteFile(path, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCalendar: what makes up a year, said by bands, names and time axes. Band b
// (or file b) holds b in every pixel.
func TestCalendar(t *testing.T) {
	path := inDir(t)
	many := func(name string, bands int) string {
		s := box(t)
		s.Bands = bands
		writeTIFF(t, path(name), s, func(b, _, _ int) float64 { return float64(b) })
		return path(name)
	}
	files := func(form string) string {
		dir := path(strings.NewReplacer("%", "", "*", "").Replace(form))
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		for m := 1; m <= 12; m++ {
			writeTIFF(t, filepath.Join(dir, fmt.Sprintf(form, m)), box(t), func(_, _, _ int) float64 { return float64(m) })
		}
		return filepath.Join(dir, "*.tif")
	}
	months := func(offset float64) []float64 {
		var v []float64
		for m := range 12 {
			v = append(v, float64(m)+offset)
		}
		return v
	}
	series := func(n int) (v []float64) {
		for i := range n {
			v = append(v, float64(i))
		}
		return v
	}
	sum := func(year int, rate float64) float64 { // of twelve rates 1 to 12
		total := 0.0
		for m := 1; m <= 12; m++ {
			total += float64(m) * float64(daysIn(year, m)) * rate
		}
		return total
	}
	twelve, plain := many("flux_2020.tif", 12), many("flux.tif", 12)
	days := many("daily.tif", 365)
	sectors := many("sectors.tif", 24)
	odiac := files("odiac2022_19%02d.tif")
	for _, c := range []struct {
		name    string
		spec    Spec
		want    float64 // a pixel's year
		account string
	}{
		{"twelve bands a month", Spec{Path: plain, Period: "month"}, 78, "bands 1..12 of 12; months 01..12"},
		{"one of them, said", Spec{Path: plain, Bands: []int{3}}, 3, "band 3 of 12; "},
		{"some of them, said", Spec{Path: plain, Bands: []int{1, 2, 3, 5}, Period: "month", MissingMonths: "scale"}, 11 * 3, "bands 1..3, 5 of 12; "},
		{"mean rates a day", Spec{Path: plain, Period: "day"}, sum(2001, 1), "bands 1..12 of 12; months 01..12, weighed by their days"},
		{"mean rates a second", Spec{Path: plain, Period: "second"}, sum(2001, 86400), "bands 1..12 of 12; months 01..12, weighed by their days"},
		{"mean rates in a leap year", Spec{Path: twelve, Period: "hour"}, sum(2020, 24), "bands 1..12 of 12; months 01..12 of 2020, weighed by their days"},
		{"a time axis of months", Spec{Path: withAxis(t, plain, "months since 2020-01-01", months(0)...), Period: "day"}, sum(2020, 1), "bands 1..12 of 12; months 01..12 of 2020, weighed by their days"},
		{"one in the middle of months", Spec{Path: withAxis(t, plain, "days since 2019-01-01 00:00:00", 15, 45, 74, 105, 135, 166, 196, 227, 258, 288, 319, 349), Period: "day"}, sum(2019, 1), "bands 1..12 of 12; months 01..12 of 2019, weighed by their days"},
		{"a time axis, amounts a month", Spec{Path: withAxis(t, plain, "month since 2021-01-01", months(0.5)...), Period: "month"}, 78, "bands 1..12 of 12; months 01..12 of 2021"},
		{"bands of one year of two", Spec{Path: withAxis(t, sectors, "months since 2020-01-01", series(24)...), Period: "month", Bands: []int{13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24}}, 222, "bands 13..24 of 24; months 01..12 of 2021"},
		{"days of a year", Spec{Path: days, Period: "day"}, 365 * 366 / 2, "bands 1..365 of 365; "},
		{"days of a year, a time axis", Spec{Path: withAxis(t, days, "days since 2019-01-01", series(365)...), Period: "day"}, 365 * 366 / 2, "bands 1..365 of 365; "},
		{"mean rates a second, daily", Spec{Path: days, Period: "second"}, 365 * 366 / 2 * 86400, "bands 1..365 of 365; each stands for 86400 seconds of the year"},
		{"YYMM", Spec{Path: odiac, Period: "month"}, 78, "; months 01..12 of 2019"},
		{"YYMM, rates", Spec{Path: odiac, Period: "day"}, sum(2019, 1), "; months 01..12 of 2019, weighed by their days"},
		{"YYYYMM", Spec{Path: files("a_2020%02d.tif"), Period: "day"}, sum(2020, 1), "; months 01..12 of 2020, weighed by their days"},
		{"YYYY-MM", Spec{Path: files("b_2020-%02d.tif"), Period: "day"}, sum(2020, 1), "; months 01..12 of 2020, weighed by their days"},
		{"YYYY_MM", Spec{Path: files("2020_%02d_c.tif"), Period: "month"}, 78, "; months 01..12 of 2020"},
		{"a year of one band", Spec{Path: many("emission_2012.tif", 1), Period: "day"}, 366, "; each stands for 366 days of the year"},
		{"sectors", Spec{Path: many("three.tif", 3)}, 1, "band 1 of 3; "},
	} {
		c.spec.Units = "tCO2"
		g := mustGrid(t, grid.Spec{Scheme: grid.Degrees})
		res := mustLoad(t, c.spec, g, []grid.Cell{g.At(10.004, 49.996)})
		if got := res.Values[0]; !(math.Abs(got/c.want-1) < 1e-9) {
			t.Errorf("%s: %g, want %g", c.name, got, c.want)
		}
		if got := res.Report.Bands + "; " + res.Report.Times; got != c.account {
			t.Errorf("%s: the account says %q, want %q", c.name, got, c.account)
		}
	}
	for _, c := range []struct {
		name string
		spec Spec
		want []string
	}{
		{"twelve bands, no period", Spec{Path: plain}, []string{"holds 12 bands", "period: month", "data.emissions.bands"}},
		{"365 bands, no period", Spec{Path: days}, []string{"holds 365 bands", "day, hour or second"}},
		{"a time axis, no period", Spec{Path: withAxis(t, sectors, "years since 1998-01-01", series(24)...)}, []string{"from 1998-01-01 to 2021-01-01"}},
		{"years as months", Spec{Path: withAxis(t, sectors, "years since 1998-01-01", series(24)...), Period: "month"}, []string{"1998-01-01", "2021-01-01", "bands of one year"}},
		{"years as rates", Spec{Path: withAxis(t, sectors, "years since 1998-01-01", series(24)...), Period: "day"}, []string{"bands of one year"}},
		{"two years of months", Spec{Path: withAxis(t, sectors, "months since 2020-01-01", series(24)...), Period: "month"}, []string{"2020-01-01", "2021-12-01", "data.emissions.bands"}},
		{"three bands a month", Spec{Path: path("three.tif"), Period: "month"}, []string{"holds 3 bands", "times or sectors"}},
		{"half a year of rates", Spec{Path: withAxis(t, plain, "months since 2020-01-01", 0, 1, 2, 3, 4, 5), Period: "day"}, []string{"6 of 12 months", "2020-07", "scale"}},
	} {
		c.spec.Units = "tCO2"
		g := mustGrid(t, grid.Spec{Scheme: grid.Degrees})
		_, err := Load(context.Background(), c.spec, g, []grid.Cell{g.At(10.004, 49.996)}, nil)
		if !fault.IsInput(err) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: the message does not say %q:\n%v", c.name, w, err)
			}
		}
	}
}
