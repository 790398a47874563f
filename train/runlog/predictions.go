package runlog

import (
	"bufio"
	"encoding/csv"
	"math"
	"strconv"
	"strings"

	"opencarbon/train/atomicfile"
)

// Prediction is a line of predictions.csv.
type Prediction struct {
	Cell          int       // tile id in the store
	Col, Row      int64     // place in the grid; col eastward, row southward
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
	p := &Predictions{file: f, buf: bufio.NewWriterSize(f, 1<<16), x: x}
	p.csv = csv.NewWriter(p.buf)
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
	return p, p.csv.Write(names)
}

// Write adds a line. NaN becomes an empty field.
func (p *Predictions) Write(x Prediction) error {
	fields := []string{
		strconv.Itoa(x.Cell), strconv.FormatInt(x.Col, 10), strconv.FormatInt(x.Row, 10),
		strconv.FormatFloat(x.Lon, 'f', 6, 64), strconv.FormatFloat(x.Lat, 'f', 6, 64), x.Split,
		significant(x.True), significant(x.Predicted), significant(math.Exp(x.True)), significant(math.Exp(x.Predicted)),
	}
	if p.x.Corrected {
		fields = append(fields, significant(x.Corrected))
	}
	if p.x.Scaled {
		fields = append(fields, strconv.FormatFloat(x.Scaled, 'g', 15, 64)) // mass is kept to 1e-9
	}
	if p.x.Domain {
		inside := "0"
		if x.InDomain {
			inside = "1"
		}
		fields = append(fields, significant(x.Dissimilarity), inside)
	}
	if p.x.Spread {
		fields = append(fields, significant(x.Spread))
	}
	for k := range p.x.Levels {
		fields = append(fields, significant(math.Exp(x.Low[k])), significant(math.Exp(x.High[k])))
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
