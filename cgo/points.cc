// Convolution of sparse points: an exact replacement for a dense convolution of [tiles, categories, height, width] when
// nearly all of it is zero. Each point adds one column of weights to the few outputs whose window it lies in.
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "internal.h"
#include "parallel.h"

using oc::T;

namespace {

struct Geometry {
  int64_t tiles, categories, height, width, kernel, stride, padding;
  int64_t out_height() const { return (height + 2 * padding - kernel) / stride + 1; }
  int64_t out_width() const { return (width + 2 * padding - kernel) / stride + 1; }
};

// Output positions whose window holds input position at: first to last, within the output's n positions.
struct Reach {
  int64_t first, last;
  Reach(int64_t at, const Geometry& g, int64_t n) {
    const int64_t p = at + g.padding;
    first = p < g.kernel ? 0 : (p - g.kernel) / g.stride + 1;
    last = std::min(n - 1, p / g.stride);
  }
};

// Where each tile's points begin; the points come sorted by tile.
std::vector<int64_t> starts(const at::Tensor& tile, int64_t tiles) {
  std::vector<int64_t> s(tiles + 1, 0);
  const int32_t* t = tile.data_ptr<int32_t>();
  for (int64_t i = 0; i < tile.numel(); i++) {
    TORCH_CHECK(t[i] >= 0 && t[i] < tiles && (i == 0 || t[i - 1] <= t[i]), "points must be sorted by tile, 0 to ", tiles - 1);
    s[t[i] + 1]++;
  }
  for (int64_t u = 0; u < tiles; u++) s[u + 1] += s[u];
  return s;
}

// Calls f(point, output offset, weight offset) for every point of tile u and every output it reaches. Offsets are in
// runs of O values.
template <class F>
void each(const std::vector<int64_t>& s, int64_t u, const Geometry& g, const int32_t* category, const int32_t* row,
          const int32_t* col, F f) {
  const int64_t oh = g.out_height(), ow = g.out_width();
  for (int64_t i = s[u]; i < s[u + 1]; i++) {
    const Reach ys(row[i], g, oh), xs(col[i], g, ow);
    for (int64_t y = ys.first; y <= ys.last; y++) {
      const int64_t ky = row[i] + g.padding - y * g.stride;
      for (int64_t x = xs.first; x <= xs.last; x++) {
        const int64_t kx = col[i] + g.padding - x * g.stride;
        f(i, (u * oh + y) * ow + x, (category[i] * g.kernel + ky) * g.kernel + kx);
      }
    }
  }
}

// Function of value [n], weight [O, C, k, k] and bias [O], or [0] for none; gives [tiles, O, H', W'] in NHWC memory.
struct PointConv : torch::autograd::Function<PointConv> {
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& value, const at::Tensor& weight,
                            const at::Tensor& bias, const at::Tensor& tile, const at::Tensor& category,
                            const at::Tensor& row, const at::Tensor& col, int64_t tiles, int64_t height, int64_t width,
                            int64_t stride, int64_t padding) {
    const Geometry g{tiles, weight.size(1), height, width, weight.size(2), stride, padding};
    const int64_t O = weight.size(0);
    const at::Tensor w = weight.permute({1, 2, 3, 0}).contiguous();  // [C, k, k, O]
    const at::Tensor v = value.contiguous();
    at::Tensor out = at::zeros({tiles, g.out_height(), g.out_width(), O}, weight.options());
    if (bias.numel() > 0) out.add_(bias);
    const auto s = starts(tile, tiles);
    AT_DISPATCH_FLOATING_TYPES(weight.scalar_type(), "point_conv2d", [&] {
      const scalar_t *pv = v.data_ptr<scalar_t>(), *pw = w.data_ptr<scalar_t>();
      scalar_t* po = out.data_ptr<scalar_t>();
      const int32_t *c = category.data_ptr<int32_t>(), *r = row.data_ptr<int32_t>(), *q = col.data_ptr<int32_t>();
      oc::parallel_for(tiles, 1, [&](int64_t begin, int64_t end) {
        for (int64_t u = begin; u < end; u++)
          each(s, u, g, c, r, q, [&](int64_t i, int64_t to, int64_t from) {
            const scalar_t a = pv[i];
            scalar_t* d = po + to * O;
            const scalar_t* k = pw + from * O;
            for (int64_t o = 0; o < O; o++) d[o] += a * k[o];
          });
      });
    });
    ctx->save_for_backward({v, w, tile, category, row, col});
    ctx->saved_data["geometry"] = std::vector<int64_t>{tiles, height, width, stride, padding, bias.numel() > 0};
    return out.permute({0, 3, 1, 2});
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &v = saved[0], &w = saved[1], &tile = saved[2];
    const auto n = ctx->saved_data["geometry"].toIntVector();
    const Geometry g{n[0], w.size(0), n[1], n[2], w.size(1), n[3], n[4]};
    const int64_t O = w.size(3);
    const at::Tensor d = gradients[0].permute({0, 2, 3, 1}).contiguous();  // [U, H', W', O]
    at::Tensor dv = at::zeros_like(v);
    // As many sums as threads, added up in order: the same bits for the same number of threads.
    const int64_t parts = std::max<int64_t>(1, std::min<int64_t>(at::get_num_threads(), g.tiles));
    at::Tensor dw = at::zeros({parts, w.size(0), w.size(1), w.size(2), O}, w.options());
    const auto s = starts(tile, g.tiles);
    AT_DISPATCH_FLOATING_TYPES(w.scalar_type(), "point_conv2d", [&] {
      const scalar_t *pv = v.data_ptr<scalar_t>(), *pw = w.data_ptr<scalar_t>(), *pd = d.data_ptr<scalar_t>();
      scalar_t *gv = dv.data_ptr<scalar_t>(), *gw = dw.data_ptr<scalar_t>();
      const int32_t *c = saved[3].data_ptr<int32_t>(), *r = saved[4].data_ptr<int32_t>(),
                    *q = saved[5].data_ptr<int32_t>();
      oc::parallel_for(parts, 1, [&](int64_t begin, int64_t end) {
        for (int64_t p = begin; p < end; p++)
          for (int64_t u = g.tiles * p / parts; u < g.tiles * (p + 1) / parts; u++)
            each(s, u, g, c, r, q, [&](int64_t i, int64_t to, int64_t from) {
              const scalar_t a = pv[i];
              const scalar_t* e = pd + to * O;
              const scalar_t* k = pw + from * O;
              scalar_t* t = gw + p * w.numel() + from * O;
              scalar_t sum = 0;
              for (int64_t o = 0; o < O; o++) {
                sum += e[o] * k[o];
                t[o] += a * e[o];
              }
              gv[i] += sum;
            });
      });
    });
    const at::Tensor none;
    return {dv, dw.sum(0).permute({3, 0, 1, 2}), n[5] ? d.sum({0, 1, 2}) : none, none, none, none, none, none, none,
            none, none, none};
  }
};

