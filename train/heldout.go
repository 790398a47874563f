package train

import (
	"cmp"
	"math"
	"slices"

	"opencarbon/data/store"
	"opencarbon/train/conformal"
	"opencarbon/train/totals"
)

// heldOutEdge is the edge in cells of the blocks whose sums are looked at, and
// leastHeldOut how many test cells make a block an area.
const (
	heldOutEdge  = 8
	leastHeldOut = 16
)

// AreaCheck is how the sum over the test cells of a block of 8 x 8 comes out.
type AreaCheck struct {
	Cells     int               `json:"cells"`
	True      float64           `json:"true"`
	Raw       float64           `json:"raw"`
	Corrected float64           `json:"corrected"`
	Intervals []totals.Interval `json:"intervals"`
}

// Holds reports for each level whether the interval holds the true sum.
func (a AreaCheck) Holds() (in []bool) {
	for _, i := range a.Intervals {
		in = append(in, i.Low <= a.True && a.True <= i.High)
	}
	return in
}

// testBlocks are the blocks of test cells whose sums are looked at, as users ask for
// those of districts.
func (d *dataset) testBlocks() (areas []totals.Area) {
	blocks := map[store.Cell][]int32{}
	for _, c := range d.test {
		b := d.store.Cells()[c].Block(heldOutEdge)
		blocks[b] = append(blocks[b], c)
	}
	var keys []store.Cell
	for b, cells := range blocks {
		if len(cells) >= leastHeldOut {
			keys = append(keys, b)
		}
	}
	slices.SortFunc(keys, func(a, b store.Cell) int { return cmp.Or(cmp.Compare(a.Row, b.Row), cmp.Compare(a.Col, b.Col)) })
	for _, b := range keys {
		areas = append(areas, totals.Area{Cell: blocks[b]})
	}
	return areas
}

// checkAreas says how the sums of areas come out, [areas].
func (d *dataset) checkAreas(areas []totals.Area, sums []totals.Sum) (out []AreaCheck) {
	for k, sum := range sums {
		a := AreaCheck{Cells: len(areas[k].Cell), Raw: sum.Raw, Corrected: sum.Corrected, Intervals: sum.Intervals}
		for _, c := range areas[k].Cell {
			a.True += math.Exp(d.ln[c])
		}
		out = append(out, a)
	}
	return out
}

// Fifth is how often intervals held among a fifth of the test cells: those of a
// range of dissimilarity to the training cells.
type Fifth struct {
	Low      float64              `json:"low"` // dissimilarity
	High     float64              `json:"high"`
	Coverage []conformal.Coverage `json:"coverage"`
}

// fifths parts the test cells by how unlike the training cells they are, [N]; nil
// where that is not known, or where the cells are few.
func (d *dataset) fifths(k *conformal.Calibration, predicted, strange []float64) ([]Fifth, error) {
	if strange == nil || len(d.test) < 5*leastHeldOut {
		return nil, nil
	}
	index := d.of(strange, d.test)
	order := make([]int, len(index))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(index[a], index[b]) })
	var out []Fifth
	for f := range 5 {
		part := order[f*len(order)/5 : (f+1)*len(order)/5]
		var cells []int32
		for _, i := range part {
			cells = append(cells, d.test[i])
		}
		held, err := k.Report(d.of(d.ln, cells), d.of(predicted, cells), k.Scales(d.of(strange, cells)), conformal.Levels())
		if err != nil {
			return nil, err
		}
		out = append(out, Fifth{index[part[0]], index[part[len(part)-1]], held})
	}
	return out, nil
}
