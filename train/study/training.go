package study

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"opencarbon/data/regular"
	"opencarbon/data/store"
	"opencarbon/train"
	"opencarbon/train/checkpoint"
	"opencarbon/train/compare"
	"opencarbon/train/config"
	"opencarbon/train/runlog"
	"opencarbon/train/tabular"
)

// training is a region's model to be made.
type training struct {
	config *config.Config
	rows   tabular.Method // nil: a network
	runs   string         // folder of its run folders
}

// experiment is a region's config, named after the region, with its store and
// runs in the study's folder.
func (w *transfer) experiment(r Region) (*training, error) {
	set := append(slices.Clone(w.plan.Set), r.Set...)
	set = append(append(set, w.Set...), "name="+r.Name, "output.dir="+filepath.Join(w.Out, "runs"))
	c, err := train.LoadExperiment(r.Config, set)
	if err != nil {
		return nil, err
	}
	if c.Data.Store == filepath.Join("stores", r.Name) { // the default: elsewhere another region may have the name
		c.Data.Store = filepath.Join(w.stores, r.Name)
	}
	if err := config.CheckFiles(c); err != nil {
		return nil, err
	}
	t := &training{config: c, runs: filepath.Join(w.Out, "runs", r.Name)}
	if w.method != "" {
		if t.config, t.rows, err = compare.Parted("--methods", c, w.method); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// train makes every model that is not there yet.
func (w *transfer) train(ctx context.Context) error {
	for i, p := range w.places {
		if w.todo[i] == nil {
			continue
		}
		if _, err := w.trainOne(ctx, p, w.todo[i]); err != nil {
			return fmt.Errorf("region %s: %w", p.Name, err)
		}
	}
	return nil
}

// trainOne makes a region's model, or finds it made.
func (w *transfer) trainOne(ctx context.Context, p *place, t *training) (made bool, err error) {
	if t.rows != nil {
		p.checkpoint, made, err = t.fitRows(ctx, p.store, w.Say)
		return made, err
	}
	run, made, err := t.make(ctx, p.store, train.Options{Command: w.Command, GDAL: w.GDAL, Progress: w.Progress}, w.Say)
	if err != nil {
		return false, err
	}
	p.checkpoint, err = bestOf(run)
	return made, err
}

// fitRows fits the method of rows, unless its checkpoint is there.
func (t *training) fitRows(ctx context.Context, s *store.Store, say func(string)) (k *checkpoint.Checkpoint, made bool, err error) {
	say(t.config.Name + ": " + t.rows.Name())
	if err = os.MkdirAll(t.runs, 0o777); err != nil {
		return nil, false, err
	}
	path := filepath.Join(t.runs, train.MethodFile(t.rows.Name()))
	before, _ := os.Stat(path)
	if k, err = train.FitRows(ctx, t.config, s, t.rows, t.runs); err != nil {
		return nil, false, err
	}
	after, err := os.Stat(path)
	return k, before == nil || err != nil || !os.SameFile(before, after), nil
}

// make trains the model, unless a run of the same experiment on the same data is
// there already; one that was interrupted goes on. It returns the run folder, and
// whether anything was trained.
func (t *training) make(ctx context.Context, s *store.Store, o train.Options, say func(string)) (run string, made bool, err error) {
	run, outcome, err := t.latest(s)
	if err != nil {
		return "", false, err
	}
	switch {
	case run != "" && (outcome == "finished" || strings.HasPrefix(outcome, "early stop")):
		say(fmt.Sprintf("%s: trained already, %s", t.config.Name, run))
		return run, false, nil
	case run != "":
		say(fmt.Sprintf("%s: going on with %s", t.config.Name, run))
		o.Resume = run
	default:
		say(fmt.Sprintf("%s: training", t.config.Name))
	}
	result, err := train.Run(ctx, t.config, o)
	if errors.Is(err, context.Canceled) {
		return "", false, fmt.Errorf("what is trained is kept; the same command goes on there: %w", context.Canceled)
	}
	if err != nil {
		return "", false, err
	}
	return result.Dir, true, nil
}

// latest is the newest run folder of the same experiment on the same data, and
// its outcome as run.json has it; "" where there is none to use.
func (t *training) latest(s *store.Store) (run, outcome string, err error) {
	want, err := t.config.YAML()
	if err != nil {
		return "", "", err
	}
	entries, err := os.ReadDir(t.runs)
	if err != nil {
		return "", "", nil // no run yet
	}
	for _, e := range slices.Backward(entries) { // names are times
		if !e.IsDir() {
			continue
		}
		dir := filepath.Join(t.runs, e.Name())
		have, err := regular.Read(filepath.Join(dir, runlog.ConfigFile), 64<<20)
		if err != nil || string(have) != string(want) {
			continue
		}
		last, err := checkpoint.Read(filepath.Join(dir, train.LastFile))
		if err != nil || last.Header.Store != s.Meta().ConfigHash {
			continue
		}
		opened, err := runlog.Open(dir)
		if err != nil {
			continue
		}
		info, err := opened.ReadInfo()
		if err != nil || strings.HasPrefix(info.Outcome, "failed") {
			continue
		}
		return dir, info.Outcome, nil
	}
	return "", "", nil
}

// bestOf reads a run's best checkpoint, or the last where no validation ever had
// an R2.
func bestOf(run string) (*checkpoint.Checkpoint, error) {
	path := filepath.Join(run, train.BestFile)
	if _, err := os.Stat(path); err != nil {
		path = filepath.Join(run, train.LastFile)
	}
	return checkpoint.Read(path)
}
