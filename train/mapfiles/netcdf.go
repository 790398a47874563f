package mapfiles

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/raster"
	"opencarbon/train/atomicfile"
	"opencarbon/train/netcdf"
)

// NetCDFUnit is the only unit of amounts that WriteNetCDF can turn into a flux.
const NetCDFUnit = "tCO2/yr"

// standardName is CF's name of the quantity (Standard Name Table, kg m-2 s-1).
const standardName = "tendency_of_atmosphere_mass_content_of_carbon_dioxide_due_to_emission"

// meanYear is the seconds of a year where it is not known which: 365.2425 days.
const meanYear = 365.2425 * 86400

var fourDigits = regexp.MustCompile(`^[0-9]{4}$`)

// period is the year as seconds and, where it is known, its days.
func period(year string) (seconds float64, days int) {
	if year = strings.TrimSpace(year); !fourDigits.MatchString(year) {
		return meanYear, 0
	}
	y, _ := strconv.Atoi(year)
	days = time.Date(y, 12, 31, 0, 0, 0, 0, time.UTC).YearDay()
	return float64(days) * 86400, days
}

// WriteNetCDF writes the cells as fluxes in kg m-2 s-1 by the CF conventions
// (1.10): the columns of amounts of predictions.csv with _flux for the unit, each
// cell's area, in_domain and dissimilarity, on the axes of the grid with their
// bounds. A cell's amount in a year is its flux times its area times the seconds
// of the year. year gives the time axis; where it is no year of four digits there
// is none. A unit that is no mass is a *fault.Input.
func (c *Cells) WriteNetCDF(path, year string) error {
	if c.Unit != NetCDFUnit {
		return fault.New(path, fmt.Sprintf("holds fluxes of CO2, but the predictions are in %q", c.Unit), "Leave the format nc out.")
	}
	f, err := c.netCDF(path, strings.TrimSpace(year))
	if err != nil {
		return err
	}
	return atomicfile.Write(path, f.Write)
}

// window is the smallest block of the grid that has all cells: width w, height h,
// and where in it each cell lies, rows from the south.
type window struct {
	west, south int64 // col of the first column; row of the southernmost one
	w, h        int
	at          []int // [N] y*w + x
}

// window finds it. corners is how many numbers a cell has in the largest variable.
func (c *Cells) window(path string, corners int) (*window, error) {
	cells := c.placed()
	if len(cells) == 0 {
		return nil, fmt.Errorf("%s: no cells to write", path)
	}
	low, high := cells[0], cells[0]
	for _, x := range cells {
		low.Col, low.Row = min(low.Col, x.Col), min(low.Row, x.Row)
		high.Col, high.Row = max(high.Col, x.Col), max(high.Row, x.Row)
	}
	w, h := high.Col-low.Col+1, high.Row-low.Row+1
	if w > netcdf.MaxBytes/8/int64(corners)/h || max(math.Abs(float64(low.Col)), float64(high.Col), math.Abs(float64(low.Row)), float64(high.Row)) > math.MaxInt32 {
		return nil, fault.New(path, fmt.Sprintf("the cells span %d x %d cells, too far apart for one raster", w, h), "Ask for parquet, gpkg or csv.")
	}
	v := &window{west: low.Col, south: high.Row, w: int(w), h: int(h), at: make([]int, len(cells))}
	for i, x := range cells {
		v.at[i] = int(v.south-x.Row)*v.w + int(x.Col-v.west)
	}
	return v, nil
}

// spread puts values of cells on the block; elsewhere there is NaN.
func (v *window) spread(values func(i int) float64) netcdf.Later {
	return netcdf.Later{N: v.w * v.h, Make: func() ([]float64, error) {
		out := make([]float64, v.w*v.h)
		for i := range out {
			out[i] = math.NaN()
		}
		for i, k := range v.at {
			out[k] = values(i)
		}
		return out, nil
	}}
}

type attributes = []netcdf.Attribute

