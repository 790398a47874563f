package train

import (
	"context"
	"slices"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/torch"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/metrics"
)

// IntervalsOf opens the checkpoint of any kind at path, of a model of the experiment
// trained on s, and says how what its validation cells promise holds on the test cells:
// intervals of cells, of sums over blocks, and of the total. A checkpoint that promises
// nothing is a *fault.Input error.
func IntervalsOf(ctx context.Context, path string, c *config.Config, s *store.Store) (*Uncertainty, error) {
	_, u, err := newDataset(s).check(ctx, path, c)
	if err == nil && u == nil {
		err = fault.New(path, "does not tell its validation cells, from which intervals are made", "Train it again with this program.")
	}
	return u, err
}

// check opens a checkpoint as anybody would and scores it on the splits of d. u is
// nil where it promises nothing.
func (d *dataset) check(ctx context.Context, path string, c *config.Config) (splits []metrics.SplitScores, u *Uncertainty, err error) {
	k, err := checkpoint.Read(path)
	if err != nil {
		return nil, nil, err
	}
	predicted, strange, err := d.predictedBy(ctx, k, c)
	if err != nil {
		return nil, nil, err
	}
	if splits, err = d.scores(predicted); err != nil {
		return nil, nil, err
	}
	calibration, err := ensemble{k}.calibration(strange != nil)
	if err != nil || calibration == nil {
		return splits, nil, err
	}
	model, why := ensemble{k}.sums()
	u, err = d.uncertainty(calibration, model, why, predicted, strange)
	return splits, u, err
}

// scores are the figures of merit of the splits that have samples; ln is predicted ln
// emission, [N].
func (d *dataset) scores(ln []float64) (out []metrics.SplitScores, err error) {
	for _, part := range []struct {
		name  string
		cells []int32
	}{{"train", d.train}, {"validation", d.validation}, {"test", d.test}} {
		if len(part.cells) == 0 {
			continue
		}
		v, err := metrics.Evaluate(part.name, d.of(d.ln, part.cells), d.of(ln, part.cells))
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// predictedBy is what a checkpoint predicts of the cells with a target, ln emission, and
// their dissimilarity index where it tells that (else nil): [N] each, 0 elsewhere.
func (d *dataset) predictedBy(ctx context.Context, k *checkpoint.Checkpoint, c *config.Config) (predicted, strange []float64, err error) {
	in, err := inputsOf(ctx, k, d.store, c.Train.Device, c.Train.Threads)
	if err != nil {
		return nil, nil, err
	}
	cells := slices.Concat(d.train, d.validation, d.test) // tiles that parts share are encoded once
	var guess, index []float64
	if fatal := torch.Run(torch.Options{Threads: c.Train.Threads}, func() {
		guess, index, err = predictCells(ctx, k, c, d.store, c.Train.Device, cells, in)
	}); fatal != nil {
		err = fatal
	}
	if err != nil {
		return nil, nil, err
	}
	all := func(values []float64) []float64 { // [len(cells)] to [N]
		if values == nil {
			return nil
		}
		out := make([]float64, d.store.Len())
		for i, cell := range cells {
			out[cell] = values[i]
		}
		return out
	}
	return all(guess), all(index), nil
}
