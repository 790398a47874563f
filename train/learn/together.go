package learn

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/metrics"
)

// Several processes train together like this. All make the same batches. Of each
// batch's distinct tiles every process encodes its share, which is nearly all of
// the work, with batch statistics over all shares; then everyone gets all
// embeddings and goes on alike: neighborhoods, heads, contrastive loss and history
// see the whole batch. So the processes do together what one does alone, whatever
// their number, but for rounding.

// encodeAll maps all tiles that b encodes to their embeddings, this process's
// share of them by itself.
func (e *Encoder) encodeAll(b *Batch) (x layers.Views) {
	g := e.options.Group
	switch {
	case e.options.Parts > 0:
		return e.encodeParts(b)
	case g.Alone():
		return scoped(func() layers.Views { return e.Encode(b) })
	}
	counts := make([]int, g.World)
	for r := range counts {
		from, to := share(b.encoded, r, g.World)
		counts[r] = to - from
	}
	return scoped(func() (x layers.Views) {
		var own layers.Views
		e.Model.Params().Shared(layers.Share{Group: g, From: b.from, To: b.to, Of: b.encoded}, func() { own = e.Encode(b) })
		var parts []*torch.Tensor
		for _, view := range own {
			parts = append(parts, view.X)
		}
		all, at := g.Rows(torch.Cat(parts, 1), counts), 0
		for _, view := range own {
			x = x.With(view.Name, all.Narrow(1, at, view.X.Size(1)))
			at += view.X.Size(1)
		}
		return x
	})
}

// errElsewhere is that of a process whose part was done, but another's was not.
var errElsewhere = errors.New("another rank could not read its part of the data; it says why")

// agree is err in the process that has one, and an error in all others then: none
// goes on to where it would wait for the others in vain. The end of the context of
// one is that of all.
func (e *Encoder) agree(err error) error {
	g := e.options.Group
	if g.Alone() {
		return err
	}
	v := []float64{0}
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		v[0] = 1
	case err != nil:
		v[0] = 2
	}
	worst := 0.0
	for _, w := range g.Numbers(v) {
		worst = max(worst, w[0])
	}
	switch {
	case worst == 2 && v[0] == 2:
		return err
	case worst == 2:
		return errElsewhere
	case worst == 1:
		return context.Canceled
	}
	return nil
}

// What processes tell each other behind the gradients of a step.
const (
	tailUnread = iota // images that could not be read
	tailBroken        // losses that are not finite
	tailStop          // asked to stop
	tailLoss          // the loss, of which each process has its part
	tails
)

// backTogether is Backward, after which every process has the whole gradient. Only
// then does it look at what is broken: a process that turned back before would
// leave the others waiting.
func (l *Learner) backTogether(b *Batch, loss *torch.Tensor) error {
	g, d := l.options.Group, l.Model.Params().Device
	part := loss.MulScalar(g.Part())
	g.Within(part.Backward)
	l.Clock.mark(d, "backward")
	var tail [tails]float64
	if b.err != nil {
		tail[tailUnread] = 1
	}
	if v := part.Item(); metrics.Finite(v) {
		tail[tailLoss] = v
	} else {
		tail[tailBroken] = 1
	}
	if l.Stopping != nil && l.Stopping() {
		tail[tailStop] = 1
	}
	g.SumGradients(l.Model.Params().Parameters(), tail[:])
	l.Clock.mark(d, "together")
	l.stopped = tail[tailStop] > 0
	switch {
	case b.err != nil:
		return b.err
	case tail[tailUnread] > 0:
		return errElsewhere
	case tail[tailBroken] > 0:
		return l.broken(0, b.Cells, "the loss is not finite")
	}
	return nil
}

// Stopped reports whether one of the processes was asked to stop before the last
// step was over; all hear of it after the same step.
func (l *Learner) Stopped() bool { return l.stopped }

// StartTogether gives every process rank 0's weights.
func (l *Learner) StartTogether() {
	if l.options.Group.Alone() {
		return
	}
	var ts []*torch.Tensor
	for _, e := range l.Model.Params().Entries() {
		ts = append(ts, e.Tensor)
	}
	l.options.Group.Broadcast(ts)
}

// SameEverywhere says which processes have other weights than rank 0.
func (l *Learner) SameEverywhere() error {
	g := l.options.Group
	if g.Alone() {
		return nil
	}
	sum := l.Model.Params().Hash()
	var other []string
	all := g.Numbers([]float64{float64(sum >> 32), float64(sum & 0xffffffff)})
	for r, v := range all {
		if v[0] != all[0][0] || v[1] != all[0][1] {
			other = append(other, fmt.Sprint("rank ", r))
		}
	}
	if len(other) == 0 {
		return nil
	}
	return fmt.Errorf("%s has other weights than rank 0: its processor rounds otherwise, or its memory is damaged; use machines of one kind", strings.Join(other, ", "))
}

// LeaveTogether ends the common part: what follows this process does alone.
func (l *Learner) LeaveTogether() {
	l.options.Group = nil
	l.Assembler.rank, l.Assembler.world = 0, 1
}
