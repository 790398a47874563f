package train

import (
	"fmt"
	"math"
	"path/filepath"

	"opencarbon/data/grid"
	"opencarbon/data/raster"
	"opencarbon/data/store"
	"opencarbon/train/runlog"
)

// Formats are what Predict can write.
var Formats = []string{"csv", "tif", "gpkg", "geojson"}

// writePredictions writes ln emission [N] in each format asked for.
func writePredictions(c *Checkpoint, s *store.Store, ln []float64, o PredictOptions) (*Predictions, error) {
	p := &Predictions{Cells: len(ln), Unit: c.Header.TargetUnit}
	for _, y := range ln {
		p.Total += math.Exp(y)
	}
	g, err := gridOf(s.Meta().Grid)
	if err != nil {
		return nil, err
	}
	for _, f := range o.Formats {
		path := filepath.Join(o.Out, "predictions."+f)
		switch f {
		case "csv":
			err = writeTable(path, p.Unit, predictionRows(newDataset(s), ln))
		case "tif":
			err = writeRaster(path, c, s, g, ln)
		default:
			err = writeCells(path, c, s, g, ln)
		}
		if err != nil {
			return nil, err
		}
		p.Files = append(p.Files, path)
	}
	return p, nil
}

func writeTable(path, unit string, rows []runlog.Prediction) error {
	w, err := runlog.CreatePredictions(path, unit)
	if err != nil {
		return err
	}
	defer w.Abort()
	for _, r := range rows {
		if err := w.Write(r); err != nil {
			return err
		}
	}
	return w.Close()
}

// gridOf makes a store's grid again.
func gridOf(m store.GridSpec) (*grid.Grid, error) {
	spec := grid.Spec{Scheme: m.Scheme, Zoom: m.Zoom, EPSG: m.EPSG}
	switch m.Scheme {
	case grid.Degrees:
		spec.CellDegrees, spec.EPSG = m.CellSize, 0
	case grid.Projected:
		spec.CellMetres = m.CellSize
	default:
		spec.EPSG = 0
	}
	return grid.New(spec)
}

// maxMapPixels bounds the map of cells that lie far apart.
const maxMapPixels = 1 << 30

// writeRaster writes a cloud-optimized GeoTIFF in the grid's own CRS, one pixel
// a cell: the predicted emission.
func writeRaster(path string, c *Checkpoint, s *store.Store, g *grid.Grid, ln []float64) error {
	cells := s.Cells()
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
	unit := c.Header.TargetUnit
	out, err := raster.Create(path, raster.Spec{Width: w, Height: h, Bands: 1, DType: raster.Float32, COG: true, CRS: g.CRS(),
		GeoTransform: raster.North(west, north, (east-west)/float64(w), (north-south)/float64(h)), Nodata: &nodata, Unit: unit,
		Descriptions: []string{"predicted emission per cell, " + unit},
		Metadata: map[string]string{
			"UNITS": unit, "MODEL": "OpenCarbon, " + c.Header.Program, "CHECKPOINT": filepath.Base(c.Path),
			"CHECKPOINT_EPOCH": fmt.Sprint(c.Header.State.BestEpoch), "VALIDATION_R2": fmt.Sprintf("%.4f", c.Header.State.Best),
			"REGION": s.Meta().Name,
		}})
	if err != nil {
		return err
	}
	defer out.Abort()
	amount := make([]float32, w*h)
	for i := range amount {
		amount[i] = float32(nodata)
	}
	for i, x := range cells {
		amount[int(x.Row-low.Row)*w+int(x.Col-low.Col)] = float32(math.Exp(ln[i]))
	}
	if err := raster.Write(out, 1, 0, 0, w, h, amount); err != nil {
		return err
	}
	return out.Close()
}

// writeCells writes the cells as polygons in the grid's CRS (GeoJSON: WGS84, as
// its standard asks).
func writeCells(path string, c *Checkpoint, s *store.Store, g *grid.Grid, ln []float64) error {
	crs := g.CRS()
	wgs84 := filepath.Ext(path) == ".geojson"
	var to *raster.Transform
	if wgs84 {
		var err error
		if to, err = raster.NewTransform(crs, grid.WGS84()); err != nil {
			return err
		}
		defer to.Close()
		crs = grid.WGS84()
	}
	unit := c.Header.TargetUnit
	out, err := raster.CreateVector(path, raster.VectorSpec{Layer: "predictions", CRS: crs, Fields: []raster.Field{
		{Name: "cell", Type: raster.Text}, {Name: "lon", Type: raster.Real}, {Name: "lat", Type: raster.Real},
		{Name: "emission", Type: raster.Real}, {Name: "ln_emission", Type: raster.Real}, {Name: "unit", Type: raster.Text},
	}})
	if err != nil {
		return err
	}
	defer out.Abort()
	lonlat := s.LonLat()
	for i, x := range s.Cells() {
		w, so, e, n := g.Bounds(grid.Cell{Col: x.Col, Row: x.Row})
		xs, ys := []float64{w, e, e, w, w}, []float64{so, so, n, n, so}
		if to != nil {
			if err := to.Points(xs, ys); err != nil {
				return err
			}
		}
		ring := make([][2]float64, len(xs))
		for k := range xs {
			ring[k] = [2]float64{xs[k], ys[k]}
		}
		name := grid.Cell{Col: x.Col, Row: x.Row}.String()
		if err := out.Add(raster.Geometry{Polygons: []raster.Polygon{{ring}}}, name, lonlat[2*i], lonlat[2*i+1], math.Exp(ln[i]), ln[i], unit); err != nil {
			return err
		}
	}
	return out.Close()
}
