package torch

/*
#include "../cgo/opencarbon.h"
*/
import "C"

// SetRequiresGrad makes t (a leaf of a floating type) a tensor that gradients
// are collected for, or not; it returns t.
func (t *Tensor) SetRequiresGrad(on bool) *Tensor {
	t.must("requires_grad_")
	check("requires_grad_", C.ocg_requires_grad_(t.h, flag(on)), t)
	return t
}

// Backward computes the gradients of a scalar t with respect to every leaf that
// requires them and adds them to the leaves' Grad. The graph is freed.
func (t *Tensor) Backward() { t.backward(nil, false) }

// BackwardWith is Backward of a tensor of any shape, given the gradient with
// respect to it. retainGraph allows another Backward through the same graph.
func (t *Tensor) BackwardWith(gradient *Tensor, retainGraph bool) { t.backward(gradient, retainGraph) }

func (t *Tensor) backward(gradient *Tensor, retain bool) {
	t.must("backward")
	optional("backward", t, gradient)
	check("backward", C.ocg_backward(t.h, gradient.handle(), flag(retain)), t, gradient)
}

// Grad returns the gradient collected for a leaf, or nil when there is none.
func (t *Tensor) Grad() *Tensor {
	t.must("grad")
	var h C.ocg_tensor
	check("grad", C.ocg_grad(t.h, &h), t)
	if h == nil {
		return nil
	}
	return adopt(h)
}

// SetGrad sets the gradient of a leaf.
func (t *Tensor) SetGrad(g *Tensor) {
	t.must("set_grad", g)
	check("set_grad", C.ocg_set_grad(t.h, g.h), t, g)
}

// ZeroGrad drops the gradients of all tensors.
func ZeroGrad(ts []*Tensor) {
	requireAll("zero_grad", ts...)
	if h := handles(ts); h != nil {
		check("zero_grad", C.ocg_zero_grad(h, C.int64_t(len(ts))))
	}
}

// ClipGradNorm scales the gradients of all tensors so that their common 2-norm
// is at most maxNorm, and returns the norm as it was, a float32 scalar on their
// device. An infinite maxNorm only measures.
func ClipGradNorm(ts []*Tensor, maxNorm float64) *Tensor {
	const op = "clip_grad_norm"
	mustEngine(op)
	requireAll(op, ts...)
	if !(maxNorm > 0) {
		fail(op, nil, "the largest norm must be positive, got %v", maxNorm)
	}
	var h C.ocg_tensor
	check(op, C.ocg_clip_grad_norm(handles(ts), C.int64_t(len(ts)), C.double(maxNorm), &h))
	return adopt(h)
}

func handles(ts []*Tensor) *C.ocg_tensor {
	if len(ts) == 0 {
		return nil
	}
	h := make([]C.ocg_tensor, len(ts))
	for i, t := range ts {
		h[i] = t.h
	}
	return &h[0]
}
