package output

import (
	"math"
	"slices"

	"opencarbon/data/store"
	"opencarbon/train/metrics"
	"opencarbon/train/runlog"
)

// Estimate is what is known of N cells; what there is not is nil.
type Estimate struct {
	Ln            []float64 // predicted ln emission
	Corrected     []float64 // emission whose sums are right, in the unit
	Scaled        []float64 // emission scaled to known totals, in the unit
	Spread        []float64 // standard deviation of ln over an ensemble
	Dissimilarity []float64 // dissimilarity index
	Inside        []bool    // within the domain of the model
	Bands         []Band    // intervals of ln
}

// amounts are those that may be added up: scaled where totals are known, else
// corrected, else exp(ln).
func (x Estimate) amounts() []float64 {
	switch {
	case x.Scaled != nil:
		return x.Scaled
	case x.Corrected != nil:
		return x.Corrected
	}
	return exp(x.Ln)
}

// shareInside is the share of cells within the domain; NaN where it is not known.
func (x Estimate) shareInside() float64 {
	n := 0
	for _, v := range x.Inside {
		if v {
			n++
		}
	}
	return float64(n) / float64(len(x.Inside)) // 0/0 is NaN
}

// flags are 1 within the domain and 0 outside, [N]; nil where it is not known.
func (x Estimate) flags() []float64 {
	var v []float64
	for _, inside := range x.Inside {
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

// Band is the interval of one level around n predictions, ln emission; NaN where the
// calibration cells are too few for the level.
type Band struct {
	Level     float64
	Low, High []float64 // [n]; NaN where there is none
}

// finite reports whether there is an interval.
func (b Band) finite() bool { return len(b.Low) > 0 && !math.IsNaN(b.Low[0]) }

// interval says how wide the band is.
func (b Band) interval() Interval {
	i := Interval{Level: b.Level, Factor: math.NaN(), Least: math.NaN(), Most: math.NaN()}
	if !b.finite() {
		return i
	}
	half := make([]float64, len(b.Low))
	for k, v := range b.Low {
		half[k] = (b.High[k] - v) / 2
	}
	slices.Sort(half)
	i.Factor, i.Least, i.Most = math.Exp(metrics.Quantile(half, 0.5)), math.Exp(half[0]), math.Exp(half[len(half)-1])
	return i
}

// Rows are the lines of a table of predictions; truth is ln emission, NaN where
// there is none, [N].
func (x Estimate) Rows(s *store.Store, truth []float64) []runlog.Prediction {
	rows := make([]runlog.Prediction, s.Len())
	at, lonlat, splits := s.Cells(), s.LonLat(), s.Splits()
	for i := range rows {
		split := store.None
		if i < len(splits) {
			split = splits[i]
		}
		rows[i] = runlog.Prediction{Col: at[i].Col, Row: at[i].Row, Lon: lonlat[2*i], Lat: lonlat[2*i+1],
			Split: split.String(), True: truth[i], Predicted: x.Ln[i]}
		if x.Corrected != nil {
			rows[i].Corrected = x.Corrected[i]
		}
		if x.Scaled != nil {
			rows[i].Scaled = x.Scaled[i]
		}
		if x.Inside != nil {
			rows[i].Dissimilarity, rows[i].InDomain = x.Dissimilarity[i], x.Inside[i]
		}
		if x.Spread != nil {
			rows[i].Spread = x.Spread[i]
		}
		for _, b := range x.Bands {
			rows[i].Low, rows[i].High = append(rows[i].Low, b.Low[i]), append(rows[i].High, b.High[i])
		}
	}
	return rows
}

// Extra names the columns that a table has beside the usual ones.
func (x Estimate) Extra() runlog.Extra {
	e := runlog.Extra{Corrected: x.Corrected != nil, Scaled: x.Scaled != nil, Spread: x.Spread != nil, Domain: x.Inside != nil}
	for _, k := range x.Bands {
		e.Levels = append(e.Levels, k.Level)
	}
	return e
}
