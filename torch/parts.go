package torch

/*
#include "../cgo/opencarbon.h"
*/
import "C"

// Exchange makes a and b each other's tensors. Whoever owns the one owns what is
// now in it.
func Exchange(a, b *Tensor) {
	a.must("exchange", b)
	a.h, b.h = b.h, a.h
}

// PartRows is a part of a batch in PartsBatchNorm: rows x [n, C, ...], their weight
// and bias [C], and which of the process's parts it is; -1: one whose rows do not
// count, and to which no gradient flows.
type PartRows struct {
	X, Weight, Bias *Tensor
	Slot            int
}

// PartsBatchNorm is BatchNorm in training of a batch that is cut into parts, by the
// statistics of all of them, those of g's other processes included: each has own
// parts, which may be without rows. The result, and the gradients but for those of
// weight and bias, which are each part's own, are the same to the bit whatever the
// number of processes. On the CPU.
func PartsBatchNorm(g *Group, parts []PartRows, own int, runningMean, runningVar *Tensor, o BatchNormOptions) []*Tensor {
	const op = "parts_batch_norm"
	requireAll(op, runningMean, runningVar)
	if len(parts) == 0 {
		fail(op, nil, "no parts")
	}
	var xs, ws, bs []*Tensor
	var slots []C.int64_t
	for _, p := range parts {
		xs, ws, bs = append(xs, p.X), append(ws, p.Weight), append(bs, p.Bias)
		slots = append(slots, C.int64_t(p.Slot))
	}
	requireAll(op, xs...)
	requireAll(op, ws...)
	requireAll(op, bs...)
	out := make([]C.ocg_tensor, len(parts))
	g.checkParts(op, C.ocg_parts_batch_norm(g.handle(), handles(xs), handles(ws), handles(bs), &slots[0], C.int64_t(len(slots)), C.int64_t(own),
		runningMean.h, runningVar.h, C.double(o.Momentum), C.double(o.Eps), &out[0]), xs...)
	ys := make([]*Tensor, len(out))
	for i, h := range out {
		ys[i] = adopt(h)
	}
	return ys
}

// PartsGradients adds to the gradient of every tensor of ts the sum of those of the
// parts' copies of it, copies[part][i]; of a part without rows there are none. Parts
// are a power of two, as many in each of g's processes, and are added as a binary
// tree; counted says which processes have rows. What a tensor has already is not
// summed: every process is to have the same.
func PartsGradients(g *Group, ts []*Tensor, copies [][]*Tensor, counted []bool) {
	const op = "parts_gradients"
	requireAll(op, ts...)
	var leaves []C.ocg_tensor
	for _, of := range copies {
		if of != nil && len(of) != len(ts) {
			fail(op, nil, "a part has copies of %d tensors of %d", len(of), len(ts))
		}
		for i := range ts {
			if of == nil {
				leaves = append(leaves, nil)
				continue
			}
			requireAll(op, of[i])
			leaves = append(leaves, of[i].h)
		}
	}
	if len(leaves) == 0 {
		return
	}
	var c []C.int64_t
	for _, on := range counted {
		c = append(c, flag(on))
	}
	g.checkParts(op, C.ocg_parts_gradients(g.handle(), handles(ts), C.int64_t(len(ts)), &leaves[0], C.int64_t(len(copies)), &c[0], C.int64_t(len(c))))
}

// handle is the group's, or nil of one process alone.
func (g *Group) handle() C.ocg_group {
	if g.Alone() {
		return nil
	}
	return g.h
}

// checkParts is check, by a process alone too.
func (g *Group) checkParts(op string, e C.ocg_error, inputs ...*Tensor) {
	if g.Alone() {
		check(op, e, inputs...)
		return
	}
	g.check(op, e, inputs...)
}

// AllRows is Rows where every process goes back from the whole loss: the gradient of
// this process's rows is theirs as it is.
func (g *Group) AllRows(x *Tensor, counts []int) *Tensor {
	if g.Alone() {
		return x
	}
	return g.rows(x, counts, 1)
}
