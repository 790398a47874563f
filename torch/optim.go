package torch

/*
#include "../cgo/opencarbon.h"
*/
import "C"

import (
	"fmt"
)

// Optimizer updates parameters by their gradients. Step changes the tensors in
// place; parameters without a gradient are left alone, as in PyTorch.
type Optimizer interface {
	Step()
	ZeroGrad()
	LearningRate() float64
	SetLearningRate(lr float64)
	State() OptimizerState      // a view: valid until Close
	LoadState(s OptimizerState) // copies
	Close()                     // frees the state's tensors
}

// Replayable is an optimizer whose step can be part of a Graph.
type Replayable interface {
	Optimizer
	StepAt(rate, step *Tensor)
	Advance() int64
}

// OptimizerState is what an optimizer remembers, one entry a parameter, in the
// parameters' order.
type OptimizerState struct {
	Kind    string               // "adam", "adamw", "sgd"
	Steps   []int64              // updates that each parameter has seen
	Tensors map[string][]*Tensor // "exp_avg", "exp_avg_sq" (Adam); "momentum_buffer" (SGD)
}

// AdamOptions are PyTorch's. Zero values of the betas and of Eps mean 0.9,
// 0.999 and 1e-8.
type AdamOptions struct {
	LearningRate float64
	Beta1, Beta2 float64
	Eps          float64
	WeightDecay  float64
}

type adam struct {
	o         AdamOptions
	decoupled bool
	params    []*Tensor
	m, v      []*Tensor
	steps     []int64
	closed    bool
}

// NewAdam is PyTorch's Adam: weight decay is an L2 term added to the gradient
// (Kingma and Ba, 2015).
func NewAdam(params []*Tensor, o AdamOptions) Optimizer { return newAdam(params, o, false) }

// NewAdamW is PyTorch's AdamW: weight decay shrinks the parameters directly
// (Loshchilov and Hutter, 2019).
func NewAdamW(params []*Tensor, o AdamOptions) Optimizer { return newAdam(params, o, true) }

func newAdam(params []*Tensor, o AdamOptions, decoupled bool) Optimizer {
	requireAll("adam", params...)
	if o.Beta1 == 0 {
		o.Beta1 = 0.9
	}
	if o.Beta2 == 0 {
		o.Beta2 = 0.999
	}
	if o.Eps == 0 {
		o.Eps = 1e-8
	}
	if !(o.LearningRate >= 0 && o.Beta1 > 0 && o.Beta1 < 1 && o.Beta2 > 0 && o.Beta2 < 1 && o.Eps > 0 && o.WeightDecay >= 0) {
		fail("adam", nil, "options out of range: %+v", o)
	}
	return &adam{o: o, decoupled: decoupled, params: params, m: zerosLike(params), v: zerosLike(params),
		steps: make([]int64, len(params))}
}

// zerosLike makes owned zeros with each tensor's own memory layout.
func zerosLike(params []*Tensor) []*Tensor {
	out := make([]*Tensor, len(params))
	NoGrad(func() {
		for i, p := range params {
			out[i] = p.Detach().Clone().FillInPlace(0).Own()
		}
	})
	return out
}

func (a *adam) kind() string {
	if a.decoupled {
		return "adamw"
	}
	return "adam"
}

func (a *adam) Step() {
	requireAll(a.kind(), a.params...)
	requireOpen(a.kind(), a.closed)
	if len(a.params) == 0 {
		return
	}
	check(a.kind(), C.ocg_adam_step(handles(a.params), handles(a.m), handles(a.v), first[C.int64_t](a.steps),
		C.int64_t(len(a.params)), C.double(a.o.LearningRate), C.double(a.o.Beta1), C.double(a.o.Beta2),
		C.double(a.o.Eps), C.double(a.o.WeightDecay), flag(a.decoupled)))
}

// StepAt is Step with the learning rate and the number of the step (from 1)
// as float32 scalars on the parameters' GPU, so that a Graph of it can be replayed
// with others. It does not count the step: see Advance.
func (a *adam) StepAt(rate, step *Tensor) {
	requireAll(a.kind(), append([]*Tensor{rate, step}, a.params...)...)
	requireOpen(a.kind(), a.closed)
	check(a.kind(), C.ocg_adam_step_at(handles(a.params), handles(a.m), handles(a.v), C.int64_t(len(a.params)), rate.h, step.h,
		C.double(a.o.Beta1), C.double(a.o.Beta2), C.double(a.o.Eps), C.double(a.o.WeightDecay), flag(a.decoupled)))
}

