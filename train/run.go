package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"opencarbon/data/fault"
	"opencarbon/data/regular"
	"opencarbon/data/store"
	"opencarbon/torch"
	"opencarbon/train/baselines"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/conformal"
	"opencarbon/train/metrics"
	"opencarbon/train/progress"
	"opencarbon/train/runlog"
	"opencarbon/train/tbevents"
	"opencarbon/train/torchvision"
)

// Options of Run.
type Options struct {
	Resume   string           // run folder to go on with; empty: a new run
	Command  []string         // the command line, for run.json
	Progress progress.Options // where and how to report
	GDAL     string           // GDAL's version, for run.json
	In       string           // the run folder itself, made or gone on with; empty: below the config's output.dir
	Again    bool             // In was given on the command line: the same command goes on
	Aside    bool             // a study's run among others: runs/<name>/latest stays what it is
	Bare     bool             // no simple methods beside the network: a study of networks does not look at them. train.stack must be empty

	Group      *torch.Group // processes that train together; nil: one. All but rank 0 leave nothing and have no Result
	Local      int          // which of this machine's processes this one is
	LocalWorld int          // how many of them there are; 0: not known
	Resize     bool         // go on with another number of processes
}

// Result is what a run found.
type Result struct {
	Dir       string                // the run folder
	BestEpoch int                   // epoch of the best weights
	Epochs    int                   // epochs trained
	Stopped   string                // why training ended early, or ""
	Splits    []metrics.SplitScores // train, validation, test
	Baselines []baselines.Result    // on the same split
	Stack     *Stack                // the mean that train.ensemble and train.stack ask for; nil: none was asked for
	Folds     *Stack                // the mean over folds that train.folds asks for; nil: not asked for
	Refit     *Stack                // the network trained anew on validation cells too (train.refit); nil: not asked for
	Intervals []conformal.Coverage  // how often prediction intervals held on test
	Total     *TotalCheck           // of the test cells; nil where there is none
	Unit      string                // of amounts
	Pictures  []string              // paths
	Notes     []string              // categories that differ from those of model.weights; pictures that could not be drawn, and why
	Elapsed   time.Duration
}

// Run trains on the store that c names and leaves a run folder behind. When
// ctx ends, the step is finished, the state saved, and an error returned that
// wraps context.Canceled and says how to resume.
func Run(ctx context.Context, c *config.Config, o Options) (*Result, error) {
	s, err := store.Open(c.Data.Store)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := Check(c, s); err != nil {
		return nil, err
	}
	if err := checkTogether(c, o.Group); err != nil {
		return nil, err
	}
	if !o.Group.Alone() && o.Group.Rank > 0 {
		return nil, follow(ctx, c, newDataset(s), o)
	}
	check, err := s.BeginCheck(context.WithoutCancel(ctx)) // a second at most; a run that is interrupted here has a folder to go on in
	if err != nil {
		return nil, err
	}
	if o.Resume == "" { // a decision about categories is asked for before there is a run folder
		if _, _, err := checkpoint.Reading(c, s, nil); err != nil {
			return nil, err
		}
	}
	seen := newDataset(s)
	if o.Resume == "" { // and so are weights that are no ResNet-18's
		if err := seen.freeze(ctx, c); err != nil {
			return nil, err
		}
	}
	run, from, err := openRun(c, o)
	if err != nil {
		return nil, err
	}
	defer run.Close()
	d, notes, err := seen.readFor(ctx, c, from)
	if err != nil {
		return nil, err
	}
	if !o.Group.Alone() {
		text, err := json.Marshal(opened{run.Dir, s.Meta().ConfigHash, from != nil})
		if err == nil {
			err = o.Group.Put("run", string(text))
		}
		if err != nil {
			return nil, err
		}
	}
	d.group, d.local = o.Group, o.Local
	began := time.Now()
	info, err := beginInfo(run, c, s, o, from)
	if err != nil {
		return nil, err
	}
	var result *Result
	var failed error
	if err := torch.Run(torch.Options{Threads: o.threads(c)}, func() {
		info.Libtorch = torch.Version()
		info.Device = torch.ParseDevice(c.Train.Device).String()
		if failed = run.WriteInfo(info); failed == nil {
			result, failed = work(ctx, c, d, run, from, o, check)
		}
	}); err != nil {
		failed = err
	}
	if failed == nil {
		failed = result.keepMethods(ctx, c, d, run)
	}
	if failed == nil {
		failed = result.stack(ctx, c, d, run, o)
	}
	if failed == nil {
		failed = result.crossfit(ctx, c, d, run)
	}
	if failed == nil {
		failed = result.refit(ctx, c, d, run)
	}
	finished := time.Now()
	info.Finished = &finished
	switch {
	case failed == nil:
		result.Elapsed = finished.Sub(began)
		result.Notes = append(notes, result.Notes...)
		info.Outcome = "finished"
		if result.Stopped != "" {
			info.Outcome = "early stop: " + result.Stopped
		}
		if info.Results, err = json.Marshal(map[string]any{"splits": result.Splits, "baselines": result.Baselines, "stack": result.Stack, "folds": result.Folds, "refit": result.Refit, "intervals": result.Intervals, "total": result.Total, "unit": result.Unit,
			"best_epoch": result.BestEpoch, "epochs": result.Epochs}); err != nil {
			return nil, err
		}
	case errors.Is(failed, context.Canceled):
		info.Outcome = "interrupted"
		switch {
		case o.Again:
			failed = fmt.Errorf("the state is saved; the same command goes on with %s\n%w", run.Dir, failed)
		case o.In == "":
			failed = fmt.Errorf("the state is saved; go on with:\n  go run ./cmd/train --resume %s\n%w", run.Dir, failed)
		}
	default:
		info.Outcome = "failed: " + failed.Error()
	}
	if err := run.WriteInfo(info); err != nil && failed == nil {
		failed = err
	}
	return result, failed
}

