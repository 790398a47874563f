// max_pool2d(relu(x)) in one pass. libtorch's two operations keep the activation and an int64 index of each maximum for the
// backward pass; behind a ResNet's first convolution that is most of what a training step remembers. Here one byte a maximum
// is kept, and nothing else.
#include <ATen/Dispatch.h>
#include <torch/csrc/autograd/custom_function.h>

#include "internal.h"
#include "parallel.h"

using oc::T;

// The inner loops are short and run over the channels: where the compiler can make a version for each set of vector
// instructions, the processor's own is taken when the library is loaded.
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__)
#define VECTORS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define VECTORS
#endif

namespace {

struct Window {
  int64_t kernel, stride, padding;
  int64_t out(int64_t n) const { return (n + 2 * padding - kernel) / stride + 1; }
};

constexpr uint8_t kNone = 255;    // of taps: the maximum is relu's zero, which has no gradient
constexpr int64_t kLanes = 64;    // channels whose maxima are sought at once

template <class S>
using Wide = std::conditional_t<std::is_same_v<S, double>, double, float>;

// Takes what is larger than the maxima so far from x, which lies at place tap of the window. NaN is taken and kept, and of
// equal values the first, as libtorch does.
template <class S>
inline __attribute__((always_inline)) void larger(const S* x, int64_t n, int32_t tap, Wide<S>* best, int32_t* taps) {
  for (int64_t c = 0; c < n; c++) {
    const Wide<S> v = static_cast<Wide<S>>(x[c]), b = best[c];
    const bool take = !(v <= b) & (b == b);
    best[c] = take ? v : b;
    taps[c] = take ? tap : taps[c];
  }
}
VECTORS void take(const float* x, int64_t n, int32_t tap, float* best, int32_t* taps) { larger(x, n, tap, best, taps); }
VECTORS void take(const double* x, int64_t n, int32_t tap, double* best, int32_t* taps) { larger(x, n, tap, best, taps); }
VECTORS void take(const at::BFloat16* x, int64_t n, int32_t tap, float* best, int32_t* taps) { larger(x, n, tap, best, taps); }

// Adds to d those gradients g whose maximum lay at place tap of their window.
template <class S>
inline __attribute__((always_inline)) void where(const S* g, const uint8_t* taps, int64_t n, uint8_t tap, S* d) {
  for (int64_t c = 0; c < n; c++) d[c] += taps[c] == tap ? g[c] : static_cast<S>(0);
}
VECTORS void give(const float* g, const uint8_t* taps, int64_t n, uint8_t tap, float* d) { where(g, taps, n, tap, d); }
VECTORS void give(const double* g, const uint8_t* taps, int64_t n, uint8_t tap, double* d) { where(g, taps, n, tap, d); }
VECTORS void give(const at::BFloat16* g, const uint8_t* taps, int64_t n, uint8_t tap, at::BFloat16* d) { where(g, taps, n, tap, d); }

// x [N, C, H, W], NHWC in memory -> its maxima [N, C, H', W'], and where taps is not null the place of each in its window.
template <class S>
void forward_rows(const at::Tensor& x, const Window& w, at::Tensor& out, uint8_t* taps) {
  const int64_t C = x.size(1), H = x.size(2), W = x.size(3), oh = out.size(2), ow = out.size(3);
  const S* px = x.data_ptr<S>();
  S* po = out.data_ptr<S>();
  oc::parallel_for(x.size(0) * oh, 1, [&](int64_t begin, int64_t end) {
    Wide<S> best[kLanes];
    int32_t place[kLanes];
    for (int64_t row = begin; row < end; row++) {
      const int64_t n = row / oh, y = row % oh * w.stride - w.padding;
      const int64_t y1 = std::min(w.kernel, H - y);
      for (int64_t o = 0; o < ow; o++) {
        const int64_t at = o * w.stride - w.padding, x1 = std::min(w.kernel, W - at);
        for (int64_t c = 0; c < C; c += kLanes) {
          const int64_t lanes = std::min(kLanes, C - c);
          std::fill_n(best, lanes, Wide<S>(0));
          std::fill_n(place, lanes, int32_t{kNone});
          for (int64_t i = std::max<int64_t>(0, -y); i < y1; i++)
            for (int64_t j = std::max<int64_t>(0, -at); j < x1; j++)
              take(px + ((n * H + y + i) * W + at + j) * C + c, lanes, static_cast<int32_t>(i * w.kernel + j), best, place);
          const int64_t to = (row * ow + o) * C + c;
          for (int64_t l = 0; l < lanes; l++) po[to + l] = static_cast<S>(best[l]);
          if (taps)
            for (int64_t l = 0; l < lanes; l++) taps[to + l] = static_cast<uint8_t>(place[l]);
        }
      }
    }
  });
}

// The gradient of x from that of the maxima: each value looks into the windows it lies in, in their order.
template <class S>
void backward_rows(const at::Tensor& g, const uint8_t* taps, const Window& w, at::Tensor& d) {
  const int64_t C = d.size(1), H = d.size(2), W = d.size(3), oh = g.size(2), ow = g.size(3);
  const S* pg = g.data_ptr<S>();
  S* pd = d.data_ptr<S>();
  // Windows that hold position at: first to last.
  const auto first = [&](int64_t at) { return at + w.padding < w.kernel ? 0 : (at + w.padding - w.kernel) / w.stride + 1; };
  const auto last = [&](int64_t at, int64_t n) { return std::min(n - 1, (at + w.padding) / w.stride); };
  oc::parallel_for(d.size(0) * H, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const int64_t n = row / H, y = row % H;
      for (int64_t x = 0; x < W; x++) {
        S* to = pd + (row * W + x) * C;
        std::fill_n(to, C, static_cast<S>(0));
        for (int64_t i = first(y); i <= last(y, oh); i++)
          for (int64_t j = first(x); j <= last(x, ow); j++) {
            const int64_t from = ((n * oh + i) * ow + j) * C;
            give(pg + from, taps + from, C, static_cast<uint8_t>((y + w.padding - i * w.stride) * w.kernel + x + w.padding - j * w.stride), to);
          }
      }
    }
  });
}

