// Arithmetic, reductions, shapes and indexing. Operations of one form share one function and a code.
#include <cmath>

#include "internal.h"

using oc::T;
using oc::wrap;

static at::Tensor unary(int64_t op, const at::Tensor& a) {
  switch (op) {
    case OCG_NEG: return at::neg(a);
    case OCG_ABS: return at::abs(a);
    case OCG_EXP: return at::exp(a);
    case OCG_LOG: return at::log(a);
    case OCG_LOG1P: return at::log1p(a);
    case OCG_SQRT: return at::sqrt(a);
    case OCG_RSQRT: return at::rsqrt(a);
    case OCG_SQUARE: return at::square(a);
    case OCG_SIGN: return at::sign(a);
    case OCG_FLOOR: return at::floor(a);
    case OCG_ROUND: return at::round(a);
    case OCG_RELU: return at::relu(a);
    case OCG_SIGMOID: return at::sigmoid(a);
    case OCG_TANH: return at::tanh(a);
    case OCG_GELU: return at::gelu(a);
    case OCG_SOFTPLUS: return at::softplus(a);
    case OCG_SIN: return at::sin(a);
    case OCG_COS: return at::cos(a);
    case OCG_ISNAN: return at::isnan(a);
    case OCG_ISFINITE: return at::isfinite(a);
    case OCG_NOT: return at::logical_not(a);
    case OCG_DETACH: return a.detach();
    case OCG_CLONE: return a.clone();
    case OCG_CONTIGUOUS_OP: return a.contiguous();
    case OCG_ALIAS: return at::alias(a);
  }
  TORCH_CHECK(false, "no such unary operation: ", op);
}

ocg_error ocg_unary(int64_t op, ocg_tensor a, ocg_tensor* out) { OCG_GUARD({ *out = wrap(unary(op, T(a))); }) }

