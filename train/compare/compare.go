// Package compare puts ways to predict side by side on the same cells: Table 2 of
// the paper for one's own region, with the spread over seeds, spatial cross-
// validation, and a paired test of each difference.
//
// A newcomer starts at Run. Every training is kept as a file of its own, so that
// a stopped comparison goes on where it was.
package compare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"opencarbon/data/fault"
	"opencarbon/data/regular"
	"opencarbon/data/split"
	"opencarbon/data/store"
	"opencarbon/train/atomicfile"
	"opencarbon/train/method"
	"opencarbon/train/metrics"
	"opencarbon/train/progress"
)

// Entry is a way to predict that takes part.
type Entry struct {
	Name   string
	Key    string        // all that the result depends on beside data and seed; another key is trained anew
	Method method.Method // nil: it cannot take part
	Why    string        // why not
	Fixed  bool          // does not depend on the seed: one is enough
	Seen   bool          // validation cells are trained on too: what it says of them tells nothing, so it is in no stack
}

// Options of Run.
type Options struct {
	Seeds   int    // seeds are Seed, Seed+1, ...
	Seed    int64  // of the first
	Folds   int    // 0: the store's own split
	Block   int    // folds: edge of the blocks in cells; also of the blocks that the bootstrap draws
	Buffer  int    // folds: cells around test and validation blocks that are not trained on
	Draw    int64  // folds: the seed that deals blocks to folds
	Dealt   string // folds: by blocks (also ""), or by knndm
	For     string // knndm: where the prediction is; see regionOf
	Out     string
	Threads int
	Report  io.Writer // a line for each training
	Parts   PartOptions
	Reach   float64 // R2 of the validation cells: how long each method takes to reach it is in the table; 0: not asked
}

// part is what one training says of the cells that it has not seen.
type part struct {
	Key        string    `json:"key"`
	Validation []float64 `json:"validation"` // ln emission, in the order of the cells
	Test       []float64 `json:"test"`
	Seconds    float64   `json:"seconds"`
	About      string    `json:"about"`
	Curve      []point   `json:"curve,omitempty"` // of a network
}

// point is a validation of a training that goes on.
type point struct {
	Seconds float64 `json:"seconds"` // since it began
	R2      float64 `json:"r2"`
}

// Run trains every entry with every seed on every fold and makes the table.
func Run(ctx context.Context, s *store.Store, entries []Entry, o Options) (*Table, error) {
	if o.Seeds < 1 {
		return nil, fault.New("--seeds", fmt.Sprintf("%d is too few", o.Seeds), "Give 1 or more.")
	}
	folds, about, err := parts(ctx, s, o)
	if err != nil {
		return nil, err
	}
	if err := differ(s, folds); err != nil {
		return nil, err
	}
	within, err := partsOf(ctx, s, method.New(s).Ln, o.Parts)
	if err != nil {
		return nil, err
	}
	if err := makeTrainings(o); err != nil {
		return nil, err
	}
	t := &Table{Region: s.Meta().Name, Unit: s.Meta().TargetUnit, Split: about, Seeds: o.Seeds, Reach: o.Reach}
	for _, e := range entries {
		r := result{entry: e}
		seeds := o.Seeds
		if e.Fixed {
			seeds = 1
		}
		for seed := range seeds {
			if e.Method == nil {
				break
			}
			var one []part
			for fold, d := range folds {
				p, err := fit(ctx, e, d, o, o.Seed+int64(seed), fold)
				if mendable(err) {
					r.entry.Method, r.entry.Why = nil, err.Error()
					fmt.Fprintf(o.Report, "%-18s left out: %v\n", e.Name, err)
					break
				}
				if err != nil {
					return nil, fmt.Errorf("%s, seed %d, fold %d: %w", e.Name, o.Seed+int64(seed), fold+1, err)
				}
				one = append(one, *p)
				if len(folds) > 1 { // a whole row may take hours
					fmt.Fprintf(o.Report, "%-18s seed %d  fold %d of %d  %s\n", e.Name, o.Seed+int64(seed), fold+1, len(folds), time.Duration(p.Seconds*float64(time.Second)).Round(time.Second))
				}
			}
			if r.entry.Method == nil {
				break
			}
			r.seeds = append(r.seeds, one)
			v, err := score(folds, one)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", e.Name, err)
			}
			fmt.Fprintf(o.Report, "%-18s seed %d  R2 %s  MAE %s  RMSE %s  %s\n", e.Name, o.Seed+int64(seed),
				metrics.Number(v.R2), metrics.Number(v.MAE), metrics.Number(v.RMSE), time.Duration(seconds(one)*float64(time.Second)).Round(time.Second))
		}
		t.results = append(t.results, r)
	}
	if err := t.fill(folds, o); err != nil {
		return nil, err
	}
	t.scoreParts(folds, within)
	return t, t.write(o.Out, folds, o.Report)
}

// makeTrainings makes the folder of the trainings.
func makeTrainings(o Options) error {
	if err := os.MkdirAll(filepath.Join(o.Out, "trainings"), 0o777); err != nil {
		return fault.Wrap(err, o.Out, "the folder of the results cannot be made", "Give another one with --out.")
	}
	return nil
}

// mendable reports whether a method cannot take part with such data.
func mendable(err error) bool {
	var f *fault.Input
	return errors.As(err, &f)
}

