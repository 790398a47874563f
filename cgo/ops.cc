// Arithmetic, reductions, shapes and indexing. Operations of one form share one function and a code.
#include <cmath>

#include "internal.h"

using oc::T;
using oc::wrap;

static at::Tensor unary(int64_t op, const at::Tensor& a) {
  switch (op) {
    case OC_NEG: return at::neg(a);
    case OC_ABS: return at::abs(a);
    case OC_EXP: return at::exp(a);
    case OC_LOG: return at::log(a);
    case OC_LOG1P: return at::log1p(a);
    case OC_SQRT: return at::sqrt(a);
    case OC_RSQRT: return at::rsqrt(a);
    case OC_SQUARE: return at::square(a);
    case OC_SIGN: return at::sign(a);
    case OC_FLOOR: return at::floor(a);
    case OC_ROUND: return at::round(a);
    case OC_RELU: return at::relu(a);
    case OC_SIGMOID: return at::sigmoid(a);
    case OC_TANH: return at::tanh(a);
    case OC_GELU: return at::gelu(a);
    case OC_SOFTPLUS: return at::softplus(a);
    case OC_SIN: return at::sin(a);
    case OC_COS: return at::cos(a);
    case OC_ISNAN: return at::isnan(a);
    case OC_ISFINITE: return at::isfinite(a);
    case OC_NOT: return at::logical_not(a);
    case OC_DETACH: return a.detach();
    case OC_CLONE: return a.clone();
    case OC_CONTIGUOUS_OP: return a.contiguous();
    case OC_ALIAS: return at::alias(a);
  }
  TORCH_CHECK(false, "no such unary operation: ", op);
}

oc_error oc_unary(int64_t op, oc_tensor a, oc_tensor* out) { OC_GUARD({ *out = wrap(unary(op, T(a))); }) }

oc_error oc_unary_(int64_t op, oc_tensor a) {
  OC_GUARD({
    switch (op) {
      case OC_RELU: at::relu_(T(a)); break;
      case OC_SIGMOID: at::sigmoid_(T(a)); break;
      case OC_TANH: at::tanh_(T(a)); break;
      default: TORCH_CHECK(false, "no such in-place operation: ", op);
    }
  })
}

// An integral tensor and a whole number stay integral, as in Python.
static at::Scalar scalar_for(const at::Tensor& a, double v) {
  constexpr double limit = 9.2e18;  // what int64 can hold; NaN fails both comparisons
  if (at::isIntegralType(a.scalar_type(), /*includeBool=*/false) && v > -limit && v < limit && v == std::trunc(v))
    return at::Scalar(static_cast<int64_t>(v));
  return at::Scalar(v);
}

template <class B>
static at::Tensor binary(int64_t op, const at::Tensor& a, const B& b) {
  switch (op) {
    case OC_ADD: return at::add(a, b);
    case OC_SUB: return at::sub(a, b);
    case OC_MUL: return at::mul(a, b);
    case OC_DIV: return at::div(a, b);
    case OC_POW: return at::pow(a, b);
    case OC_EQ: return at::eq(a, b);
    case OC_NE: return at::ne(a, b);
    case OC_LT: return at::lt(a, b);
    case OC_LE: return at::le(a, b);
    case OC_GT: return at::gt(a, b);
    case OC_GE: return at::ge(a, b);
  }
  return at::Tensor();
}

oc_error oc_binary(int64_t op, oc_tensor ta, oc_tensor tb, oc_tensor* out) {
  OC_GUARD({
    const at::Tensor& a = T(ta);
    const at::Tensor& b = T(tb);
    at::Tensor r;
    switch (op) {
      case OC_MAXIMUM: r = at::maximum(a, b); break;
      case OC_MINIMUM: r = at::minimum(a, b); break;
      case OC_AND: r = at::logical_and(a, b); break;
      case OC_OR: r = at::logical_or(a, b); break;
      case OC_MATMUL: r = at::matmul(a, b); break;
      case OC_BMM: r = at::bmm(a, b); break;
      default: r = binary(op, a, b);
    }
    TORCH_CHECK(r.defined(), "no such operation: ", op);
    *out = wrap(r);
  })
}

oc_error oc_scalar(int64_t op, oc_tensor a, double b, oc_tensor* out) {
  OC_GUARD({
    at::Tensor r = binary(op, T(a), scalar_for(T(a), b));
    TORCH_CHECK(r.defined(), "no such operation: ", op);
    *out = wrap(r);
  })
}

template <class B>
static void binary_(int64_t op, at::Tensor& a, const B& b) {
  switch (op) {
    case OC_ADD: a.add_(b); return;
    case OC_SUB: a.sub_(b); return;
    case OC_MUL: a.mul_(b); return;
    case OC_DIV: a.div_(b); return;
  }
  TORCH_CHECK(false, "no such in-place operation: ", op);
}

oc_error oc_binary_(int64_t op, oc_tensor a, oc_tensor b) { OC_GUARD({ binary_(op, T(a), T(b)); }) }
oc_error oc_scalar_(int64_t op, oc_tensor a, double b) { OC_GUARD({ binary_(op, T(a), scalar_for(T(a), b)); }) }
oc_error oc_fill_(oc_tensor a, double value) { OC_GUARD({ T(a).fill_(scalar_for(T(a), value)); }) }

oc_error oc_clamp(oc_tensor a, double low, double high, oc_tensor* out) {
  OC_GUARD({ *out = wrap(at::clamp(T(a), scalar_for(T(a), low), scalar_for(T(a), high))); })
}