// Advance counts a step and returns its number, or 0 where the parameters have not
// all seen equally many.
func (a *adam) Advance() int64 {
	for _, s := range a.steps {
		if s != a.steps[0] {
			return 0
		}
	}
	for i := range a.steps {
		a.steps[i]++
	}
	if len(a.steps) == 0 {
		return 0
	}
	return a.steps[0]
}

func (a *adam) ZeroGrad()                  { ZeroGrad(a.params) }
func (a *adam) LearningRate() float64      { return a.o.LearningRate }
func (a *adam) SetLearningRate(lr float64) { a.o.LearningRate = lr }

func (a *adam) State() OptimizerState {
	return OptimizerState{Kind: a.kind(), Steps: a.steps, Tensors: map[string][]*Tensor{"exp_avg": a.m, "exp_avg_sq": a.v}}
}

func (a *adam) LoadState(s OptimizerState) {
	requireOpen(a.kind(), a.closed)
	loadState(a.kind(), a.State(), s)
	copy(a.steps, s.Steps)
}

func (a *adam) Close() {
	closeAll(a.m)
	closeAll(a.v)
	a.m, a.v, a.closed = nil, nil, true
}

// SGDOptions are PyTorch's.
type SGDOptions struct {
	LearningRate, Momentum, WeightDecay float64
}

type sgd struct {
	o       SGDOptions
	params  []*Tensor
	buffers []*Tensor // nil without momentum
	steps   []int64
	closed  bool
}

// NewSGD is PyTorch's SGD with optional momentum and L2 weight decay.
func NewSGD(params []*Tensor, o SGDOptions) Optimizer {
	requireAll("sgd", params...)
	if !(o.LearningRate >= 0 && o.Momentum >= 0 && o.WeightDecay >= 0) {
		fail("sgd", nil, "options out of range: %+v", o)
	}
	s := &sgd{o: o, params: params, steps: make([]int64, len(params))}
	if o.Momentum != 0 {
		s.buffers = zerosLike(params)
	}
	return s
}

func (s *sgd) Step() {
	requireAll("sgd", s.params...)
	requireOpen("sgd", s.closed)
	if len(s.params) == 0 {
		return
	}
	check("sgd", C.ocg_sgd_step(handles(s.params), handles(s.buffers), first[C.int64_t](s.steps),
		C.int64_t(len(s.params)), C.double(s.o.LearningRate), C.double(s.o.Momentum), C.double(s.o.WeightDecay)))
}

func (s *sgd) ZeroGrad()                  { ZeroGrad(s.params) }
func (s *sgd) LearningRate() float64      { return s.o.LearningRate }
func (s *sgd) SetLearningRate(lr float64) { s.o.LearningRate = lr }

func (s *sgd) State() OptimizerState {
	state := OptimizerState{Kind: "sgd", Steps: s.steps, Tensors: map[string][]*Tensor{}}
	if s.buffers != nil {
		state.Tensors["momentum_buffer"] = s.buffers
	}
	return state
}

func (s *sgd) LoadState(o OptimizerState) {
	requireOpen("sgd", s.closed)
	loadState("sgd", s.State(), o)
	copy(s.steps, o.Steps)
}

func (s *sgd) Close() {
	closeAll(s.buffers)
	s.buffers, s.closed = nil, true
}

// requireOpen keeps C from reading moments that are no longer there.
func requireOpen(op string, closed bool) {
	if closed {
		fail(op, nil, "the optimizer is closed")
	}
}

// loadState copies from into to, or says what differs and changes nothing.
func loadState(op string, to, from OptimizerState) {
	if to.Kind != from.Kind {
		fail(op, nil, "the saved state is %q's", from.Kind)
	}
	if len(from.Steps) != len(to.Steps) {
		fail(op, nil, "the saved state is for %d parameters, there are %d", len(from.Steps), len(to.Steps))
	}
	for name, ts := range to.Tensors {
		fs := from.Tensors[name]
		if len(fs) != len(ts) {
			fail(op, nil, "the saved state has %d tensors %q, %d are needed", len(fs), name, len(ts))
		}
		requireAll(op, fs...)
		for i := range ts {
			if a, b := fmt.Sprint(ts[i].Shape()), fmt.Sprint(fs[i].Shape()); a != b {
				fail(op, nil, "%s of parameter %d has shape %s in the saved state, %s here", name, i, b, a)
			}
		}
	}
	NoGrad(func() {
		for name, ts := range to.Tensors {
			for i := range ts {
				ts[i].CopyInPlace(from.Tensors[name][i])
			}
		}
	})
}

func closeAll(ts []*Tensor) {
	for _, t := range ts {
		if !t.Closed() {
			t.Close()
		}
	}
}
