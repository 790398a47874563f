package output

import (
	"path/filepath"
	"time"

	"opencarbon/data/grid"
	"opencarbon/data/raster"
	"opencarbon/train/qgis"
	"opencarbon/train/runlog"
)

func writeTable(path, unit string, rows []runlog.Prediction, x runlog.Extra) error {
	w, err := runlog.CreatePredictions(path, unit, x)
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

// writeCells writes the cells as polygons in the grid's CRS (GeoJSON: WGS84, as
// its standard asks), with the columns of predictions.csv.
func writeCells(path, unit string, g *grid.Grid, rows []runlog.Prediction, x runlog.Extra, changed time.Time) error {
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
	var fields []raster.Field
	for i, v := range (runlog.Prediction{Low: make([]float64, len(x.Levels)), High: make([]float64, len(x.Levels))}).Values(x) {
		kind := raster.Real
		switch v.(type) {
		case string:
			kind = raster.Text
		case int64:
			kind = raster.Integer
		}
		fields = append(fields, raster.Field{Name: x.Columns(unit)[i], Type: kind})
	}
	var ln []float64
	for _, r := range rows {
		ln = append(ln, r.Predicted)
	}
	const predicted = 9 // the column that the style shows
	spec := raster.VectorSpec{Layer: "predictions", CRS: crs, Fields: fields, Changed: changed,
		Style: qgis.Polygons(fields[predicted].Name, qgis.FineSteps(exp(ln)), shownUnit(unit), false)}
	if wgs84 {
		spec.Options = map[string]string{"RFC7946": "YES", "COORDINATE_PRECISION": "7"} // a centimeter, and no crs member
	}
	out, err := raster.CreateVector(path, spec)
	if err != nil {
		return err
	}
	defer out.Abort()
	for _, r := range rows {
		w, so, e, n := g.Bounds(grid.Cell{Col: r.Col, Row: r.Row})
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
		if err := out.Add(raster.Geometry{Polygons: []raster.Polygon{{ring}}}, r.Values(x)...); err != nil {
			return err
		}
	}
	return out.Close()
}
