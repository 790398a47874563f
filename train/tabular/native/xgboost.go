package native

// #include "loader.h"
import "C"

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"unsafe"
)

var xgboost = library{
	name: "XGBoost", files: []string{"libxgboost.so.0", "libxgboost.so"}, variable: "LIBXGBOOST",
	remedy: "apt-get install libxgboost0, or give the library's path in LIBXGBOOST (pip's lies in site-packages/xgboost/lib).",
	open:   func(name, message *C.char) C.int { return C.xgb_open(name, message) },
}

// XGBReady opens XGBoost; the error (a *fault.Input) says how to get it.
func XGBReady() error { return xgboost.ready() }

// Matrix is rows for trees, in XGBoost's form. It must be closed.
type Matrix struct {
	handle unsafe.Pointer
	n      int
}

// NewMatrix copies x [n, d], row-major and finite, and targets y [n] or nil.
func NewMatrix(x []float32, n, d int, y []float32) (*Matrix, error) {
	if err := xgboost.ready(); err != nil {
		return nil, err
	}
	if n < 1 || d < 1 || len(x) != n*d || y != nil && len(y) != n {
		return nil, fmt.Errorf("xgboost: %d numbers and %d targets are no %d rows of %d", len(x), len(y), n, d)
	}
	var labels *C.float
	if y != nil {
		labels = (*C.float)(&y[0])
	}
	m := &Matrix{n: n}
	if err := call(func(message *C.char) C.int {
		return C.xgb_matrix((*C.float)(&x[0]), C.uint64_t(n), C.uint64_t(d), labels, &m.handle, message)
	}); err != nil {
		return nil, fmt.Errorf("xgboost: %w", err)
	}
	return m, nil
}

// Close frees the matrix.
func (m *Matrix) Close() { C.xgb_matrix_free(m.handle) }

// Booster is a model of trees. It must be closed.
type Booster struct{ handle unsafe.Pointer }

// Close frees the booster.
func (b *Booster) Close() { C.xgb_booster_free(b.handle) }

// Parameter of XGBoost by its name there.
type Parameter struct{ Name, Value string }

// Boost grows trees round by round on m, one thread, and stops when after says
// so or at the given number of rounds. after may be nil; it gets the number of
// rounds done and may predict with b. The rounds that are kept are the first
// `keep` that after returned last, all where after is nil.
//
// XGBoost draws from a generator that belongs to the thread: the goroutine stays
// on one for all rounds, so that a seed gives the same trees every time.
func Boost(ctx context.Context, m *Matrix, rounds int, parameters []Parameter, after func(b *Booster, done int) (keep int, stop bool, err error)) (*Booster, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b, err := newBooster(m.handle)
	if err != nil {
		return nil, err
	}
	keep := rounds
	for _, p := range append([]Parameter{{"nthread", "1"}, {"verbosity", "0"}}, parameters...) {
		if err = b.set(p); err != nil {
			break
		}
	}
	for round := 0; round < rounds && err == nil; round++ {
		if err = ctx.Err(); err != nil {
			break
		}
		if err = call(func(message *C.char) C.int { return C.xgb_update(b.handle, C.int(round), m.handle, message) }); err != nil {
			err = fmt.Errorf("xgboost, round %d: %w", round, err)
			break
		}
		if after != nil {
			var stop bool
			if keep, stop, err = after(b, round+1); stop {
				break
			}
		}
	}
	if err != nil {
		b.Close()
		return nil, err
	}
	if keep == rounds {
		return b, nil
	}
	defer b.Close()
	first := &Booster{}
	if err := call(func(message *C.char) C.int { return C.xgb_slice(b.handle, C.int(keep), &first.handle, message) }); err != nil {
		return nil, fmt.Errorf("xgboost: the first %d rounds: %w", keep, err)
	}
	return first, nil
}

func newBooster(matrix unsafe.Pointer) (*Booster, error) {
	if err := xgboost.ready(); err != nil {
		return nil, err
	}
	b := &Booster{}
	if err := call(func(message *C.char) C.int { return C.xgb_booster(matrix, &b.handle, message) }); err != nil {
		return nil, fmt.Errorf("xgboost: %w", err)
	}
	return b, nil
}

func (b *Booster) set(p Parameter) error {
	name, value := C.CString(p.Name), C.CString(p.Value)
	defer C.free(unsafe.Pointer(name))
	defer C.free(unsafe.Pointer(value))
	if err := call(func(message *C.char) C.int { return C.xgb_set(b.handle, name, value, message) }); err != nil {
		return fmt.Errorf("xgboost: %s = %s: %w", p.Name, p.Value, err)
	}
	return nil
}

// Predict returns a number for every row of m. One goroutine at a time may
// use a booster.
func (b *Booster) Predict(m *Matrix) ([]float64, error) {
	found := make([]float32, m.n)
	if err := call(func(message *C.char) C.int {
		return C.xgb_predict(b.handle, m.handle, (*C.float)(&found[0]), C.uint64_t(m.n), message)
	}); err != nil {
		return nil, fmt.Errorf("xgboost: %w", err)
	}
	out := make([]float64, m.n)
	for i, v := range found {
		if out[i] = float64(v); math.IsNaN(out[i]) || math.IsInf(out[i], 0) {
			return nil, fmt.Errorf("xgboost: prediction %d is %v", i, v)
		}
	}
	return out, nil
}

// Bytes is the booster as XGBoost keeps it (universal binary JSON).
func (b *Booster) Bytes() ([]byte, error) {
	var at unsafe.Pointer
	var size C.uint64_t
	if err := call(func(message *C.char) C.int { return C.xgb_save(b.handle, &at, &size, message) }); err != nil {
		return nil, fmt.Errorf("xgboost: %w", err)
	}
	defer C.free(at)
	return append([]byte(nil), unsafe.Slice((*byte)(at), int(size))...), nil
}

// Load makes a booster of Bytes.
func Load(model []byte) (*Booster, error) {
	if len(model) == 0 {
		return nil, fmt.Errorf("xgboost: the model is empty")
	}
	b, err := newBooster(nil)
	if err != nil {
		return nil, err
	}
	if err := call(func(message *C.char) C.int {
		return C.xgb_load(b.handle, unsafe.Pointer(&model[0]), C.uint64_t(len(model)), message)
	}); err != nil {
		b.Close()
		return nil, fmt.Errorf("xgboost: the model cannot be read: %w", err)
	}
	if err := b.set(Parameter{"nthread", "1"}); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}