at::Tensor like(const at::Tensor& x, const Window& w) {
  return at::empty({x.size(0), x.size(1), w.out(x.size(2)), w.out(x.size(3))}, x.options(), at::MemoryFormat::ChannelsLast);
}

at::Tensor forward(const at::Tensor& x, const Window& w, uint8_t* taps) {
  at::Tensor out = like(x, w);
  AT_DISPATCH_FLOATING_TYPES_AND(at::kBFloat16, x.scalar_type(), "relu_max_pool2d", [&] { forward_rows<scalar_t>(x, w, out, taps); });
  return out;
}

struct ReLUMaxPool : torch::autograd::Function<ReLUMaxPool> {
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& x, int64_t kernel, int64_t stride,
                            int64_t padding) {
    const Window w{kernel, stride, padding};
    at::Tensor taps = at::empty({x.size(0) * w.out(x.size(2)) * w.out(x.size(3)) * x.size(1)}, x.options().dtype(at::kByte));
    at::Tensor out = ::forward(x, w, taps.data_ptr<uint8_t>());
    ctx->save_for_backward({taps});
    ctx->saved_data["geometry"] = std::vector<int64_t>{x.size(2), x.size(3), kernel, stride, padding};
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 torch::autograd::variable_list gradients) {
    const at::Tensor taps = ctx->get_saved_variables()[0];
    const auto n = ctx->saved_data["geometry"].toIntVector();
    const at::Tensor g = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    at::Tensor d = at::empty({g.size(0), g.size(1), n[0], n[1]}, g.options(), at::MemoryFormat::ChannelsLast);
    AT_DISPATCH_FLOATING_TYPES_AND(at::kBFloat16, g.scalar_type(), "relu_max_pool2d", [&] {
      backward_rows<scalar_t>(g, taps.data_ptr<uint8_t>(), {n[2], n[3], n[4]}, d);
    });
    const at::Tensor none;
    return {d, none, none, none};
  }
};

// The kernels are for the CPU, for images that lie NHWC in memory, and for windows whose places fit a byte.
bool has_kernel(const at::Tensor& x, const Window& w) {
  const auto t = x.scalar_type();
  return x.is_cpu() && x.dim() == 4 && x.numel() > 0 && x.is_contiguous(at::MemoryFormat::ChannelsLast) && w.kernel <= 15 &&
         (t == at::kFloat || t == at::kDouble || t == at::kBFloat16);
}

}  // namespace

ocg_error ocg_relu_max_pool2d(ocg_tensor tx, int64_t kernel, int64_t stride, int64_t padding, ocg_tensor* out) {
  OCG_GUARD({
    const at::Tensor& x = T(tx);
    const Window w{kernel, stride, padding};
    if (!has_kernel(x, w) || w.out(x.size(2)) < 1 || w.out(x.size(3)) < 1)
      *out = oc::wrap(at::max_pool2d(at::relu(x), {kernel, kernel}, {stride, stride}, {padding, padding}));
    else if (at::GradMode::is_enabled() && x.requires_grad())
      *out = oc::wrap(ReLUMaxPool::apply(x, kernel, stride, padding));
    else
      *out = oc::wrap(forward(x, w, nullptr));
  })
}