// openRun makes a new run folder, or opens an existing one and its last
// checkpoint. The folder is this process's until it is closed.
func openRun(c *config.Config, o Options) (*runlog.Run, *checkpoint.Checkpoint, error) {
	if o.In != "" && exists(filepath.Join(o.In, runlog.ConfigFile)) {
		o.Resume = o.In
	}
	if o.Resume == "" {
		run, err := newRun(c, o)
		if err != nil {
			return nil, nil, err
		}
		text, err := c.YAML()
		if err == nil {
			err = run.WriteConfig(text)
		}
		if err != nil {
			run.Close()
			return nil, nil, err
		}
		return run, nil, nil
	}
	run, err := runlog.Resume(o.Resume)
	if err != nil {
		return nil, nil, err
	}
	if unbegun(run.Dir) {
		return run, nil, nil
	}
	from, err := checkpoint.Read(run.Path(LastFile))
	if err != nil {
		run.Close()
		return nil, nil, err
	}
	return run, from, nil
}

func newRun(c *config.Config, o Options) (*runlog.Run, error) {
	if o.In != "" {
		return runlog.CreateAt(o.In)
	}
	return runlog.Create(c.Output.Dir, c.Name, time.Now())
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// maxRunFile bounds what is read of a run folder besides checkpoints.
const maxRunFile = 64 << 20

// unbegun reports whether a run was killed before its first checkpoint: its
// folder has a config and nothing to go on from, so it begins anew in place.
func unbegun(dir string) bool {
	_, noCheckpoint := os.Stat(filepath.Join(dir, LastFile))
	_, noConfig := os.Stat(filepath.Join(dir, runlog.ConfigFile))
	return errors.Is(noCheckpoint, fs.ErrNotExist) && noConfig == nil
}

// ResumeConfig returns the config of the run folder dir, for --resume.
func ResumeConfig(dir string) (*config.Config, error) {
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		return nil, fault.New(dir, "is no run folder", "Give the folder that the interrupted run printed, for example runs/demo/latest.")
	}
	if unbegun(dir) {
		path := filepath.Join(dir, runlog.ConfigFile)
		text, err := regular.Read(path, maxRunFile)
		if err != nil {
			return nil, err
		}
		return config.Parse(text, path)
	}
	c, err := checkpoint.Read(filepath.Join(dir, LastFile))
	if err != nil {
		return nil, err
	}
	return c.Experiment()
}

func beginInfo(run *runlog.Run, c *config.Config, s *store.Store, o Options, from *checkpoint.Checkpoint) (runlog.Info, error) {
	info := runlog.NewInfo(time.Now(), c.Seed, o.Command)
	if from != nil {
		old, err := run.ReadInfo()
		if err != nil {
			return info, err
		}
		info.Started, info.Resumed = old.Started, append(old.Resumed, runlog.Resumption{Time: time.Now(),
			Epoch: from.Header.State.Epoch, Command: o.Command})
	}
	info.GDAL, info.Outcome, info.Variant = o.GDAL, "running", c.Model.Variant
	info.Data = map[string]string{"store " + s.Dir(): s.Meta().ConfigHash}
	for _, in := range s.Meta().Inputs {
		info.Data[in.Path] = in.SHA256
	}
	return info, nil
}

