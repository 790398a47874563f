package tabular

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strconv"

	"opencarbon/train/tabular/native"
)

// Forest is random forest regression, grown by XGBoost in one round: 300 trees
// as deep as they need, each on 63.2 % of the training cells (what a bootstrap
// sample holds) and a share of the features at every split. Leaf size and share
// are chosen on validation cells.
type Forest struct {
	Trees int // 0: 300
}

// forestTrees is how many trees a forest has.
const forestTrees = 300

// Name implements Method.
func (Forest) Name() string { return "RFR" }

// Fit implements Method.
func (m Forest) Fit(ctx context.Context, t Task, o Options) (Fitted, error) {
	if err := native.XGBReady(); err != nil {
		return nil, err
	}
	p, err := prepare(t)
	if err != nil {
		return nil, err
	}
	f, err := forest(ctx, p, o, m.Trees, forestGrid(len(p.scaling.Keep), len(p.validation.y) > 0))
	if err != nil {
		return nil, err
	}
	f.Method, f.Saw, f.Words = "RFR", t.Features.About(), fmt.Sprintf("random forest regression (%d trees, XGBoost)", cmp.Or(m.Trees, forestTrees))
	return f, nil
}

// forestGrid is leaf sizes by shares of the d features; its middle where
// nothing chooses.
func forestGrid(d int, judged bool) []Settings {
	if !judged {
		return []Settings{{{"leaf", 3}, {"share", 1.0 / 3}}}
	}
	var grid []Settings
	for _, leaf := range []float64{1, 3, 5} {
		for _, share := range []float64{1 / math.Sqrt(float64(d)), 1.0 / 3} {
			grid = append(grid, Settings{{"leaf", leaf}, {"share", share}})
		}
	}
	return grid
}

func forest(ctx context.Context, p *prepared, o Options, trees int, grid []Settings) (*fittedTrees, error) {
	mean, err := average(p.train.y)
	if err != nil {
		return nil, err
	}
	return grow(ctx, p, o, grid, 1, func(s Settings) []native.Parameter {
		return append(common(len(p.train.y), o.Seed), native.Parameter{Name: "base_score", Value: number(mean)},
			native.Parameter{Name: "num_parallel_tree", Value: strconv.Itoa(cmp.Or(trees, forestTrees))}, native.Parameter{Name: "learning_rate", Value: "1"},
			native.Parameter{Name: "max_depth", Value: "20"}, native.Parameter{Name: "lambda", Value: "0"},
			native.Parameter{Name: "subsample", Value: "0.632"}, native.Parameter{Name: "min_child_weight", Value: number(s[0].Value)},
			native.Parameter{Name: "colsample_bynode", Value: number(s[1].Value)})
	})
}
