package page

import (
	"fmt"
	"math"
	"strings"

	"opencarbon/data/label"
	"opencarbon/train/metrics"
)

// Since is an earlier prediction of a map's cells, in their order; NaN where there
// is none.
type Since struct {
	Name        string    // what people call it, e.g. 2013
	Before, Now []float64 // [cells] amounts of then and now, of the same kind
	Low, High   []float64 // [cells] range of Now / Before
}

// sentence says what changed.
func (s *Since) sentence(unit string) string {
	before, now, more, less, sure, ranged, cells := 0.0, 0.0, 0, 0, 0, false, 0
	for i, b := range s.Before {
		if !(b > 0 && s.Now[i] > 0) {
			continue
		}
		cells++
		before, now = before+b, now+s.Now[i]
		more, less = more+b2i(s.Now[i] > b), less+b2i(s.Now[i] < b)
		if !math.IsNaN(s.Low[i]) {
			ranged = true
			sure += b2i(s.Low[i] > 1 || s.High[i] < 1)
		}
	}
	if cells == 0 {
		return ""
	}
	text := fmt.Sprintf("Since %s the %s cells that both predictions have went from %s to %s (%+.1f %%): more in %s of them, less in %s", label.Printable(s.Name),
		metrics.Amount(float64(cells)), Large(before), strings.TrimSpace(Large(now)+" "+Unit(unit)), 100*(now/before-1), metrics.Amount(float64(more)), metrics.Amount(float64(less)))
	if ranged {
		text += fmt.Sprintf("; in %s of them the change is beyond what the model's errors explain", metrics.Amount(float64(sure)))
	}
	return text + "."
}
