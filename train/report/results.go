package report

import (
	"fmt"
	"math"

	"opencarbon/train/metrics"
)

// results is run.json's results. What is undefined is null there.
type results struct {
	Splits    []split    `json:"splits"`
	Baselines []baseline `json:"baselines"`
	Intervals []interval `json:"intervals"`
	Total     *total     `json:"total"`
	BestEpoch int        `json:"best_epoch"`
	Epochs    int        `json:"epochs"`
	Unit      string     `json:"unit"` // of amounts; absent in older files
}

type baseline struct {
	Name   string  `json:"name"`
	About  string  `json:"about"`
	Note   string  `json:"note"` // why there are no scores
	Splits []split `json:"splits"`
}

type split struct {
	Name string `json:"split"`
	Ln   struct {
		N         int      `json:"n"`
		R2        *float64 `json:"r2"`
		MAE       *float64 `json:"mae"`
		RMSE      *float64 `json:"rmse"`
		Undefined string   `json:"r2_undefined"`
	} `json:"ln"`
	Amounts struct {
		MAE         *float64 `json:"mae"`
		RMSE        *float64 `json:"rmse"`
		Total       *float64 `json:"total"`
		Bias        *float64 `json:"bias"`
		BiasPercent *float64 `json:"bias_percent"`
	} `json:"amounts"`
}

type interval struct {
	Level   float64  `json:"level"`
	N       int      `json:"n"`
	Covered *float64 `json:"covered"`
	Width   *float64 `json:"mean_width"` // of both sides, in ln emission
	Why     string   `json:"undefined"`
}

func show(v *float64, format func(float64) string) string {
	if v == nil {
		return "–"
	}
	return format(*v)
}

// R2 and the following write a score for the page, or a dash.
func (s split) R2() string { return show(s.Ln.R2, metrics.Number) }

// MAE of ln emission.
func (s split) MAE() string { return show(s.Ln.MAE, metrics.Number) }

// RMSE of ln emission.
func (s split) RMSE() string { return show(s.Ln.RMSE, metrics.Number) }

// Total is the true sum of emissions.
func (s split) Total() string { return show(s.Amounts.Total, metrics.Amount) }

// Bias of the sum, in percent.
func (s split) Bias() string {
	return show(s.Amounts.BiasPercent, func(v float64) string { return fmt.Sprintf("%+.1f %%", v) })
}

// test finds the test split; nil where there is none.
func test(splits []split) *split {
	for i := range splits {
		if splits[i].Name == "test" {
			return &splits[i]
		}
	}
	return nil
}

// Test is the split that counts.
func (r results) Test() *split { return test(r.Splits) }

// Test is the split that counts.
func (b baseline) Test() *split { return test(b.Splits) }

// Percent is the promised coverage.
func (i interval) Percent() string { return fmt.Sprintf("%g %%", 100*i.Level) }

// Held is the coverage that was found.
func (i interval) Held() string {
	return show(i.Covered, func(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) })
}

// Factor is what a prediction is divided and multiplied with: exp of the half width
// in ln emission, in the mean over cells.
func (i interval) Factor() string {
	return show(i.Width, func(v float64) string { return fmt.Sprintf("%.3g", math.Exp(v/2)) })
}

// total is how the sum of the test cells came out.
type total struct {
	Cells     int     `json:"cells"`
	True      float64 `json:"true"`
	Raw       float64 `json:"raw"`
	Corrected float64 `json:"corrected"`
	Known     float64 `json:"known"` // true sum of the cells it was trained and validated on; 0: an older program's run
	Intervals []struct {
		Level, Low, High float64
	} `json:"intervals"`
}

func (t total) off(v float64) string {
	return fmt.Sprintf("%s (%+.1f %%)", metrics.Amount(v), 100*(v/t.True-1))
}

// TrueText is the true sum.
func (t total) TrueText() string { return metrics.Amount(t.True) }

// RawText is the sum of the predictions, and how far it is off.
func (t total) RawText() string { return t.off(t.Raw) }

// CorrectedText is the corrected sum, and how far it is off.
func (t total) CorrectedText() string { return t.off(t.Corrected) }

// Interval is that of 90%, or "".
func (t total) Interval() string {
	for _, i := range t.Intervals {
		if i.Level == 0.9 {
			return metrics.Amount(i.Low) + " to " + metrics.Amount(i.High)
		}
	}
	return ""
}