// parts are the datasets of the folds, and in words how they were made.
func parts(ctx context.Context, s *store.Store, o Options) ([]*method.Dataset, string, error) {
	if o.Folds == 0 {
		if o.Dealt == KNNDM || o.For != "" {
			return nil, "", fault.New("--folds", "is not given: the split of data.split matches no prediction region", "Add --folds 5.")
		}
		d := method.New(s)
		if len(d.Test) < 2 || len(d.Validation) < 2 || len(d.Train) < 2 {
			return nil, "", fault.New(s.Dir(), fmt.Sprintf("%d training, %d validation and %d test cells have a target; 2 of each are needed", len(d.Train), len(d.Validation), len(d.Test)),
				"Give data.split parts for all three, or compare by --folds 5.")
		}
		return []*method.Dataset{d}, fmt.Sprintf("the store's own split: %d cells train, %d validate, %d test", len(d.Train), len(d.Validation), len(d.Test)), nil
	}
	in := split.Input{Cells: s.Cells(), LonLat: s.LonLat(), HasTarget: make([]bool, s.Len())}
	for i, y := range method.Split(s, nil).Ln {
		in.HasTarget[i] = y == y
	}
	of, how, err := dealt(ctx, s, in, o)
	if err != nil {
		return nil, "", err
	}
	var out []*method.Dataset
	cells := 0
	for k := range o.Folds {
		d := method.Split(s, split.Fold(in, of, o.Folds, k, o.Buffer))
		if len(d.Train) < 2 || len(d.Validation) < 2 {
			return nil, "", fault.New("--folds", fmt.Sprintf("fold %d leaves %d training and %d validation cells", k+1, len(d.Train), len(d.Validation)),
				"Make --block or --buffer smaller.")
		}
		cells += len(d.Test)
		out = append(out, d)
	}
	return out, fmt.Sprintf("%d folds %s, buffer %d: each of %d cells is predicted once by a model that saw neither it nor its %s",
		o.Folds, how, o.Buffer, cells, map[bool]string{true: "fold", false: "block"}[o.Dealt == KNNDM]), nil
}

// differ refuses test cells whose targets are all the same: R2 says nothing of them.
func differ(s *store.Store, folds []*method.Dataset) error {
	first, cells := math.NaN(), 0
	for _, d := range folds {
		for _, c := range d.Test {
			if cells++; cells == 1 {
				first = d.Ln[c]
			} else if d.Ln[c] != first {
				return nil
			}
		}
	}
	return fault.New(s.Dir(), fmt.Sprintf("all %d test cells have the same emission (ln %.4g): R2 says nothing of them", cells, first),
		"Check the inventory's band or attribute (data.emissions), and data.split.")
}

// fit trains one entry on one fold, or finds it done.
func fit(ctx context.Context, e Entry, d *method.Dataset, o Options, seed int64, fold int) (*part, error) {
	if p := done(e, d, o, seed, fold); p != nil {
		return p, nil
	}
	dir, err := os.MkdirTemp(o.Out, ".training-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	began := time.Now()
	var curve []point
	f, err := e.Method.Fit(ctx, d, method.Options{Seed: seed, Threads: o.Threads, Dir: dir, Progress: progress.Options{Quiet: true},
		Validated: func(_ int, r2 float64) error {
			if !math.IsNaN(r2) && !math.IsInf(r2, 0) {
				curve = append(curve, point{time.Since(began).Seconds(), r2})
			}
			return nil
		}})
	if err != nil {
		return nil, err
	}
	cells := append(append([]int32(nil), d.Validation...), d.Test...)
	ln, err := f.Predict(ctx, d, cells)
	if err != nil {
		return nil, err
	}
	p := part{Key: key(e, d, o, seed, fold), Validation: ln[:len(d.Validation)], Test: ln[len(d.Validation):], Seconds: time.Since(began).Seconds(), About: f.About(), Curve: curve}
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("its predictions are broken: %w", err)
	}
	return &p, atomicfile.WriteBytes(trainingFile(e, o, seed, fold), append(text, '\n'))
}

// key is all that a training depends on.
func key(e Entry, d *method.Dataset, o Options, seed int64, fold int) string {
	key := fmt.Sprintf("%s\nstore %s\nseed %d, folds %d, block %d, buffer %d, draw %d, fold %d", e.Key, d.Store.Meta().ConfigHash, seed, o.Folds, o.Block, o.Buffer, o.Draw, fold)
	if o.Dealt == KNNDM {
		key += ", knndm for " + o.For
	}
	return key
}

// trainingFile is where a training's result is kept.
func trainingFile(e Entry, o Options, seed int64, fold int) string {
	return filepath.Join(o.Out, "trainings", fmt.Sprintf("%s-seed%d-fold%d.json", e.Name, seed, fold+1))
}

// done is a training's result where it is kept; nil where it has yet to be made.
func done(e Entry, d *method.Dataset, o Options, seed int64, fold int) *part {
	var p part
	if old, err := regular.Read(trainingFile(e, o, seed, fold), 1<<30); err == nil && json.Unmarshal(old, &p) == nil && p.Key == key(e, d, o, seed, fold) &&
		len(p.Validation) == len(d.Validation) && len(p.Test) == len(d.Test) {
		return &p
	}
	return nil
}

// score is over the test cells of all folds at once.
func score(folds []*method.Dataset, parts []part) (metrics.Scores, error) {
	var truth, guess []float64
	for k, d := range folds {
		for i, c := range d.Test {
			truth, guess = append(truth, d.Ln[c]), append(guess, parts[k].Test[i])
		}
	}
	return metrics.Ln(truth, guess)
}

func seconds(parts []part) (sum float64) {
	for _, p := range parts {
		sum += p.Seconds
	}
	return sum
}
