package study

import (
	"context"
	"fmt"

	"opencarbon/data/fault"
	"opencarbon/train/fleet"
)

// TransferWork is a shard's part of Transfer, or of TransferMethods where methods
// are named: it trains the models that are the shard's and not there yet, and
// neither applies nor compares them. Regions with a checkpoint have nothing to
// train. Any number of processes may do so at once; they build the regions' stores
// one after another.
func TransferWork(ctx context.Context, p *Plan, o TransferOptions, methods []string, shard fleet.Shard) (*fleet.Deal, error) {
	deal := &fleet.Deal{Shard: shard}
	if len(methods) == 0 {
		methods = []string{ownNetwork}
	}
	for i, name := range methods {
		var mine []int // regions
		for k := range p.Regions {
			if deal.Mine() {
				mine = append(mine, k)
			}
		}
		if len(mine) == 0 {
			continue
		}
		err := transferShard(ctx, p, o, name, mine, deal)
		if err != nil && i > 0 && fault.IsInput(err) { // the study says why it cannot take part
			deal.Failed += len(mine)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return deal, nil
}

// transferShard trains a method in some of the regions.
func transferShard(ctx context.Context, p *Plan, o TransferOptions, name string, regions []int, deal *fleet.Deal) error {
	method := name
	if method == ownNetwork {
		method = ""
	}
	w := begin(p, o, method)
	w.wait = true
	defer w.close()
	if err := w.ready(ctx); err != nil {
		return err
	}
	for _, k := range regions {
		if w.todo[k] == nil {
			deal.Count(false)
			continue
		}
		made, err := w.trainOne(ctx, w.places[k], w.todo[k])
		if err != nil {
			return fmt.Errorf("region %s: %w", w.places[k].Name, err)
		}
		deal.Count(made)
	}
	return nil
}
