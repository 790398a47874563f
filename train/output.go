package train

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"opencarbon/data"
	"opencarbon/data/grid"
	"opencarbon/data/raster"
	"opencarbon/data/store"
	"opencarbon/train/atomicfile"
	"opencarbon/train/conformal"
	"opencarbon/train/mapfiles"
	"opencarbon/train/plots"
	"opencarbon/train/qgis"
	"opencarbon/train/runlog"
	"opencarbon/train/totals"
)

// Formats are what Predict can write.
var Formats = []string{"csv", "tif", "png", "gpkg", "geojson", "parquet", "nc", "xlsx", "stac"}

// writePredictions writes the members' ln emission [members][N] in each format
// asked for: their mean, spread and intervals. strange are their dissimilarity
// indices, nil for a member that has none.
func writePredictions(e ensemble, s *store.Store, members, strange [][]float64, known *knownTotals, o PredictOptions) (*Predictions, error) {
	c := e[0]
	ln, spread := combine(members)
	k, err := e.calibration()
	if err != nil {
		return nil, err
	}
	around, err := newBands(k, ln)
	if err != nil {
		return nil, err
	}
	p := &Predictions{Cells: len(ln), Unit: c.Header.TargetUnit}
	for _, b := range around {
		p.Intervals = append(p.Intervals, PredictionInterval{b.Level, math.Exp(b.Half)})
	}
	for _, y := range ln {
		p.Total += math.Exp(y)
	}
	model, why := e.sums()
	p.NoSum = why
	if model != nil {
		sum := model.Sums(placed(s, ln), []totals.Area{totals.Whole(len(ln))}, conformal.Levels())
		p.Sum, p.Correction = &sum[0], model.Correction.String()
	}
	x := estimate{ln: ln, corrected: corrected(model, ln), spread: spread, around: around}
	x.strange, x.inside = e.inDomain(strange)
	p.InDomain = x.shareInside()
	if err := known.apply(p, &x); err != nil {
		return nil, err
	}
	g, err := data.GridOf(s.Meta().Grid)
	if err != nil {
		return nil, err
	}
	rows, extra := predictionRows(newDataset(s), x), x.extra()
	cells := mapfiles.Cells{Grid: g, Rows: rows, Extra: extra, Unit: p.Unit, About: metadata(c, s, o.Known.Year)}
	for _, x := range s.Meta().Grid.InOnePiece(s.Cells()) {
		cells.Placed = append(cells.Placed, grid.Cell{Col: x.Col, Row: x.Row})
	}
	if known.set != nil {
		known.sum(p, model, s, x)
	}
	for _, f := range o.Formats {
		if f == "stac" { // catalogs all the others
			continue
		}
		path := filepath.Join(o.Out, "predictions."+f)
		switch f {
		case "csv":
			err = writeTable(path, p.Unit, rows, extra)
		case "tif":
			err = writeRaster(path, c, s, g, rasterBands(p.Unit, x), o.Known.Year)
			if err == nil {
				p.Files = append(p.Files, path)
				path, err = writeStyle(path, p.Unit, x)
			}
		case "png":
			if err := plots.Attempt(path, func() (*plots.Figure, error) { return plots.Maps(predictedMaps(s, x, p.Unit)) }); err != nil {
				p.Notes = append(p.Notes, err.Error()) // too many cells for a picture: the others say the same
				continue
			}
		case "parquet":
			err = cells.WriteGeoParquet(path)
		case "nc":
			err = cells.WriteNetCDF(path, o.Known.Year)
		case "xlsx":
			var more []mapfiles.Sheet
			if p.Areas != nil {
				more = append(more, p.areaSheet())
			}
			err = cells.WriteWorkbook(path, more...)
		default:
			err = writeCells(path, p.Unit, g, rows, extra, o.changed)
		}
		if err != nil {
			return nil, err
		}
		p.Files = append(p.Files, path)
	}
	if known.set != nil {
		if err := p.writeAreas(o.Out, known.set, o.changed); err != nil {
			return nil, err
		}
	}
	if o.Page {
		if err := p.writePage(c, s, g, rows, extra, known, o); err != nil {
			return nil, err
		}
	}
	if slices.Contains(o.Formats, "stac") {
		written := o.changed
		if written.IsZero() {
			written = time.Now()
		}
		path := filepath.Join(o.Out, STACFile)
		if err := cells.WriteSTAC(path, o.Known.Year, p.Files, stacModel(c), written); err != nil {
			return nil, err
		}
		p.Files = append(p.Files, path)
	}
	return p, nil
}

