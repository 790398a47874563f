package torch

/*
#cgo LDFLAGS: -lopencarbon
#include "../cgo/opencarbon.h"
*/
import "C"

import (
	"fmt"
	"runtime"
	"sync"
)

// Options of one Run.
type Options struct {
	Threads int // libtorch's threads within an operation; 0 = all cores
}

// maxThreads keeps a slip of the keyboard from exhausting the system: OpenMP
// ends the process when it cannot start a thread.
const maxThreads = 1024

// engine is the state of the goroutine that is inside Run. It is only touched
// by that goroutine: the shim refuses every other thread before Go state is
// reached.
var engine struct {
	mu    sync.Mutex // one Run at a time; libtorch's own threads use the cores
	scope *Scope
}

// Run executes f as tensor code: on a thread of its own, with libtorch's thread
// count set, inside a fresh Scope that is closed at the end. It returns the
// *Error that f panicked with, or what the shim says. Calls from several
// goroutines wait for each other; a Run within a Run only opens a scope and
// keeps the thread count. A panic that is no *Error, and runtime.Goexit, pass
// through after everything has been freed.
func Run(o Options, f func()) (err error) {
	if o.Threads > maxThreads {
		return &Error{Op: "run", Message: fmt.Sprintf("%d threads asked for; at most %d make sense", o.Threads, maxThreads)}
	}
	if inEngine() {
		defer recoverError(&err)
		s := OpenScope()
		defer s.close()
		f()
		return nil
	}
	engine.mu.Lock()
	defer engine.mu.Unlock()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	threads := o.Threads
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	if e := C.ocg_engine_enter(C.int64_t(threads)); e != nil {
		return fromText("engine", e)
	}
	defer func() {
		if e := C.ocg_engine_leave(); e != nil && err == nil {
			err = fromText("engine", e)
		}
	}()
	s := OpenScope()
	defer s.close() // also on panics and Goexit: nothing outlives a Run but what was owned
	defer recoverError(&err)
	f()
	return nil
}

func fromText(op string, e C.ocg_error) error {
	message := C.GoString(e)
	C.ocg_free_text(e)
	return &Error{Op: op, Message: message}
}

// inEngine reports whether the calling goroutine is inside Run.
func inEngine() bool { return C.ocg_engine_here() != 0 }

// mustEngine refuses calls from outside; for what does not pass through the
// shim (gotorch) or touches Go state first.
func mustEngine(op string) {
	if !inEngine() {
		panic(&Error{Op: op, Message: "called outside the engine: run tensor code inside torch.Run"})
	}
}

// Version returns libtorch's version, e.g. "1.13.1".
func Version() string { return C.GoString(C.ocg_version()) }

// Threads returns the number of threads libtorch uses within an operation.
func Threads() int {
	var n C.int64_t
	check("threads", C.ocg_threads(&n))
	return int(n)
}

// LoopThreads returns the number of threads that are at work at once in the shim's own
// loops (Adam, points, pooling, Winograd's convolutions): Threads, unless something is
// wrong, in which case it takes ten seconds to say so.
func LoopThreads() int {
	var n C.int64_t
	check("loop threads", C.ocg_loop_threads(&n))
	return int(n)
}

// Live returns the number of tensor handles that exist in the process. Tests
// assert that it is back at its start.
func Live() int { return int(C.ocg_live()) }

// NoGrad runs f without recording gradients, and restores the mode after.
func NoGrad(f func()) { gradMode(false, f) }

// EnableGrad runs f with gradients recorded, inside NoGrad too.
func EnableGrad(f func()) { gradMode(true, f) }

func gradMode(on bool, f func()) {
	before := record(on)
	defer record(before)
	f()
}

// record sets whether gradients are recorded.
func record(on bool) (before bool) {
	var was C.int64_t
	check("grad_mode", C.ocg_grad_mode(flag(on), &was))
	return was != 0
}

// Recording reports whether gradients are recorded.
func Recording() bool {
	was := record(true)
	record(was)
	return was
}

// Autocast runs f with operations that profit from it (convolutions, matrix
// products) computed in dtype, normally BFloat16, on the device's kind, and
// restores the mode after. Losses and reductions belong outside it.
func Autocast(d Device, dtype DType, f func()) {
	if dtype != BFloat16 && dtype != Float16 {
		fail("autocast", nil, "%v is no type to compute in; use bfloat16 or float16", dtype)
	}
	var on, was C.int64_t
	check("autocast", C.ocg_autocast(d.kind(), C.int64_t(dtype), 1, &on, &was))
	defer func() {
		var a, b C.int64_t
		check("autocast", C.ocg_autocast(d.kind(), was, on, &a, &b))
	}()
	f()
}

// Deterministic makes libtorch refuse operations without a deterministic
// implementation and choose deterministic ones otherwise. It is global. On CUDA
// the environment must hold CUBLAS_WORKSPACE_CONFIG=:4096:8 before the start.
func Deterministic(on bool) { check("deterministic", C.ocg_deterministic(flag(on))) }

func flag(b bool) C.int64_t {
	if b {
		return 1
	}
	return 0
}
