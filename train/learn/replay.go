package learn

import (
	"errors"
	"math"

	"opencarbon/layers"
	"opencarbon/torch"
)

// On a GPU a step of one kind is captured once and then replayed: a thousand
// launches become one. For that its inputs lie at fixed places on the device, and
// what differs from step to step in size is padded: the remembered embeddings of
// neighbors to as many as there can be, the points to the next of a few sizes.

// shape is what a captured step is made for.
type shape struct {
	cells, points int
	contrastive   bool
}

// replayed is a captured step.
type replayed struct {
	shape
	graph        *torch.Graph  // nil: seen once, not captured yet
	ints, floats *torch.Tensor // its inputs on the device, owned; layout as Learner.pack
	loss, norm   *torch.Tensor // its outputs, owned
}

// eagerSteps are done in the ordinary way first: libraries set themselves up.
const eagerSteps = 3

// roomFor rounds the number of points up, to four sizes in each doubling.
func roomFor(points int) int {
	step := 64
	for step*8 < points {
		step *= 2
	}
	return max(1, (points+step-1)/step) * step
}

// replayable reports whether a step on b may be captured.
func (l *Learner) replayable(b *Batch) bool {
	o, d := l.options, l.Model.Params().Device
	if !o.Graphs || l.noGraphs != nil || !d.IsCUDA() || l.history == nil || !o.Group.Alone() || l.Clock != nil || l.ahead == 1 ||
		o.DensePOIs || len(b.Tints) > 0 || len(b.Partners) > 0 {
		return false
	}
	if _, ok := l.Optimizer.(torch.Replayable); !ok {
		return false
	}
	if Inputs(l.Model).Image && l.images == nil && l.fixed == nil {
		return false // images come with the batch: they are the greater part of the time
	}
	if l.steps < eagerSteps {
		return false
	}
	if err := torch.GraphsAvailable(); err != nil {
		l.noGraphs = err
		return false
	}
	return true
}

// Eager says why steps on a GPU are launched kernel by kernel; nil: they are
// replayed, or nothing spoke against it yet.
func (l *Learner) Eager() error { return l.noGraphs }

// rest is the most tiles of neighbors that n cells can need beside their own.
func (l *Learner) rest(n int) int { return n * (l.Assembler.M*l.Assembler.M - 1) }

// pack lays the batch's numbers out, as unpack finds them. step is the optimizer's.
func (l *Learner) pack(b *Batch, s shape, step int64) (ints []int64, floats []float32) {
	n := s.cells
	put := func(v []int32) {
		for _, t := range v {
			ints = append(ints, int64(t))
		}
	}
	pad := func(to int, with int64) {
		for len(ints) < to {
			ints = append(ints, with)
		}
	}
	put(b.Tiles[:n])
	for _, t := range b.Turns {
		ints = append(ints, int64(t))
	}
	pad(2*n, 0)
	put(b.Tiles[n:])
	at := 2*n + l.rest(n)
	pad(at, int64(b.Tiles[0]))
	for _, p := range b.Index {
		if p == int64(len(b.Tiles)) {
			p = int64(n + l.rest(n)) // the row of zeros behind the embeddings
		}
		ints = append(ints, p)
	}
	at += len(b.Index)
	p := b.Points
	put(p.Tile)
	at += s.points
	pad(at, int64(n-1))
	for _, v := range [][]uint16{p.Category, p.Row, p.Col} {
		for _, x := range v {
			ints = append(ints, int64(x))
		}
		at += s.points
		pad(at, 0)
	}
	floats = append(floats, float32(l.Optimizer.LearningRate()), float32(step))
	floats = append(floats, b.Target...)
	floats = append(floats, b.Features...)
	floats = append(floats, p.Count...)
	for len(floats) < 2+n+len(b.Features)+s.points {
		floats = append(floats, 0)
	}
	return ints, floats
}

// stepInputs are a batch's numbers on the device.
type stepInputs struct {
	tiles      layers.Tiles
	own, rest  *torch.Tensor // tile ids: of the cells, and of the neighbors that come from history
	index      *torch.Tensor // [B, M, M]
	target     *torch.Tensor // [B]
	rate, step *torch.Tensor // the optimizer's
}

