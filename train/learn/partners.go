package learn

import (
	"context"
	"math/rand/v2"

	"opencarbon/layers"
	"opencarbon/torch"
)

// Partnered is a network whose loss compares tiles with each other besides
// predicting cells (Tile2Vec's triplets, SimCLR's pairs). It is trained with
// Encode Unique.
type Partnered interface {
	// Partners returns what draws the tiles to be compared in a step from its
	// cells: any number of rows of as many tiles each, -1 for none. Tiles may be
	// any of the region's. An error says what the region lacks.
	Partners(layers.Ground) (draw func(cells []int32, r *rand.Rand) [][]int32, err error)

	// Compare is the mean loss, a scalar, of the rows' tiles by their embeddings e
	// [U, width] and their places [R, K] int64 among these (U = none).
	Compare(e layers.Views, places *torch.Tensor, o layers.LossOptions) *torch.Tensor
}

// Pretrained is a network with a fixed part that learns from all tiles, without
// any target, before training begins.
type Pretrained interface {
	Pretrain(layers.Ground) error
}

// Frozen is a network with a fixed part that looks at images: training does not
// change it, so that what it makes of each tile is computed once.
type Frozen interface {
	// HasFixed reports whether there is such a part; without it Freeze is not called.
	HasFixed() bool

	// Freeze maps images [U, 3, H, W] to the fixed part's features [U, F].
	Freeze(images *torch.Tensor) *torch.Tensor
}

// ground is the region of a's store; its inputs end with ctx's error when ctx does.
func (l *Learner) ground(ctx context.Context) layers.Ground {
	s := l.Assembler.Store
	g := layers.Ground{Name: s.Dir() + " " + s.Meta().ConfigHash + " " + s.Meta().Built, Seed: l.options.Seed, Pretrain: l.options.Pretrain}
	for _, c := range s.Cells() {
		g.Col, g.Row = append(g.Col, c.Col), append(g.Row, c.Row)
	}
	if c := l.Model.Config(); c.POI {
		g.Counts = make([]float32, s.Len()*c.Categories)
		for i := range s.Len() {
			p := s.POIs(i)
			for k, category := range p.Category {
				g.Counts[i*c.Categories+int(category)] += p.Count[k]
			}
		}
	}
	var b Batch
	g.Load = func(tiles []int32) (t layers.Tiles, err error) {
		if err := ctx.Err(); err != nil {
			return t, err
		}
		if err := l.Assembler.Load(&b, tiles); err != nil {
			return t, err
		}
		return l.inputs(&b), nil
	}
	return g
}

// Prepare makes ready what a network wants beyond its own weights: with pretrain
// its fixed part learns; then that part's features of every tile are computed,
// and the draw of tiles to compare is set up. It is called before the first step,
// of a resumed training too.
func (l *Learner) Prepare(ctx context.Context, pretrain bool) (err error) {
	if n, ok := l.Model.(Pretrained); ok && pretrain {
		if err := n.Pretrain(l.ground(ctx)); err != nil {
			return err
		}
	}
	if n, ok := l.Model.(Frozen); ok && n.HasFixed() {
		if err := l.freeze(ctx, n); err != nil {
			return err
		}
	}
	if n, ok := l.Model.(Partnered); ok {
		l.Assembler.draw, err = n.Partners(l.ground(ctx))
		l.Assembler.seed = l.options.Seed
	}
	return err
}

// freeze computes the fixed part's features of all tiles; their images are not
// read again.
func (l *Learner) freeze(ctx context.Context, n Frozen) (err error) {
	load := l.ground(ctx).Load
	var parts []*torch.Tensor
	torch.NoGrad(func() {
		torch.InScope(func(*torch.Scope) {
			for at, of := 0, l.Assembler.Store.Len(); at < of; at += EvaluationTiles {
				var tiles []int32
				for i := at; i < min(at+EvaluationTiles, of); i++ {
					tiles = append(tiles, int32(i))
				}
				torch.InScope(func(s *torch.Scope) {
					var t layers.Tiles
					if t, err = load(tiles); err != nil {
						return
					}
					x := n.Freeze(t.Images)
					s.Keep(x)
					parts = append(parts, x)
				})
				if err != nil {
					return
				}
			}
			l.fixed = torch.Cat(parts, 0).Own()
		})
	})
	l.Assembler.resident = err == nil
	return err
}

// addPartners draws the tiles that a batch compares, and adds those that are not
// in it. The draw depends on seed, epoch and the batch's cells alone, so that a
// resumed run sees the same.
func (a *Assembler) addPartners(b *Batch, epoch int, add func(tile int32) int64) {
	b.Partners, b.Width = b.Partners[:0], 0
	if a.draw == nil {
		return
	}
	r := rand.New(rand.NewPCG(a.seed^0x9a17, uint64(epoch)<<32|uint64(b.Cells[0])))
	for _, row := range a.draw(b.Cells, r) {
		b.Width = len(row)
		for _, t := range row {
			if t < 0 {
				b.Partners = append(b.Partners, -1)
			} else {
				b.Partners = append(b.Partners, add(t))
			}
		}
	}
}

// compare is the loss of a batch's compared tiles, summed over its cells as the
// prediction's is, or nil.
func (l *Learner) compare(b *Batch, x layers.Views, o layers.LossOptions) *torch.Tensor {
	n, ok := l.Model.(Partnered)
	if !ok || len(b.Partners) == 0 || o.Alpha == 0 {
		return nil
	}
	places := torch.FromSlice(b.Partners, len(b.Partners)/b.Width, b.Width).To(l.Model.Params().Device)
	return n.Compare(x, places, o).MulScalar(o.Alpha * float64(len(b.Cells)))
}
