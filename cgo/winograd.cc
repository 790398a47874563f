// 3 x 3 convolutions by Winograd's algorithm (winograd.h), on the CPU in float32. oneDNN has only had it where it is asked
// for by name, which libtorch does not, and has given it up since; most of a ResNet's work is such convolutions. All three
// passes take it. Results differ from the direct sum by rounding, some 1e-6 of the largest.
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cstdlib>
#include <cstring>

#include "internal.h"
#include "parallel.h"
#include "winograd.h"

using oc::T;
using namespace oc::winograd;

namespace {

// The kernels for one kind of processor.
struct Kernels {
  int64_t panel;
  void (*filters)(const Filters&, int64_t C, int64_t K, int64_t k0, int64_t k1, float* u);
  void (*convolve)(const Shape&, const float* x, const float* u, int64_t from, int64_t to, float* v, float* m, float* y);
  void (*inputs)(const Shape&, const float* x, int64_t from, int64_t to, float* v, int64_t step);
  void (*gradients)(const Shape&, const float* y, int64_t from, int64_t to, float* d, int64_t step);
  void (*sum)(const float* v, const float* d, float* m, int64_t P, int64_t C, int64_t K);
  void (*filter_gradients)(const float* m, int64_t C, int64_t K, int64_t c0, int64_t c1, float* g);
};

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__)
#define KERNELS(name, processor, width, rows, sums)                                                                          \
  struct name {                                                                                                              \
    __attribute__((target(processor))) static void filters(const Filters& f, int64_t C, int64_t K, int64_t k0, int64_t k1,   \
                                                           float* u) {                                                       \
      transform_filters<width>(f, C, K, k0, k1, u);                                                                          \
    }                                                                                                                        \
    __attribute__((target(processor))) static void convolve(const Shape& s, const float* x, const float* u, int64_t from,    \
                                                            int64_t to, float* v, float* m, float* y) {                      \
      const int64_t P = to - from;                                                                                           \
      transform_inputs<width>(s, x, from, to, v, points(P * s.C));                                                           \
      for (int64_t i = 0; i < kPoints; i++)                                                                                  \
        product<width, rows>(v + i * points(P * s.C), u + i * points(s.C * s.K), m + i * points(P * s.K), P, s.C, s.K);      \
      transform_outputs<width>(s, m, points(P * s.K), from, to, y);                                                          \
    }                                                                                                                        \
    __attribute__((target(processor))) static void inputs(const Shape& s, const float* x, int64_t from, int64_t to,          \
                                                          float* v, int64_t step) {                                          \
      transform_inputs<width>(s, x, from, to, v, step);                                                                      \
    }                                                                                                                        \
    __attribute__((target(processor))) static void gradients(const Shape& s, const float* y, int64_t from, int64_t to,       \
                                                             float* d, int64_t step) {                                       \
      transform_gradients<width>(s, y, from, to, d, step);                                                                   \
    }                                                                                                                        \
    __attribute__((target(processor))) static void sum(const float* v, const float* d, float* m, int64_t P, int64_t C,       \
                                                       int64_t K) {                                                          \
      outer_sum<width, sums>(v, d, m, P, C, K);                                                                              \
    }                                                                                                                        \
    __attribute__((target(processor))) static void filter_gradients(const float* m, int64_t C, int64_t K, int64_t c0,        \
                                                                    int64_t c1, float* g) {                                  \
      oc::winograd::filter_gradients<width>(m, C, K, c0, c1, g);                                                             \
    }                                                                                                                        \
    static constexpr Kernels all{2 * width, filters, convolve, inputs, gradients, sum, filter_gradients};                    \
  };
KERNELS(Wide, "avx512f,fma", 16, 12, 8)
KERNELS(Narrow, "avx2,fma", 8, 6, 4)

// What the processor has; ONEDNN_MAX_CPU_ISA, which holds oneDNN below it, counts here too. Null: nothing of use.
const Kernels* kernels() {
  static const Kernels* const chosen = []() -> const Kernels* {
    bool wide = __builtin_cpu_supports("avx512f"), narrow = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    for (const char* name : {"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"}) {
      const char* most = std::getenv(name);
      if (!most) continue;
      if (!std::strncmp(most, "AVX2", 4) || !std::strcmp(most, "AVX") || !std::strcmp(most, "SSE41")) wide = false;
      if (!std::strcmp(most, "AVX") || !std::strcmp(most, "SSE41")) narrow = false;
    }
    return wide ? &Wide::all : narrow ? &Narrow::all : nullptr;
  }();
  return chosen;
}
#else
const Kernels* kernels() { return nullptr; }
#endif

int64_t whole(int64_t n, int64_t by) { return (n + by - 1) / by; }

// y = x * filters, both NHWC in memory.
void convolve(const Shape& s, const float* x, const Filters& f, float* y, const at::TensorOptions& o) {
  const Kernels& k = *kernels();
  const at::Tensor tu = at::empty({kPoints * points(s.C * s.K)}, o);
  float* u = tu.data_ptr<float>();
  oc::parallel_for(s.K / k.panel, whole(16, s.C), [&](int64_t begin, int64_t end) {
    k.filters(f, s.C, s.K, begin * k.panel, end * k.panel, u);
  });
  // As many tiles at once as keep 36 matrices in the second cache, and the filters' share of the traffic low.
  const int64_t each = whole(s.tiles(), at::get_num_threads());
  const int64_t P = std::min(12 * std::clamp<int64_t>(std::max(s.C, s.K) / 64, 1, 8), whole(each, 4) * 4);
  oc::share(whole(s.tiles(), P), [&](oc::Pieces& left) {
    at::Tensor v, m;
    for (int64_t b; left.take(&b);) {
      if (!v.defined()) v = at::empty({kPoints * points(P * s.C)}, o), m = at::empty({kPoints * points(P * s.K)}, o);
      k.convolve(s, x, u, b * P, std::min(b * P + P, s.tiles()), v.data_ptr<float>(), m.data_ptr<float>(), y);
    }
  });
}

