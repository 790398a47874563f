package compare

import (
	"context"
	"fmt"
	"sync"

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

// rows makes the features of a store once for all methods of a comparison.
type rows struct {
	in   tabular.Inputs
	mu   sync.Mutex
	of   string // config hash of the store
	made *tabular.Features
}

func newRows(c *config.Config) *rows {
	return &rows{in: tabular.Inputs{Images: c.Model.HasImage(), POIs: c.Model.HasPOI()}}
}

func (r *rows) features(ctx context.Context, d *method.Dataset) (*tabular.Features, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	hash := d.Store.Dir() + d.Store.Meta().ConfigHash
	if r.made == nil || r.of != hash {
		f, err := tabular.New(ctx, d.Store, r.in)
		if err != nil {
			return nil, err
		}
		r.of, r.made = hash, f
	}
	return r.made, nil
}

// tabularMethod makes a method of rows one of datasets.
type tabularMethod struct {
	tabular.Method
	rows *rows
}

type tabularFitted struct {
	tabular.Fitted
	rows *rows
}

func (m tabularMethod) Fit(ctx context.Context, d *method.Dataset, o method.Options) (method.Fitted, error) {
	f, err := m.rows.features(ctx, d)
	if err != nil {
		return nil, err
	}
	fitted, err := m.Method.Fit(ctx, tabular.Task{Features: f, Ln: d.Ln, Train: d.Train, Validation: d.Validation}, tabular.Options{Seed: o.Seed, Threads: o.Threads})
	if err != nil {
		return nil, err
	}
	return tabularFitted{fitted, m.rows}, nil
}

func (f tabularFitted) Predict(ctx context.Context, d *method.Dataset, cells []int32) ([]float64, error) {
	x, err := f.rows.features(ctx, d)
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
