package compare

import (
	"context"
	"fmt"
	"time"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/train/fleet"
)

// Work is a shard's part of Run: it makes those of the trainings that are the
// shard's and not there yet, and no table. Any number of processes may do so at
// once; Run then finds all of them done. A method that cannot take part is left to
// Run to say.
func Work(ctx context.Context, s *store.Store, entries []Entry, o Options, shard fleet.Shard) (*fleet.Deal, error) {
	if o.Seeds < 1 {
		return nil, fault.New("--seeds", fmt.Sprintf("%d is too few", o.Seeds), "Give 1 or more.")
	}
	folds, _, err := parts(ctx, s, o)
	if err != nil {
		return nil, err
	}
	if err := makeTrainings(o); err != nil {
		return nil, err
	}
	deal := &fleet.Deal{Shard: shard}
	for _, e := range entries {
		seeds := o.Seeds
		if e.Fixed {
			seeds = 1
		}
		for seed := range seeds {
			for fold, d := range folds {
				if e.Method == nil || !deal.Mine() {
					continue
				}
				number := o.Seed + int64(seed)
				if done(e, d, o, number, fold) != nil {
					deal.Before++
					continue
				}
				p, err := fit(ctx, e, d, o, number, fold)
				if mendable(err) {
					deal.Failed++
					fmt.Fprintf(o.Report, "%-18s seed %d  fold %d  left out: %v\n", e.Name, number, fold+1, err)
					continue
				}
				if err != nil {
					return nil, fmt.Errorf("%s, seed %d, fold %d: %w", e.Name, number, fold+1, err)
				}
				deal.Made++
				fmt.Fprintf(o.Report, "%-18s seed %d  fold %d  %s\n", e.Name, number, fold+1, time.Duration(p.Seconds*float64(time.Second)).Round(time.Second))
			}
		}
	}
	return deal, nil
}
