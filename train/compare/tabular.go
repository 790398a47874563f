package compare

import (
	"context"
	"fmt"

	"opencarbon/train"
	"opencarbon/train/config"
	"opencarbon/train/method"
	"opencarbon/train/tabular"
)

// simple are the methods that see a cell as a row of numbers.
var simple = []struct {
	name, about string
	method      tabular.Method
	fixed       bool
	slow        bool // takes minutes, where the others take seconds
}{
	{"ridge", "ridge regression on image statistics and ln counts of cell, 3 x 3 and 5 x 5", tabular.RidgeRegression{}, true, false},
	{"SVR", "support vector regression on the same (libsvm)", tabular.SVR{}, true, false},
	{"XGBoost", "boosted trees on the same (libxgboost)", tabular.XGBoost{}, false, false},
	{"RFR", "random forest on the same (libxgboost)", tabular.Forest{}, false, true},
	{"Stacked-RFR", "two layers of random forests on the same (libxgboost)", tabular.Stacked{}, false, true},
}

// tabularMethod makes a method of rows one of datasets.
type tabularMethod struct {
	tabular.Method
	config *config.Config
}

type tabularFitted struct {
	tabular.Fitted
	in tabular.Inputs
}

func (m tabularMethod) Fit(ctx context.Context, d *method.Dataset, o method.Options) (method.Fitted, error) {
	in, err := train.Inputs(ctx, m.config, d.Store)
	if err != nil {
		return nil, err
	}
	f, err := tabular.Of(ctx, d.Store, in)
	if err != nil {
		return nil, err
	}
	fitted, err := m.Method.Fit(ctx, tabular.Task{Features: f, Ln: d.Ln, Train: d.Train, Validation: d.Validation}, tabular.Options{Seed: o.Seed, Threads: o.Threads})
	if err != nil {
		return nil, err
	}
	return tabularFitted{fitted, in}, nil
}

func (f tabularFitted) Predict(ctx context.Context, d *method.Dataset, cells []int32) ([]float64, error) {
	x, err := tabular.Of(ctx, d.Store, f.in)
	if err != nil {
		return nil, err
	}
	return f.Fitted.Predict(ctx, x, cells)
}

func (f tabularFitted) Save(path string) error {
	s, ok := f.Fitted.(interface{ Save(string) error })
	if !ok {
		return fmt.Errorf("this method cannot be saved")
	}
	return s.Save(path)
}