// The same from libtorch's own operations, which have gradients and run on every device: for each of the ceil(k/stride)^2
// outputs that a point can reach, its weights are gathered, scaled, and added where they belong. A place outside the
// output counts zero times, so that nothing has to be waited for. Same arguments and result as PointConv.
at::Tensor gathered(const at::Tensor& value, const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& tile,
                    const at::Tensor& category, const at::Tensor& row, const at::Tensor& col, const Geometry& g) {
  const int64_t O = weight.size(0), k = g.kernel, oh = g.out_height(), ow = g.out_width(), reach = (k + g.stride - 1) / g.stride;
  const at::Tensor w = weight.permute({1, 2, 3, 0}).reshape({g.categories * k * k, O});
  const at::Tensor steps = at::arange(reach, tile.options().dtype(at::kLong));
  // [n, reach] for rows and columns: the output's position, and the kernel's that meets the point there.
  const auto along = [&](const at::Tensor& at, int64_t n, at::Tensor& out, at::Tensor& tap, at::Tensor& inside) {
    const at::Tensor p = at.to(at::kLong).add(g.padding).unsqueeze(1);
    out = p.div(g.stride, "floor").sub(steps);
    tap = p.sub(out.mul(g.stride));
    inside = out.ge(0).logical_and(out.lt(n)).logical_and(tap.lt(k));
    out = out.clamp(0, n - 1);
    tap = tap.clamp(0, k - 1);
  };
  at::Tensor y, ky, in_y, x, kx, in_x;
  along(row, oh, y, ky, in_y);
  along(col, ow, x, kx, in_x);
  const at::Tensor t = tile.to(at::kLong).view({-1, 1, 1}), c = category.to(at::kLong).view({-1, 1, 1});
  const at::Tensor to = ((t * oh + y.unsqueeze(2)) * ow + x.unsqueeze(1)).reshape(-1);
  const at::Tensor from = ((c * k + ky.unsqueeze(2)) * k + kx.unsqueeze(1)).reshape(-1);
  const at::Tensor times = (value.view({-1, 1, 1}) * in_y.unsqueeze(2).logical_and(in_x.unsqueeze(1)).to(value.scalar_type())).reshape({-1, 1});
  at::Tensor out = at::zeros({g.tiles * oh * ow, O}, weight.options()).index_add(0, to, w.index_select(0, from) * times);
  if (bias.numel() > 0) out = out + bias;
  return out.view({g.tiles, oh, ow, O}).permute({0, 3, 1, 2});
}