// begin gives a new trainer the weights that training starts from, or all that the
// checkpoint has of it.
func (t *trainer) begin(from *checkpoint.Checkpoint, resize bool) error {
	if from == nil {
		if err := torchvision.Load(t.model, t.config.Model.ImageWeights); err != nil {
			return err
		}
		return t.start(t.config.Model.Weights)
	}
	if err := checkRanks(from.Header, t.data.group, resize); err != nil {
		return err
	}
	if err := checkStore(from.Header, t.data.store); err != nil {
		return err
	}
	return t.resume(from)
}

// readFor is d as a network of the config, or of the checkpoint that it goes on
// from, is to see it, and what there is to say about its categories.
func (d *dataset) readFor(ctx context.Context, c *config.Config, from *checkpoint.Checkpoint) (*dataset, []string, error) {
	read, notes, err := checkpoint.Reading(c, d.store, from)
	if err != nil {
		return nil, nil, err
	}
	of := newDataset(read)
	if of.frozen, of.more = d.frozen, d.more; of.frozen == nil {
		err = of.thaw(ctx, c, from)
	}
	return of, notes, err
}

// work is the part of Run inside the engine.
func work(ctx context.Context, c *config.Config, d *dataset, run *runlog.Run, from *checkpoint.Checkpoint, o Options, check *store.Check) (*Result, error) {
	rec := &recorder{run: run, active: func(epoch int) bool { return contrastive(c, epoch) }}
	t, err := newTrainerFor(ctx, c, d, rec, from)
	if err != nil {
		return nil, err
	}
	defer t.close()
	if err := t.begin(from, o.Resize); err != nil {
		return nil, err
	}
	if from != nil {
		if rec.metrics, rec.history, err = run.ResumeMetrics(metricColumns, t.state.Epoch); err != nil {
			return nil, err
		}
	} else {
		if rec.metrics, err = run.NewMetrics(metricColumns); err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil { // nothing is done yet that a large file would be worth; the run begins anew in its folder
			return nil, err
		}
		if err := rec.save(t, false); err != nil { // from here on there is something to resume
			return nil, err
		}
	}
	defer rec.metrics.Close()
	notes, err := borderNotes(c, d.store)
	if err != nil {
		return nil, err
	}
	if note := d.encoderNote(c); note != "" {
		notes = append(notes, note)
	}
	if t.apart != "" {
		notes = append(notes, "ranks exchange through the host's memory (gloo), which is slower than from GPU to GPU (NCCL): "+t.apart)
	}
	if !o.Aside {
		note, err := run.MakeLatest(from != nil)
		if err != nil {
			return nil, err
		}
		if note != "" {
			notes = append(notes, note)
		}
	}
	if c.Output.TensorBoard {
		if err := os.MkdirAll(run.Path("tensorboard"), 0o777); err != nil {
			return nil, err
		}
		if rec.events, err = tbevents.Create(run.Path("tensorboard")); err != nil {
			return nil, err
		}
		defer rec.events.Close()
		if err := announce(rec.events, c); err != nil {
			return nil, err
		}
		if from != nil {
			if err := rec.events.Resume(t.state.Epoch); err != nil {
				return nil, err
			}
		}
	}
	rec.sound = func() error {
		if err := check.Wait(ctx); err != nil && ctx.Err() == nil || fault.IsInput(err) {
			return err
		}
		return nil // an interrupted run is saved; the next part of it checks the store again
	}
	steps := len(t.sampler.Epoch(0))
	rec.bar = progress.NewTraining(o.Progress, min(t.state.Epoch+1, c.Train.Epochs), c.Train.Epochs, steps)
	if c.Train.Patience > 0 {
		rec.bar.MayStop()
	}
	err = t.train(ctx)
	rec.bar.Close()
	if err != nil {
		return nil, err
	}
	t.LeaveTogether() // what follows rank 0 does alone
	d.group = nil
	if err := check.Wait(ctx); err != nil { // a run that was finished already has saved nothing since
		return nil, err
	}
	r, err := conclude(ctx, t, rec, o)
	if err != nil {
		return nil, err
	}
	r.Notes = append(notes, r.Notes...)
	return r, rec.summarize(r)
}
