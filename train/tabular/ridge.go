package tabular

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// ridgeMost is the number of training cells that ridge regression is fitted on
// at most: with some 150 features more say nothing new, and the decomposition
// holds three matrices of them in memory.
const ridgeMost = 50_000

// RidgeRegression is linear regression with a penalty on the weights. The
// penalty lambda is chosen on validation cells; without any, by leave-one-out
// on the training cells.
type RidgeRegression struct{}

// Name implements Method.
func (RidgeRegression) Name() string { return "ridge" }

// Fit implements Method.
func (RidgeRegression) Fit(ctx context.Context, t Task, _ Options) (Fitted, error) {
	all := len(t.Train)
	t.Train = thin(t.Train, ridgeMost)
	p, err := prepare(t)
	if err != nil {
		return nil, err
	}
	f := &fittedRidge{Scaled: p.scaling, Saw: t.Features.About() + some(len(t.Train), all)}
	if len(p.validation.y) == 0 {
		if f.Ridge, err = FitRidge(p.train.z, p.train.y, Lambdas()); err != nil {
			return nil, err
		}
		f.How = "leave-one-out"
		return f, nil
	}
	f.How = "validation"
	s, err := newSolver(p.train.z, p.train.y, Lambdas())
	if err != nil {
		return nil, err
	}
	for _, lambda := range Lambdas() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f.Tried = append(f.Tried, p.judge(Settings{{"lambda", lambda}}, s.fit(lambda).Predict(p.validation.z)))
	}
	f.Ridge = s.fit(Lambdas()[best(f.Tried)])
	return f, nil
}

type fittedRidge struct {
	Scaled *Scaling `json:"scaling"`
	Ridge  *Ridge   `json:"ridge"`
	Saw    string   `json:"saw"`
	How    string   `json:"how"` // lambda was chosen
	Tried  []Trial  `json:"trials"`
}

// About implements Fitted.
func (f *fittedRidge) About() string {
	return fmt.Sprintf("ridge regression on %s; lambda %.3g by %s", f.Saw, f.Ridge.Lambda, f.How)
}

// Trials implements Fitted.
func (f *fittedRidge) Trials() []Trial { return f.Tried }

// Predict implements Fitted.
func (f *fittedRidge) Predict(ctx context.Context, x *Features, cells []int32) ([]float64, error) {
	return predictRows(ctx, f.Scaled, x, cells, func(z *mat.Dense) ([]float64, error) { return f.Ridge.Predict(z), nil })
}

// thin takes at most `most` cells, evenly from first to last.
func thin(cells []int32, most int) []int32 {
	if len(cells) <= most {
		return cells
	}
	out := make([]int32, most)
	for i := range out {
		out[i] = cells[i*len(cells)/most]
	}
	return out
}

// some says that not all training cells were fitted on.
func some(n, all int) string {
	if n == all {
		return ""
	}
	return fmt.Sprintf(" (%d of %d training cells)", n, all)
}
