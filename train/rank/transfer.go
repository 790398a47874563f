package rank

import (
	"fmt"
	"io"
	"math"
	"strconv"

	"opencarbon/data/fault"
	"opencarbon/data/sheet"
	"opencarbon/train/metrics"
)

// Pair is how well the model of one region orders the cells of another, without
// further training (paper, section 5.4).
type Pair struct {
	Source           string   `json:"source"` // region that the model was trained on
	Target           string   `json:"target"` // region that it predicts
	Spearman         Result   `json:"spearman"`
	SpearmanInterval Interval `json:"spearman_interval"`
	Kendall          Result   `json:"kendall"`
	MonotoneR2       Result   `json:"monotone_r2"`           // recalibrated on the same cells
	MonotoneR2Blocks Result   `json:"monotone_r2_by_blocks"` // recalibrated on other blocks
}

// Compare makes a Pair of the target's true and predicted ln emission, [n] each,
// and the spatial block of each cell. Errors, which name the pair, as Spearman.
func Compare(source, target string, predicted, truth []float64, blocks []int, c Bootstrap) (Pair, error) {
	p := Pair{Source: source, Target: target}
	var err error
	for _, step := range []func(){
		func() { p.Spearman, err = Spearman(predicted, truth) },
		func() { p.SpearmanInterval, err = SpearmanInterval(predicted, truth, blocks, c) },
		func() { p.Kendall, err = Kendall(predicted, truth) },
		func() { p.MonotoneR2, err = MonotoneR2(predicted, truth) },
		func() { p.MonotoneR2Blocks, err = MonotoneR2ByBlocks(predicted, truth, blocks) },
	} {
		if step(); err != nil {
			return Pair{}, fmt.Errorf("%s -> %s: %w", source, target, err)
		}
	}
	return p, nil
}

// Blocks numbers the squares of size x size cells that cells lie in, from 0 in
// order of first appearance. col and row are the places in the grid, [n] each.
// A size below 1 is a *fault.Input error, unequal lengths are an error.
func Blocks(col, row []int64, size int64) ([]int, error) {
	if size < 1 {
		return nil, fault.New("block size", fmt.Sprintf("%d cells", size), "give at least 1; 8 or 16 keeps neighbors together")
	}
	if len(col) != len(row) {
		return nil, fmt.Errorf("%d columns but %d rows of cells", len(col), len(row))
	}
	floor := func(a int64) int64 { // rounds down also left of 0
		q := a / size
		if a%size < 0 {
			q--
		}
		return q
	}
	type square struct{ x, y int64 }
	number := map[square]int{}
	blocks := make([]int, len(col))
	for i := range col {
		s := square{floor(col[i]), floor(row[i])}
		b, ok := number[s]
		if !ok {
			b = len(number)
			number[s] = b
		}
		blocks[i] = b
	}
	return blocks, nil
}

// Matrix is all pairs of R regions, as in Figure 4 of the paper.
type Matrix struct {
	Regions []string `json:"regions"`
	Pairs   []Pair   `json:"pairs"` // [R, R]: row = source, column = target
}

// NewMatrix puts pairs, in any order, in their places. A region that comes
// twice, and a pair that is missing, unknown or comes twice, is an error.
func NewMatrix(regions []string, pairs []Pair) (*Matrix, error) {
	r := len(regions)
	place := map[string]int{}
	for i, name := range regions {
		if _, ok := place[name]; ok {
			return nil, fmt.Errorf("region %s comes twice", name)
		}
		place[name] = i
	}
	m := &Matrix{Regions: regions, Pairs: make([]Pair, r*r)}
	there := make([]bool, r*r)
	for _, p := range pairs {
		i, known := place[p.Source]
		j, alsoKnown := place[p.Target]
		switch at := i*r + j; {
		case !known || !alsoKnown:
			return nil, fmt.Errorf("pair %s -> %s is of no such regions", p.Source, p.Target)
		case there[at]:
			return nil, fmt.Errorf("pair %s -> %s comes twice", p.Source, p.Target)
		default:
			m.Pairs[at], there[at] = p, true
		}
	}
	for at, ok := range there {
		if !ok {
			return nil, fmt.Errorf("pair %s -> %s is missing", regions[at/r], regions[at%r])
		}
	}
	return m, nil
}

// At is the pair of the i-th region's model and the j-th region.
func (m *Matrix) At(i, j int) *Pair { return &m.Pairs[i*len(m.Regions)+j] }

// OffDiagonalMean is the mean of Spearman's rho over the pairs of different
// regions, 0.6204 in the paper. Pairs without one are left out: N is how many
// pairs were counted, skipped how many were not. It has no p-value, and is
// undefined where no pair is left.
func (m *Matrix) OffDiagonalMean() (mean Result, skipped int) {
	sum, n := 0.0, 0
	for i := range m.Regions {
		for j := range m.Regions {
			switch r := m.At(i, j).Spearman; {
			case i == j:
			case r.Defined:
				sum += r.Value
				n++
			default:
				skipped++
			}
		}
	}
	if n == 0 {
		return undefined(0, "no pair of different regions has a rank correlation"), skipped
	}
	return Result{Defined: true, Value: sum / float64(n), P: math.NaN(), N: n}, skipped
}

// WriteCSV writes one line a pair. What is undefined is empty, and the last
// column says why.
func (m *Matrix) WriteCSV(w io.Writer) error {
	out := sheet.NewWriter(w)
	if err := out.Write([]string{"source", "target", "cells", "spearman", "spearman_p", "spearman_low", "spearman_high", "level", "blocks",
		"kendall", "kendall_p", "monotone_r2", "monotone_r2_by_blocks", "undefined"}); err != nil {
		return err
	}
	for _, p := range m.Pairs {
		v := p.SpearmanInterval
		why := p.Spearman.Why
		if why == "" {
			why = v.Why
		}
		if why == "" {
			why = p.MonotoneR2Blocks.Why
		}
		err := out.Write([]string{p.Source, p.Target, strconv.Itoa(p.Spearman.N), field(p.Spearman.Value), field(p.Spearman.P),
			field(v.Low), field(v.High), field(v.Level), strconv.Itoa(v.Blocks), field(p.Kendall.Value), field(p.Kendall.P),
			field(p.MonotoneR2.Value), field(p.MonotoneR2Blocks.Value), why})
		if err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func field(x float64) string {
	if !metrics.Finite(x) {
		return ""
	}
	return strconv.FormatFloat(x, 'g', 7, 64)
}
