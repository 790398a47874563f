package tabular

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"

	"opencarbon/data/fault"
)

// Method is a way to predict ln emission from the features of cells.
type Method interface {
	// Name is what tables call it: "ridge", "SVR".
	Name() string
	// Fit fits on the task's training cells and makes every choice on its
	// validation cells. It stops with ctx's error when that ends. What the user
	// can mend (too few cells, a library that is missing) is a *fault.Input error.
	Fit(ctx context.Context, t Task, o Options) (Fitted, error)
}

// Fitted is a method with what it has learnt.
type Fitted interface {
	// Predict returns ln emission of some cells of f, [len(cells)]. The features
	// must have the columns that the method was fitted on.
	Predict(ctx context.Context, f *Features, cells []int32) ([]float64, error)
	// About says in one line what it is, what it saw and what was chosen.
	About() string
	// Trials are the points of the grid, in the order in which they were tried.
	Trials() []Trial
	// Columns are the names of the features that it was fitted on.
	Columns() []string
	// Save writes it to a file that Open reads.
	Save(path string) error
}

// Task is what a method learns: cells of a region with known ln emission. It
// does not hold the test cells' targets in any place that a method reads.
type Task struct {
	Features          *Features
	Ln                []float64 // [N] ln emission; read at Train and Validation only
	Train, Validation []int32   // cells; without validation cells the middle of the grid is taken, or leave-one-out
}

// Options of Fit. The zero value is good.
type Options struct {
	Seed    int64 // of what draws by chance
	Threads int   // fits at a time; 0: one a core
}

// Trial is a point of a method's grid and how well it did on validation cells.
type Trial struct {
	Settings Settings `json:"settings"`
	RMSE     float64  `json:"rmse"`         // ln, validation cells
	R2       *float64 `json:"r2,omitempty"` // nil where it is not defined (equal targets)
}

// Settings are hyper-parameters by name, in an order fit to be read.
type Settings []Setting

// Setting is one of them.
type Setting struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// String writes "C 3, gamma 0.01".
func (s Settings) String() string {
	parts := make([]string, len(s))
	for i, v := range s {
		parts[i] = fmt.Sprintf("%s %.3g", v.Name, v.Value)
	}
	return strings.Join(parts, ", ")
}

// samples are scaled rows with their targets.
type samples struct {
	z *mat.Dense // [n, p]
	y []float64  // [n]
}

// prepared is a task made ready: what every method begins with.
type prepared struct {
	scaling           *Scaling
	train, validation samples
}

// prepare checks a task and scales its rows by the training cells.
func prepare(t Task) (*prepared, error) {
	if t.Features == nil || len(t.Ln) != t.Features.Cells() {
		return nil, fmt.Errorf("tabular: %d targets do not fit the features", len(t.Ln))
	}
	if len(t.Train) < 2 {
		return nil, fault.New("data.split", fmt.Sprintf("%d training cells have a target; at least 2 are needed", len(t.Train)),
			"Give the training part more cells, or check data.emissions.")
	}
	var p prepared
	var err error
	if p.train.y, err = targets(t.Ln, t.Train); err != nil {
		return nil, err
	}
	if p.validation.y, err = targets(t.Ln, t.Validation); err != nil {
		return nil, err
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, y := range p.train.y {
		low, high = min(low, y), max(high, y)
	}
	if low == high {
		return nil, fault.New("data.emissions", fmt.Sprintf("all %d training targets are equal (ln emission %.4g): there is nothing to learn", len(p.train.y), low),
			"Check the inventory's band or attribute, and the training part of data.split.")
	}
	x := t.Features.Rows(t.Train)
	if err := t.Features.finite(x, t.Train); err != nil {
		return nil, err
	}
	if p.scaling, err = newScaling(x, t.Features.Names()); err != nil {
		return nil, err
	}
	p.train.z = p.scaling.apply(x)
	if len(t.Validation) > 0 {
		x = t.Features.Rows(t.Validation)
		if err := t.Features.finite(x, t.Validation); err != nil {
			return nil, err
		}
		p.validation.z = p.scaling.apply(x)
	}
	return &p, nil
}

// withTinted are the training samples and, behind them, those of the same cells in other
// colors, as many draws as keep the rows within most.
func (p *prepared) withTinted(t Task, most int) (samples, error) {
	all := p.train
	for _, f := range t.Features.Tinted() {
		n, d := all.z.Dims()
		if n+len(t.Train) > most {
			break
		}
		x := f.Rows(t.Train)
		if err := f.finite(x, t.Train); err != nil {
			return all, err
		}
		z := mat.NewDense(n+len(t.Train), d, nil)
		z.Stack(all.z, p.scaling.apply(x))
		all = samples{z: z, y: append(slices.Clip(all.y), p.train.y...)}
	}
	return all, nil
}

func targets(ln []float64, cells []int32) ([]float64, error) {
	y := make([]float64, len(cells))
	for i, c := range cells {
		if c < 0 || int(c) >= len(ln) || math.IsNaN(ln[c]) || math.IsInf(ln[c], 0) {
			return nil, fmt.Errorf("tabular: cell %d has no finite target", c)
		}
		y[i] = ln[c]
	}
	return y, nil
}

// judge scores a point of a grid by its predictions of the validation cells.
func (p *prepared) judge(s Settings, predicted []float64) Trial {
	mean, total, squares := 0.0, 0.0, 0.0
	n := float64(len(predicted))
	for _, y := range p.validation.y {
		mean += y / n
	}
	for i, y := range p.validation.y {
		squares += (y - predicted[i]) * (y - predicted[i])
		total += (y - mean) * (y - mean)
	}
	t := Trial{Settings: s, RMSE: math.Sqrt(squares / n)}
	if total > 0 {
		r2 := 1 - squares/total
		t.R2 = &r2
	}
	return t
}

// best is the place of the trial with the smallest validation error, the
// first of equal ones.
func best(trials []Trial) int {
	at := 0
	for i, t := range trials {
		if t.RMSE < trials[at].RMSE {
			at = i
		}
	}
	return at
}

// predictRows predicts cells in portions, so that the rows of a large region
// are never in memory together.
func predictRows(ctx context.Context, s *Scaling, f *Features, cells []int32, predict func(z *mat.Dense) ([]float64, error)) ([]float64, error) {
	if err := s.fits(f); err != nil {
		return nil, err
	}
	const portion = 4096
	out := make([]float64, 0, len(cells))
	for first := 0; first < len(cells); first += portion {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		some := cells[first:min(first+portion, len(cells))]
		x := f.Rows(some)
		if err := f.finite(x, some); err != nil {
			return nil, err
		}
		y, err := predict(s.apply(x))
		if err != nil {
			return nil, err
		}
		out = append(out, y...)
	}
	return out, nil
}
