package compare

import (
	"fmt"
	"slices"
	"time"

	"opencarbon/train/method"
	"opencarbon/train/metrics"
)

// Reached says how long a method's trainings take until R2 of the validation cells
// is at least a level.
type Reached struct {
	Level   float64 `json:"level"`
	Of      int     `json:"of"`      // trainings
	N       int     `json:"n"`       // of them reach it
	Seconds float64 `json:"seconds"` // median of those; 0 where there is none
}

// String is what a table shows.
func (r *Reached) String() string {
	switch {
	case r == nil || r.Of == 0:
		return ""
	case r.N == 0:
		return "never"
	case r.N < r.Of:
		return fmt.Sprintf("%v (%d of %d)", short(r.Seconds), r.N, r.Of)
	}
	return short(r.Seconds).String()
}

// csv is the seconds alone; empty where the level is not reached.
func (r *Reached) csv() string {
	if r == nil || r.N == 0 {
		return ""
	}
	return fmt.Sprintf("%.3g", r.Seconds)
}

func short(seconds float64) time.Duration {
	d := time.Duration(seconds * float64(time.Second))
	if d < time.Second {
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}

// column is a cell of the tables' last column, with its border; nothing where no
// level is asked for.
func (t *Table) column(text string) string {
	if t.Reach == 0 {
		return ""
	}
	return fmt.Sprintf(" %15s |", text)
}

// reach looks at when each training's validations first were at a level. A method
// that validates once, at its end, has reached it when it is done.
func reach(folds []*method.Dataset, seeds [][]part, level float64) (*Reached, error) {
	r := &Reached{Level: level}
	var times []float64
	for _, parts := range seeds {
		for k, p := range parts {
			r.Of++
			curve := p.Curve
			if curve == nil {
				var truth []float64
				for _, c := range folds[k].Validation {
					truth = append(truth, folds[k].Ln[c])
				}
				v, err := metrics.Ln(truth, p.Validation)
				if err != nil {
					return nil, err
				}
				curve = []point{{p.Seconds, v.R2}}
			}
			if i := slices.IndexFunc(curve, func(c point) bool { return c.R2 >= level }); i >= 0 {
				times = append(times, curve[i].Seconds)
			}
		}
	}
	slices.Sort(times)
	if r.N = len(times); r.N > 0 {
		r.Seconds = (times[(r.N-1)/2] + times[r.N/2]) / 2
	}
	return r, nil
}