ocg_error ocg_unary_(int64_t op, ocg_tensor a) {
  OCG_GUARD({
    switch (op) {
      case OCG_RELU: at::relu_(T(a)); break;
      case OCG_SIGMOID: at::sigmoid_(T(a)); break;
      case OCG_TANH: at::tanh_(T(a)); break;
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
    case OCG_ADD: return at::add(a, b);
    case OCG_SUB: return at::sub(a, b);
    case OCG_MUL: return at::mul(a, b);
    case OCG_DIV: return at::div(a, b);
    case OCG_POW: return at::pow(a, b);
    case OCG_EQ: return at::eq(a, b);
    case OCG_NE: return at::ne(a, b);
    case OCG_LT: return at::lt(a, b);
    case OCG_LE: return at::le(a, b);
    case OCG_GT: return at::gt(a, b);
    case OCG_GE: return at::ge(a, b);
  }
  return at::Tensor();
}

ocg_error ocg_binary(int64_t op, ocg_tensor ta, ocg_tensor tb, ocg_tensor* out) {
  OCG_GUARD({
    const at::Tensor& a = T(ta);
    const at::Tensor& b = T(tb);
    at::Tensor r;
    switch (op) {
      case OCG_MAXIMUM: r = at::maximum(a, b); break;
      case OCG_MINIMUM: r = at::minimum(a, b); break;
      case OCG_AND: r = at::logical_and(a, b); break;
      case OCG_OR: r = at::logical_or(a, b); break;
      case OCG_MATMUL: r = at::matmul(a, b); break;
      case OCG_BMM: r = at::bmm(a, b); break;
      default: r = binary(op, a, b);
    }
    TORCH_CHECK(r.defined(), "no such operation: ", op);
    *out = wrap(r);
  })
}

ocg_error ocg_scalar(int64_t op, ocg_tensor a, double b, ocg_tensor* out) {
  OCG_GUARD({
    at::Tensor r = binary(op, T(a), scalar_for(T(a), b));
    TORCH_CHECK(r.defined(), "no such operation: ", op);
    *out = wrap(r);
  })
}

template <class B>
static void binary_(int64_t op, at::Tensor& a, const B& b) {
  switch (op) {
    case OCG_ADD: a.add_(b); return;
    case OCG_SUB: a.sub_(b); return;
    case OCG_MUL: a.mul_(b); return;
    case OCG_DIV: a.div_(b); return;
  }
  TORCH_CHECK(false, "no such in-place operation: ", op);
}

ocg_error ocg_binary_(int64_t op, ocg_tensor a, ocg_tensor b) { OCG_GUARD({ binary_(op, T(a), T(b)); }) }
ocg_error ocg_scalar_(int64_t op, ocg_tensor a, double b) { OCG_GUARD({ binary_(op, T(a), scalar_for(T(a), b)); }) }
ocg_error ocg_fill_(ocg_tensor a, double value) { OCG_GUARD({ T(a).fill_(scalar_for(T(a), value)); }) }

ocg_error ocg_clamp(ocg_tensor a, double low, double high, ocg_tensor* out) {
  OCG_GUARD({ *out = wrap(at::clamp(T(a), scalar_for(T(a), low), scalar_for(T(a), high))); })
}

// libtorch 1.13 takes a float tensor for a mask and reads its bytes.
static void check_mask(const at::Tensor& m) {
  TORCH_CHECK(m.scalar_type() == at::kBool, "the mask must be bool, it is ", m.scalar_type());
}

ocg_error ocg_where(ocg_tensor condition, ocg_tensor a, ocg_tensor b, ocg_tensor* out) {
  OCG_GUARD({
    check_mask(T(condition));
    *out = wrap(at::where(T(condition), T(a), T(b)));
  })
}

ocg_error ocg_masked_fill(ocg_tensor a, ocg_tensor mask, double value, ocg_tensor* out) {
  OCG_GUARD({
    check_mask(T(mask));
    *out = wrap(at::masked_fill(T(a), T(mask), scalar_for(T(a), value)));
  })
}

ocg_error ocg_reduce(int64_t op, ocg_tensor ta, const int64_t* dims, int64_t n, int64_t keepdim, double arg,
                   ocg_tensor* out) {
  OCG_GUARD({
    const at::Tensor& a = T(ta);
    std::vector<int64_t> d(dims, dims + n);
    if (d.empty())
      for (int64_t i = 0; i < a.dim(); i++) d.push_back(i);
    bool keep = keepdim != 0;
    at::Tensor r;
    switch (op) {
      case OCG_SUM: r = at::sum(a, d, keep); break;
      case OCG_MEAN: r = at::mean(a, d, keep); break;
      case OCG_AMAX: r = at::amax(a, d, keep); break;
      case OCG_AMIN: r = at::amin(a, d, keep); break;
      case OCG_LOGSUMEXP: r = at::logsumexp(a, d, keep); break;
      case OCG_VAR: r = at::var(a, d, /*unbiased=*/arg != 0, keep); break;
      case OCG_NORM: r = at::norm(a, arg, d, keep); break;
      // Sums, because the largest of no elements is an error and "any of none" is not.
      case OCG_ANY: r = at::sum(a.to(at::kBool), d, keep).to(at::kBool); break;
      case OCG_ALL: r = at::sum(at::logical_not(a), d, keep).eq(0); break;
      default: TORCH_CHECK(false, "no such reduction: ", op);
    }
    *out = wrap(r);
  })
}

ocg_error ocg_along(int64_t op, ocg_tensor a, int64_t dim, int64_t flag, ocg_tensor* values, ocg_tensor* indices) {
  OCG_GUARD({
    std::tuple<at::Tensor, at::Tensor> r;
    switch (op) {
      case OCG_MAX: r = at::max(T(a), dim, flag != 0); break;
      case OCG_MIN: r = at::min(T(a), dim, flag != 0); break;
      case OCG_SORT: r = at::sort(T(a), dim, flag != 0); break;
      default: TORCH_CHECK(false, "no such operation: ", op);
    }
    *values = wrap(std::get<0>(r));
    *indices = wrap(std::get<1>(r));
  })
}

ocg_error ocg_argmax(ocg_tensor a, int64_t dim, int64_t keepdim, ocg_tensor* out) {
  OCG_GUARD({ *out = wrap(at::argmax(T(a), dim, keepdim != 0)); })
}

ocg_error ocg_softmax(ocg_tensor a, int64_t dim, ocg_tensor* out) { OCG_GUARD({ *out = wrap(at::softmax(T(a), dim)); }) }
ocg_error ocg_cumsum(ocg_tensor a, int64_t dim, ocg_tensor* out) { OCG_GUARD({ *out = wrap(at::cumsum(T(a), dim)); }) }

ocg_error ocg_shape(int64_t op, ocg_tensor ta, const int64_t* args, int64_t n, ocg_tensor* out) {
  OCG_GUARD({
    const at::Tensor& a = T(ta);
    at::IntArrayRef v(args, n);
    at::Tensor r;
    switch (op) {
      case OCG_VIEW: r = a.view(v); break;
      case OCG_RESHAPE: r = a.reshape(v); break;
      case OCG_EXPAND: r = a.expand(v); break;
      case OCG_SQUEEZE: r = n == 0 ? a.squeeze() : a.squeeze(v[0]); break;
      case OCG_UNSQUEEZE: r = a.unsqueeze(v[0]); break;
      case OCG_SELECT: r = a.select(v[0], v[1]); break;
      case OCG_NARROW: r = a.narrow(v[0], v[1], v[2]); break;
      case OCG_SLICE: r = at::slice(a, v[0], v[1], v[2], v[3]); break;
      case OCG_FLIP: r = a.flip(v); break;
      case OCG_PAD: r = at::constant_pad_nd(a, v, 0); break;
      case OCG_TRIL: r = a.tril(v[0]); break;
      case OCG_TRIU: r = a.triu(v[0]); break;
      case OCG_DIAG: r = at::diagonal(a, v[0]); break;
      default: TORCH_CHECK(false, "no such shape operation: ", op);
    }
    *out = wrap(r);
  })
}

ocg_error ocg_cat(const ocg_tensor* ts, int64_t n, int64_t dim, ocg_tensor* out) {
  OCG_GUARD({ *out = wrap(at::cat(oc::list(ts, n), dim)); })
}

ocg_error ocg_index(int64_t op, ocg_tensor a, int64_t dim, ocg_tensor index, ocg_tensor src, ocg_tensor* out) {
  OCG_GUARD({
    switch (op) {
      case OCG_GATHER: *out = wrap(at::gather(T(a), dim, T(index))); break;
      case OCG_SCATTER_ADD: *out = wrap(at::scatter_add(T(a), dim, T(index), T(src))); break;
      case OCG_INDEX_ADD: *out = wrap(at::index_add(T(a), dim, T(index), T(src))); break;
      case OCG_INDEX_COPY_: *out = wrap(T(a).index_copy_(dim, T(index), T(src))); break;
      default: TORCH_CHECK(false, "no such indexing: ", op);
    }
  })
}

ocg_error ocg_item(ocg_tensor a, double* out) {
  OCG_GUARD({
    TORCH_CHECK(T(a).numel() == 1, "the tensor has ", T(a).numel(), " elements, an item has one");
    *out = T(a).item().toDouble();
  })
}

ocg_error ocg_equal(ocg_tensor a, ocg_tensor b, int64_t* out) { OCG_GUARD({ *out = at::equal(T(a), T(b)); }) }