func (c *Cells) netCDF(path, year string) (*netcdf.File, error) {
	corners := 4
	if c.Grid.CRS().Geographic() {
		corners = 1
	}
	v, err := c.window(path, corners)
	if err != nil {
		return nil, err
	}
	m, err := c.Grid.NewMeasure()
	if err != nil {
		return nil, err
	}
	defer m.Close()
	seconds, days := period(year)
	f := &netcdf.File{Attributes: attributes{
		{Name: "Conventions", Value: "CF-1.10"}, {Name: "title", Value: "Carbon dioxide emissions predicted per cell"},
		{Name: "source", Value: "OpenCarbon, a model trained on an emission inventory"},
		{Name: "comment", Value: "a cell's emission in a year, kg = flux * cell_area * seconds_per_year; the key of other tables, cell, is col_row"},
		{Name: "seconds_per_year", Value: seconds},
	}}
	for _, name := range slices.Sorted(maps.Keys(c.About)) {
		if name != "UNITS" && name != "BAND_1" { // of the GeoTIFF; variables say theirs
			f.Attributes = append(f.Attributes, netcdf.Attribute{Name: strings.ToLower(name), Value: c.About[name]})
		}
	}
	var over []string
	if days > 0 {
		f.Dims, over = append(f.Dims, netcdf.Dim{Name: "time", Length: 1}), []string{"time"}
		f.Variables = append(f.Variables, netcdf.Variable{Name: "time", Dims: over, Values: []float64{float64(days) / 2}, Attributes: attributes{
			{Name: "standard_name", Value: "time"}, {Name: "long_name", Value: "middle of the year"}, {Name: "units", Value: "days since " + year + "-01-01 00:00:00"},
			{Name: "calendar", Value: "standard"}, {Name: "axis", Value: "T"}, {Name: "bounds", Value: "time_bnds"}}},
			netcdf.Variable{Name: "time_bnds", Dims: []string{"time", "bnds"}, Values: []float64{0, float64(days)}})
	}
	axes, place, err := c.axes(v, f)
	if err != nil {
		return nil, err
	}
	over = append(over, axes...)
	areas, err := m.Areas(c.cells())
	if err != nil {
		return nil, err
	}
	const m2 = 1e6 // in a km2
	f.Variables = append(f.Variables, netcdf.Variable{Name: "cell_area", Dims: axes, Values: v.spread(func(i int) float64 { return m2 * areas[i] }),
		Attributes: append(attributes{{Name: "standard_name", Value: "cell_area"}, {Name: "long_name", Value: "area on the WGS84 ellipsoid"}, {Name: "units", Value: "m2"},
			{Name: "_FillValue", Value: math.NaN()}}, place...)})
	columns, suffix := c.numbers(), "_"+strings.ReplaceAll(c.Unit, "/", "_per_")
	for k, name := range c.Extra.Columns(c.Unit) {
		number := func(i int) float64 { return columns[k][i] }
		switch {
		case strings.HasSuffix(name, suffix):
			const kg = 1e3 // in a tonne
			flux := strings.TrimSuffix(name, suffix)
			a := attributes{{Name: "long_name", Value: meaning(flux)}, {Name: "standard_name", Value: standardName}, {Name: "units", Value: "kg m-2 s-1"},
				{Name: "_FillValue", Value: math.NaN()}, {Name: "cell_measures", Value: "area: cell_area"}}
			if days > 0 {
				a = append(a, netcdf.Attribute{Name: "cell_methods", Value: "time: mean area: mean"})
			}
			f.Variables = append(f.Variables, netcdf.Variable{Name: flux + "_flux", Dims: over, Attributes: append(a, place...),
				Values: v.spread(func(i int) float64 { return number(i) * kg / (m2 * areas[i] * seconds) })})
		case name == "in_domain":
			flags := make([]int8, v.w*v.h)
			for i := range flags {
				flags[i] = -1
			}
			for i, at := range v.at {
				flags[at] = int8(number(i))
			}
			f.Variables = append(f.Variables, netcdf.Variable{Name: name, Dims: axes, Values: flags, Attributes: append(attributes{
				{Name: "long_name", Value: meaning(name)}, {Name: "units", Value: "1"}, {Name: "_FillValue", Value: int8(-1)}}, place...)})
		case name == "dissimilarity", name == "ln_spread":
			f.Variables = append(f.Variables, netcdf.Variable{Name: name, Dims: axes, Values: v.spread(number), Attributes: append(attributes{
				{Name: "long_name", Value: meaning(name)}, {Name: "units", Value: "1"}, {Name: "_FillValue", Value: math.NaN()}}, place...)})
		}
	}
	return f, nil
}

