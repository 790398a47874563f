package train

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"gonum.org/v1/gonum/stat"

	"opencarbon/data/store"
	"opencarbon/train/baselines"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/method"
	"opencarbon/train/metrics"
	"opencarbon/train/networks"
	"opencarbon/train/runlog"
	"opencarbon/train/tabular"
)

// StackFile of a run folder is the checkpoint of the weighted mean that
// train.ensemble and train.stack ask for.
const StackFile = "stack.safetensors"

// MethodFile is the checkpoint of a simple method in a run folder.
func MethodFile(name string) string {
	return strings.ToLower(strings.ReplaceAll(name, " ", "-")) + ".safetensors"
}

// Stack is a weighted mean of models: networks of several seeds, simple methods.
type Stack struct {
	Path   string                `json:"path"`
	About  string                `json:"about"` // shares, and how they were found
	Splits []metrics.SplitScores `json:"splits"`
	Total  *TotalCheck           `json:"total,omitempty"` // of the test cells
}

// keepMethods writes a checkpoint of every simple method beside the network's, so
// that a user may predict with what is best in the region.
func (r *Result) keepMethods(ctx context.Context, c *config.Config, d *dataset, run *runlog.Run) error {
	if !exists(run.Path(BestFile)) {
		return nil
	}
	best, err := checkpoint.Read(run.Path(BestFile))
	if err != nil {
		return err
	}
	var t *checkpoint.Trust // the same for all
	for i, b := range r.Baselines {
		if b.Fitted == nil {
			continue
		}
		features, err := tabular.Of(ctx, d.store, d.inputs(c))
		if err != nil {
			return err
		}
		if t == nil {
			if t, err = d.trustRows(features); err != nil {
				return err
			}
		}
		k, err := writeRows(ctx, best, run.Path(MethodFile(b.Name)), b.Name, b.Fitted, features, d, t)
		if err != nil {
			return err
		}
		r.Baselines[i].Path = k.Path
	}
	return nil
}

// validated keeps in a checkpoint what its model predicts of d's validation cells,
// from which intervals and totals are made.
func (d *dataset) validated(k *checkpoint.Checkpoint, predicted []float64) {
	errors := make([]float32, len(predicted))
	for i, cell := range d.validation {
		errors[i] = float32(predicted[i] - d.ln[cell])
	}
	k.Validated(d.places(), predicted, errors)
}

// places are those of the validation cells in the grid.
func (d *dataset) places() []store.Cell {
	at := make([]store.Cell, len(d.validation))
	for i, c := range d.validation {
		at[i] = d.store.Cells()[c]
	}
	return at
}

// stack makes the checkpoint of the mean that the config asks for: of the run's
// network, networks of further seeds, and simple methods. Networks share evenly
// what falls to them. Shares are those that predict the validation cells best,
// none below 0 and 1 in sum; test cells are never looked at.
func (r *Result) stack(ctx context.Context, c *config.Config, d *dataset, run *runlog.Run, o Options) error {
	if c.Train.Ensemble <= 1 && len(c.Train.Stack) == 0 {
		return nil
	}
	if !exists(run.Path(BestFile)) {
		r.Notes = append(r.Notes, "there is no stack: "+nothingKept)
		return nil
	}
	best, err := checkpoint.Read(run.Path(BestFile))
	if err != nil {
		return err
	}
	networkMembers := []*checkpoint.Checkpoint{best}
	for k := 1; k < c.Train.Ensemble; k++ {
		m, err := r.member(ctx, c, run, c.Seed+int64(k), o)
		if err != nil {
			return err
		}
		networkMembers = append(networkMembers, m)
	}
	n := len(networkMembers)
	parts := []part{{name: "opencarbon", members: networkMembers}}
	if n > 1 {
		parts[0].name = fmt.Sprintf("opencarbon (mean of %d seeds)", n)
		note, err := seedSpread(networkMembers, c.Seed)
		if err != nil {
			return err
		}
		r.Notes = append(r.Notes, note)
	}
	for _, name := range c.Train.Stack {
		i := baselines.Find(r.Baselines, name)
		if i < 0 || r.Baselines[i].Path == "" {
			why := "it could not be fitted"
			if i >= 0 && r.Baselines[i].Note != "" {
				why = r.Baselines[i].Note
			}
			r.Notes = append(r.Notes, name+" is not in the stack: "+why)
			continue
		}
		m, err := checkpoint.Read(r.Baselines[i].Path)
		if err != nil {
			return err
		}
		parts = append(parts, part{r.Baselines[i].Name, []*checkpoint.Checkpoint{m}})
	}
	var guesses [][]float64
	for _, p := range parts {
		g, err := p.validation(d)
		if err != nil {
			return err
		}
		guesses = append(guesses, g)
	}
	truth := make([]float64, len(d.validation))
	for i, cell := range d.validation {
		truth[i] = d.ln[cell]
	}
	weights, err := method.ConvexWeights(guesses, truth)
	if err != nil {
		return err
	}
	models, shares, arrays, about := weighted(parts, weights)
	k := best.Derive(run.Path(StackFile), networks.StackOf(models, shares))
	k.Arrays = arrays
	k.TrustLike(best)
	d.validated(k, method.Combine(guesses, weights))
	if d.frozen != nil {
		d.frozen.Keep(k.Arrays)
	}
	if err := k.Write(); err != nil {
		return err
	}
	r.Stack = &Stack{Path: k.Path, About: about + "; shares from the validation cells"}
	return r.Stack.score(ctx, d, c)
}