// The gradient g [K, C, 3, 3] of the filters, from x and the gradient of y.
void filter_gradient(const Shape& s, const float* x, const float* y, float* g, const at::TensorOptions& o) {
  const Kernels& k = *kernels();
  // Chunks of tiles that the third cache holds; each point adds them in their order, so that neither their size nor the
  // number of threads is seen in the sums.
  const int64_t P = std::min(s.tiles(), std::max<int64_t>(48, (8 << 20) / (kPoints * 4 * (s.C + s.K))));
  const at::Tensor tm = at::zeros({kPoints * points(s.C * s.K)}, o);
  const at::Tensor tv = at::empty({kPoints * points(P * s.C)}, o), td = at::empty({kPoints * points(P * s.K)}, o);
  float *m = tm.data_ptr<float>(), *v = tv.data_ptr<float>(), *d = td.data_ptr<float>();
  for (int64_t from = 0; from < s.tiles(); from += P) {
    const int64_t n = std::min(P, s.tiles() - from);
    oc::parallel_for(n, 8, [&](int64_t begin, int64_t end) {
      k.inputs(s, x, from + begin, from + end, v + begin * s.C, points(P * s.C));
      k.gradients(s, y, from + begin, from + end, d + begin * s.K, points(P * s.K));
    });
    oc::parallel_for(kPoints, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++)
        k.sum(v + i * points(P * s.C), d + i * points(P * s.K), m + i * points(s.C * s.K), n, s.C, s.K);
    });
  }
  oc::parallel_for(s.C, 16, [&](int64_t begin, int64_t end) { k.filter_gradients(m, s.C, s.K, begin, end, g); });
}

at::Tensor lying(const at::Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

Shape shape(const at::Tensor& x, const at::Tensor& w) { return {x.size(0), x.size(2), x.size(3), w.size(1), w.size(0)}; }

at::Tensor forward(const at::Tensor& x, const at::Tensor& w) {
  const Shape s = shape(x, w);
  at::Tensor y = at::empty({s.N, s.K, s.H, s.W}, x.options(), at::MemoryFormat::ChannelsLast);
  convolve(s, x.data_ptr<float>(), {w.data_ptr<float>(), 9 * s.C, 9, false}, y.data_ptr<float>(), w.options());
  return y;
}

struct Winograd : torch::autograd::Function<Winograd> {
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& x, const at::Tensor& w) {
    ctx->save_for_backward({x, w});
    return ::forward(x, w);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &w = saved[1], g = lying(gradients[0]);
    const Shape s = shape(x, w);
    at::Tensor dx, dw;
    if (ctx->needs_input_grad(0)) {  // the convolution of g with the filters turned by half a turn, inputs and outputs exchanged
      dx = at::empty({s.N, s.C, s.H, s.W}, g.options(), at::MemoryFormat::ChannelsLast);
      convolve({s.N, s.H, s.W, s.K, s.C}, g.data_ptr<float>(), {w.data_ptr<float>(), 9, 9 * s.C, true}, dx.data_ptr<float>(), w.options());
    }
    if (ctx->needs_input_grad(1)) {
      dw = at::empty(w.sizes(), w.options(), at::MemoryFormat::Contiguous);
      filter_gradient(s, x.data_ptr<float>(), g.data_ptr<float>(), dw.data_ptr<float>(), w.options());
    }
    return {dx, dw};
  }
};

// Whether Winograd's algorithm can do it and is quicker. The number of images has no say, so that rounding does not depend
// on it; tiles that reach far beyond the image do.
bool pays(const at::Tensor& x, const at::Tensor& w) {
  if (!kernels() || !x.is_cpu() || !w.is_cpu() || x.scalar_type() != at::kFloat || w.scalar_type() != at::kFloat ||
      oc::autocast_enabled(c10::DeviceType::CPU))
    return false;
  if (x.dim() != 4 || w.dim() != 4 || w.size(2) != 3 || w.size(3) != 3 || x.size(1) != w.size(1) || x.numel() == 0) return false;
  const Shape s = shape(x, w);
  return x.is_contiguous(at::MemoryFormat::ChannelsLast) && s.C % kPanel == 0 && s.K % kPanel == 0 && s.C > 0 && s.K > 0 && s.down() * s.across() * 16 <= 2 * s.H * s.W;
}

}  // namespace

ocg_error ocg_conv3x3(ocg_tensor tx, ocg_tensor tw, ocg_tensor* out) {
  OCG_GUARD({
    const at::Tensor& x = T(tx);
    const at::Tensor& w = T(tw);
    if (!pays(x, w))
      *out = oc::wrap(at::conv2d(x, w, {}, {1, 1}, {1, 1}));
    else if (at::GradMode::is_enabled() && (x.requires_grad() || w.requires_grad()))
      *out = oc::wrap(Winograd::apply(x, w.contiguous()));
    else
      *out = oc::wrap(::forward(x, w.contiguous()));
  })
}
