package runlog

import (
	"bufio"
	"encoding/csv"
	"math"
	"strconv"
	"strings"

	"opencarbon/train/atomicfile"
)

// Prediction is a line of predictions.csv, and a cell of the other formats.
type Prediction struct {
	Col, Row      int64     // place in the grid; col eastward, row southward; "col_row" is the key of all tables
	Lon, Lat      float64   // center, degrees WGS84
	Split         string    // train, validation, test or none
	True          float64   // ln emission; NaN where there is none
	Predicted     float64   // ln emission
	Corrected     float64   // emission whose sums are right, in the unit (not ln)
	Scaled        float64   // emission scaled to known totals, in the unit
	Dissimilarity float64   // from the training cells
	InDomain      bool      // near enough to them
	Spread        float64   // standard deviation over an ensemble, ln emission
	Low, High     []float64 // ends of the prediction intervals, ln emission, one per level
}

// Extra are the columns that a table has beside the usual ones.
type Extra struct {
	Corrected bool      // corrected_<unit>
	Domain    bool      // dissimilarity, in_domain (1 or 0)
	Scaled    bool      // scaled_<unit>
	Spread    bool      // ln_spread
	Levels    []float64 // of prediction intervals, e.g. 0.9: low_90_<unit>, high_90_<unit>
}

// Predictions is a predictions.csv in the making; it appears when it is closed.
type Predictions struct {
	file *atomicfile.File
	buf  *bufio.Writer
	csv  *csv.Writer
	x    Extra
	as   []string // names of the columns
}

// CreatePredictions begins the table at path. unit is the store's target unit,
// such as "tCO2/yr", and names the columns of amounts (true_tCO2_per_yr,
// predicted_tCO2_per_yr); for "proxy" or none they are true_proxy and so on.
// predicted is exp of ln_predicted, near the median; what is to be added up is
// corrected (package totals).
func CreatePredictions(path, unit string, x Extra) (*Predictions, error) {
	f, err := atomicfile.Create(path)
	if err != nil {
		return nil, err
	}
	p := &Predictions{file: f, buf: bufio.NewWriterSize(f, 1<<16), x: x, as: x.Columns(unit)}
	p.csv = csv.NewWriter(p.buf)
	return p, p.csv.Write(p.as)
}

// Columns are the names of the columns, the same in every format that holds
// predictions: predictions.csv, GeoPackage, GeoJSON. A list of splits has the
// same cell, col, row and split, so that each of them is one. unit is as in
// CreatePredictions.
func (x Extra) Columns(unit string) []string {
	if unit == "" {
		unit = "proxy"
	}
	unit = strings.ReplaceAll(unit, "/", "_per_")
	names := []string{"cell", "col", "row", "lon", "lat", "split", "ln_true", "ln_predicted", "true_" + unit, "predicted_" + unit}
	if x.Corrected {
		names = append(names, "corrected_"+unit)
	}
	if x.Scaled {
		names = append(names, "scaled_"+unit)
	}
	if x.Domain {
		names = append(names, "dissimilarity", "in_domain")
	}
	if x.Spread {
		names = append(names, "ln_spread")
	}
	for _, level := range x.Levels {
		percent := strconv.FormatFloat(100*level, 'g', 4, 64)
		names = append(names, "low_"+percent+"_"+unit, "high_"+percent+"_"+unit)
	}
	return names
}

// Values are p's values under Columns: string, int64 or float64, NaN where there
// is none.
func (p Prediction) Values(x Extra) []any {
	values := []any{Key(p.Col, p.Row), p.Col, p.Row, p.Lon, p.Lat, p.Split, finite(p.True), finite(p.Predicted), amount(p.True), amount(p.Predicted)}
	if x.Corrected {
		values = append(values, finite(p.Corrected))
	}
	if x.Scaled {
		values = append(values, finite(p.Scaled))
	}
	if x.Domain {
		inside := int64(0)
		if p.InDomain {
			inside = 1
		}
		values = append(values, finite(p.Dissimilarity), inside)
	}
	if x.Spread {
		values = append(values, finite(p.Spread))
	}
	for k := range x.Levels {
		values = append(values, amount(p.Low[k]), amount(p.High[k]))
	}
	return values
}

// Key names a cell in every table: "col_row".
func Key(col, row int64) string {
	return strconv.FormatInt(col, 10) + "_" + strconv.FormatInt(row, 10)
}

// amount is the emission of ln emission.
func amount(ln float64) float64 { return finite(math.Exp(ln)) }

// finite is v, or NaN where v is no number to write.
func finite(v float64) float64 {
	if math.IsInf(v, 0) {
		return math.NaN()
	}
	return v
}

// Write adds a line. NaN becomes an empty field.
func (p *Predictions) Write(x Prediction) error {
	fields := make([]string, len(p.as))
	for i, v := range x.Values(p.x) {
		switch v := v.(type) {
		case string:
			fields[i] = v
		case int64:
			fields[i] = strconv.FormatInt(v, 10)
		case float64:
			switch name := p.as[i]; {
			case name == "lon" || name == "lat":
				fields[i] = strconv.FormatFloat(v, 'f', 6, 64) // to 0.1 m
			case strings.HasPrefix(name, "scaled_") && !math.IsNaN(v):
				fields[i] = strconv.FormatFloat(v, 'g', 15, 64) // mass is kept to 1e-9
			default:
				fields[i] = significant(v)
			}
		}
	}
	return p.csv.Write(fields)
}

// significant writes seven digits, which is what a float32 holds.
func significant(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', 7, 64)
}

// Close completes the table and puts it in its place.
func (p *Predictions) Close() error {
	p.csv.Flush()
	if err := p.csv.Error(); err != nil {
		p.file.Abort()
		return err
	}
	if err := p.buf.Flush(); err != nil {
		p.file.Abort()
		return err
	}
	return p.file.Commit()
}

// Abort throws the table away; after Close it does nothing.
func (p *Predictions) Abort() { p.file.Abort() }

// WritePredictions writes a whole predictions.csv into the run folder.
func (r *Run) WritePredictions(unit string, rows []Prediction, x Extra) error {
	p, err := CreatePredictions(r.Path(PredictionsFile), unit, x)
	if err != nil {
		return err
	}
	defer p.Abort()
	for _, x := range rows {
		if err := p.Write(x); err != nil {
			return err
		}
	}
	return p.Close()
}