oc_error oc_where(oc_tensor condition, oc_tensor a, oc_tensor b, oc_tensor* out) {
  OC_GUARD({ *out = wrap(at::where(T(condition), T(a), T(b))); })
}

oc_error oc_masked_fill(oc_tensor a, oc_tensor mask, double value, oc_tensor* out) {
  OC_GUARD({ *out = wrap(at::masked_fill(T(a), T(mask), scalar_for(T(a), value))); })
}

oc_error oc_reduce(int64_t op, oc_tensor ta, const int64_t* dims, int64_t n, int64_t keepdim, double arg,
                   oc_tensor* out) {
  OC_GUARD({
    const at::Tensor& a = T(ta);
    std::vector<int64_t> d(dims, dims + n);
    if (d.empty())
      for (int64_t i = 0; i < a.dim(); i++) d.push_back(i);
    bool keep = keepdim != 0;
    at::Tensor r;
    switch (op) {
      case OC_SUM: r = at::sum(a, d, keep); break;
      case OC_MEAN: r = at::mean(a, d, keep); break;
      case OC_AMAX: r = at::amax(a, d, keep); break;
      case OC_AMIN: r = at::amin(a, d, keep); break;
      case OC_LOGSUMEXP: r = at::logsumexp(a, d, keep); break;
      case OC_VAR: r = at::var(a, d, /*unbiased=*/arg != 0, keep); break;
      case OC_NORM: r = at::norm(a, arg, d, keep); break;
      // Sums, because the largest of no elements is an error and "any of none" is not.
      case OC_ANY: r = at::sum(a.to(at::kBool), d, keep).to(at::kBool); break;
      case OC_ALL: r = at::sum(at::logical_not(a), d, keep).eq(0); break;
      default: TORCH_CHECK(false, "no such reduction: ", op);
    }
    *out = wrap(r);
  })
}

oc_error oc_along(int64_t op, oc_tensor a, int64_t dim, int64_t flag, oc_tensor* values, oc_tensor* indices) {
  OC_GUARD({
    std::tuple<at::Tensor, at::Tensor> r;
    switch (op) {
      case OC_MAX: r = at::max(T(a), dim, flag != 0); break;
      case OC_MIN: r = at::min(T(a), dim, flag != 0); break;
      case OC_SORT: r = at::sort(T(a), dim, flag != 0); break;
      default: TORCH_CHECK(false, "no such operation: ", op);
    }
    *values = wrap(std::get<0>(r));
    *indices = wrap(std::get<1>(r));
  })
}

oc_error oc_argmax(oc_tensor a, int64_t dim, int64_t keepdim, oc_tensor* out) {
  OC_GUARD({ *out = wrap(at::argmax(T(a), dim, keepdim != 0)); })
}

oc_error oc_softmax(oc_tensor a, int64_t dim, oc_tensor* out) { OC_GUARD({ *out = wrap(at::softmax(T(a), dim)); }) }
oc_error oc_cumsum(oc_tensor a, int64_t dim, oc_tensor* out) { OC_GUARD({ *out = wrap(at::cumsum(T(a), dim)); }) }

oc_error oc_shape(int64_t op, oc_tensor ta, const int64_t* args, int64_t n, oc_tensor* out) {
  OC_GUARD({
    const at::Tensor& a = T(ta);
    at::IntArrayRef v(args, n);
    at::Tensor r;
    switch (op) {
      case OC_VIEW: r = a.view(v); break;
      case OC_RESHAPE: r = a.reshape(v); break;
      case OC_EXPAND: r = a.expand(v); break;
      case OC_SQUEEZE: r = n == 0 ? a.squeeze() : a.squeeze(v[0]); break;
      case OC_UNSQUEEZE: r = a.unsqueeze(v[0]); break;
      case OC_SELECT: r = a.select(v[0], v[1]); break;
      case OC_NARROW: r = a.narrow(v[0], v[1], v[2]); break;
      case OC_SLICE: r = at::slice(a, v[0], v[1], v[2], v[3]); break;
      case OC_FLIP: r = a.flip(v); break;
      case OC_PAD: r = at::constant_pad_nd(a, v, 0); break;
      case OC_TRIL: r = a.tril(v[0]); break;
      case OC_TRIU: r = a.triu(v[0]); break;
      case OC_DIAG: r = at::diagonal(a, v[0]); break;
      default: TORCH_CHECK(false, "no such shape operation: ", op);
    }
    *out = wrap(r);
  })
}

oc_error oc_cat(const oc_tensor* ts, int64_t n, int64_t dim, oc_tensor* out) {
  OC_GUARD({ *out = wrap(at::cat(oc::list(ts, n), dim)); })
}

oc_error oc_index(int64_t op, oc_tensor a, int64_t dim, oc_tensor index, oc_tensor src, oc_tensor* out) {
  OC_GUARD({
    switch (op) {
      case OC_GATHER: *out = wrap(at::gather(T(a), dim, T(index))); break;
      case OC_SCATTER_ADD: *out = wrap(at::scatter_add(T(a), dim, T(index), T(src))); break;
      case OC_INDEX_ADD: *out = wrap(at::index_add(T(a), dim, T(index), T(src))); break;
      default: TORCH_CHECK(false, "no such indexing: ", op);
    }
  })
}

oc_error oc_item(oc_tensor a, double* out) {
  OC_GUARD({
    TORCH_CHECK(T(a).numel() == 1, "the tensor has ", T(a).numel(), " elements, an item has one");
    *out = T(a).item().toDouble();
  })
}

oc_error oc_equal(oc_tensor a, oc_tensor b, int64_t* out) { OC_GUARD({ *out = at::equal(T(a), T(b)); }) }
