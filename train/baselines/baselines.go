// Package baselines holds the predictors that a network must beat on the same
// split to have learnt anything: the mean of the training targets, and the
// methods of package tabular, which see the images and POIs that the network
// sees as hand-made features of the cell and its surroundings.
//
// It fits and scores; what a method is, tabular says.
package baselines

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"opencarbon/data/fault"
	"opencarbon/train/metrics"
	"opencarbon/train/tabular"
)

// Input is a region as a learning problem, N cells.
type Input struct {
	Targets    []float64 // [N] ln emission; NaN: no target
	Train      []int32   // cells that are fitted, all with a target
	Validation []int32   // cells that choose between settings; targets needed
	Test       []int32   // cells that are only scored; targets needed

	Features *tabular.Features // nil: the mean alone
	Methods  []tabular.Method
	Options  tabular.Options
	Done     func() // called after each method; may be nil
}

// Result is how well a baseline does; a run keeps it.
type Result struct {
	Name    string                `json:"name"`           // "mean", or a method's name
	About   string                `json:"about"`          // one line: what it is, what it saw and what was chosen
	Note    string                `json:"note,omitempty"` // why there are no scores
	Splits  []metrics.SplitScores `json:"splits"`         // train, validation, test; none with a note
	Trials  []tabular.Trial       `json:"trials,omitempty"`
	Seconds float64               `json:"seconds,omitempty"` // to fit and score
	Path    string                `json:"path,omitempty"`    // its checkpoint; empty where there is none

	Fitted tabular.Fitted `json:"-"` // nil: the mean, or none
}

// Test is the score on the test cells; false where there is none.
func (r Result) Test() (metrics.SplitScores, bool) {
	if len(r.Splits) == 0 {
		return metrics.SplitScores{}, false
	}
	return r.Splits[len(r.Splits)-1], true
}

// Find is the place in a list of the method that a config calls name, or -1.
func Find(list []Result, name string) int {
	return slices.IndexFunc(list, func(r Result) bool { return strings.EqualFold(r.Name, name) })
}

// Run fits the baselines on the training cells and scores them. A method that
// cannot be fitted here (equal targets, a library that is not installed) has a
// note in the place of scores: what stands beside a result must not stop it.
func Run(ctx context.Context, in Input) ([]Result, error) {
	mean, err := Mean(pick(in.Targets, in.Train))
	if err != nil {
		return nil, err
	}
	results := []Result{{Name: "mean", About: "mean ln emission of the training cells"}}
	if err := in.score(&results[0], func(cells []int32) ([]float64, error) {
		out := make([]float64, len(cells))
		for i := range out {
			out[i] = mean
		}
		return out, nil
	}); err != nil || in.Features == nil {
		return results, err
	}
	task := tabular.Task{Features: in.Features, Ln: in.Targets, Train: in.Train, Validation: in.Validation}
	for _, m := range in.Methods {
		r, began := Result{Name: m.Name()}, time.Now()
		r.Fitted, err = m.Fit(ctx, task, in.Options)
		if err == nil {
			r.About, r.Trials = r.Fitted.About(), r.Fitted.Trials()
			err = in.score(&r, func(cells []int32) ([]float64, error) { return r.Fitted.Predict(ctx, in.Features, cells) })
		}
		var mendable *fault.Input
		switch {
		case err == nil:
		case errors.As(err, &mendable):
			r.Splits, r.Trials, r.Fitted, r.Note = nil, nil, nil, mendable.Error()
		default:
			return nil, fmt.Errorf("baseline %s: %w", m.Name(), err)
		}
		r.Seconds = time.Since(began).Seconds()
		results = append(results, r)
		if in.Done != nil {
			in.Done()
		}
	}
	return results, nil
}

func (in *Input) score(r *Result, predict func(cells []int32) ([]float64, error)) error {
	for _, s := range []struct {
		name  string
		cells []int32
	}{{"train", in.Train}, {"validation", in.Validation}, {"test", in.Test}} {
		predicted, err := predict(s.cells)
		if err != nil {
			return err
		}
		scores, err := metrics.Evaluate(s.name, pick(in.Targets, s.cells), predicted)
		if err != nil {
			return fmt.Errorf("baseline %s: %w", r.Name, err)
		}
		r.Splits = append(r.Splits, scores)
	}
	return nil
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

func pick(v []float64, at []int32) []float64 {
	out := make([]float64, len(at))
	for i, j := range at {
		out[i] = v[j]
	}
	return out
}
