package torch

/*
#include "../cgo/opencarbon.h"
*/
import "C"

func (t *Tensor) unary(op string, code C.int64_t) *Tensor {
	t.must(op)
	var h C.ocg_tensor
	if e := C.ocg_unary(code, t.h, &h); e != nil {
		check(op, e, t)
	}
	return adopt(h)
}

func (t *Tensor) unaryInPlace(op string, code C.int64_t) *Tensor {
	t.must(op)
	check(op, C.ocg_unary_(code, t.h), t)
	return t
}

func (t *Tensor) binary(op string, code C.int64_t, o *Tensor) *Tensor {
	t.must(op, o)
	var h C.ocg_tensor
	if e := C.ocg_binary(code, t.h, o.h, &h); e != nil {
		check(op, e, t, o)
	}
	return adopt(h)
}

func (t *Tensor) binaryInPlace(op string, code C.int64_t, o *Tensor) *Tensor {
	t.must(op, o)
	check(op, C.ocg_binary_(code, t.h, o.h), t, o)
	return t
}

func (t *Tensor) scalar(op string, code C.int64_t, v float64) *Tensor {
	t.must(op)
	var h C.ocg_tensor
	check(op, C.ocg_scalar(code, t.h, C.double(v), &h), t)
	return adopt(h)
}

func (t *Tensor) scalarInPlace(op string, code C.int64_t, v float64) *Tensor {
	t.must(op)
	check(op, C.ocg_scalar_(code, t.h, C.double(v)), t)
	return t
}

// Elementwise functions of one tensor. The result has t's shape.

func (t *Tensor) Neg() *Tensor        { return t.unary("neg", C.OCG_NEG) }
func (t *Tensor) Abs() *Tensor        { return t.unary("abs", C.OCG_ABS) }
func (t *Tensor) Exp() *Tensor        { return t.unary("exp", C.OCG_EXP) }
func (t *Tensor) Log() *Tensor        { return t.unary("log", C.OCG_LOG) }
func (t *Tensor) Log1p() *Tensor      { return t.unary("log1p", C.OCG_LOG1P) }
func (t *Tensor) Sqrt() *Tensor       { return t.unary("sqrt", C.OCG_SQRT) }
func (t *Tensor) Rsqrt() *Tensor      { return t.unary("rsqrt", C.OCG_RSQRT) }
func (t *Tensor) Square() *Tensor     { return t.unary("square", C.OCG_SQUARE) }
func (t *Tensor) Sign() *Tensor       { return t.unary("sign", C.OCG_SIGN) }
func (t *Tensor) Floor() *Tensor      { return t.unary("floor", C.OCG_FLOOR) }
func (t *Tensor) Round() *Tensor      { return t.unary("round", C.OCG_ROUND) }
func (t *Tensor) ReLU() *Tensor       { return t.unary("relu", C.OCG_RELU) }
func (t *Tensor) Sigmoid() *Tensor    { return t.unary("sigmoid", C.OCG_SIGMOID) }
func (t *Tensor) Tanh() *Tensor       { return t.unary("tanh", C.OCG_TANH) }
func (t *Tensor) GELU() *Tensor       { return t.unary("gelu", C.OCG_GELU) }
func (t *Tensor) Softplus() *Tensor   { return t.unary("softplus", C.OCG_SOFTPLUS) }
func (t *Tensor) Sin() *Tensor        { return t.unary("sin", C.OCG_SIN) }
func (t *Tensor) Cos() *Tensor        { return t.unary("cos", C.OCG_COS) }
func (t *Tensor) IsNaN() *Tensor      { return t.unary("isnan", C.OCG_ISNAN) }
func (t *Tensor) IsFinite() *Tensor   { return t.unary("isfinite", C.OCG_ISFINITE) }
func (t *Tensor) LogicalNot() *Tensor { return t.unary("logical_not", C.OCG_NOT) }

// ReLUInPlace overwrites t with max(0, t) and returns t; it saves an activation
// where nobody needs the input again.
func (t *Tensor) ReLUInPlace() *Tensor { return t.unaryInPlace("relu_", C.OCG_RELU) }

// SigmoidInPlace overwrites t with its sigmoid and returns t.
func (t *Tensor) SigmoidInPlace() *Tensor { return t.unaryInPlace("sigmoid_", C.OCG_SIGMOID) }

// TanhInPlace overwrites t with its hyperbolic tangent and returns t.
func (t *Tensor) TanhInPlace() *Tensor { return t.unaryInPlace("tanh_", C.OCG_TANH) }

// Arithmetic of two tensors; shapes are broadcast as in PyTorch.

func (t *Tensor) Add(o *Tensor) *Tensor     { return t.binary("add", C.OCG_ADD, o) }
func (t *Tensor) Sub(o *Tensor) *Tensor     { return t.binary("sub", C.OCG_SUB, o) }
func (t *Tensor) Mul(o *Tensor) *Tensor     { return t.binary("mul", C.OCG_MUL, o) }
func (t *Tensor) Div(o *Tensor) *Tensor     { return t.binary("div", C.OCG_DIV, o) }
func (t *Tensor) Pow(o *Tensor) *Tensor     { return t.binary("pow", C.OCG_POW, o) }
func (t *Tensor) Maximum(o *Tensor) *Tensor { return t.binary("maximum", C.OCG_MAXIMUM, o) }
func (t *Tensor) Minimum(o *Tensor) *Tensor { return t.binary("minimum", C.OCG_MINIMUM, o) }

