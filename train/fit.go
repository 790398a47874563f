package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"opencarbon/data/fault"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/atomicfile"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/learn"
	"opencarbon/train/method"
	"opencarbon/train/metrics"
	"opencarbon/train/torchvision"
)

// Network is the method that a config describes: a network of model.variant,
// trained as the config's train section says. The config's seed, threads and
// split give way to those of Fit.
type Network struct {
	Config *config.Config
}

// Fit trains the network and keeps the weights that validate best, in
// o.Dir/best.safetensors.
func (n Network) Fit(ctx context.Context, d *method.Dataset, o method.Options) (method.Fitted, error) {
	c := *n.Config
	c.Seed, c.Train.Threads = o.Seed, o.Threads
	set := datasetOf(d)
	if err := set.fit(&c); err != nil {
		return nil, err
	}
	if err := CheckDevice(c.Train.Device); err != nil {
		return nil, err
	}
	if err := CheckPrecision(&c); err != nil {
		return nil, err
	}
	if err := set.freeze(ctx, &c); err != nil {
		return nil, err
	}
	w := &keeper{path: filepath.Join(o.Dir, BestFile), told: o.Validated}
	var failed error
	if err := torch.Run(torch.Options{Threads: threads(&c)}, func() { failed = fitNetwork(ctx, &c, set, w) }); err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, failed
	}
	if err := w.write(); err != nil {
		return nil, err
	}
	if _, err := os.Stat(w.path); errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(d.Store.Dir(), nothingKept,
			"Check the targets with: go run ./cmd/prepare --config ... --preview")
	}
	best, err := checkpoint.Read(w.path)
	if err != nil {
		return nil, err
	}
	return &fittedNetwork{best, o.Threads}, nil
}

// nothingKept is why there may be no best weights.
const nothingKept = "no validation gave weights worth keeping: R2 says nothing where the validation cells' targets are all the same"

func fitNetwork(ctx context.Context, c *config.Config, d *dataset, w watcher) error {
	t, err := newTrainer(ctx, c, d, w)
	if err != nil {
		return err
	}
	defer t.close()
	if err := torchvision.Load(t.model, c.Model.ImageWeights); err != nil {
		return err
	}
	if err := t.start(c.Model.Weights); err != nil {
		return err
	}
	if err := t.train(ctx); err != nil || !c.Train.Refit {
		return err
	}
	k, ok := w.(*keeper)
	if !ok {
		return nil
	}
	if err := k.write(); err != nil {
		return err
	}
	if !exists(k.path) {
		return nil // Fit says what is wrong
	}
	best, err := checkpoint.Read(k.path)
	if err != nil {
		return err
	}
	return refit(ctx, c, d, best, k.path)
}

// keeper is a watcher that keeps the best weights and nothing else. They stay in
// memory until the training is over: nobody resumes one of Fit's, and a network of
// two ResNets with its moments is 280 MB, which the disk took longer to sync than an
// epoch of a small region lasts.
type keeper struct {
	path string
	told func(epoch int, r2 float64) error // nil: nobody is
	best *checkpoint.Checkpoint            // not written yet; nil: none
}

func (*keeper) step(int, int, int, float64) {}

func (k *keeper) validated(s checkpoint.State, _, _ float64, v metrics.SplitScores, _ bool) error {
	if k.told == nil {
		return nil
	}
	return k.told(s.Epoch, v.Ln.R2)
}

func (k *keeper) save(t *trainer, best bool) error {
	if !best {
		return nil
	}
	k.best = nil // two of them need not be there at once
	b, err := t.snapshot(k.path)
	k.best = b
	return err
}

// write writes the best weights, where there are any that are not written.
func (k *keeper) write() error {
	b := k.best
	if k.best = nil; b == nil {
		return nil
	}
	return b.Write()
}

// fittedNetwork is a checkpoint.
type fittedNetwork struct {
	checkpoint *checkpoint.Checkpoint
	threads    int
}

func (f *fittedNetwork) Predict(ctx context.Context, d *method.Dataset, cells []int32) (ln []float64, err error) {
	cfg, err := f.checkpoint.Experiment()
	if err != nil {
		return nil, err
	}
	err = WithModel(ctx, f.checkpoint, d.Store, cfg.Train.Device, f.threads, func(e *learn.Encoder) error {
		ln, err = e.Evaluate(ctx, cells, nil, func([]int32, layers.Output) {})
		return err
	})
	return ln, err
}

func (f *fittedNetwork) Save(path string) error {
	from, err := os.Open(f.checkpoint.Path)
	if err != nil {
		return err
	}
	defer from.Close()
	return atomicfile.Write(path, func(w io.Writer) error { _, err := io.Copy(w, from); return err })
}

func (f *fittedNetwork) About() string {
	s := f.checkpoint.Header.State
	return fmt.Sprintf("best weights from epoch %d", s.BestEpoch)
}