// axes adds the grid to f: dimensions, coordinates with their bounds, the grid's
// own numbers (col, row), and the CRS. It returns the dimensions of a map and what
// its variables say of their place. Cells of a projected grid have their longitude
// and latitude, of centers and of corners, beside its axes.
func (c *Cells) axes(v *window, f *netcdf.File) (dims []string, place attributes, err error) {
	crs := c.Grid.CRS()
	x, y := axis{name: "x", standard: "projection_x_coordinate", units: "m", letter: "X"}, axis{name: "y", standard: "projection_y_coordinate", units: "m", letter: "Y"}
	if crs.Geographic() {
		x, y = axis{name: "lon", standard: "longitude", units: "degrees_east", letter: "X"}, axis{name: "lat", standard: "latitude", units: "degrees_north", letter: "Y"}
	} else if k := crs.Metres(); k != 1 {
		x.units, y.units = fmt.Sprintf("%g m", k), fmt.Sprintf("%g m", k)
	}
	cols, rows := make([]int32, v.w), make([]int32, v.h)
	for i := range v.w {
		w, _, e, _ := c.Grid.Bounds(grid.Cell{Col: v.west + int64(i), Row: v.south})
		x.edges, cols[i] = append(x.edges, w, e), int32(v.west+int64(i))
	}
	for i := range v.h {
		_, s, _, n := c.Grid.Bounds(grid.Cell{Col: v.west, Row: v.south - int64(i)})
		y.edges, rows[i] = append(y.edges, s, n), int32(v.south-int64(i))
	}
	f.Dims = append(f.Dims, netcdf.Dim{Name: y.name, Length: v.h}, netcdf.Dim{Name: x.name, Length: v.w}, netcdf.Dim{Name: "bnds", Length: 2})
	f.Variables = append(append(append(f.Variables, y.variables()...), x.variables()...),
		netcdf.Variable{Name: "col", Dims: []string{x.name}, Values: cols, Attributes: attributes{{Name: "long_name", Value: "column of the grid, eastward"}}},
		netcdf.Variable{Name: "row", Dims: []string{y.name}, Values: rows, Attributes: attributes{{Name: "long_name", Value: "row of the grid, southward"}}})
	mapping, err := gridMapping(crs)
	if err != nil {
		return nil, nil, err
	}
	f.Variables = append(f.Variables, netcdf.Variable{Name: "crs", Values: []int32{0}, Attributes: mapping})
	dims, place = []string{y.name, x.name}, attributes{{Name: "grid_mapping", Value: "crs"}}
	if crs.Geographic() {
		return dims, place, nil
	}
	f.Dims = append(f.Dims, netcdf.Dim{Name: "corners", Length: 4})
	for k, a := range []axis{{name: "lat", standard: "latitude", units: "degrees_north"}, {name: "lon", standard: "longitude", units: "degrees_east"}} {
		place := func(px, py func(w, e, s, n float64) []float64, per int) netcdf.Later {
			return netcdf.Later{N: per * v.w * v.h, Make: func() ([]float64, error) { return lonLat(crs, x.edges, y.edges, px, py, k == 1) }}
		}
		center := place(func(w, e, _, _ float64) []float64 { return []float64{(w + e) / 2} }, func(_, _, s, n float64) []float64 { return []float64{(s + n) / 2} }, 1)
		corners := place(func(w, e, _, _ float64) []float64 { return []float64{w, e, e, w} }, func(_, _, s, n float64) []float64 { return []float64{s, s, n, n} }, 4)
		f.Variables = append(f.Variables, netcdf.Variable{Name: a.name, Dims: dims, Values: center, Attributes: attributes{{Name: "standard_name", Value: a.standard},
			{Name: "long_name", Value: a.standard}, {Name: "units", Value: a.units}, {Name: "bounds", Value: a.name + "_bnds"}}},
			netcdf.Variable{Name: a.name + "_bnds", Dims: append(append([]string{}, dims...), "corners"), Values: corners})
	}
	return dims, append(place, netcdf.Attribute{Name: "coordinates", Value: "lat lon"}), nil
}

// lonLat are longitudes, or latitudes, of points of each cell, row by row: px and py
// are those of a cell with these edges, counterclockwise.
func lonLat(crs *raster.CRS, xEdges, yEdges []float64, px, py func(w, e, s, n float64) []float64, longitude bool) ([]float64, error) {
	to, err := raster.NewTransform(crs, grid.WGS84())
	if err != nil {
		return nil, err
	}
	defer to.Close()
	var out []float64
	for j := 0; j < len(yEdges); j += 2 {
		var x, y []float64
		for i := 0; i < len(xEdges); i += 2 {
			w, e, s, n := xEdges[i], xEdges[i+1], yEdges[j], yEdges[j+1]
			x, y = append(x, px(w, e, s, n)...), append(y, py(w, e, s, n)...)
		}
		if err := to.Points(x, y); err != nil {
			return nil, err
		}
		if longitude {
			y = x
		}
		out = append(out, y...)
	}
	return out, nil
}

// axis is a coordinate: the lower and upper edge of each of its cells.
type axis struct {
	name, standard, units, letter string
	edges                         []float64
}

func (a axis) variables() []netcdf.Variable {
	centers := make([]float64, len(a.edges)/2)
	for i := range centers {
		centers[i] = (a.edges[2*i] + a.edges[2*i+1]) / 2
	}
	return []netcdf.Variable{
		{Name: a.name, Dims: []string{a.name}, Values: centers, Attributes: attributes{{Name: "standard_name", Value: a.standard}, {Name: "long_name", Value: strings.ReplaceAll(a.standard, "_", " ")},
			{Name: "units", Value: a.units}, {Name: "axis", Value: a.letter}, {Name: "bounds", Value: a.name + "_bnds"}}},
		{Name: a.name + "_bnds", Dims: []string{a.name, "bnds"}, Values: a.edges},
	}
}