// Comparisons of two tensors give bool tensors.

func (t *Tensor) Eq(o *Tensor) *Tensor         { return t.binary("eq", C.OCG_EQ, o) }
func (t *Tensor) Ne(o *Tensor) *Tensor         { return t.binary("ne", C.OCG_NE, o) }
func (t *Tensor) Lt(o *Tensor) *Tensor         { return t.binary("lt", C.OCG_LT, o) }
func (t *Tensor) Le(o *Tensor) *Tensor         { return t.binary("le", C.OCG_LE, o) }
func (t *Tensor) Gt(o *Tensor) *Tensor         { return t.binary("gt", C.OCG_GT, o) }
func (t *Tensor) Ge(o *Tensor) *Tensor         { return t.binary("ge", C.OCG_GE, o) }
func (t *Tensor) LogicalAnd(o *Tensor) *Tensor { return t.binary("logical_and", C.OCG_AND, o) }
func (t *Tensor) LogicalOr(o *Tensor) *Tensor  { return t.binary("logical_or", C.OCG_OR, o) }

// MatMul is PyTorch's matmul: vectors, matrices and batches of them.
func (t *Tensor) MatMul(o *Tensor) *Tensor { return t.binary("matmul", C.OCG_MATMUL, o) }

// BMM multiplies batches of matrices: [B, n, k] x [B, k, m] -> [B, n, m].
func (t *Tensor) BMM(o *Tensor) *Tensor { return t.binary("bmm", C.OCG_BMM, o) }

// Arithmetic with a number. An integral tensor and a whole number stay
// integral.

func (t *Tensor) AddScalar(v float64) *Tensor { return t.scalar("add", C.OCG_ADD, v) }
func (t *Tensor) SubScalar(v float64) *Tensor { return t.scalar("sub", C.OCG_SUB, v) }
func (t *Tensor) MulScalar(v float64) *Tensor { return t.scalar("mul", C.OCG_MUL, v) }
func (t *Tensor) DivScalar(v float64) *Tensor { return t.scalar("div", C.OCG_DIV, v) }
func (t *Tensor) PowScalar(v float64) *Tensor { return t.scalar("pow", C.OCG_POW, v) }
func (t *Tensor) EqScalar(v float64) *Tensor  { return t.scalar("eq", C.OCG_EQ, v) }
func (t *Tensor) NeScalar(v float64) *Tensor  { return t.scalar("ne", C.OCG_NE, v) }
func (t *Tensor) LtScalar(v float64) *Tensor  { return t.scalar("lt", C.OCG_LT, v) }
func (t *Tensor) LeScalar(v float64) *Tensor  { return t.scalar("le", C.OCG_LE, v) }
func (t *Tensor) GtScalar(v float64) *Tensor  { return t.scalar("gt", C.OCG_GT, v) }
func (t *Tensor) GeScalar(v float64) *Tensor  { return t.scalar("ge", C.OCG_GE, v) }

// In-place arithmetic overwrites t and returns it.

func (t *Tensor) AddInPlace(o *Tensor) *Tensor       { return t.binaryInPlace("add_", C.OCG_ADD, o) }
func (t *Tensor) SubInPlace(o *Tensor) *Tensor       { return t.binaryInPlace("sub_", C.OCG_SUB, o) }
func (t *Tensor) MulInPlace(o *Tensor) *Tensor       { return t.binaryInPlace("mul_", C.OCG_MUL, o) }
func (t *Tensor) DivInPlace(o *Tensor) *Tensor       { return t.binaryInPlace("div_", C.OCG_DIV, o) }
func (t *Tensor) AddScalarInPlace(v float64) *Tensor { return t.scalarInPlace("add_", C.OCG_ADD, v) }
func (t *Tensor) MulScalarInPlace(v float64) *Tensor { return t.scalarInPlace("mul_", C.OCG_MUL, v) }

// FillInPlace sets every element to v and returns t.
func (t *Tensor) FillInPlace(v float64) *Tensor {
	t.must("fill_")
	check("fill_", C.ocg_fill_(t.h, C.double(v)), t)
	return t
}

// Clamp limits the elements to [low, high].
func (t *Tensor) Clamp(low, high float64) *Tensor {
	t.must("clamp")
	var h C.ocg_tensor
	check("clamp", C.ocg_clamp(t.h, C.double(low), C.double(high), &h), t)
	return adopt(h)
}

// Where picks a's elements where condition (bool) holds, b's elsewhere.
func Where(condition, a, b *Tensor) *Tensor {
	condition.must("where", a, b)
	var h C.ocg_tensor
	check("where", C.ocg_where(condition.h, a.h, b.h, &h), condition, a, b)
	return adopt(h)
}

// MaskedFill replaces the elements where mask (bool) holds by v.
func (t *Tensor) MaskedFill(mask *Tensor, v float64) *Tensor {
	t.must("masked_fill", mask)
	var h C.ocg_tensor
	check("masked_fill", C.ocg_masked_fill(t.h, mask.h, C.double(v), &h), t, mask)
	return adopt(h)
}
