package change

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"

	"opencarbon/data/fault"
	"opencarbon/train/runlog"
)

// Since is what became of each cell of a table since another prediction; NaN where
// that had no such cell.
type Since struct {
	Before, Now []float64 // [N] amounts, in the unit of the table
	Low, High   []float64 // [N] range of Now / Before, as Compare has it
	Column      string    // whose amounts they are: scaled, corrected or predicted
}

// Against compares rows, of a prediction in unit, with an earlier one of the same
// cells: a folder that predict or train wrote, or its predictions.csv. Amounts and
// ranges are those of Compare. A table of another unit, or without a cell in
// common, is a *fault.Input error.
func Against(path string, now *runlog.Table) (*Since, error) {
	then, err := Read(path)
	if err != nil {
		return nil, err
	}
	if column(then.Unit) != column(now.Unit) {
		return nil, fault.New(path, fmt.Sprintf("is in %s, what is compared with it in %s", then.Unit, now.Unit), "Compare predictions of one unit.")
	}
	s := &Since{Column: "predicted"}
	switch {
	case then.Extra.Scaled && now.Extra.Scaled:
		s.Column = "scaled"
	case then.Extra.Corrected && now.Extra.Corrected:
		s.Column = "corrected"
	}
	amount := func(p runlog.Prediction) float64 {
		switch s.Column {
		case "scaled":
			return p.Scaled
		case "corrected":
			return p.Corrected
		}
		return math.Exp(p.Predicted)
	}
	half := func(p runlog.Prediction, levels []float64) float64 {
		for k, l := range levels {
			if l == 0.9 {
				return (p.High[k] - p.Low[k]) / 2
			}
		}
		return math.NaN()
	}
	at := map[[2]int64]int{}
	for i, p := range then.Rows {
		at[[2]int64{p.Col, p.Row}] = i
	}
	common := 0
	for _, p := range now.Rows {
		before, after, low, high := math.NaN(), amount(p), math.NaN(), math.NaN()
		if i, ok := at[[2]int64{p.Col, p.Row}]; ok {
			common++
			old := then.Rows[i]
			before = amount(old)
			low, high = span(before, after, half(old, then.Extra.Levels), half(p, now.Extra.Levels))
		}
		s.Before, s.Now, s.Low, s.High = append(s.Before, before), append(s.Now, after), append(s.Low, low), append(s.High, high)
	}
	if common == 0 {
		return nil, fault.New(path, "has no cell in common with what is compared with it", "Compare predictions of one grid and region.")
	}
	return s, nil
}

// Read reads the table of a folder that predict or train wrote, or the table itself.
func Read(path string) (*runlog.Table, error) {
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		path = filepath.Join(path, runlog.PredictionsFile)
	}
	return runlog.ReadPredictions(path)
}

// Name is what people call a prediction: the name of its folder, less the links and
// times by which runs are found (runs/london-2013/latest: london-2013).
func Name(path string) string {
	if filepath.Base(path) == runlog.PredictionsFile {
		path = filepath.Dir(path)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if b := filepath.Base(path); b == "latest" || folderTime.MatchString(b) {
		path = filepath.Dir(path)
	}
	return filepath.Base(path)
}

// folderTime is the name of a run's folder, 20260102-030405, perhaps with a number.
var folderTime = regexp.MustCompile(`^[0-9]{8}-[0-9]{6}(-[0-9]+)?$`)

// column is a unit as columns have it: predicted_tCO2_per_yr.
func column(unit string) string {
	return (runlog.Extra{}).Columns(unit)[9]
}
