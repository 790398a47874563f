package torch

/*
#include "../cgo/opencarbon.h"
*/
import "C"

// Over names the dimensions of a reduction; none means all.
type Over struct {
	Dims    []int
	KeepDim bool
}

// Along reduces over the given dimensions and drops them.
func Along(dims ...int) Over { return Over{Dims: dims} }

// Keeping reduces over the given dimensions and keeps them with size 1.
func Keeping(dims ...int) Over { return Over{Dims: dims, KeepDim: true} }

func (t *Tensor) reduce(op string, code C.int64_t, arg float64, over []Over) *Tensor {
	t.must(op)
	var o Over
	switch len(over) {
	case 0:
	case 1:
		o = over[0]
	default:
		fail(op, []*Tensor{t}, "takes one Over at most")
	}
	d, n := dims(o.Dims)
	var h C.ocg_tensor
	check(op, C.ocg_reduce(code, t.h, d, n, flag(o.KeepDim), C.double(arg), &h), t)
	return adopt(h)
}

// Sum adds the elements up.
func (t *Tensor) Sum(over ...Over) *Tensor { return t.reduce("sum", C.OCG_SUM, 0, over) }

// Mean averages the elements.
func (t *Tensor) Mean(over ...Over) *Tensor { return t.reduce("mean", C.OCG_MEAN, 0, over) }

// AMax is the largest element; ties share the gradient.
func (t *Tensor) AMax(over ...Over) *Tensor { return t.reduce("amax", C.OCG_AMAX, 0, over) }

// AMin is the smallest element; ties share the gradient.
func (t *Tensor) AMin(over ...Over) *Tensor { return t.reduce("amin", C.OCG_AMIN, 0, over) }

// LogSumExp is log(sum(exp(t))), computed without overflow.
func (t *Tensor) LogSumExp(over ...Over) *Tensor {
	return t.reduce("logsumexp", C.OCG_LOGSUMEXP, 0, over)
}

// Var is the unbiased variance (divisor n - 1).
func (t *Tensor) Var(over ...Over) *Tensor { return t.reduce("var", C.OCG_VAR, 1, over) }

// VarBiased is the variance with divisor n.
func (t *Tensor) VarBiased(over ...Over) *Tensor { return t.reduce("var", C.OCG_VAR, 0, over) }

// Norm is the p-norm.
func (t *Tensor) Norm(p float64, over ...Over) *Tensor { return t.reduce("norm", C.OCG_NORM, p, over) }

// Any reports whether any element differs from zero, as a bool tensor.
func (t *Tensor) Any(over ...Over) *Tensor { return t.reduce("any", C.OCG_ANY, 0, over) }

// All reports whether all elements differ from zero, as a bool tensor.
func (t *Tensor) All(over ...Over) *Tensor { return t.reduce("all", C.OCG_ALL, 0, over) }

func (t *Tensor) along(op string, code C.int64_t, dim int, f bool) (values, indices *Tensor) {
	t.must(op)
	var v, i C.ocg_tensor
	check(op, C.ocg_along(code, t.h, C.int64_t(dim), flag(f), &v, &i), t)
	return adopt(v), adopt(i)
}

// Max returns the largest values along dim and their positions (int64).
func (t *Tensor) Max(dim int, keepDim bool) (values, indices *Tensor) {
	return t.along("max", C.OCG_MAX, dim, keepDim)
}

// Min returns the smallest values along dim and their positions (int64).
func (t *Tensor) Min(dim int, keepDim bool) (values, indices *Tensor) {
	return t.along("min", C.OCG_MIN, dim, keepDim)
}

// Sort sorts along dim and returns the order (int64) too.
func (t *Tensor) Sort(dim int, descending bool) (values, indices *Tensor) {
	return t.along("sort", C.OCG_SORT, dim, descending)
}

// ArgMax returns the positions (int64) of the largest values along dim.
func (t *Tensor) ArgMax(dim int, keepDim bool) *Tensor {
	t.must("argmax")
	var h C.ocg_tensor
	check("argmax", C.ocg_argmax(t.h, C.int64_t(dim), flag(keepDim), &h), t)
	return adopt(h)
}

// Softmax is exp(t) / sum(exp(t)) over dim.
func (t *Tensor) Softmax(dim int) *Tensor {
	t.must("softmax")
	var h C.ocg_tensor
	check("softmax", C.ocg_softmax(t.h, C.int64_t(dim), &h), t)
	return adopt(h)
}

// CumSum adds up along dim.
func (t *Tensor) CumSum(dim int) *Tensor {
	t.must("cumsum")
	var h C.ocg_tensor
	check("cumsum", C.ocg_cumsum(t.h, C.int64_t(dim), &h), t)
	return adopt(h)
}
