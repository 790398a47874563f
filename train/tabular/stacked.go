package tabular

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"opencarbon/train/tabular/native"
)

// Stacked is random forest regression in two layers (Zhang et al. 2022, Remote
// Sensing 14, 3899; its first layer's outputs are not public, so how the layers
// are joined is ours). The first forest predicts every cell; the second sees the
// features, that prediction, and its mean over the 3 x 3 neighborhood without
// the cell. What the second learns from are predictions out of fold: of each
// training cell by forests that have not seen its block of 4 x 4 cells, since a
// forest knows the cells that it grew on almost by heart. A neighbor's target is
// never seen.
type Stacked struct {
	Trees int // of each forest; 0: 300
}

// Of the folds.
const (
	stackFolds = 5
	stackBlock = 4 // cells an edge
)

// Name implements Method.
func (Stacked) Name() string { return "Stacked RFR" }

// Fit implements Method. Leaf size and share of features are chosen for each
// layer by itself.
func (m Stacked) Fit(ctx context.Context, t Task, o Options) (Fitted, error) {
	if err := native.XGBReady(); err != nil {
		return nil, err
	}
	first, err := Forest(m).Fit(ctx, t, o)
	if err != nil {
		return nil, err
	}
	f := &fittedStacked{First: first.(*fittedTrees), Saw: t.Features.About()}

	// Predictions of every cell that the second layer looks at.
	needed := t.Features.near(append(slices.Clone(t.Train), t.Validation...))
	guess, err := f.firstLayer(ctx, t.Features, needed)
	if err != nil {
		return nil, err
	}
	if err := outOfFold(ctx, t, o, m.Trees, f.First.Chosen, guess); err != nil {
		return nil, err
	}
	second := t.Features.more(guess)
	p, err := prepare(Task{Features: second, Ln: t.Ln, Train: t.Train, Validation: t.Validation})
	if err != nil {
		return nil, err
	}
	if f.Second, err = forest(ctx, p, o, m.Trees, forestGrid(len(p.scaling.Keep), len(p.validation.y) > 0)); err != nil {
		return nil, err
	}
	f.Second.Method = "RFR"
	return f, nil
}

// outOfFold puts into guess, for every training cell, the prediction of a forest
// that was grown without its fold. Folds are blocks of cells, dealt by chance.
func outOfFold(ctx context.Context, t Task, o Options, trees int, s Settings, guess []float64) error {
	fold := folds(t.Features, t.Train, o.Seed)
	return each(ctx, stackFolds, o.Threads, func(k int) error {
		var in, out []int32
		for i, c := range t.Train {
			if fold[i] == k {
				out = append(out, c)
			} else {
				in = append(in, c)
			}
		}
		if len(out) == 0 || len(in) < 2 { // few blocks: there is nothing to grow on
			return nil
		}
		p, err := prepare(Task{Features: t.Features, Ln: t.Ln, Train: in})
		if err != nil {
			return err
		}
		one, err := forest(ctx, p, Options{Seed: o.Seed, Threads: 1}, trees, []Settings{s})
		if err != nil {
			return err
		}
		predicted, err := one.Predict(ctx, t.Features, out)
		if err != nil {
			return err
		}
		for i, c := range out {
			guess[c] = predicted[i]
		}
		return nil
	})
}

// folds deals blocks of stackBlock x stackBlock cells to stackFolds folds, as
// many blocks to each as can be; [len(cells)].
func folds(f *Features, cells []int32, seed int64) []int {
	block := func(c int32) [2]int64 {
		at := f.at[c]
		return [2]int64{floor(at.Col, stackBlock), floor(at.Row, stackBlock)}
	}
	place := map[[2]int64]int{}
	for _, c := range cells {
		if _, ok := place[block(c)]; !ok {
			place[block(c)] = len(place)
		}
	}
	order := rand.New(rand.NewPCG(uint64(seed), 4)).Perm(len(place))
	out := make([]int, len(cells))
	for i, c := range cells {
		out[i] = order[place[block(c)]] % stackFolds
	}
	return out
}

// floor divides toward minus infinity.
func floor(a, b int64) int64 {
	if a < 0 {
		return (a - b + 1) / b
	}
	return a / b
}

// fittedStacked is the two layers.
type fittedStacked struct {
	First  *fittedTrees `json:"first"`
	Second *fittedTrees `json:"second"`
	Saw    string       `json:"saw"`
}

// About implements Fitted.
func (f *fittedStacked) About() string {
	return fmt.Sprintf("random forest regression in two layers (XGBoost) on %s; first %s, second %s%s", f.Saw, f.First.Chosen, f.Second.Chosen, by(f.Second.Tried))
}

// Trials implements Fitted: of the second layer.
func (f *fittedStacked) Trials() []Trial { return f.Second.Tried }

func (f *fittedStacked) kind() string { return Stacked{}.Name() }

func (f *fittedStacked) sound() error {
	if f.First == nil || f.Second == nil {
		return errors.New("a layer is missing")
	}
	return errors.Join(f.First.sound(), f.Second.sound())
}

// firstLayer predicts some cells, as [N] with zeros elsewhere.
func (f *fittedStacked) firstLayer(ctx context.Context, x *Features, cells []int32) ([]float64, error) {
	predicted, err := f.First.Predict(ctx, x, cells)
	if err != nil {
		return nil, err
	}
	guess := make([]float64, x.Cells())
	for i, c := range cells {
		guess[c] = predicted[i]
	}
	return guess, nil
}

// Predict implements Fitted. It needs XGBoost.
func (f *fittedStacked) Predict(ctx context.Context, x *Features, cells []int32) ([]float64, error) {
	guess, err := f.firstLayer(ctx, x, x.near(cells))
	if err != nil {
		return nil, err
	}
	return f.Second.Predict(ctx, x.more(guess), cells)
}

// near are some cells and their neighbors in 3 x 3, rising, each once.
func (f *Features) near(cells []int32) []int32 {
	seen := make([]bool, f.cells)
	for _, c := range cells {
		f.ring(int(c), 3, func(j int) { seen[j] = true })
	}
	var out []int32
	for j, s := range seen {
		if s {
			out = append(out, int32(j))
		}
	}
	return out
}

// more are the features with two columns behind: a number of each cell [N], and
// its mean over the cells around it in 3 x 3 (the cell's own where there is no
// other).
func (f *Features) more(guess []float64) *Features {
	m := *f
	m.names = append(slices.Clone(f.names), "first layer, own", "first layer, around")
	m.extra = func(cell int, out []float64) {
		sum, n := 0.0, 0.0
		f.ring(cell, 3, func(j int) {
			if j != cell {
				sum, n = sum+guess[j], n+1
			}
		})
		out[0], out[1] = guess[cell], guess[cell]
		if n > 0 {
			out[1] = sum / n
		}
	}
	return &m
}
