package train

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"opencarbon/train/baselines"
	"opencarbon/train/config"
	"opencarbon/train/metrics"
	"opencarbon/train/progress"
	"opencarbon/train/tabular"
)

// Baseline is a simple predictor's score on the run's split.
type Baseline struct {
	Name    string                `json:"name"`
	About   string                `json:"about"`
	Note    string                `json:"note,omitempty"` // why there are no scores
	Splits  []metrics.SplitScores `json:"splits"`         // train, validation, test; none with a note
	Trials  []tabular.Trial       `json:"trials,omitempty"`
	Seconds float64               `json:"seconds,omitempty"`
	Path    string                `json:"path,omitempty"` // its checkpoint; empty where there is none

	fitted tabular.Fitted
}

// Test is the baseline's score on the test cells; false where it has none.
func (b Baseline) Test() (metrics.SplitScores, bool) {
	if len(b.Splits) == 0 {
		return metrics.SplitScores{}, false
	}
	return b.Splits[len(b.Splits)-1], true
}

// beside are the methods that stand beside every result.
func beside() []tabular.Method {
	return []tabular.Method{tabular.RidgeRegression{}, tabular.SVR{}, tabular.XGBoost{}}
}

// lately holds the baselines of the last few problems: an ablation trains many
// times on the same one, and the baselines do not depend on the network.
var lately struct {
	sync.Mutex
	keys    [][sha256.Size]byte // oldest first
	results [][]Baseline
}

// baselines scores the mean and the tabular methods on the run's split. They
// see the modalities that the network sees. Their draws have one seed whatever
// the run's, so that a result and its baselines can be made again.
func (d *dataset) baselines(ctx context.Context, c *config.Config, o progress.Options) ([]Baseline, error) {
	inputs := d.inputs(c)
	key := d.problem(inputs)
	lately.Lock()
	defer lately.Unlock()
	for i, k := range lately.keys {
		if k == key {
			return slices.Clone(lately.results[i]), nil
		}
	}
	bar := progress.NewBar(o, "baselines", len(beside()))
	defer bar.Close()
	features, err := tabular.Of(ctx, d.store, inputs)
	if err != nil {
		return nil, err
	}
	results, err := baselines.Run(ctx, baselines.Input{Targets: d.ln, Train: d.train, Validation: d.validation, Test: d.test,
		Features: features, Methods: beside(), Options: tabular.Options{Threads: c.Train.Threads},
		Done: func() { bar.Add(1) }})
	if err != nil {
		return nil, err
	}
	out := make([]Baseline, len(results))
	for i, r := range results {
		out[i] = Baseline{Name: r.Name, About: r.About, Note: r.Note, Splits: r.Splits, Seconds: r.Took.Seconds()}
		if r.Fitted != nil {
			out[i].Trials, out[i].fitted = r.Fitted.Trials(), r.Fitted
		}
	}
	if len(lately.keys) == 4 {
		lately.keys, lately.results = lately.keys[1:], lately.results[1:]
	}
	lately.keys, lately.results = append(lately.keys, key), append(lately.results, slices.Clone(out))
	return out, nil
}

// problem tells apart what baselines depend on: store, split, targets, inputs.
func (d *dataset) problem(in tabular.Inputs) [sha256.Size]byte {
	h := sha256.New()
	m := d.store.Meta()
	fmt.Fprintf(h, "%s\n%s\n%s\n%d\n%s\n", d.store.Dir(), m.ConfigHash, m.Built, d.store.Bytes(), in.Key())
	for _, v := range []any{d.ln, d.train, int32(-1), d.validation, int32(-1), d.test} {
		binary.Write(h, binary.LittleEndian, v) // of numbers into a hash: cannot fail
	}
	return [sha256.Size]byte(h.Sum(nil))
}