// seedSpread says how far the seeds of an ensemble are apart.
func seedSpread(members []*checkpoint.Checkpoint, first int64) (string, error) {
	var each []string
	var r2 []float64
	for i, m := range members {
		h, ok := m.Held()
		if !ok {
			return "", fmt.Errorf("%s does not tell its validation cells", m.Path)
		}
		v, err := metrics.Ln(h.True, h.Predicted)
		if err != nil {
			return "", err
		}
		each, r2 = append(each, fmt.Sprintf("%d: %s", first+int64(i), metrics.Number(v.R2))), append(r2, v.R2)
	}
	mean, sd := stat.MeanStdDev(r2, nil)
	return fmt.Sprintf("validation R2 by seed %s; %s ± %s", strings.Join(each, ", "), metrics.Number(mean), metrics.Number(sd)), nil
}

// part is what has one share in a stack.
type part struct {
	name    string
	members []*checkpoint.Checkpoint
}

// validation is the mean of what the members predict of d's validation cells.
func (p part) validation(d *dataset) ([]float64, error) {
	out := make([]float64, len(d.validation))
	for _, m := range p.members {
		h, ok := m.Held()
		if !ok || len(h.Predicted) != len(out) || m.Header.Store != d.store.Meta().ConfigHash {
			return nil, fmt.Errorf("%s was not validated on the cells of this run", m.Path)
		}
		for i, y := range h.Predicted {
			out[i] += y / float64(len(p.members))
		}
	}
	return out, nil
}

// score opens the checkpoint as anybody would, scores the splits, and writes what its
// own held-out cells promise of the test cells, and what became of that, beside it.
func (s *Stack) score(ctx context.Context, d *dataset, c *config.Config) error {
	splits, u, err := d.check(ctx, s.Path, c)
	if s.Splits = splits; err != nil || u == nil {
		return err
	}
	s.Total = u.Total
	return u.write(filepath.Join(filepath.Dir(s.Path), IntervalsFileOf(filepath.Base(s.Path))))
}

// member trains the network of another seed in a folder of the run's, unless that
// is done; one that was interrupted goes on.
func (r *Result) member(ctx context.Context, c *config.Config, run *runlog.Run, seed int64, o Options) (*checkpoint.Checkpoint, error) {
	own := *c
	own.Seed, own.Train.Ensemble, own.Train.Stack, own.Output.Plots = seed, 1, nil, false
	dir := run.Path(fmt.Sprintf("seed-%d", seed))
	o.Resume, o.In, o.Aside = "", dir, true
	if !finished(dir) {
		if _, err := Run(ctx, &own, o); err != nil {
			return nil, fmt.Errorf("seed %d: %w", seed, err)
		}
	}
	return checkpoint.Read(filepath.Join(dir, BestFile))
}

// finished reports whether a run folder is of a run that ended by itself.
func finished(dir string) bool {
	run, err := runlog.Open(dir)
	if err != nil {
		return false
	}
	info, err := run.ReadInfo()
	return err == nil && (info.Outcome == "finished" || strings.HasPrefix(info.Outcome, "early stop"))
}
