// Package method is what everything above it knows of a way to predict emission:
// a network, a ridge regression, a forest. A study that compares ways to predict
// (package compare) sees nothing else of them.
package method

import (
	"context"
	"math"

	"opencarbon/data/store"
	"opencarbon/train/progress"
)

// Dataset is a tile store as a learning problem.
type Dataset struct {
	Store                   *store.Store
	Ln                      []float64 // [N] ln of the yearly emission; NaN where there is none
	Train, Validation, Test []int32   // cells with a target
}

// New takes a store with the split that it was built with.
func New(s *store.Store) *Dataset { return Split(s, s.Splits()) }

// Split takes a store with another split, [N]. Cells without a target, or whose
// emission is 0, are in no part.
func Split(s *store.Store, splits []store.Split) *Dataset {
	d := &Dataset{Store: s, Ln: make([]float64, s.Len())}
	targets := s.Targets()
	for i := range d.Ln {
		d.Ln[i] = math.NaN()
		if i >= len(targets) || !(targets[i] > 0) || math.IsInf(targets[i], 0) {
			continue
		}
		d.Ln[i] = math.Log(targets[i])
		if i >= len(splits) {
			continue
		}
		switch splits[i] {
		case store.Train:
			d.Train = append(d.Train, int32(i))
		case store.Validation:
			d.Validation = append(d.Validation, int32(i))
		case store.Test:
			d.Test = append(d.Test, int32(i))
		}
	}
	return d
}

// Options of Fit.
type Options struct {
	Seed     int64  // of every draw
	Threads  int    // 0: all cores
	Dir      string // an own folder for what Fit leaves on the way; it exists
	Progress progress.Options
	// Validated, where it is given, hears R2 of the validation cells after each of a
	// network's validations, with the epochs done; an error that it returns ends Fit.
	Validated func(epoch int, r2 float64) error
}

// Method is a way to predict ln emission from a store. Validation cells choose,
// test cells are never seen by Fit. Bad input is a *fault.Input error; Fit ends
// with ctx's error when ctx does.
type Method interface {
	Fit(ctx context.Context, d *Dataset, o Options) (Fitted, error)
}

// Fitted is a method that has learnt.
type Fitted interface {
	// Predict returns ln emission of cells, in their order.
	Predict(ctx context.Context, d *Dataset, cells []int32) ([]float64, error)

	// Save writes a checkpoint that says its kind.
	Save(path string) error

	// About says in one line what was chosen.
	About() string
}
