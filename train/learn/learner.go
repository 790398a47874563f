package learn

import (
	"fmt"
	"math"
	"time"

	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/metrics"
)

// unchecked is how many steps a GPU may run ahead before somebody looks at
// their losses: looking waits for it.
const unchecked = 16

// Learner trains a model. It lives inside torch.Run.
type Learner struct {
	*Encoder
	Optimizer torch.Optimizer
	Clock     *Clock // where given, the time of each part of a step is added up
	history   *history
	average   *average // nil without
	pending   []pendingStep
	ahead     int // most steps in pending
	replays   []*replayed
	noGraphs  error // why steps cannot be replayed; nil: they can, or nobody has asked
	steps     int   // done since NewLearner

	Stopping func() bool // of one of several processes: whether it is asked to stop; nil: never
	stopped  bool        // one of them is
}

// NewLearner makes a learner of m on a's tiles; it does not own the optimizer.
// Close it.
func NewLearner(m Network, a *Assembler, optimizer torch.Optimizer, o Options) *Learner {
	l := &Learner{Encoder: NewEncoder(m, a, o), Optimizer: optimizer, ahead: 1}
	if g := o.Group; !g.Alone() {
		a.rank, a.world = g.Rank, g.World
	}
	if o.EMA > 0 {
		l.average = &average{decay: o.EMA}
	}
	if o.Encode == Historical {
		l.history = newHistory(m, a.Store.Len())
		a.own = true
	}
	switch {
	case o.Ahead > 0:
		l.ahead = o.Ahead
	case m.Params().Device.IsCUDA():
		l.ahead = unchecked
	}
	return l
}

// Close frees what the learner keeps; not the model and the optimizer.
func (l *Learner) Close() {
	if l.history != nil {
		l.history.close()
	}
	if l.average != nil {
		l.average.close()
	}
	for _, p := range l.pending {
		p.close()
	}
	l.pending = nil
	for _, r := range l.replays {
		r.close()
	}
	l.replays = nil
	l.Assembler.own = false
	l.Encoder.Close()
}

// pendingStep is a step whose loss and gradient nobody has looked at.
type pendingStep struct {
	loss, norm *torch.Tensor // scalars, owned
	cells      []int32
}

func (p pendingStep) close() {
	p.loss.Close()
	p.norm.Close()
}

// Broken says that a step made numbers that are not finite.
type Broken struct {
	Back  int    // steps before the newest one; 0: the newest
	What  string // the loss is NaN
	Cells string // of the batch
}

func (b *Broken) Error() string { return fmt.Sprintf("%s, in the batch of cells %s", b.What, b.Cells) }

func (l *Learner) broken(back int, cells []int32, format string, args ...any) *Broken {
	return &Broken{Back: back, What: fmt.Sprintf(format, args...), Cells: describe(l.Assembler.Store, cells)}
}

// Step is one update on an assembled batch. contrastive says whether the
// contrastive loss is on. Losses and gradients that are not finite are a *Broken
// error: on the CPU before they reach the weights, on a GPU, which nobody waits
// for, by Collect at the latest. An image that cannot be read is an error too.
func (l *Learner) Step(b *Batch, contrastive bool) error {
	if b.err != nil && l.options.Group.Alone() {
		return b.err
	}
	for i, y := range b.Target {
		if y := float64(y); !metrics.Finite(y) {
			return l.broken(0, b.Cells, "the target of cell %d is %v", b.Cells[i], y)
		}
	}
	var err error
	torch.InScope(func(*torch.Scope) {
		if l.replayable(b) && l.replay(b, contrastive) {
			return
		}
		l.steps++
		d := l.Model.Params().Device
		wait := l.ahead == 1
		loss := l.forward(b, contrastive)
		if v := 0.0; wait {
			if v = loss.Item(); !metrics.Finite(v) && l.options.Group.Alone() {
				err = l.broken(0, b.Cells, "the loss is %v", v)
				return
			}
		}
		l.Optimizer.ZeroGrad()
		if l.options.Parts > 0 {
			if err = l.backInParts(b, loss); err != nil {
				return
			}
		} else if l.options.Group.Alone() {
			loss.Backward()
			l.Clock.mark(d, "backward")
		} else if err = l.backTogether(b, loss); err != nil {
			return
		}
		most := l.options.ClipNorm
		if most == 0 {
			most = math.Inf(1) // only looks: a gradient that is not finite must not reach the weights
		}
		norm := torch.ClipGradNorm(l.Model.Params().Parameters(), most)
		if wait {
			if v := norm.Item(); !metrics.Finite(v) {
				err = l.broken(0, b.Cells, "the gradient's norm is %v", v)
				return
			}
		}
		l.Optimizer.Step()
		if l.average != nil {
			l.average.step(l.Model.Params().Parameters())
		}
		l.pending = append(l.pending, pendingStep{loss.Detach().Own(), norm.Own(), append([]int32(nil), b.Cells...)})
		l.Clock.mark(d, "optimizer")
	})
	return err
}

