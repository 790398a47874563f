package output

import (
	"math"
	"slices"

	"opencarbon/train/conformal"
	"opencarbon/train/totals"
)

// Filled is a total of cells of which some are known: their emissions as they are, and
// the corrected predictions of the others (the prediction approach to a total; Royall
// 1970, Biometrika 57). Only the latter are uncertain.
type Filled struct {
	Cells int     // known
	Known float64 // sum of their emissions
	Sum   totals.Sum
}

// areaSums are the sums of areas, [areas] each: of all their cells, and of the cells
// for which the inventory has no number. nil where there are none.
type areaSums struct{ all, unknown []totals.Sum }

// unknown is the part of an area whose emissions truth [N] lacks (NaN).
func unknown(a totals.Area, truth []float64) (rest totals.Area) {
	for k, c := range a.Cell {
		if math.IsNaN(truth[c]) {
			rest.Cell = append(rest.Cell, c)
			if a.Share != nil {
				rest.Share = append(rest.Share, a.Share[k])
			}
		}
	}
	return rest
}

// sumAll adds up the whole, with and without known emissions truth [N], and the areas.
// One bootstrap serves all of them: each draw is of the whole region. Where the total
// of the whole is known, the areas take another, of their shares.
func sumAll(t *totals.Model, cells totals.Cells, truth []float64, known *KnownTotals) (*totals.Sum, *Filled, areaSums) {
	whole := totals.Whole(len(truth))
	ask := []totals.Area{whole, unknown(whole, truth)}
	var parts []totals.Area // the areas, then their unknown cells
	if known.want == nil {  // else all totals are known
		parts = slices.Clone(known.parts)
		for _, a := range known.parts {
			parts = append(parts, unknown(a, truth))
		}
	}
	var sums []totals.Sum // of ask, then of parts
	if known.whole > 0 {
		sums = t.Sums(cells, ask, conformal.Levels())
		if parts != nil {
			sums = append(sums, t.Shares(cells, parts, whole, conformal.Levels())...)
		}
	} else {
		sums = t.Sums(cells, append(ask, parts...), conformal.Levels())
	}
	var areas areaSums
	if n := len(known.parts); parts != nil {
		areas = areaSums{all: sums[2 : 2+n], unknown: sums[2+n:]}
	}
	return &sums[0], fill(sums[1], len(ask[1].Cell), truth), areas
}

// fill adds known emissions [N], NaN where there is none, to the sum of the other
// cells, so many; nil where all or none are known.
func fill(rest totals.Sum, unknown int, truth []float64) *Filled {
	f := &Filled{Sum: rest}
	for _, v := range truth {
		if v == v {
			f.Cells, f.Known = f.Cells+1, f.Known+v
		}
	}
	if f.Cells == 0 || unknown == 0 {
		return nil
	}
	f.Sum.Raw, f.Sum.Corrected = f.Sum.Raw+f.Known, f.Sum.Corrected+f.Known
	f.Sum.Intervals = shifted(f.Sum.Intervals, 1, f.Known)
	return f
}

// shifted are intervals times factor, plus known.
func shifted(intervals []totals.Interval, factor, known float64) (out []totals.Interval) {
	for _, i := range intervals {
		out = append(out, totals.Interval{Level: i.Level, Low: factor*i.Low + known, High: factor*i.High + known})
	}
	return out
}
