package train

import (
	"context"
	"fmt"
	"slices"

	"opencarbon/torch"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/metrics"
	"opencarbon/train/runlog"
	"opencarbon/train/torchvision"
)

// RefitFile of a run folder is the network trained anew on training and validation
// cells (train.refit), for as many epochs as validated best before.
const RefitFile = "refit.safetensors"

// refit trains the network of a best checkpoint again, from its seed, on the
// validation cells too: these have chosen the number of epochs, and a fifth more
// cells may tell more than a choice among later epochs. No cell of its own is left
// to say how far off it is: it keeps the errors of the network before, which are a
// little too large for it. It runs inside torch.Run.
func refit(ctx context.Context, c *config.Config, d *dataset, best *checkpoint.Checkpoint, path string) error {
	all := *d
	all.train = slices.Concat(d.train, d.validation)
	slices.Sort(all.train)
	own := *c
	own.Model.ImageEncoder = imageEncoder(best.Header.Model) // not chosen again by a number of cells that grew
	if !best.Header.Model.Image {
		own.Model.ImageEncoder = c.Model.ImageEncoder
	}
	t, err := newTrainer(ctx, &own, &all, nobody{})
	if err != nil {
		return err
	}
	defer t.close()
	if err := torchvision.Load(t.model, own.Model.ImageWeights); err != nil {
		return err
	}
	if err := t.start(own.Model.Weights); err != nil {
		return err
	}
	if err := t.epochs(ctx, best.Header.State.BestEpoch); err != nil {
		return err
	}
	return t.Averaged(func() error {
		if err := t.Recalibrate(ctx, all.train, t.state.Epoch); err != nil {
			return err
		}
		t.state = best.Header.State
		t.header.Config = best.Header.Config
		if h, ok := best.Held(); ok && len(h.Predicted) == len(d.validation) {
			t.data, t.guesses = d, h.Predicted
			t.errors = best.Header.ValidationErrors
		}
		if err := t.save(path); err != nil {
			return err
		}
		k, err := checkpoint.Read(path)
		if err != nil {
			return err
		}
		all.validation = nil // none is left that would be new to it: widths are the same for all
		_, err = keepDomain(ctx, k, t.Encoder, &all, nil)
		return err
	})
}

// epochs trains for n epochs without looking at any other cell.
func (t *trainer) epochs(ctx context.Context, n int) error {
	if err := t.prepare(ctx); err != nil {
		return err
	}
	for t.state.Epoch < n {
		t.optimizer.SetLearningRate(t.config.Train.LearningRate * t.schedule.Factor(t.state.Epoch))
		if err := t.epoch(ctx); err != nil {
			return err
		}
		t.state.Epoch++
		t.state.Step, t.state.LossSum, t.state.LossCells = 0, 0, 0
	}
	return nil
}

// nobody is a watcher that keeps nothing.
type nobody struct{}

func (nobody) step(int, int, int, float64) {}
func (nobody) validated(checkpoint.State, float64, float64, metrics.SplitScores, bool) error {
	return nil
}
func (nobody) save(*trainer, bool) error { return nil }

// refit makes the checkpoint that train.refit asks for, and scores it.
func (r *Result) refit(ctx context.Context, c *config.Config, d *dataset, run *runlog.Run) error {
	if !c.Train.Refit {
		return nil
	}
	if !exists(run.Path(BestFile)) {
		return nil // see nothingKept
	}
	best, err := checkpoint.Read(run.Path(BestFile))
	if err != nil {
		return err
	}
	var failed error
	path := run.Path(RefitFile)
	if err := torch.Run(torch.Options{Threads: threads(c)}, func() { failed = refit(ctx, c, d, best, path) }); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	r.Refit = &Stack{Path: path, About: fmt.Sprintf("trained anew on training and validation cells, %d epochs", best.Header.State.BestEpoch)}
	return r.Refit.score(ctx, d, c)
}
