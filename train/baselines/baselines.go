// Package baselines holds the simple predictors that a model must beat on the
// same split to have learnt anything: the mean of the training targets, and
// ridge regression on ln(1 + POI counts) of the cell and of its neighborhood.
//
// It sees slices of numbers: no tensors, no files.
package baselines

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"opencarbon/train/metrics"
)

// Input is a region as the tile store hands it out, N tiles and C categories.
type Input struct {
	Targets    []float64 // [N] ln emission; NaN: no target
	Train      []int     // tiles that are fitted, all with a target
	Validation []int     // tiles that are only scored; targets needed
	Test       []int

	// POIs, sparse: the entries of tile i are Offsets[i] to Offsets[i+1]. With
	// Categories 0 there are none, and no ridge regression.
	Categories int
	Offsets    []int64   // [N+1]
	Category   []uint16  // [entries]
	Count      []float32 // [entries]

	Neighbors []int32 // [N, M*M] tile ids around each tile, -1 = none
	M         int     // neighborhood width; 1: the neighborhood adds nothing
}

// Result is what a baseline predicts and how well.
type Result struct {
	Name      string // "mean" or "ridge"
	About     string // one line: what it is and what was chosen
	Predicted []float64
	Splits    []metrics.SplitScores // train, validation, test
}

// Run fits and scores the baselines on the training tiles alone.
func Run(in Input) ([]Result, error) {
	if len(in.Train) == 0 {
		return nil, fmt.Errorf("baselines: no training tiles")
	}
	y := pick(in.Targets, in.Train)
	mean, err := Mean(y)
	if err != nil {
		return nil, err
	}
	constant := make([]float64, len(in.Targets))
	for i := range constant {
		constant[i] = mean
	}
	first, err := in.score("mean", "mean ln emission of the training cells", constant)
	if err != nil || in.Categories == 0 || len(in.Train) < 2 {
		return []Result{first}, err
	}
	x, err := in.Features()
	if err != nil {
		return nil, err
	}
	r, err := FitRidge(rows(x, in.Train), y, Lambdas())
	if err != nil {
		return nil, err
	}
	around := ""
	if in.M > 1 {
		around = fmt.Sprintf(" and its %d x %d neighborhood", in.M, in.M)
	}
	about := fmt.Sprintf("ridge regression on ln(1 + POI counts) of the cell%s, lambda %.3g by leave-one-out", around, r.Lambda)
	second, err := in.score("ridge", about, r.Predict(x))
	return []Result{first, second}, err
}

func (in *Input) score(name, about string, predicted []float64) (Result, error) {
	res := Result{Name: name, About: about, Predicted: predicted}
	for _, s := range []struct {
		name  string
		tiles []int
	}{{"train", in.Train}, {"validation", in.Validation}, {"test", in.Test}} {
		scores, err := metrics.Evaluate(s.name, pick(in.Targets, s.tiles), pick(predicted, s.tiles))
		if err != nil {
			return Result{}, fmt.Errorf("baseline %s: %w", name, err)
		}
		res.Splits = append(res.Splits, scores)
	}
	return res, nil
}

// Mean is the mean of the targets, which must be finite and not none.
func Mean(y []float64) (float64, error) {
	mean := 0.0
	for i, v := range y {
		mean += (v - mean) / float64(i+1)
	}
	if len(y) == 0 || math.IsNaN(mean) || math.IsInf(mean, 0) {
		return 0, fmt.Errorf("baselines: no mean of %d targets", len(y))
	}
	return mean, nil
}

// Features makes the ridge regression's features, [N, 2C]: ln(1 + own count) of
// each category, then ln(1 + sum over the M x M neighborhood, the cell
// included). With M 1 only the first half, [N, C].
func (in *Input) Features() (*mat.Dense, error) {
	n, c := len(in.Targets), in.Categories
	width := 2 * c
	if in.M <= 1 {
		width = c
	}
	switch {
	case n == 0 || c == 0:
		return nil, fmt.Errorf("baselines: %d tiles and %d POI categories give no features", n, c)
	case len(in.Offsets) != n+1 || len(in.Category) != len(in.Count) || in.Offsets[n] > int64(len(in.Count)):
		return nil, fmt.Errorf("baselines: %d offsets and %d entries do not fit %d tiles", len(in.Offsets), len(in.Count), n)
	case in.M > 1 && len(in.Neighbors) != n*in.M*in.M:
		return nil, fmt.Errorf("baselines: %d neighbors do not fit %d tiles of %d x %d", len(in.Neighbors), n, in.M, in.M)
	}
	counts := make([]float64, n*c)
	for i := range n {
		for e := in.Offsets[i]; e < in.Offsets[i+1]; e++ {
			k := int(in.Category[e])
			if k >= c {
				return nil, fmt.Errorf("baselines: tile %d has a POI of category %d of %d", i, k, c)
			}
			counts[i*c+k] += float64(in.Count[e])
		}
	}
	x := mat.NewDense(n, width, nil)
	around := make([]float64, c)
	for i := range n {
		row := x.RawRowView(i)
		for k := range c {
			row[k] = math.Log1p(counts[i*c+k])
		}
		if in.M <= 1 {
			continue
		}
		clear(around)
		for _, j := range in.Neighbors[i*in.M*in.M : (i+1)*in.M*in.M] {
			if j < 0 {
				continue
			}
			for k := range c {
				around[k] += counts[int(j)*c+k]
			}
		}
		for k, v := range around {
			row[c+k] = math.Log1p(v)
		}
	}
	return x, nil
}

func pick(v []float64, at []int) []float64 {
	out := make([]float64, len(at))
	for i, j := range at {
		out[i] = v[j]
	}
	return out
}

func rows(x *mat.Dense, at []int) *mat.Dense {
	_, c := x.Dims()
	out := mat.NewDense(len(at), c, nil)
	for i, j := range at {
		out.SetRow(i, x.RawRowView(j))
	}
	return out
}