// forward is the loss of a batch; what it made on the way is freed as soon as
// backward is through with it.
func (l *Learner) forward(b *Batch, contrastive bool) (loss *torch.Tensor) {
	d := l.Model.Params().Device
	l.Clock.start()
	torch.InScope(func(s *torch.Scope) {
		index := b.Places(l.Assembler.M, d)
		var x layers.Views
		switch {
		case l.history != nil:
			own := l.encodeAll(b)
			l.history.put(wide(b.Tiles[:b.encoded]).To(d), own)
			x = own
			if len(b.Tiles) > b.encoded {
				x = l.history.join(own, wide(b.Tiles[b.encoded:]).To(d))
			}
		case l.options.Encode == Slices:
			x, index = EncodeSlices(l.inputs(b), index, func(t layers.Tiles) layers.Views {
				return scoped(func() layers.Views { return l.run(t) })
			})
		default:
			x = l.encodeAll(b)
		}
		l.Clock.mark(d, "encode")
		o, of := l.Model.Predict(x, index), l.options.LossOptions(contrastive)
		loss = l.Model.Loss(o, torch.FromSlice(b.Target).To(d), of)
		if compared := l.compare(b, x, of); compared != nil {
			loss = loss.Add(compared.Cast(loss.DType()))
		}
		s.Keep(loss)
		l.Clock.mark(d, "heads")
	})
	return loss
}

// Due reports whether it is time to Collect.
func (l *Learner) Due() bool { return len(l.pending) >= l.ahead }

// Collect looks at the steps since the last time: the sum of their losses and
// the number of their cells, or what is broken.
func (l *Learner) Collect() (sum float64, cells int, err error) {
	defer func() { l.pending = l.pending[:0] }()
	for i, p := range l.pending {
		loss, norm := p.loss.Item(), p.norm.Item()
		p.close()
		back := len(l.pending) - 1 - i
		switch {
		case err != nil:
		case !metrics.Finite(loss):
			err = l.broken(back, p.cells, "the loss is %v", loss)
		case !metrics.Finite(norm):
			err = l.broken(back, p.cells, "the gradient's norm is %v", norm)
		}
		sum, cells = sum+loss, cells+len(p.cells)
	}
	return sum, cells, err
}

// Clock adds up the time of the parts of steps.
type Clock struct {
	Parts map[string]time.Duration // by name: encode, heads, backward, optimizer
	last  time.Time
}

func (c *Clock) start() {
	if c != nil {
		c.last = time.Now()
	}
}

// mark ends a part. It waits for a GPU, so that a part's work counts where it
// was asked for.
func (c *Clock) mark(d torch.Device, part string) {
	if c == nil {
		return
	}
	d.Synchronize()
	now := time.Now()
	c.Add(part, now.Sub(c.last))
	c.last = now
}

// Add adds time to a part.
func (c *Clock) Add(part string, t time.Duration) {
	if c.Parts == nil {
		c.Parts = map[string]time.Duration{}
	}
	c.Parts[part] += t
}
