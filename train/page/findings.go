package page

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"opencarbon/data/label"
	"opencarbon/train/metrics"
	"opencarbon/train/totals"
)

// Facts are what a caller knows of a prediction beyond its cells. The zero value is
// nothing.
type Facts struct {
	Filled  *Sum // the total with the inventory's own numbers where it has some, which comes first; nil: there is none
	Sum     *Sum // the predicted one
	Score   *Score
	Effects []Effect
	Notes   []string // sentences that a caller has to add, such as what totals are known
}

// Sum is the total of cells and the interval that it was given.
type Sum struct {
	Of                      string  // "The map's 1,024 cells", "The 204 cells held out"
	True                    float64 // NaN: not known
	Total, Low, High, Level float64 // Low and High NaN: no interval
}

// Score is how good a model is on cells that it has not seen.
type Score struct {
	Of      string  // "204 cells held out"
	R2      float64 // of ln emission
	MAE     float64 // of ln emission; NaN: not known
	Rival   string  // the strongest simple method; empty: none
	RivalR2 float64
}

// Effect is what becomes of the predictions without a category of points: the mean
// change of ln emission of the cells that have them.
type Effect struct {
	Category string
	Change   float64
}

// Findings says in plain words what there is to say about m, which may be nil, and
// the facts.
func Findings(m *Map, unit string, f Facts) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	amount := func(v float64) string { return strings.TrimSpace(Large(v) + " " + Unit(unit)) }
	real := Unit(unit) != ""
	if !real {
		say("The target is a proxy, not an emission: the map says where there is more and where less, not how much.")
	}
	emit := func(s *Sum, more string) {
		if s == nil || !real {
			return
		}
		text := s.Of + " emit " + amount(s.Total) + more
		if !math.IsNaN(s.Low) {
			text += fmt.Sprintf("; with %g %% confidence between %s and %s", 100*s.Level, Large(s.Low), Large(s.High))
		}
		if !math.IsNaN(s.True) {
			text += fmt.Sprintf(". The inventory says %s", amount(s.True))
		}
		say("%s.", text)
		if totals.Wide(s.Low, s.High) {
			say("That range is too wide for the total to be reported: the cells that the model was checked on are too few, or too uneven (a power plant among them), to tell it.")
		}
	}
	emit(f.Filled, "")
	emit(f.Sum, ", as far as the model can tell")
	if m != nil {
		if share, cells := m.top(0.1); real && !math.IsNaN(share) && len(m.Rows) >= 20 {
			say("Emissions are concentrated: the %s cells with the highest predictions, a tenth of all, make up %.0f %% of the total.", metrics.Amount(float64(cells)), 100*share)
		}
	}
	if m != nil && m.Since != nil {
		if text := m.Since.sentence(unit); text != "" {
			say("%s", text)
		}
	}
	if s := f.Score; s != nil {
		text := fmt.Sprintf("In %s, which it has never seen, the model explains %.0f %% of the differences between places (R2 %s of the logarithm)", s.Of, 100*max(0, s.R2), metrics.Number(s.R2))
		if !math.IsNaN(s.MAE) {
			text += fmt.Sprintf("; predictions are off by a factor of %.2f on average", math.Exp(s.MAE))
		}
		if s.Rival != "" {
			text += fmt.Sprintf(". The strongest of the simple methods beside it, %s, comes to R2 %s", s.Rival, metrics.Number(s.RivalR2))
			if s.RivalR2 > s.R2 {
				text += ": it is better here"
			}
		}
		say("%s.", text)
	}
	out = append(out, effects(f.Effects)...)
	if m != nil {
		if v := m.outside(); v > 0 {
			say("%.1f %% of the cells are unlike the places the model learned from (hatched on the map): do not rely on what it says there.", 100*v)
		} else if v == 0 {
			say("All cells are like the places the model learned from.")
		}
	}
	for _, n := range f.Notes {
		n = strings.TrimRight(label.Printable(n), ".")
		if first, size := utf8.DecodeRuneInString(n); size > 0 {
			say("%c%s.", unicode.ToUpper(first), n[size:])
		}
	}
	return out
}

// noticeable is the change of ln emission from which on a category is named: 1%.
const noticeable = 0.01

// effects names the categories that move predictions most.
func effects(e []Effect) []string {
	e = slices.Clone(e)
	slices.SortStableFunc(e, func(a, b Effect) int { return cmp.Compare(a.Change, b.Change) })
	name := func(x Effect) string {
		return fmt.Sprintf("%s (%+.0f %%)", label.Printable(x.Category), 100*math.Expm1(-x.Change))
	}
	var raise, lower []string
	for _, x := range e {
		if x.Change < -noticeable && len(raise) < 3 {
			raise = append(raise, name(x))
		}
	}
	slices.Reverse(e)
	for _, x := range e {
		if x.Change > noticeable && len(lower) < 3 {
			lower = append(lower, name(x))
		}
	}
	var out []string
	if raise != nil {
		out = append(out, "To the model, these points of interest mean more emission: "+strings.Join(raise, ", ")+".")
	}
	if lower != nil {
		out = append(out, "These mean less: "+strings.Join(lower, ", ")+".")
	}
	return out
}

// top is the share of the total that the given part of the cells has, those with
// the highest amounts; NaN where there is no total.
func (m *Map) top(part float64) (share float64, cells int) {
	v, _ := m.amounts()
	slices.Sort(v)
	cells = int(math.Round(part * float64(len(v))))
	all, high := 0.0, 0.0
	for i, x := range v {
		all += x
		if i >= len(v)-cells {
			high += x
		}
	}
	return high / all, cells
}

// Total is the sum of the map's amounts.
func (m *Map) Total() float64 {
	v, _ := m.amounts()
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum
}

// Large is an amount in words: three significant digits, thousands of millions as
// billions.
func Large(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "–"
	case a >= 999.5e6:
		return metrics.Amount(v/1e9) + " billion"
	case a >= 999.5e3:
		return metrics.Amount(v/1e6) + " million"
	}
	return metrics.Amount(v)
}
