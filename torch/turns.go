package torch

import (
	"errors"
	"iter"
)

// Turns runs f for 0 to n-1 on the engine's thread, so that they can meet in the
// middle: each runs until it calls meet with what it brings. Once all have, join
// makes of what each brought a tensor for each, with which it goes on after its
// meet. It is how the parts of a batch go through a network by themselves and yet
// share the statistics of batch normalization. All must meet as often.
//
// within is called around every stretch of one's run. Each has its scopes and its
// mode of gradients (NoGrad) for itself.
func Turns[T any](n int, within func(i int, run func()), f func(i int, meet func(T) *Tensor), join func(brought []T) []*Tensor) {
	const op = "turns"
	mustEngine(op)
	outer := engine.scope
	all := make([]turn[T], n)
	defer func() { // only after a panic is anybody left
		for i := range all {
			if t := &all[i]; t.stop != nil && !t.done {
				t.run(outer, func() { within(i, t.stop) })
			}
		}
	}()
	for i := range all {
		t := &all[i]
		t.scope, t.recording = outer, Recording()
		t.next, t.stop = iter.Pull(func(yield func(T) bool) {
			defer func() {
				if p := recover(); p != nil && p != errLeft {
					panic(p)
				}
			}()
			f(i, func(brought T) *Tensor {
				if !yield(brought) {
					panic(errLeft)
				}
				return t.got
			})
		})
	}
	for {
		var brought []T
		for i := range all {
			t := &all[i]
			t.run(outer, func() {
				within(i, func() {
					var v T
					var met bool
					if v, met = t.next(); met {
						brought = append(brought, v)
					}
					t.done = !met
				})
			})
		}
		switch len(brought) {
		case 0:
			return
		case n:
		default:
			fail(op, nil, "%d of %d meet, and the others are through", len(brought), n)
		}
		for i, x := range join(brought) {
			all[i].got = x
			if x.scope != nil {
				x.leave()
				all[i].scope.add(x)
			}
		}
	}
}

// errLeft ends those that wait where another one has panicked.
var errLeft = errors.New("another one of the turns failed")

// turn is one of Turns, where it stands.
type turn[T any] struct {
	next      func() (T, bool)
	stop      func()
	scope     *Scope  // its innermost
	recording bool    // whether gradients are recorded
	got       *Tensor // of the last meeting
	done      bool
}

// run runs f with the turn's scope and mode, and goes back to outer's.
func (t *turn[T]) run(outer *Scope, f func()) {
	mode := Recording()
	engine.scope = t.scope
	record(t.recording)
	defer func() {
		t.scope, t.recording = engine.scope, Recording()
		engine.scope = outer
		record(mode)
	}()
	f()
}
