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

var libsvm = library{
	name: "libsvm", files: []string{"libsvm.so.3", "libsvm.so.4", "libsvm.so.2", "libsvm.so"}, variable: "LIBSVM",
	remedy: "apt-get install libsvm3, or give the library's path in LIBSVM.",
	open:   func(name, message *C.char) C.int { return C.svm_open(name, message) },
}

// SVMReady opens libsvm; the error (a *fault.Input) says how to get it.
func SVMReady() error { return libsvm.ready() }

// SVMRows are training rows in libsvm's form. They may serve several fits at a
// time and must be closed after the last.
type SVMRows struct {
	rows **C.struct_svm_node
	n, d int
	x0   []float64
}

// NewSVMRows copies x [n, d], row-major.
func NewSVMRows(x []float64, n, d int) (*SVMRows, error) {
	if err := libsvm.ready(); err != nil {
		return nil, err
	}
	if n < 1 || d < 1 || len(x) != n*d || n > math.MaxInt32 || d >= math.MaxInt32 {
		return nil, fmt.Errorf("libsvm: %d numbers are no %d rows of %d", len(x), n, d)
	}
	rows := C.svm_rows((*C.double)(&x[0]), C.int(n), C.int(d))
	if rows == nil {
		return nil, fmt.Errorf("libsvm: no memory for %d rows of %d", n, d)
	}
	return &SVMRows{rows: rows, n: n, d: d, x0: append([]float64(nil), x[:d]...)}, nil
}

// Close frees the rows.
func (r *SVMRows) Close() {
	C.svm_rows_free(r.rows)
	r.rows = nil
}

// SVR is a point of the grid of eps-SVR with the kernel exp(-Gamma |a - b|^2).
type SVR struct {
	C, Gamma, Epsilon float64
	Tolerance         float64 // at which the solver stops; libsvm's and scikit-learn's default is 1e-3
	CacheMB           float64
}

// SVRFit is f(x) = sum Coefficients[i] k(row Vectors[i], x) - Rho.
type SVRFit struct {
	Vectors      []int // rows of the training set
	Coefficients []float64
	Rho          float64
}

// Train fits y [n]. libsvm cannot be interrupted within a fit.
func (r *SVMRows) Train(ctx context.Context, y []float64, x []float64, p SVR) (*SVRFit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(y) != r.n || len(x) != r.n*r.d {
		return nil, fmt.Errorf("libsvm: %d targets for %d rows", len(y), r.n)
	}
	var fit C.struct_svm_fit
	var pin runtime.Pinner
	pin.Pin(&y[0])
	defer pin.Unpin()
	if err := call(func(message *C.char) C.int {
		return C.svm_train_rbf(r.rows, (*C.double)(&y[0]), C.int(r.n), C.double(p.C), C.double(p.Gamma), C.double(p.Epsilon),
			C.double(p.Tolerance), C.double(p.CacheMB), &fit, message)
	}); err != nil {
		return nil, fmt.Errorf("libsvm: %w", err)
	}
	defer C.svm_fit_free(&fit)
	out := &SVRFit{Rho: float64(fit.rho)}
	n := int(fit.vectors)
	if n > 0 {
		for i, v := range unsafe.Slice(fit.index, n) {
			if v < 0 || int(v) >= r.n {
				return nil, fmt.Errorf("libsvm: support vector %d of %d is row %d", i, n, v)
			}
			out.Vectors = append(out.Vectors, int(v))
		}
		for _, v := range unsafe.Slice(fit.coefficient, n) {
			out.Coefficients = append(out.Coefficients, float64(v))
		}
	}
	// The model is read out of a struct of which the library shows no header
	// here: libsvm's own prediction of a row says whether it was read rightly.
	if got, want := out.At(x, r.d, r.x0, p.Gamma), float64(fit.probe); !(math.Abs(got-want) <= 1e-6*(1+math.Abs(want))) {
		return nil, fmt.Errorf("libsvm: its model predicts %g where it should be %g: a version of another layout", got, want)
	}
	return out, nil
}

// At predicts one row [d]; x are the training rows that were fitted, [n, d].
func (f *SVRFit) At(x []float64, d int, row []float64, gamma float64) float64 {
	sum := -f.Rho
	for i, v := range f.Vectors {
		squares := 0.0
		for k, a := range x[v*d : (v+1)*d] {
			squares += (a - row[k]) * (a - row[k])
		}
		sum += f.Coefficients[i] * math.Exp(-gamma*squares)
	}
	return sum
}
