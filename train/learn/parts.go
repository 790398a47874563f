package learn

import (
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/metrics"
)

// A sum of floating-point numbers depends on their order, and Adam makes of the last
// bit of a gradient what it makes of the first. With Options.Parts a batch is cut into
// a fixed number of parts, a power of two, each encoded by itself; what sums over
// tiles (gradients of the encoders' weights, statistics of batch normalization) is
// summed in each part and then over the parts, as a binary tree. Of several processes
// each has as many of them. Everything above the encoders every process does for the
// whole batch. So one process, two or four do the same arithmetic in the same order.

// encodeParts is encodeAll in parts.
func (e *Encoder) encodeParts(b *Batch) layers.Views {
	g, n := e.options.Group, e.options.Parts
	world, rank := 1, 0
	if !g.Alone() {
		world, rank = g.World, g.Rank
	}
	own := n / world
	var parts []layers.Part
	var of []*Batch
	for slot := range own {
		if from, to := share(b.encoded, rank*own+slot, n); from < to {
			parts = append(parts, layers.Part{Slot: slot, From: from, To: to})
			of = append(of, b.only(from-b.from, to-b.from))
		}
	}
	if len(parts) == 0 { // the others wait for this process; see Assembler.load
		parts, of = []layers.Part{{Slot: -1, From: 0, To: 1}}, []*Batch{b}
	}
	return scoped(func() (x layers.Views) {
		views := e.Model.Params().InParts(layers.Parts{Group: g, Own: own, Of: b.encoded}, parts, func(i int) layers.Views { return e.Encode(of[i]) })
		var rows []*torch.Tensor // of each part, all its embeddings side by side
		for _, of := range views {
			var side []*torch.Tensor
			for _, view := range of {
				side = append(side, view.X)
			}
			rows = append(rows, torch.Cat(side, 1))
		}
		counts := make([]int, world)
		for r := range counts {
			from, to := share(b.encoded, r, world)
			counts[r] = to - from
		}
		all, at := g.AllRows(torch.Cat(rows, 0), counts), 0
		for _, view := range views[0] {
			x = x.With(view.Name, all.Narrow(1, at, view.X.Size(1)))
			at += view.X.Size(1)
		}
		return x
	})
}

// only is b with the inputs of some of the tiles that this process encodes, from to
// to among them.
func (b *Batch) only(from, to int) *Batch {
	n := len(b.here)
	rows := func(bytes int) (int, int) { return bytes / n * from, bytes / n * to }
	o := &Batch{here: b.here[from:to]}
	i, k := rows(len(b.Images))
	o.Images = b.Images[i:k]
	i, k = rows(len(b.Features))
	o.Features = b.Features[i:k]
	i, k = rows(len(b.Turns))
	o.Turns = b.Turns[i:k]
	i, k = rows(len(b.Tints))
	o.Tints = b.Tints[i:k]
	for p, t := range b.Points.Tile { // in the order of tiles
		if int(t) < from || int(t) >= to {
			continue
		}
		q := &o.Points
		q.Tile = append(q.Tile, t-int32(from))
		q.Category, q.Count = append(q.Category, b.Points.Category[p]), append(q.Count, b.Points.Count[p])
		q.Row, q.Col = append(q.Row, b.Points.Row[p]), append(q.Col, b.Points.Col[p])
	}
	return o
}

// backInParts is Backward of what was encoded in parts, after which every process has
// the whole gradient. Each goes back from the whole loss: what lies above the encoders
// has the same gradient everywhere, and of the encoders' every process has its parts.
func (l *Learner) backInParts(b *Batch, loss *torch.Tensor) error {
	g, d := l.options.Group, l.Model.Params().Device
	g.Within(loss.Backward)
	l.Clock.mark(d, "backward")
	counted := []bool{true}
	if !g.Alone() {
		var flags [tailLoss]float64
		if b.err != nil {
			flags[tailUnread] = 1
		}
		if !metrics.Finite(loss.Item()) {
			flags[tailBroken] = 1
		}
		if l.Stopping != nil && l.Stopping() {
			flags[tailStop] = 1
		}
		var all [tailLoss]float64
		for _, of := range g.Numbers(flags[:]) {
			for i, v := range of {
				all[i] += v
			}
		}
		l.stopped = all[tailStop] > 0
		switch {
		case b.err != nil:
			return b.err
		case all[tailUnread] > 0:
			return errElsewhere
		case all[tailBroken] > 0:
			return l.broken(0, b.Cells, "the loss is not finite")
		}
		counted = make([]bool, g.World)
		for r := range counted {
			from, to := share(b.encoded, r, g.World)
			counted[r] = from < to
		}
	}
	l.Model.Params().SumParts(counted)
	l.Clock.mark(d, "together")
	return nil
}
