package output

import (
	"context"
	"math"
	"strings"
	"testing"

	"opencarbon/data/store"
	"opencarbon/train/conformal"
	"opencarbon/train/internal/town"
	"opencarbon/train/method"
	"opencarbon/train/runlog"
	"opencarbon/train/totals"
)

// guess is an estimate of a town as a model would give it, with what the validation
// cells say of totals and intervals.
type guess struct {
	store *store.Store
	truth []float64
	x     Estimate
	sums  *totals.Model
	by    Model
}

// guessed is wrong by some tenths of ln here and there.
func guessed(t *testing.T, w town.Town) *guess {
	t.Helper()
	s := w.Open(t)
	d := method.New(s)
	c := &guess{store: s, truth: d.Ln, by: Model{Path: "best.safetensors", Unit: "tCO2/yr", Store: s.Meta().ConfigHash}}
	for i, y := range d.Ln {
		c.x.Ln = append(c.x.Ln, y+0.3*math.Sin(float64(7*i)))
	}
	var h totals.Held
	for _, i := range d.Validation {
		at := s.Cells()[i]
		h.True, h.Predicted = append(h.True, d.Ln[i]), append(h.Predicted, c.x.Ln[i])
		h.Col, h.Row = append(h.Col, at.Col), append(h.Row, at.Row)
	}
	var err error
	if c.sums, err = totals.Fit(h); err != nil {
		t.Fatal(err)
	}
	for k, level := range conformal.Levels() {
		b, half := Band{Level: level}, 0.1*float64(k+2)
		for _, y := range c.x.Ln {
			b.Low, b.High = append(b.Low, y-half), append(b.High, y+half)
		}
		c.x.Bands = append(c.x.Bands, b)
	}
	for _, y := range c.x.Ln {
		c.x.Corrected = append(c.x.Corrected, c.sums.Correction.Amount(y))
	}
	return c
}

// write reads what is known and writes all.
func (c *guess) write(t *testing.T, o Options) (*Predictions, error) {
	t.Helper()
	known, err := o.Known.Read(context.Background(), c.store, c.by.Unit)
	if err != nil {
		return nil, err
	}
	return Write(c.by, c.store, c.x, c.sums, "", known, o)
}

func TestIntervalInWords(t *testing.T) {
	for want, p := range map[string]Interval{
		"80% of cells like those that validated lie within 0.5 to 2 times the prediction":                                                                  {0.8, 2, 2, 2},
		"80% of cells like those that validated lie within 0.5 to 2 times the prediction (0.8 to 1.25 for the surest cells, 0.25 to 4 for the least sure)": {0.8, 2, 1.25, 4},
		"95% of cells: no interval, the validation cells were too few for it":                                                                              {0.95, math.NaN(), math.NaN(), math.NaN()},
	} {
		if got := p.String(); got != want {
			t.Errorf("%s; want %s", got, want)
		}
	}
}

// Where the inventory has some of the cells, their emissions stand as they are, and
// only the others' are uncertain; where it has all or none nothing is filled.
func TestFilledTotal(t *testing.T) {
	c := guessed(t, town.Town{Rows: 20, Cols: 20})
	known := exp(c.truth)
	cells := totals.At(c.store.Cells(), c.x.Ln)
	if _, f, _ := sumAll(c.sums, cells, known, &KnownTotals{}); f != nil {
		t.Errorf("all are known: %+v", f)
	}
	want, sum := 0.0, 0.0
	for i := range known {
		if i%3 == 0 {
			known[i] = math.NaN()
			want += c.x.Corrected[i]
		} else {
			want += known[i]
			sum += known[i]
		}
	}
	_, f, _ := sumAll(c.sums, cells, known, &KnownTotals{})
	if f == nil || f.Cells != len(known)-(len(known)+2)/3 || math.Abs(f.Known/sum-1) > 1e-12 || math.Abs(f.Sum.Corrected/want-1) > 1e-12 {
		t.Fatalf("%+v; want %g of %g known", f, want, sum)
	}
	whole := c.sums.Sums(cells, []totals.Area{totals.Whole(len(known))}, conformal.Levels())[0]
	for k, i := range f.Sum.Intervals {
		if !(sum < i.Low && i.Low < want && want < i.High) || i.High-i.Low > whole.Intervals[k].High-whole.Intervals[k].Low {
			t.Errorf("%g%%: %v around %g; %v where none is known", 100*i.Level, i, want, whole.Intervals[k])
		}
	}
	p := &Predictions{Unit: "tCO2/yr", Sum: &whole, Filled: f}
	if text := p.Totals(); !strings.Contains(text, "with the inventory's own numbers of the 2") {
		t.Error(text)
	}
	for i := range known {
		known[i] = math.NaN()
	}
	if _, f, _ := sumAll(c.sums, cells, known, &KnownTotals{}); f != nil {
		t.Errorf("none is known: %+v", f)
	}
}

// The page leads with the total that can be defended: the inventory's own numbers as
// far as there are some, predictions for the rest.
func TestPageSums(t *testing.T) {
	interval := func(low, high float64) totals.Sum {
		return totals.Sum{Corrected: (low + high) / 2, Intervals: []totals.Interval{{Level: 0.8}, {Level: 0.9, Low: low, High: high}}}
	}
	whole := interval(10, 30)
	some := &Filled{Cells: 1, Known: 5, Sum: interval(14, 16)}
	nan := math.NaN()
	for _, c := range []struct {
		name          string
		truth         []float64
		filled        *Filled
		first, second string
		total         float64
	}{
		{"some known", []float64{math.Log(5), nan}, some, "With the inventory's own numbers for the one cell that has one, and predictions for the other 1, the 2 cells", "By predictions alone, the same 2 cells", 15},
		{"all known", []float64{math.Log(5), math.Log(6)}, nil, "By the inventory, which has a number for each of them, the 2 cells", "By predictions alone, the same 2 cells", 11},
		{"none known", []float64{nan, nan}, nil, "", "The 2 cells", 0},
	} {
		p := &Predictions{Cells: 2, Unit: "tCO2/yr", Sum: &whole, Filled: c.filled}
		var rows []runlog.Prediction
		for _, v := range c.truth {
			rows = append(rows, runlog.Prediction{True: v})
		}
		filled, predicted := p.pageSums(rows)
		p.Sum, p.Filled = nil, nil // nothing corrects
		if alone, none := p.pageSums(rows); none != nil || (alone != nil) != (c.name == "all known") {
			t.Errorf("%s, without a correction: %+v, %+v", c.name, alone, none)
		}
		if predicted.Of != c.second || predicted.Total != 20 || predicted.Low != 10 || predicted.High != 30 {
			t.Errorf("%s: predicted %+v", c.name, predicted)
		}
		if c.first == "" {
			if filled != nil {
				t.Errorf("%s: %+v", c.name, filled)
			}
			continue
		}
		if filled == nil || filled.Of != c.first || math.Abs(filled.Total-c.total) > 1e-9 || c.filled != nil && (filled.Low != 14 || filled.High != 16) || c.filled == nil && !math.IsNaN(filled.Low) {
			t.Errorf("%s: %+v", c.name, filled)
		}
	}
}
