// Gradients: backward, reading, clearing, clipping.
#include <c10/core/GradMode.h>

#include <cmath>

#include "internal.h"

using oc::T;

ocg_error ocg_backward(ocg_tensor a, ocg_tensor gradient, int64_t retain_graph) {
  OCG_GUARD({
    TORCH_CHECK(T(a).requires_grad(), "the tensor needs no gradient: nothing to go back through");
    TORCH_CHECK(gradient != nullptr || T(a).numel() == 1, "the gradient can be left out for a scalar only, got size ",
                T(a).sizes());
    T(a).backward(oc::optional(gradient), retain_graph != 0, /*create_graph=*/false);
  })
}

ocg_error ocg_grad(ocg_tensor a, ocg_tensor* out) {
  OCG_GUARD({
    const at::Tensor& g = T(a).grad();
    *out = g.defined() ? oc::wrap(g) : nullptr;
  })
}

ocg_error ocg_set_grad(ocg_tensor a, ocg_tensor grad) {
  OCG_GUARD({
    TORCH_CHECK(T(a).sizes() == T(grad).sizes(), "tensor of size ", T(a).sizes(), " and gradient of size ",
                T(grad).sizes(), " differ");
    TORCH_CHECK(T(a).scalar_type() == T(grad).scalar_type() && T(a).device() == T(grad).device(), "tensor (",
                T(a).scalar_type(), ", ", T(a).device(), ") and gradient (", T(grad).scalar_type(), ", ",
                T(grad).device(), ") differ");
    T(a).mutable_grad() = T(grad);
  })
}

ocg_error ocg_requires_grad_(ocg_tensor a, int64_t on) {
  OCG_GUARD({
    // C++ would let it pass without effect.
    TORCH_CHECK(on != 0 || T(a).is_leaf(), "only a leaf can stop requiring gradients; use detach");
    T(a).set_requires_grad(on != 0);
  })
}

ocg_error ocg_zero_grad(const ocg_tensor* ts, int64_t n) {
  OCG_GUARD({
    for (int64_t i = 0; i < n; i++) T(ts[i]).mutable_grad() = at::Tensor();
  })
}

// torch.nn.utils.clip_grad_norm_ with the 2-norm over all gradients. total is the norm before clipping, a scalar where the
// gradients are, so that a GPU need not be waited for. An infinite max_norm only measures.
ocg_error ocg_clip_grad_norm(const ocg_tensor* ts, int64_t n, double max_norm, ocg_tensor* total) {
  OCG_GUARD({
    c10::AutoGradMode no_grad(false);
    std::vector<at::Tensor> grads;
    for (int64_t i = 0; i < n; i++)
      if (T(ts[i]).grad().defined()) grads.push_back(T(ts[i]).grad());
    if (grads.empty()) {
      *total = oc::wrap(at::zeros({}, at::kFloat));
      return nullptr;
    }
    std::vector<at::Tensor> norms = at::_foreach_norm(grads, 2);
    for (auto& x : norms) x = x.to(at::kFloat);
    const at::Tensor norm = at::norm(at::stack(norms), 2);
    if (std::isfinite(max_norm)) {
      const at::Tensor factor = at::clamp(max_norm / (norm + 1e-6), at::Scalar(0.0), at::Scalar(1.0));
      for (auto& g : grads) g.mul_(factor.to(g.device(), g.scalar_type()));
    }
    *total = oc::wrap(norm);
  })
}
