package learn

import (
	"context"
	"math/rand/v2"

	"opencarbon/layers"
	"opencarbon/torch"
)

// history keeps the newest embedding of every tile, for batches that encode
// their own cells alone (Historical).
type history struct {
	x    layers.Views // [N, width] on the device, owned
	full bool         // every tile that training needs has been encoded
}

func newHistory(m Network, n int) *history {
	h := &history{}
	for _, w := range m.Traits().Embeddings {
		h.x = h.x.With(w.Name, torch.Zeros(m.Params().DType, m.Params().Device, n, w.Width).Own())
	}
	return h
}

func (h *history) close() {
	for _, view := range h.x {
		if !view.X.Closed() {
			view.X.Close()
		}
	}
}

// put remembers the embeddings x of tiles.
func (h *history) put(tiles *torch.Tensor, x layers.Views) {
	torch.NoGrad(func() {
		for _, view := range x {
			h.x.Get(view.Name).IndexCopyInPlace(0, tiles, view.X.Detach())
		}
	})
}

// join appends the remembered embeddings of tiles to those of a batch's own
// cells.
func (h *history) join(own layers.Views, tiles *torch.Tensor) (x layers.Views) {
	for _, view := range own {
		x = x.With(view.Name, torch.Cat([]*torch.Tensor{view.X, h.x.Get(view.Name).IndexSelect(0, tiles)}, 0))
	}
	return x
}

// BeginEpoch prepares an epoch over the training cells. With Historical it
// encodes the neighbors that are no training cells themselves, which no step
// would; the first time every tile that is needed. It uses batch statistics, as
// the steps do, and leaves the running ones alone. It ends with ctx's error when
// ctx does.
func (l *Learner) BeginEpoch(ctx context.Context, train []int32, epoch int) (err error) {
	if l.history == nil {
		return nil
	}
	tiles := l.Assembler.NeededTiles(train)
	if l.history.full {
		tiles = tiles[len(train):] // training cells come first
	}
	if len(tiles) < 2 {
		return nil
	}
	rng := rand.New(rand.NewPCG(l.options.Seed^0xb09d, uint64(epoch)))
	rng.Shuffle(len(tiles), func(i, j int) { tiles[i], tiles[j] = tiles[j], tiles[i] })
	parameters := l.Model.Params()
	parameters.Train()
	parameters.FreezeStatistics(true)
	defer parameters.FreezeStatistics(false)
	torch.NoGrad(func() {
		torch.InScope(func(*torch.Scope) {
			var x layers.Views
			if x, err = l.all(ctx, tiles, evenly(len(tiles), EvaluationTiles), nil); err == nil {
				l.history.put(wide(tiles).To(parameters.Device), x)
				l.history.full = true
			}
		})
	})
	return err
}

// History is the newest embedding of every tile by name ("image", "poi"),
// [N, width], nil unless the encoder keeps it; a resumed run needs it.
func (l *Learner) History() layers.Views {
	if l.history == nil || !l.history.full {
		return nil
	}
	return l.history.x
}

// SetHistory copies a saved History back. It reports whether it fits.
func (l *Learner) SetHistory(saved map[string]*torch.Tensor) bool {
	if l.history == nil {
		return false
	}
	for _, view := range l.history.x {
		s, t := saved[view.Name], view.X
		if s == nil || s.Dims() != 2 || s.Size(0) != t.Size(0) || s.Size(1) != t.Size(1) {
			return false
		}
	}
	torch.NoGrad(func() {
		for _, view := range l.history.x {
			view.X.CopyInPlace(saved[view.Name])
		}
	})
	l.history.full = true
	return true
}
