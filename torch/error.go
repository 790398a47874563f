package torch

/*
#include "../cgo/opencarbon.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"strings"
)

// Error is a mistake in the use of tensors: what operation was asked for, on
// what, and why it could not be done. Operations panic with it; Run and Try
// return it.
type Error struct {
	Op      string // operation, in PyTorch's words: "conv2d"
	Inputs  string // shapes and dtypes of the operands: "[2 3 8 8] float32, [4 5 3 3] float32"
	Message string // what is wrong
}

// Error implements error.
func (e *Error) Error() string {
	s := "torch: " + e.Op
	if e.Inputs != "" {
		s += " of " + e.Inputs
	}
	return s + ": " + e.Message
}

// fail panics with an *Error.
func fail(op string, inputs []*Tensor, format string, args ...any) {
	panic(&Error{Op: op, Inputs: describe(inputs), Message: fmt.Sprintf(format, args...)})
}

// check panics when a shim call returned a message.
func check(op string, e C.ocg_error, inputs ...*Tensor) {
	if e == nil {
		return
	}
	message := C.GoString(e)
	C.ocg_free_text(e)
	panic(&Error{Op: op, Inputs: describe(inputs), Message: message})
}

// describe lists shapes and dtypes; it never fails itself.
func describe(inputs []*Tensor) string {
	var parts []string
	for _, t := range inputs {
		switch {
		case t == nil:
			parts = append(parts, "nil")
		case t.h == nil:
			parts = append(parts, "closed tensor")
		default:
			if info, err := t.info(); err == nil {
				parts = append(parts, fmt.Sprintf("%v %v", info.shape, info.dtype))
			} else {
				parts = append(parts, "tensor")
			}
		}
	}
	return strings.Join(parts, ", ")
}

// Try runs f and returns the *Error that it panicked with, or nil. Scopes that
// f left open on an error are closed. Other panics are no mistakes of tensor
// code and pass through.
func Try(f func()) (err error) {
	if inEngine() {
		outer := engine.scope
		defer func() {
			if err != nil {
				closeScopesAbove(outer)
			}
		}()
	}
	defer recoverError(&err)
	f()
	return nil
}

func recoverError(err *error) {
	switch p := recover().(type) {
	case nil:
	case *Error:
		*err = p
	default:
		panic(p)
	}
}

// AsError returns the *Error in err's chain, if there is one.
func AsError(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}
