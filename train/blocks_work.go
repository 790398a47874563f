package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"opencarbon/data"
	"opencarbon/data/fault"
	"opencarbon/data/imagery"
	"opencarbon/data/raster"
	"opencarbon/data/regular"
	"opencarbon/data/scratch"
	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/fleet"
	"opencarbon/train/learn"
	"opencarbon/train/progress"
	"opencarbon/train/tabular"
)

// cacheMB is how much of a mosaic GDAL keeps while a block is read.
const cacheMB = 256

// WorkOptions of WorkBlocks.
type WorkOptions struct {
	Shard    fleet.Shard
	Device   string // as of PredictOptions
	Threads  int
	Scratch  string // folder for a block's images while it is worked on; empty: the system's (TMPDIR)
	Progress progress.Options
	Note     func(text string) // hears of what others did meanwhile; may be nil
}

// WorkDone says what became of a shard's blocks.
type WorkDone struct {
	Shard            fleet.Shard
	Blocks           int // of the shard
	Before           int // of them, that had a result already
	Elsewhere        int // that another process published while this one was at work on them
	Predicted        int // that this call published
	Cells, Bare      int // of those: predicted, and without an image
	Missing, Planned int // of the whole plan
}

// WorkBlocks predicts the blocks of a shard of the plan in dir that have no result
// yet. Memory is bounded by a block and its halo, whatever the region. A call that
// is interrupted loses the block that it was at; the same call goes on there.
func WorkBlocks(ctx context.Context, dir string, o WorkOptions) (*WorkDone, error) {
	p, err := ReadPlan(dir)
	if err != nil {
		return nil, err
	}
	raster.LimitCache(cacheMB) // many shards may share a machine
	if err := CheckDevice(o.Device); err != nil {
		return nil, err
	}
	members, err := p.members()
	if err != nil {
		return nil, err
	}
	w := &blockWorker{p: p, o: o, members: members}
	if w.region, err = p.config(); err != nil {
		return nil, err
	}
	if w.train, err = members[0].Experiment(); err != nil {
		return nil, err
	}
	w.train.Train.Device = o.Device
	done := &WorkDone{Shard: o.Shard, Planned: len(p.Blocks)}
	var own []PlannedBlock
	cells := 0
	for i, b := range p.Blocks {
		if !o.Shard.Has(i) {
			continue
		}
		done.Blocks++
		if _, err := os.Stat(p.result(b)); err == nil {
			done.Before++
			continue
		}
		own = append(own, b)
		cells += b.Cells
	}
	bar := progress.NewBar(o.Progress, "cells", cells)
	defer bar.Close()
	for _, b := range own {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("the blocks that are done are kept; the same command goes on behind them: %w", err)
		}
		if err := w.work(ctx, b, done); err != nil {
			if ctx.Err() != nil {
				return nil, fmt.Errorf("the blocks that are done are kept; the same command goes on behind them: %w", ctx.Err())
			}
			return nil, fmt.Errorf("block %s: %w", b, err)
		}
		bar.Add(b.Cells)
	}
	done.Missing = len(p.Missing())
	return done, nil
}

// config is the region's experiment as the plan has it.
func (p *BlockPlan) config() (*config.Config, error) {
	path := filepath.Join(p.dir, planConfig)
	text, err := regular.Read(path, 16<<20)
	if err != nil {
		return nil, fault.Wrap(err, path, "cannot be read", "Plan again in another folder.")
	}
	return config.Parse(text, path)
}

// blockWorker predicts one block after another.
type blockWorker struct {
	p       *BlockPlan
	o       WorkOptions
	members ensemble
	region  *config.Config
	train   *config.Config // of the first checkpoint
	painter *data.Painter  // nil: not yet opened
}

// work predicts a block and publishes its result, unless another process has.
func (w *blockWorker) work(ctx context.Context, b PlannedBlock, done *WorkDone) error {
	path := w.p.result(b)
	if _, err := os.Stat(path); err == nil { // meanwhile
		done.Elsewhere++
		return nil
	}
	r, err := w.predict(ctx, b)
	if err != nil {
		return err
	}
	content, err := r.encode(w.p.ID, b)
	if err != nil {
		return err
	}
	won, err := publish(path, content)
	if err != nil {
		return err
	}
	if !won {
		done.Elsewhere++
		if w.o.Note != nil {
			w.o.Note(fmt.Sprintf("block %s was published by another process at the same time; its result stands", b))
		}
		return nil
	}
	done.Predicted++
	done.Cells += len(r.cells)
	done.Bare += len(r.bare)
	return nil
}

