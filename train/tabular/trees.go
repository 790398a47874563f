package tabular

import (
	"context"
	"fmt"
	"strconv"

	"gonum.org/v1/gonum/mat"

	"opencarbon/train/tabular/native"
)

// exactMost is the number of training cells up to which trees look at every
// possible split; beyond, at histograms of 256 steps, which are slower for few
// cells of many features.
const exactMost = 20_000

// XGBoost is gradient boosting of regression trees. Depth and leaf size are
// chosen on validation cells, and so is the number of rounds: boosting stops
// when the validation error has not fallen for 50.
type XGBoost struct{}

// Of boosting.
const (
	boostRounds   = 1000
	boostPatience = 50
	boostPlain    = 200 // rounds where there are no validation cells
)

// Name implements Method.
func (XGBoost) Name() string { return "XGBoost" }

// Fit implements Method.
func (XGBoost) Fit(ctx context.Context, t Task, o Options) (Fitted, error) {
	if err := native.XGBReady(); err != nil {
		return nil, err
	}
	p, err := prepare(t)
	if err != nil {
		return nil, err
	}
	var grid []Settings
	for _, depth := range []float64{3, 5} {
		for _, child := range []float64{1, 5} {
			grid = append(grid, Settings{{"depth", depth}, {"leaf", child}})
		}
	}
	if len(p.validation.y) == 0 {
		grid = []Settings{{{"depth", 5}, {"leaf", 5}}}
	}
	mean, err := average(p.train.y)
	if err != nil {
		return nil, err
	}
	parameters := func(s Settings) []native.Parameter {
		return append(common(len(p.train.y), o.Seed), native.Parameter{Name: "base_score", Value: number(mean)},
			native.Parameter{Name: "max_depth", Value: number(s[0].Value)}, native.Parameter{Name: "min_child_weight", Value: number(s[1].Value)},
			native.Parameter{Name: "learning_rate", Value: "0.1"}, native.Parameter{Name: "subsample", Value: "0.8"},
			native.Parameter{Name: "colsample_bytree", Value: "0.5"}, native.Parameter{Name: "lambda", Value: "1"})
	}
	f, err := grow(ctx, p, o, grid, boostRounds, parameters)
	if err != nil {
		return nil, err
	}
	f.Method, f.Saw, f.Words = "XGBoost", t.Features.About(), "boosted regression trees (XGBoost)"
	return f, nil
}

// common are the parameters of boosting and of forests on n cells.
func common(n int, seed int64) []native.Parameter {
	method := "exact"
	if n > exactMost {
		method = "hist"
	}
	return []native.Parameter{{Name: "objective", Value: "reg:squarederror"}, {Name: "tree_method", Value: method},
		{Name: "seed", Value: strconv.FormatInt(seed, 10)}}
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// grow fits all points of a grid and keeps the one with the smallest validation
// error. With more than one round, boosting stops early and the rounds done are
// a setting more.
func grow(ctx context.Context, p *prepared, o Options, grid []Settings, rounds int, parameters func(Settings) []native.Parameter) (*fittedTrees, error) {
	f := &fittedTrees{Scaled: p.scaling}
	trials, models, kept := make([]Trial, len(grid)), make([][]byte, len(grid)), make([]int, len(grid))
	judged := len(p.validation.y) > 0
	if rounds > 1 && !judged {
		rounds = boostPlain
	}
	err := each(ctx, len(grid), o.Threads, func(i int) error {
		// XGBoost sorts a matrix's columns when it first needs them: every fit
		// has matrices of its own, which no other may be sorting.
		train, err := matrix(p.train)
		if err != nil {
			return err
		}
		defer train.Close()
		var after func(*native.Booster, int) (int, bool, error)
		kept[i] = rounds
		if judged {
			held, err := matrix(p.validation)
			if err != nil {
				return err
			}
			defer held.Close()
			after = func(b *native.Booster, done int) (int, bool, error) {
				predicted, err := b.Predict(held)
				if err != nil {
					return 0, false, err
				}
				if t := p.judge(grid[i], predicted); done == 1 || t.RMSE < trials[i].RMSE {
					trials[i], kept[i] = t, done
				}
				return kept[i], done-kept[i] >= boostPatience, nil
			}
		}
		b, err := native.Boost(ctx, train, rounds, parameters(grid[i]), after)
		if err != nil {
			return err
		}
		defer b.Close()
		if rounds > 1 {
			trials[i].Settings = append(append(Settings(nil), grid[i]...), Setting{"rounds", float64(kept[i])})
		}
		models[i], err = b.Bytes()
		return err
	})
	if err != nil {
		return nil, err
	}
	chosen := 0
	f.Chosen = grid[0]
	if judged {
		chosen = best(trials)
		f.Tried, f.Chosen = trials, trials[chosen].Settings
	}
	f.Model = models[chosen]
	return f, nil
}

// matrix gives samples to XGBoost.
func matrix(s samples) (*native.Matrix, error) {
	n, d := s.z.Dims()
	x := make([]float32, 0, n*d)
	for i := range n {
		for _, v := range s.z.RawRowView(i) {
			x = append(x, float32(v))
		}
	}
	var y []float32
	for _, v := range s.y {
		y = append(y, float32(v))
	}
	return native.NewMatrix(x, n, d, y)
}

// fittedTrees is a forest or a boosted one, as XGBoost keeps it.
type fittedTrees struct {
	Method string   `json:"method"`
	Scaled *Scaling `json:"scaling"`
	Model  []byte   `json:"model"`
	Saw    string   `json:"saw"`
	Words  string   `json:"words"`
	Chosen Settings `json:"chosen"`
	Tried  []Trial  `json:"trials"`
}

// About implements Fitted.
func (f *fittedTrees) About() string {
	return fmt.Sprintf("%s on %s; %s%s", f.Words, f.Saw, f.Chosen, by(f.Tried))
}

// Trials implements Fitted.
func (f *fittedTrees) Trials() []Trial { return f.Tried }

// Predict implements Fitted. It needs XGBoost.
func (f *fittedTrees) Predict(ctx context.Context, x *Features, cells []int32) ([]float64, error) {
	b, err := native.Load(f.Model)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return predictRows(ctx, f.Scaled, x, cells, func(z *mat.Dense) ([]float64, error) { return treesOf(b, z) })
}

func treesOf(b *native.Booster, z *mat.Dense) ([]float64, error) {
	m, err := matrix(samples{z: z})
	if err != nil {
		return nil, err
	}
	defer m.Close()
	return b.Predict(m)
}
