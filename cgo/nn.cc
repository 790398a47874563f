// What networks are made of beyond what gotorch brings (convolution, batch norm, linear, max pooling): other pooling,
// resizing, normalization, losses.
#include <limits>

#include "internal.h"

using oc::T;
using oc::wrap;

// A target that is not finite poisons every weight within one step, so it is an error where it enters. On CUDA looking
// would make the host wait in every step: there NaN flows into the loss, which the caller reads anyway.
static void check_target(const at::Tensor& y) {
  if (!y.is_cpu() || y.requires_grad() || !at::isFloatingType(y.scalar_type())) return;
  TORCH_CHECK(at::isfinite(y).all().item().toBool(), "the target of size ", y.sizes(), " holds NaN or infinity");
}

ocg_error ocg_avg_pool2d(ocg_tensor x, const int64_t* kernel, const int64_t* stride, const int64_t* padding,
                       ocg_tensor* out) {
  OCG_GUARD({
    *out = wrap(at::avg_pool2d(T(x), at::IntArrayRef(kernel, 2), at::IntArrayRef(stride, 2),
                               at::IntArrayRef(padding, 2)));
  })
}

ocg_error ocg_interpolate(ocg_tensor x, int64_t h, int64_t w, int64_t mode, int64_t align_corners, ocg_tensor* out) {
  OCG_GUARD({
    if (mode == OCG_NEAREST)
      *out = wrap(at::upsample_nearest2d(T(x), {h, w}));
    else
      *out = wrap(at::upsample_bilinear2d(T(x), {h, w}, align_corners != 0));
  })
}

ocg_error ocg_dropout(ocg_tensor x, double p, int64_t training, ocg_tensor* out) {
  OCG_GUARD({ *out = wrap(at::dropout(T(x), p, training != 0)); })
}

// torch.nn.functional.normalize: x / max(norm(x), eps).
ocg_error ocg_normalize(ocg_tensor x, double p, int64_t dim, double eps, ocg_tensor* out) {
  OCG_GUARD({
    const at::Tensor& a = T(x);
    *out = wrap(a / a.norm(p, dim, /*keepdim=*/true).clamp_min(eps).expand_as(a));
  })
}

ocg_error ocg_cross_entropy(ocg_tensor x, ocg_tensor target, ocg_tensor* out) {
  OCG_GUARD({
    TORCH_CHECK(T(x).numel() > 0, "the mean over an empty batch is no number");
    check_target(T(target));
    // PyTorch leaves targets of -100 out; here no class is special, so that a negative one is always an error.
    *out = wrap(at::cross_entropy_loss(T(x), T(target), {}, at::Reduction::Mean,
                                       /*ignore_index=*/std::numeric_limits<int64_t>::min()));
  })
}

ocg_error ocg_loss(int64_t kind, ocg_tensor tx, ocg_tensor ty, int64_t reduction, ocg_tensor* out) {
  OCG_GUARD({
    const at::Tensor& x = T(tx);
    const at::Tensor& y = T(ty);
    // Broadcasting here is nearly always a mistake ([B, 1] against [B] gives a B x B loss).
    TORCH_CHECK(x.sizes() == y.sizes(), "input of size ", x.sizes(), " and target of size ", y.sizes(), " differ");
    TORCH_CHECK(reduction >= OCG_REDUCE_NONE && reduction <= OCG_REDUCE_SUM, "no such reduction: ", reduction);
    check_target(y);
    switch (kind) {
      case OCG_L1: *out = wrap(at::l1_loss(x, y, reduction)); break;
      case OCG_MSE: *out = wrap(at::mse_loss(x, y, reduction)); break;
      case OCG_SMOOTH_L1: *out = wrap(at::smooth_l1_loss(x, y, reduction)); break;
      default: TORCH_CHECK(false, "no such loss: ", kind);
    }
  })
}