// Above this share of filled places a dense convolution is the faster one.
constexpr double kDenseShare = 0.05;
// Most numbers that the gathered road may hold at once: 1 GiB in float32.
constexpr int64_t kGathered = int64_t{1} << 28;

}  // namespace

ocg_error ocg_point_conv2d(ocg_tensor value, ocg_tensor weight, ocg_tensor bias, ocg_tensor tile, ocg_tensor category,
                           ocg_tensor row, ocg_tensor col, int64_t tiles, int64_t height, int64_t width, int64_t stride,
                           int64_t padding, int64_t road, ocg_tensor* out) {
  OCG_GUARD({
    const at::Tensor& w = T(weight);
    TORCH_CHECK(w.dim() == 4 && w.size(2) == w.size(3), "the weight must be [O, C, k, k], got ", w.sizes());
    TORCH_CHECK(height + 2 * padding >= w.size(2) && width + 2 * padding >= w.size(2), "the kernel of ", w.size(2),
                " is larger than the padded input ", height + 2 * padding, " x ", width + 2 * padding);
    const at::Tensor& v = T(value);
    const int64_t C = w.size(1);
    const Geometry g{tiles, C, height, width, w.size(2), stride, padding};
    const at::Tensor b = bias ? T(bias) : at::empty({0}, w.options());  // 1.13 cannot pass an undefined tensor through
    const int64_t reach = (g.kernel + stride - 1) / stride;
    const bool few = v.numel() <= kDenseShare * tiles * C * height * width && w.scalar_type() == v.scalar_type();
    if (road == OCG_ROAD_CHOSEN) {
      if (few && w.is_cpu())
        road = OCG_ROAD_LOOP;
      else if (few && v.numel() * reach * reach * w.size(0) <= kGathered)
        road = OCG_ROAD_GATHERED;
      else
        road = OCG_ROAD_DENSE;
    }
    // As libtorch's own convolutions do under autocast; the sums themselves are of the counts' type.
    const auto device = w.is_cuda() ? c10::kCUDA : c10::kCPU;
    const auto cast = [&](at::Tensor y) { return oc::wrap(oc::autocast_enabled(device) ? y.to(oc::autocast_dtype(device)) : y); };
    if (road == OCG_ROAD_LOOP) {
      TORCH_CHECK(w.is_cpu() && w.scalar_type() == v.scalar_type(), "the loop over points is for one type on the CPU");
      *out = cast(PointConv::apply(v, w, b, T(tile), T(category), T(row), T(col), tiles, height, width, stride, padding));
      return nullptr;
    }
    if (road == OCG_ROAD_GATHERED) {
      *out = cast(gathered(v, w, b, T(tile), T(category), T(row), T(col), g));
      return nullptr;
    }
    at::Tensor at = ((T(tile).to(at::kLong) * C + T(category)) * height + T(row)) * width + T(col);
    at::Tensor dense = at::zeros({tiles * C * height * width}, v.options()).index_add(0, at, v);
    *out = oc::wrap(at::conv2d(dense.view({tiles, C, height, width}), w, oc::optional(bias), {stride, stride},
                               {padding, padding}));
  })
}