// predict makes a block's result.
func (w *blockWorker) predict(ctx context.Context, b PlannedBlock) (*blockResult, error) {
	piece, err := openPlanned(w.p.cells(b))
	if err != nil {
		return nil, err
	}
	defer piece.Close()
	if piece.Meta().ConfigHash != w.p.ID+" block "+b.String() {
		return nil, fault.New(w.p.cells(b), "is not of this plan", "Plan again in another folder.")
	}
	if _, err := piece.BeginCheck(ctx); err != nil { // of its points
		return nil, err
	}
	r := &blockResult{ln: make([][]float64, len(w.members)), strange: make([][]float64, len(w.members))}
	s, forget, err := w.paint(ctx, piece)
	if err != nil {
		return nil, err
	}
	defer forget()
	block := data.Block{Col: b.Col, Row: b.Row}
	seen := map[store.Cell]bool{}
	var own []int32
	if s != nil {
		for i, c := range s.Cells() {
			if w.p.Blocking.Of(c) == block {
				own, r.cells, r.coverage = append(own, int32(i)), append(r.cells, c), append(r.coverage, s.Coverage()[i])
				seen[c] = true
			}
		}
	}
	for _, c := range piece.Cells() {
		if w.p.Blocking.Of(c) == block && !seen[c] {
			r.bare = append(r.bare, c)
		}
	}
	if len(own) == 0 { // sea: nothing to do
		return r, nil
	}
	for i, m := range w.members {
		view, _, err := m.Reads(s, w.p.Surplus)
		if err != nil {
			return nil, err
		}
		in, err := inputsOf(ctx, m, view, w.o.Device, w.o.Threads)
		if err != nil {
			return nil, err
		}
		var failed error
		if err := torch.Run(torch.Options{Threads: w.o.Threads}, func() {
			r.ln[i], r.strange[i], failed = predictCells(ctx, m, w.train, view, w.o.Device, own, in)
		}); err != nil {
			failed = err
		}
		if failed != nil {
			return nil, failed
		}
		for k, v := range r.ln[i] {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("the prediction of cell %d_%d is not finite: the checkpoint is broken, or an image is", r.cells[k].Col, r.cells[k].Row)
			}
		}
	}
	return r, nil
}

// paint gives a piece its images, in a folder that forget removes. The store is nil
// where no cell has one; a region without images is the piece itself.
func (w *blockWorker) paint(ctx context.Context, piece *store.Store) (s *store.Store, forget func(), err error) {
	forget = func() {}
	if w.p.Image == 0 {
		return piece, forget, nil
	}
	if w.painter == nil {
		n := imagery.DecodeNormalization(piece.Meta().Normalization)
		if n == nil {
			return nil, forget, errors.New("the plan does not tell how images become bytes")
		}
		if w.painter, err = data.NewPainter(ctx, &w.region.Data, data.Options{Name: w.region.Name, Note: w.o.Note}, piece.Meta(), n); err != nil {
			return nil, forget, err
		}
	}
	place := w.o.Scratch
	if place == "" {
		place = os.TempDir()
	}
	folder, err := scratch.Dir(filepath.Join(place, "opencarbon-block")) // and sweeps what killed shards left there
	if err != nil {
		return nil, forget, fault.Wrap(err, place, "no folder for a block's images can be made there", "Name a folder on a local disk with room for them in --scratch, or set TMPDIR.")
	}
	dir := filepath.Join(folder.Path, "block")
	kept, err := w.painter.Paint(ctx, piece, dir)
	if err != nil || kept == 0 {
		folder.Remove()
		return nil, forget, err
	}
	if s, err = store.Open(dir); err != nil {
		folder.Remove()
		return nil, forget, err
	}
	return s, func() { s.Close(); folder.Remove() }, nil
}

// predictCells predicts some cells of a store, inside the engine: ln emission and
// dissimilarity index, [len(cells)] each, the latter nil where the checkpoint knows
// no domain. Tiles that none of them looks at are not encoded.
func predictCells(ctx context.Context, c *checkpoint.Checkpoint, cfg *config.Config, s *store.Store, device string, cells []int32, in tabular.Inputs) (ln, strange []float64, err error) {
	model, err := c.Network(torch.ParseDevice(device))
	if err != nil {
		return nil, nil, err
	}
	parameters := model.Params()
	defer parameters.Close()
	a, err := assembler(ctx, s, model, make([]float64, s.Len()), in)
	if err != nil {
		return nil, nil, err
	}
	encoder := learn.NewEncoder(model, a, learnOptions(cfg))
	defer encoder.Close()
	trusted := c.Domain()
	ln, err = encoder.Evaluate(ctx, cells, nil, func(_ []int32, out layers.Output) {
		strange = append(strange, c.Dissimilarity(trusted, out)...)
	})
	return ln, strange, err
}
