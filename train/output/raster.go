package output

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"opencarbon/data/grid"
	"opencarbon/data/raster"
	"opencarbon/data/store"
	"opencarbon/train/atomicfile"
	"opencarbon/train/qgis"
)

// maxMapPixels bounds the map of cells that lie far apart.
const maxMapPixels = 1 << 30

// rasterBand is a band of the map: a number per cell.
type rasterBand struct {
	about  string
	values []float64 // [N]
	plain  bool      // a number without the unit of emissions
}

// rasterBands are the predicted emission, the ends of its intervals, and what
// else there is: of an ensemble the standard deviation of ln emission, the
// corrected emission and the scaled one.
func rasterBands(unit string, x Estimate) []rasterBand {
	out := []rasterBand{{about: "predicted emission per cell (uncorrected, near the median), " + unit, values: exp(x.Ln)}}
	for _, b := range x.Bands {
		if b.finite() {
			out = append(out, rasterBand{about: fmt.Sprintf("lower end of the %g%% prediction interval, %s", 100*b.Level, unit), values: exp(b.Low)},
				rasterBand{about: fmt.Sprintf("upper end of the %g%% prediction interval, %s", 100*b.Level, unit), values: exp(b.High)})
		}
	}
	if x.Spread != nil {
		out = append(out, rasterBand{about: "standard deviation of ln emission over the ensemble", values: x.Spread, plain: true})
	}
	if x.Corrected != nil {
		out = append(out, rasterBand{about: "corrected emission per cell (for sums), " + unit, values: x.Corrected})
	}
	if x.Scaled != nil {
		out = append(out, rasterBand{about: "emission per cell scaled to known totals, " + unit, values: x.Scaled})
	}
	if x.Inside != nil {
		out = append(out, rasterBand{about: "in_domain: 1 where cells are like the training cells, 0 where the model should not be trusted", values: x.flags(), plain: true},
			rasterBand{about: "dissimilarity index (Meyer and Pebesma 2021)", values: x.Dissimilarity, plain: true})
	}
	return out
}

// writeRaster writes a cloud-optimized GeoTIFF in the grid's own CRS, one pixel
// a cell, the predicted emission in its first band.
func writeRaster(path string, m Model, s *store.Store, g *grid.Grid, content []rasterBand, year string) error {
	cells := s.Meta().Grid.InOnePiece(s.Cells()) // over the antimeridian: east of 180 degrees
	low, high := cells[0], cells[0]
	for _, x := range cells {
		low.Col, low.Row = min(low.Col, x.Col), min(low.Row, x.Row)
		high.Col, high.Row = max(high.Col, x.Col), max(high.Row, x.Row)
	}
	w, h := int(high.Col-low.Col+1), int(high.Row-low.Row+1)
	if w > maxMapPixels/h {
		return fmt.Errorf("%s: the cells span %d x %d cells, too far apart for one raster; ask for gpkg or csv", path, w, h)
	}
	west, _, _, north := g.Bounds(grid.Cell{Col: low.Col, Row: low.Row})
	_, south, east, _ := g.Bounds(grid.Cell{Col: high.Col, Row: high.Row})
	nodata := math.NaN()
	unit := m.Unit
	var descriptions, units []string
	for _, b := range content {
		descriptions = append(descriptions, b.about)
		if b.plain {
			units = append(units, "")
		} else {
			units = append(units, unit)
		}
	}
	out, err := raster.Create(path, raster.Spec{Statistics: true, Width: w, Height: h, Bands: len(content), DType: raster.Float32, COG: true, CRS: g.CRS(),
		GeoTransform: raster.North(west, north, (east-west)/float64(w), (north-south)/float64(h)), Nodata: &nodata, Units: units,
		Descriptions: descriptions,
		Metadata:     metadata(m, s, year)})
	if err != nil {
		return err
	}
	defer out.Abort()
	pixels := make([]float32, w*h)
	for i := range pixels {
		pixels[i] = float32(nodata)
	}
	for k, b := range content {
		for i, x := range cells {
			pixels[int(x.Row-low.Row)*w+int(x.Col-low.Col)] = float32(b.values[i])
		}
		if err := raster.Write(out, k+1, 0, 0, w, h, pixels); err != nil {
			return err
		}
	}
	return out.Close()
}

// metadata says what a map is of, and by which model.
func metadata(m Model, s *store.Store, year string) map[string]string {
	about := map[string]string{
		"UNITS": m.Unit, "MODEL": "OpenCarbon, " + m.Program, "CHECKPOINT": filepath.Base(m.Path),
		"CHECKPOINT_EPOCH": fmt.Sprint(m.Epoch), "VALIDATION_R2": fmt.Sprintf("%.4f", m.R2),
		"REGION": s.Meta().Name, "BAND_1": "predicted emission, near the median; add up the band of corrected emission instead",
	}
	if m.Inventory != "" {
		about["TRAINED_ON"] = filepath.Base(m.Inventory)
	}
	if year != "" {
		about["YEAR"] = year
	}
	return about
}

// writeStyle writes the style of the map's first band beside it, and returns its
// path.
func writeStyle(path, unit string, x Estimate) (string, error) {
	style := strings.TrimSuffix(path, filepath.Ext(path)) + ".qml"
	return style, atomicfile.WriteBytes(style, []byte(qgis.Raster(qgis.FineSteps(exp(x.Ln)), shownUnit(unit))))
}

// shownUnit is a unit as legends have it.
func shownUnit(unit string) string {
	if unit == "proxy" {
		return ""
	}
	return unit
}
