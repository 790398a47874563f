package mapfiles

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/raster"
)

// GDAL finds every cell where the grid has it, and flux times area times seconds is
// the cell's emission: of each cell, hence in all.
func TestNetCDF(t *testing.T) {
	for name, x := range grids {
		for _, year := range []string{"2024", ""} {
			c := cells(t, x.spec, x.first)
			c.About = map[string]string{"REGION": "nowhere"}
			path := filepath.Join(t.TempDir(), "p.nc")
			if err := c.WriteNetCDF(path, year); err != nil {
				t.Fatal(name, err)
			}
			read := func(variable string) (*raster.Dataset, []float64) {
				d, err := raster.Open(fmt.Sprintf("NETCDF:%q:%s", path, variable), raster.Options{})
				if err != nil {
					t.Fatal(name, err)
				}
				v := make([]float64, d.Width()*d.Height())
				if err := d.Read(1, 0, 0, d.Width(), d.Height(), v); err != nil {
					t.Fatal(name, variable, err)
				}
				return d, v
			}
			d, flux := read("corrected_flux")
			defer d.Close()
			areas, area := read("cell_area")
			defer areas.Close()
			low, lows := read("low_90_flux")
			defer low.Close()
			if d.Width() != 4 || d.Height() != 3 || !d.CRS().Same(c.Grid.CRS()) {
				t.Errorf("%s: %d x %d cells in %s", name, d.Width(), d.Height(), d.CRS())
			}
			gt, _ := d.GeoTransform()
			seconds := 366 * 86400.0
			if year == "" {
				seconds = 365.2425 * 86400
			}
			found := 0
			for _, v := range flux {
				if !math.IsNaN(v) {
					found++
				}
			}
			for i, r := range c.Rows {
				w, s, e, n := c.bounds(r)
				col, row := int(math.Round((w-gt[0])/gt[1])), int(math.Round((n-gt[3])/gt[5]))
				if math.Abs(gt[0]+gt[1]*float64(col+1)-e) > 1e-6*(e-w) || math.Abs(gt[3]+gt[5]*float64(row+1)-s) > 1e-6*(n-s) {
					t.Errorf("%s: the map has no cell at %g to %g, %g to %g", name, w, e, s, n)
				}
				k := row*d.Width() + col
				if got := flux[k] * area[k] * seconds / 1e3; math.Abs(got/r.Corrected-1) > 1e-12 {
					t.Errorf("%s: cell %d emits %g t, not %g", name, i, got, r.Corrected)
				}
				if got := lows[k] * area[k] * seconds / 1e3; math.Abs(got/math.Exp(r.Low[0])-1) > 1e-12 {
					t.Errorf("%s: cell %d emits at least %g t, not %g", name, i, got, math.Exp(r.Low[0]))
				}
			}
			if found != len(c.Rows) {
				t.Errorf("%s: %d cells of %d", name, found, len(c.Rows))
			}
		}
	}
}

func TestPeriod(t *testing.T) {
	for year, want := range map[string]int{"2023": 365, "2024": 366, " 2100 ": 365, "2000": 366, "": 0, "23": 0, "2019-2020": 0} {
		if s, days := period(year); days != want || want > 0 && s != float64(want)*86400 || want == 0 && s != meanYear {
			t.Errorf("%q: %g seconds, %d days", year, s, days)
		}
	}
}

func TestNoFlux(t *testing.T) {
	dir := t.TempDir()
	c := cells(t, grids["xyz"].spec, grids["xyz"].first)
	c.Unit = "proxy"
	if err := c.WriteNetCDF(filepath.Join(dir, "p.nc"), ""); !fault.IsInput(err) {
		t.Error(err)
	}
	c.Unit = NetCDFUnit
	c.Placed = c.cells()
	c.Placed[0] = grid.Cell{Col: -1 << 30, Row: 1 << 30}
	if err := c.WriteNetCDF(filepath.Join(dir, "p.nc"), ""); !fault.IsInput(err) {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Error(left, err)
	}
}

// As pyproj's CRS.to_cf has them, less what CF leaves free.
func TestGridMapping(t *testing.T) {
	const name = "grid_mapping_name"
	utm := map[string]any{"semi_major_axis": 6378137.0, "inverse_flattening": 298.257223563, name: "transverse_mercator", "latitude_of_projection_origin": 0.0,
		"longitude_of_central_meridian": 141.0, "false_easting": 500000.0, "false_northing": 0.0, "scale_factor_at_central_meridian": 0.9996}
	for code, want := range map[string]map[string]any{
		"EPSG:4326":  {"semi_major_axis": 6378137.0, "inverse_flattening": 298.257223563, name: "latitude_longitude"},
		"EPSG:32654": utm,
		"EPSG:3857": {"earth_radius": 6378137.0, name: "mercator", "longitude_of_projection_origin": 0.0, "false_easting": 0.0, "false_northing": 0.0,
			"standard_parallel": []float64{0}},
		"EPSG:3035": {"semi_major_axis": 6378137.0, "inverse_flattening": 298.257222101, name: "lambert_azimuthal_equal_area", "latitude_of_projection_origin": 52.0,
			"longitude_of_projection_origin": 10.0, "false_easting": 4321000.0, "false_northing": 3210000.0},
		"EPSG:2154": {"semi_major_axis": 6378137.0, "inverse_flattening": 298.257222101, name: "lambert_conformal_conic", "standard_parallel": []float64{49, 44},
			"latitude_of_projection_origin": 46.5, "longitude_of_central_meridian": 3.0, "false_easting": 700000.0, "false_northing": 6600000.0},
		"EPSG:5070": {"semi_major_axis": 6378137.0, "inverse_flattening": 298.257222101, name: "albers_conical_equal_area", "standard_parallel": []float64{29.5, 45.5},
			"latitude_of_projection_origin": 23.0, "longitude_of_central_meridian": -96.0, "false_easting": 0.0, "false_northing": 0.0},
		"EPSG:3413": {"semi_major_axis": 6378137.0, "inverse_flattening": 298.257223563, name: "polar_stereographic", "standard_parallel": []float64{70},
			"latitude_of_projection_origin": 90.0, "straight_vertical_longitude_from_pole": -45.0, "false_easting": 0.0, "false_northing": 0.0},
		"EPSG:3375": {}, // oblique Mercator: WKT alone
	} {
		crs, err := raster.ParseCRS(code)
		if err != nil {
			t.Fatal(err)
		}
		a, err := gridMapping(crs)
		if err != nil {
			t.Fatal(code, err)
		}
		got := map[string]any{}
		for _, x := range a {
			got[x.Name] = x.Value
		}
		if got["crs_wkt"] != crs.WKT() {
			t.Errorf("%s: WKT %v", code, got["crs_wkt"])
		}
		if len(got) != len(want)+2 {
			t.Errorf("%s: %v", code, got)
		}
		for k, w := range want {
			list, ok := w.([]float64)
			have, _ := got[k].([]float64)
			if ok && !slices.Equal(list, have) || !ok && got[k] != w {
				t.Errorf("%s: %s is %v, not %v", code, k, got[k], w)
			}
		}
	}
}

// Every column of amounts has words to go with it.
func TestMeanings(t *testing.T) {
	c := cells(t, grids["xyz"].spec, grids["xyz"].first)
	c.Extra.Scaled, c.Extra.Spread = true, true
	for _, name := range c.Extra.Columns(c.Unit) {
		if meaning(name) == "" {
			t.Errorf("%s has no meaning", name)
		}
	}
}
