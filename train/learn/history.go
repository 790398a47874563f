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
	x    layers.Embeddings // [N, m] on the device, owned; nil for an absent modality
	full bool              // every tile that training needs has been encoded
}

func newHistory(m *layers.Model, n int) *history {
	h := &history{}
	zeros := func() *torch.Tensor {
		return torch.Zeros(m.Store.DType, m.Store.Device, n, m.Config.Embedding).Own()
	}
	if m.Config.Image {
		h.x.Image = zeros()
	}
	if m.Config.POI {
		h.x.POI = zeros()
	}
	return h
}

func (h *history) close() {
	for _, t := range []*torch.Tensor{h.x.Image, h.x.POI} {
		if t != nil && !t.Closed() {
			t.Close()
		}
	}
}

// put remembers the embeddings x of tiles.
func (h *history) put(tiles *torch.Tensor, x layers.Embeddings) {
	torch.NoGrad(func() {
		if x.Image != nil {
			h.x.Image.IndexCopyInPlace(0, tiles, x.Image.Detach())
		}
		if x.POI != nil {
			h.x.POI.IndexCopyInPlace(0, tiles, x.POI.Detach())
		}
	})
}

// join appends the remembered embeddings of tiles to those of a batch's own
// cells.
func (h *history) join(own layers.Embeddings, tiles *torch.Tensor) layers.Embeddings {
	with := func(x, kept *torch.Tensor) *torch.Tensor {
		if x == nil {
			return nil
		}
		return torch.Cat([]*torch.Tensor{x, kept.IndexSelect(0, tiles)}, 0)
	}
	return layers.Embeddings{Image: with(own.Image, h.x.Image), POI: with(own.POI, h.x.POI)}
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
	parameters := l.Model.Store
	parameters.Train()
	parameters.FreezeStatistics(true)
	defer parameters.FreezeStatistics(false)
	torch.NoGrad(func() {
		torch.InScope(func(*torch.Scope) {
			var x layers.Embeddings
			if x, err = l.all(ctx, tiles, evenly(len(tiles), EvaluationTiles), nil); err == nil {
				l.history.put(wide(tiles).To(parameters.Device), x)
				l.history.full = true
			}
		})
	})
	return err
}

// History is the newest embedding of every tile by modality ("image", "poi"),
// [N, m], nil unless the encoder keeps it; a resumed run needs it.
func (l *Learner) History() map[string]*torch.Tensor {
	if l.history == nil || !l.history.full {
		return nil
	}
	out := map[string]*torch.Tensor{}
	if l.history.x.Image != nil {
		out["image"] = l.history.x.Image
	}
	if l.history.x.POI != nil {
		out["poi"] = l.history.x.POI
	}
	return out
}

// SetHistory copies a saved History back. It reports whether it fits.
func (l *Learner) SetHistory(saved map[string]*torch.Tensor) bool {
	if l.history == nil {
		return false
	}
	pairs := map[string]*torch.Tensor{"image": l.history.x.Image, "poi": l.history.x.POI}
	for name, t := range pairs {
		if s := saved[name]; t != nil && (s == nil || s.Dims() != 2 || s.Size(0) != t.Size(0) || s.Size(1) != t.Size(1)) {
			return false
		}
	}
	torch.NoGrad(func() {
		for name, t := range pairs {
			if t != nil {
				t.CopyInPlace(saved[name])
			}
		}
	})
	l.history.full = true
	return true
}
