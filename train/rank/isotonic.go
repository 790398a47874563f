package rank

import (
	"fmt"
	"math"
	"sort"
)

// Monotone is a rising piecewise linear curve from predictions to targets: the
// recalibration of a transferred model that keeps its order of the cells. It
// may make neighbors in that order equal, it never exchanges them.
type Monotone struct {
	X []float64 // predictions, strictly rising
	Y []float64 // fitted targets, not falling; same length
}

// FitMonotone finds the rising curve with the least squared error, by pooling
// adjacent violators (isotonic regression; Barlow et al. 1972). Equal
// predictions count as one point at the mean of their targets. It is
// scikit-learn's IsotonicRegression(increasing=True, out_of_bounds="clip").
// No points, different lengths, NaN and infinity are errors.
func FitMonotone(predicted, truth []float64) (*Monotone, error) {
	if _, _, err := check(predicted, truth); err != nil {
		return nil, err
	}
	if len(truth) == 0 {
		return nil, fmt.Errorf("no cells to fit a monotone curve to")
	}
	order := sorted(predicted)
	m := &Monotone{}
	var weight []float64
	for lo := 0; lo < len(order); {
		hi := tie(predicted, order, lo)
		mean := 0.0
		for k, i := range order[lo:hi] {
			mean += (truth[i] - mean) / float64(k+1)
		}
		m.X = append(m.X, predicted[order[lo]])
		m.Y = append(m.Y, mean)
		weight = append(weight, float64(hi-lo))
		lo = hi
	}
	pool(m.Y, weight)
	return m, nil
}

// pool replaces y by the nearest not-falling sequence under the weights: blocks
// whose means fall are merged until none do.
func pool(y, weight []float64) {
	type block struct {
		mean, weight float64
		size         int
	}
	var blocks []block
	for i := range y {
		b := block{y[i], weight[i], 1}
		for len(blocks) > 0 && blocks[len(blocks)-1].mean >= b.mean {
			a := blocks[len(blocks)-1]
			blocks = blocks[:len(blocks)-1]
			w := a.weight + b.weight
			b = block{a.mean + (b.mean-a.mean)*b.weight/w, w, a.size + b.size}
		}
		blocks = append(blocks, b)
	}
	i := 0
	for _, b := range blocks {
		for range b.size {
			y[i] = b.mean
			i++
		}
	}
}

// At is the curve at a prediction: linear between the fitted points, constant
// beyond the outermost.
func (m *Monotone) At(predicted float64) float64 {
	k := sort.SearchFloat64s(m.X, predicted)
	switch {
	case k == 0:
		return m.Y[0]
	case k == len(m.X):
		return m.Y[k-1]
	}
	t := (predicted - m.X[k-1]) / (m.X[k] - m.X[k-1])
	return m.Y[k-1] + t*(m.Y[k]-m.Y[k-1])
}

// Apply is At of each prediction.
func (m *Monotone) Apply(predicted []float64) []float64 {
	out := make([]float64, len(predicted))
	for i, p := range predicted {
		out[i] = m.At(p)
	}
	return out
}

// MonotoneR2 is R2 after the best monotone recalibration fitted on the same
// cells: how much of the truth the order of the predictions carries. It is
// never negative, and flatters small regions; MonotoneR2ByBlocks does not. It
// has no p-value. Undefined for fewer than 3 cells or when a side does not
// vary; errors as Spearman.
func MonotoneR2(predicted, truth []float64) (Result, error) {
	why, ok, err := check(predicted, truth)
	if err != nil || !ok {
		return why, err
	}
	m, err := FitMonotone(predicted, truth)
	if err != nil {
		return Result{}, err
	}
	return Result{Defined: true, Value: r2(truth, m.Apply(predicted)), P: math.NaN(), N: len(truth)}, nil
}

// MonotoneR2ByBlocks is R2 of cells recalibrated by a curve that was fitted
// without their block: what a user gets who recalibrates with the emissions of
// some blocks and predicts the others. blocks[i] names the block of cell i.
// Undefined as MonotoneR2, and where all cells lie in one block.
func MonotoneR2ByBlocks(predicted, truth []float64, blocks []int) (Result, error) {
	why, ok, err := check(predicted, truth)
	if err != nil || !ok {
		return why, err
	}
	groups, err := group(blocks, len(truth))
	if err != nil {
		return Result{}, err
	}
	n := len(truth)
	if len(groups) < 2 {
		return undefined(n, "all %d cells lie in one block: nothing is left to fit on", n), nil
	}
	// Many blocks are dealt to few folds, as ten fits say what a thousand would.
	folds := min(10, len(groups))
	fold := make([]int, n)
	for g, cells := range groups {
		for _, i := range cells {
			fold[i] = g % folds
		}
	}
	recalibrated := make([]float64, n)
	for f := range folds {
		var p, y []float64
		for i := range n {
			if fold[i] != f {
				p, y = append(p, predicted[i]), append(y, truth[i])
			}
		}
		m, err := FitMonotone(p, y)
		if err != nil {
			return Result{}, err
		}
		for i := range n {
			if fold[i] == f {
				recalibrated[i] = m.At(predicted[i])
			}
		}
	}
	return Result{Defined: true, Value: r2(truth, recalibrated), P: math.NaN(), N: n}, nil
}

// r2 needs a truth that varies.
func r2(truth, fitted []float64) float64 {
	mean := 0.0
	for i, y := range truth {
		mean += (y - mean) / float64(i+1)
	}
	var residual, total float64
	for i, y := range truth {
		residual += (y - fitted[i]) * (y - fitted[i])
		total += (y - mean) * (y - mean)
	}
	return 1 - residual/total
}