// unpack makes views of what pack laid out, and gathers the images.
func (l *Learner) unpack(ints, floats *torch.Tensor, s shape) (in stepInputs) {
	c, n, m := Inputs(l.Model), s.cells, l.Assembler.M
	at := 0
	next := func(k int) *torch.Tensor {
		at += k
		return ints.Narrow(0, at-k, k)
	}
	in.own = next(n)
	turns := next(n)
	in.rest = next(l.rest(n))
	in.index = next(n*m*m).Reshape(n, m, m)
	tile, category, row, col := next(s.points), next(s.points), next(s.points), next(s.points)
	in.rate, in.step = floats.Select(0, 0), floats.Select(0, 1)
	in.target = floats.Narrow(0, 2, n)
	features := 2 + n
	if c.Features > 0 {
		in.tiles.Features = floats.Narrow(0, features, n*c.Features).Reshape(n, c.Features)
	}
	if c.POI {
		count := floats.Narrow(0, features+n*c.Features, s.points).Cast(l.Model.Params().DType)
		in.tiles.Points = torch.PointsOf(tile, category, row, col, count, n, c.Categories, c.POISize, c.POISize)
	}
	switch {
	case l.fixed != nil:
		in.tiles.Fixed = l.fixed.IndexSelect(0, in.own)
	case l.images != nil:
		in.tiles.Images = l.images.IndexSelect(0, in.own)
		if l.options.Augment {
			in.tiles.Images = l.turnedBy(in.tiles.Images, turns)
		}
	}
	return in
}

// replay does a step by replaying its graph, which it captures when it meets the
// shape for the second time. false: nothing was done.
func (l *Learner) replay(b *Batch, contrastive bool) (done bool) {
	s := shape{cells: len(b.Cells), points: roomFor(len(b.Points.Tile)), contrastive: contrastive}
	var r *replayed
	for _, c := range l.replays {
		if c.shape == s {
			r = c
		}
	}
	if r == nil {
		l.replays = append(l.replays, &replayed{shape: s})
		return false
	}
	if r.graph == nil {
		if err := l.capture(r, b); err != nil {
			l.noGraphs = err
			return false
		}
	}
	number := l.Optimizer.(torch.Replayable).Advance()
	if number == 0 {
		l.noGraphs = errors.New("the parameters have not all seen equally many steps")
		return false
	}
	ints, floats := l.pack(b, s, number)
	r.ints.CopyAsync(torch.FromSlice(ints).Pin())
	r.floats.CopyAsync(torch.FromSlice(floats).Pin())
	r.graph.Replay()
	if l.average != nil {
		l.average.step(l.Model.Params().Parameters())
	}
	l.pending = append(l.pending, pendingStep{r.loss.Clone().Own(), r.norm.Clone().Own(), append([]int32(nil), b.Cells...)})
	return true
}

// capture writes the step of r's shape down. b makes its inputs as large as they are
// to be.
func (l *Learner) capture(r *replayed, b *Batch) (err error) {
	d := l.Model.Params().Device
	ints, floats := l.pack(b, r.shape, 0)
	r.ints, r.floats = torch.FromSlice(ints).To(d).Own(), torch.FromSlice(floats).To(d).Own()
	optimizer := l.Optimizer.(torch.Replayable)
	most := l.options.ClipNorm
	if most == 0 {
		most = math.Inf(1)
	}
	l.Optimizer.ZeroGrad()
	r.graph, err = torch.Capture(d, func() {
		in := l.unpack(r.ints, r.floats, r.shape)
		loss := l.lossOf(in, r.contrastive)
		loss.Backward()
		norm := torch.ClipGradNorm(l.Model.Params().Parameters(), most)
		optimizer.StepAt(in.rate, in.step)
		r.loss, r.norm = loss.Detach().Own(), norm.Own()
	})
	l.Optimizer.ZeroGrad() // the gradients are the graph's
	return err
}

// lossOf is the loss of a step whose cells alone are encoded.
func (l *Learner) lossOf(in stepInputs, contrastive bool) (loss *torch.Tensor) {
	torch.InScope(func(s *torch.Scope) {
		own := scoped(func() layers.Views { return l.run(in.tiles) })
		l.history.put(in.own, own)
		o := l.Model.Predict(l.history.join(own, in.rest), in.index)
		loss = l.Model.Loss(o, in.target, l.options.LossOptions(contrastive))
		s.Keep(loss)
	})
	return loss
}

func (r *replayed) close() {
	if r.graph != nil {
		r.graph.Close()
	}
	for _, t := range []*torch.Tensor{r.ints, r.floats, r.loss, r.norm} {
		if t != nil && !t.Closed() {
			t.Close()
		}
	}
}