// estimate is what is known of N cells; what there is not is nil.
type estimate struct {
	ln        []float64 // predicted ln emission
	corrected []float64 // emission whose sums are right, in the unit
	scaled    []float64 // emission scaled to known totals, in the unit
	spread    []float64 // standard deviation of ln over an ensemble
	strange   []float64 // dissimilarity index
	inside    []bool    // within the domain of the model
	around    bands     // intervals of ln
}

// amounts are those that may be added up: scaled where totals are known, else
// corrected, else exp(ln).
func (x estimate) amounts() []float64 {
	switch {
	case x.scaled != nil:
		return x.scaled
	case x.corrected != nil:
		return x.corrected
	}
	return exp(x.ln)
}

// shareInside is the share of cells within the domain; NaN where it is not known.
func (x estimate) shareInside() float64 {
	n := 0
	for _, v := range x.inside {
		if v {
			n++
		}
	}
	return float64(n) / float64(len(x.inside)) // 0/0 is NaN
}

// flags are 1 within the domain and 0 outside, [N]; nil where it is not known.
func (x estimate) flags() []float64 {
	var v []float64
	for _, inside := range x.inside {
		if inside {
			v = append(v, 1)
		} else {
			v = append(v, 0)
		}
	}
	return v
}

func exp(ln []float64) []float64 {
	v := make([]float64, len(ln))
	for i, y := range ln {
		v[i] = math.Exp(y)
	}
	return v
}

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
func rasterBands(unit string, x estimate) []rasterBand {
	out := []rasterBand{{about: "predicted emission per cell (uncorrected, near the median), " + unit, values: exp(x.ln)}}
	for _, b := range x.around {
		if !math.IsNaN(b.Half) {
			out = append(out, rasterBand{about: fmt.Sprintf("lower end of the %g%% prediction interval, %s", 100*b.Level, unit), values: exp(b.Low)},
				rasterBand{about: fmt.Sprintf("upper end of the %g%% prediction interval, %s", 100*b.Level, unit), values: exp(b.High)})
		}
	}
	if x.spread != nil {
		out = append(out, rasterBand{about: "standard deviation of ln emission over the ensemble", values: x.spread, plain: true})
	}
	if x.corrected != nil {
		out = append(out, rasterBand{about: "corrected emission per cell (for sums), " + unit, values: x.corrected})
	}
	if x.scaled != nil {
		out = append(out, rasterBand{about: "emission per cell scaled to known totals, " + unit, values: x.scaled})
	}
	if x.inside != nil {
		out = append(out, rasterBand{about: "in_domain: 1 where cells are like the training cells, 0 where the model should not be trusted", values: x.flags(), plain: true},
			rasterBand{about: "dissimilarity index (Meyer and Pebesma 2021)", values: x.strange, plain: true})
	}
	return out
}

// writeRaster writes a cloud-optimized GeoTIFF in the grid's own CRS, one pixel
// a cell, the predicted emission in its first band.
func writeRaster(path string, c *Checkpoint, s *store.Store, g *grid.Grid, content []rasterBand, year string) error {
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
	unit := c.Header.TargetUnit
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
		Metadata:     metadata(c, s, year)})
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
func metadata(c *Checkpoint, s *store.Store, year string) map[string]string {
	m := map[string]string{
		"UNITS": c.Header.TargetUnit, "MODEL": "OpenCarbon, " + c.Header.Program, "CHECKPOINT": filepath.Base(c.Path),
		"CHECKPOINT_EPOCH": fmt.Sprint(c.Header.State.BestEpoch), "VALIDATION_R2": fmt.Sprintf("%.4f", c.Header.State.Best),
		"REGION": s.Meta().Name, "BAND_1": "predicted emission, near the median; add up the band of corrected emission instead",
	}
	if cfg, err := c.Experiment(); err == nil && cfg.Data.Emissions.Path != "" {
		m["TRAINED_ON"] = filepath.Base(cfg.Data.Emissions.Path)
	}
	if year != "" {
		m["YEAR"] = year
	}
	return m
}

// writeStyle writes the style of the map's first band beside it, and returns its
// path.
func writeStyle(path, unit string, x estimate) (string, error) {
	style := strings.TrimSuffix(path, filepath.Ext(path)) + ".qml"
	return style, atomicfile.WriteBytes(style, []byte(qgis.Raster(qgis.FineSteps(exp(x.ln)), shownUnit(unit))))
}

// shownUnit is a unit as legends have it.
func shownUnit(unit string) string {
	if unit == "proxy" {
		return ""
	}
	return unit
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
