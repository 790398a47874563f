package train

import (
	"context"

	"opencarbon/data/store"
	"opencarbon/torch"
	"opencarbon/train/checkpoint"
	"opencarbon/train/learn"
)

// WithModel builds a checkpoint's model for a store inside the engine, ready
// to predict, and hands it to f. What f found is of a sound store where there is no
// error.
func WithModel(ctx context.Context, c *checkpoint.Checkpoint, s *store.Store, device string, threads int, f func(e *learn.Encoder) error) error {
	cfg, err := c.Experiment()
	if err != nil {
		return err
	}
	if err := c.Fits(s); err != nil {
		return err
	}
	if err := CheckDevice(device); err != nil {
		return err
	}
	check, err := s.BeginCheck(ctx)
	if err != nil {
		return err
	}
	in, err := inputsOf(ctx, c, s, device, threads)
	if err != nil {
		return err
	}
	var failed error
	if err := torch.Run(torch.Options{Threads: threads}, func() {
		m, err := c.Network(torch.ParseDevice(device))
		if err != nil {
			failed = err
			return
		}
		defer m.Params().Close()
		m.Params().Eval()
		a, err := assembler(ctx, s, m, newDataset(s).ln, in)
		if err != nil {
			failed = err
			return
		}
		e := learn.NewEncoder(m, a, learnOptions(cfg))
		defer e.Close()
		failed = f(e)
	}); err != nil {
		return err
	}
	if failed == nil {
		failed = check.Wait(ctx)
	}
	return failed
}
