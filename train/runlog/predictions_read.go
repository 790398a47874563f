package runlog

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/regular"
)

// Table is a predictions.csv that was read.
type Table struct {
	Rows  []Prediction
	Extra Extra  // which columns there are
	Unit  string // as CreatePredictions takes it, e.g. "tCO2/yr"; "proxy" where amounts have none
}

const predictAgain = "Make it again: go run ./cmd/predict, or train."

// ReadPredictions reads what CreatePredictions wrote. Columns are found by name, so
// that a table of an older program, without the newer ones, is read as well. What is
// no such table is a *fault.Input error; a file that is not there wraps
// fs.ErrNotExist.
func ReadPredictions(path string) (*Table, error) {
	f, err := regular.Open(path)
	if err != nil {
		return nil, fault.Wrap(err, path, "cannot be read", predictAgain)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.ReuseRecord = true
	head, err := r.Read()
	if err != nil {
		return nil, fault.Wrap(err, path, "is no table of predictions", predictAgain)
	}
	t := &Table{}
	c, err := t.columns(head, path)
	if err != nil {
		return nil, err
	}
	for line := 2; ; line++ {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, fault.Wrap(err, path, "is no table of predictions", predictAgain)
		}
		p, bad := c.read(fields)
		if bad != "" {
			return nil, fault.New(fmt.Sprintf("%s, line %d", path, line), bad, predictAgain)
		}
		t.Rows = append(t.Rows, p)
	}
}

// columns are places in a line; -1 where the table has no such column.
type columns struct {
	col, row, lon, lat, split, lnTrue, lnPredicted, corrected, scaled, strange, inside, spread int

	low, high []int // by level
}

// columns finds them, and sets t's Extra and Unit.
func (t *Table) columns(head []string, path string) (*columns, error) {
	at := map[string]int{}
	for i, name := range head {
		at[name] = i
		if unit, ok := strings.CutPrefix(name, "predicted_"); ok {
			t.Unit = unit
		}
	}
	unit := t.Unit
	if unit == "" {
		return nil, fault.New(path, "has no column of predicted amounts", predictAgain)
	}
	t.Unit = strings.ReplaceAll(unit, "_per_", "/")
	find := func(name string) int {
		if i, ok := at[name]; ok {
			return i
		}
		return -1
	}
	for _, name := range []string{"col", "row", "lon", "lat", "split", "ln_true", "ln_predicted"} {
		if find(name) < 0 {
			return nil, fault.New(path, fmt.Sprintf("has no column %q", name), predictAgain)
		}
	}
	c := &columns{col: at["col"], row: at["row"], lon: at["lon"], lat: at["lat"], split: at["split"], lnTrue: at["ln_true"], lnPredicted: at["ln_predicted"],
		corrected: find("corrected_" + unit), scaled: find("scaled_" + unit), strange: find("dissimilarity"), inside: find("in_domain"), spread: find("ln_spread")}
	x := &t.Extra
	x.Corrected, x.Scaled, x.Domain, x.Spread = c.corrected >= 0, c.scaled >= 0, c.strange >= 0 && c.inside >= 0, c.spread >= 0
	for i, name := range head {
		percent, low := strings.CutPrefix(name, "low_")
		percent, ours := strings.CutSuffix(percent, "_"+unit)
		if !low || !ours {
			continue
		}
		level, err := strconv.ParseFloat(percent, 64)
		if high := find("high_" + percent + "_" + unit); err == nil && high >= 0 {
			x.Levels, c.low, c.high = append(x.Levels, level/100), append(c.low, i), append(c.high, high)
		}
	}
	return c, nil
}

// read reads a line; bad says what is wrong with it.
func (c *columns) read(fields []string) (p Prediction, bad string) {
	number := func(i int) float64 {
		if i < 0 || fields[i] == "" {
			return math.NaN()
		}
		v, err := strconv.ParseFloat(fields[i], 64)
		if (err != nil || math.IsInf(v, 0)) && bad == "" {
			bad = fmt.Sprintf("%q is no number", fields[i])
		}
		return v
	}
	place := func(i int) int64 {
		v, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil && bad == "" {
			bad = fmt.Sprintf("%q is no whole number", fields[i])
		}
		return v
	}
	p = Prediction{Col: place(c.col), Row: place(c.row), Lon: number(c.lon), Lat: number(c.lat), Split: fields[c.split], True: number(c.lnTrue),
		Predicted: number(c.lnPredicted), Corrected: number(c.corrected), Scaled: number(c.scaled), Dissimilarity: number(c.strange), Spread: number(c.spread)}
	p.InDomain = c.inside >= 0 && fields[c.inside] == "1"
	for k := range c.low {
		p.Low, p.High = append(p.Low, math.Log(number(c.low[k]))), append(p.High, math.Log(number(c.high[k])))
	}
	return p, bad
}
