package torch

/*
#include "../cgo/opencarbon.h"
*/
import "C"

// Scope owns tensors and frees them together. Scopes nest; every operation's
// result belongs to the innermost one.
type Scope struct {
	parent  *Scope
	tensors []*Tensor
	closed  bool
}

// OpenScope opens a scope inside the current one. Close it with defer, or use
// InScope.
func OpenScope() *Scope {
	mustEngine("scope")
	s := &Scope{parent: engine.scope}
	engine.scope = s
	return s
}

// InScope runs f in a scope of its own.
func InScope(f func(s *Scope)) {
	s := OpenScope()
	defer s.close()
	f(s)
}

// Close frees every tensor that the scope still owns, scopes inside it that
// were left open included. Closing twice is an error.
func (s *Scope) Close() {
	mustEngine("scope.close")
	if s == nil || s.closed {
		fail("scope.close", nil, "the scope is already closed")
	}
	s.close()
}

func (s *Scope) close() {
	if s.closed {
		return
	}
	closeScopesAbove(s) // left open by a panic on its way out
	s.release()
	engine.scope = s.parent
}

// closeScopesAbove closes the open scopes inside outer, innermost first.
func closeScopesAbove(outer *Scope) {
	for engine.scope != outer && engine.scope != nil {
		engine.scope.release()
		engine.scope = engine.scope.parent
	}
}

func (s *Scope) release() {
	s.closed = true
	if len(s.tensors) == 0 {
		return
	}
	handles := make([]C.ocg_tensor, len(s.tensors))
	for i, t := range s.tensors {
		handles[i] = t.h
		t.h, t.scope = nil, nil
	}
	s.tensors = nil
	C.ocg_free(&handles[0], C.int64_t(len(handles)))
}

// Keep moves tensors of this scope, or of scopes inside it, out to the
// enclosing scope, so that they outlive this one; those that outlive it anyway
// stay where they are. In the outermost scope of a Run there is nowhere to move
// to: use Tensor.Own.
func (s *Scope) Keep(ts ...*Tensor) {
	mustEngine("scope.keep")
	if s == nil || s.closed {
		fail("scope.keep", ts, "the scope is closed")
	}
	if s.parent == nil {
		fail("scope.keep", ts, "the outermost scope has none around it; Own the tensor instead")
	}
	for _, t := range ts {
		t.must("scope.keep")
		for at := t.scope; at != nil; at = at.parent {
			if at == s {
				t.leave()
				s.parent.add(t)
				break
			}
		}
	}
}

// Own takes t out of its scope: it lives until Close is called on it. It
// returns t.
func (t *Tensor) Own() *Tensor {
	mustEngine("own")
	t.must("own")
	t.leave()
	return t
}

// Close frees t now, before its scope does. Closing twice is an error.
func (t *Tensor) Close() {
	mustEngine("close")
	t.must("close")
	t.leave()
	h := t.h
	t.h = nil
	C.ocg_free(&h, 1)
}

func (s *Scope) add(t *Tensor) {
	t.scope, t.index = s, len(s.tensors)
	s.tensors = append(s.tensors, t)
}

// leave takes t out of its scope's list in constant time.
func (t *Tensor) leave() {
	s := t.scope
	if s == nil {
		return
	}
	last := len(s.tensors) - 1
	moved := s.tensors[last]
	s.tensors[t.index], moved.index = moved, t.index
	s.tensors[last] = nil
	s.tensors = s.tensors[:last]
	t.scope = nil
}
