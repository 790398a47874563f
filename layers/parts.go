package layers

import (
	"slices"

	"opencarbon/torch"
)

// Parts says how a batch is cut into a fixed number of parts, a power of two, of
// which every process has as many. Each part is encoded by itself, so that whatever
// number of processes does it, every sum over a batch's tiles has the same terms in
// the same order.
type Parts struct {
	Group *torch.Group // the processes; nil: one
	Own   int          // parts of this process
	Of    int          // tiles of the batch
}

// Part is a part of a batch that this process encodes: those of its tiles.
type Part struct {
	Slot     int // which of the process's parts; -1: it stands in where the process has no tile at all, and does not count
	From, To int
}

// partsRun is InParts under way.
type partsRun struct {
	Parts
	parts []Part
	meet  []func(meeting) *torch.Tensor // of each part
	now   int                           // the part that runs
}

// meeting is what a part brings to where it needs the others: x [rows, ...], and how
// to go on with all parts'.
type meeting struct {
	at   any // the same of all
	x    *torch.Tensor
	join func(xs []*torch.Tensor) []*torch.Tensor
}

// InParts runs encode for each of this process's parts, in turns: they wait for each
// other where one needs all, in batch normalization and Dropout. Where gradients are
// recorded each part has copies of the parameters of its own; SumParts adds their
// gradients up.
func (s *Params) InParts(b Parts, parts []Part, encode func(i int) Views) []Views {
	s.dropCopies()
	run := &partsRun{Parts: b, parts: parts, meet: make([]func(meeting) *torch.Tensor, len(parts))}
	parameters := s.Parameters()
	if torch.Recording() {
		for range parts {
			own := make([]*torch.Tensor, len(parameters))
			for k, t := range parameters {
				own[k] = t.Detach().SetRequiresGrad(true).Own()
			}
			s.copies = append(s.copies, own)
		}
		s.copied = run
	}
	s.parts = run
	defer func() { s.parts = nil }()
	out := make([]Views, len(parts))
	torch.Turns(len(parts), func(i int, resume func()) {
		exchange := func() {
			if s.copies != nil {
				for k, t := range parameters {
					torch.Exchange(t, s.copies[i][k])
				}
			}
		}
		exchange()
		defer exchange()
		run.now = i
		resume()
	}, func(i int, meet func(meeting) *torch.Tensor) {
		run.meet[i] = meet
		torch.InScope(func(scope *torch.Scope) {
			out[i] = encode(i)
			for _, view := range out[i] {
				scope.Keep(view.X)
			}
		})
	}, func(brought []meeting) []*torch.Tensor {
		xs := make([]*torch.Tensor, len(brought))
		for i, m := range brought {
			if xs[i] = m.x; m.at != brought[0].at {
				panic(&torch.Error{Op: "parts", Message: "the parts of a batch do not go through the network alike"})
			}
		}
		return brought[0].join(xs)
	})
	return out
}

// SumParts adds the gradients of the parts' copies of the parameters to the
// parameters' own, over all processes; counted says which of them have tiles. It is
// to be called after every backward pass through what InParts gave.
func (s *Params) SumParts(counted []bool) {
	defer s.dropCopies()
	run := s.copied
	copies := make([][]*torch.Tensor, run.Own)
	for i, p := range run.parts {
		copies[max(0, p.Slot)] = s.copies[i]
	}
	torch.PartsGradients(run.Group, s.Parameters(), copies, counted)
}

func (s *Params) dropCopies() {
	for _, own := range s.copies {
		for _, t := range own {
			t.Close()
		}
	}
	s.copies, s.copied = nil, nil
}

// wait is where the part that runs waits for the others.
func (r *partsRun) wait(m meeting) *torch.Tensor { return r.meet[r.now](m) }

// copyOf is part i's copy of a parameter, where it has one.
func (s *Params) copyOf(t *torch.Tensor, i int) *torch.Tensor {
	if k := slices.Index(s.Parameters(), t); k >= 0 && s.copies != nil {
		return s.copies[i][k]
	}
	return t
}

// batchNorm is b's of the rows x of the part that runs.
func (r *partsRun) batchNorm(b *BatchNorm, x *torch.Tensor) *torch.Tensor {
	return r.wait(meeting{b, x, func(xs []*torch.Tensor) []*torch.Tensor {
		mean, variance, o := b.running()
		rows := make([]torch.PartRows, len(xs))
		for i, x := range xs {
			rows[i] = torch.PartRows{X: x, Weight: b.params.copyOf(b.Weight, i), Bias: b.params.copyOf(b.Bias, i), Slot: r.parts[i].Slot}
		}
		return torch.PartsBatchNorm(r.Group, rows, r.Own, mean, variance, o)
	}})
}

// each joins what every part brings with its rows of whole, which is made once and has
// as many rows as the batch has tiles.
func (r *partsRun) each(at any, x *torch.Tensor, whole func() *torch.Tensor, join func(x, own *torch.Tensor) *torch.Tensor) *torch.Tensor {
	return r.wait(meeting{at, x, func(xs []*torch.Tensor) (out []*torch.Tensor) {
		all := whole()
		for i, x := range xs {
			rows := r.parts[i].To - r.parts[i].From
			out = append(out, join(x, all.Narrow(0, min(r.parts[i].From, r.Of-rows), rows)))
		}
		return out
	}})
}
