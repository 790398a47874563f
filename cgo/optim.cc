// Update steps, all parameters in one call. On the CPU one pass over memory does the whole of Adam; elsewhere libtorch's
// _foreach operations keep the number of kernels small.
#include <c10/core/GradMode.h>

#include <cmath>

#include "internal.h"
#include "parallel.h"

using oc::T;

namespace {

struct Adam {
  double lr, beta1, beta2, eps, weight_decay;
  bool decoupled;
};

template <class F>
void adam_cpu(F* p, const F* g, F* m, F* v, int64_t n, const Adam& o, double step) {
  const F step_size = static_cast<F>(o.lr / (1 - std::pow(o.beta1, step)));
  const F root = static_cast<F>(std::sqrt(1 - std::pow(o.beta2, step)));
  const F b1 = static_cast<F>(o.beta1), b2 = static_cast<F>(o.beta2);
  const F c1 = static_cast<F>(1 - o.beta1), c2 = static_cast<F>(1 - o.beta2), eps = static_cast<F>(o.eps);
  const F l2 = static_cast<F>(o.decoupled ? 0 : o.weight_decay);
  const F shrink = static_cast<F>(o.decoupled ? 1 - o.lr * o.weight_decay : 1);
  oc::parallel_for(n, 1 << 15, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const F w = p[i] * shrink;
      const F d = g[i] + l2 * w;
      m[i] = b1 * m[i] + c1 * d;
      v[i] = b2 * v[i] + c2 * d * d;
      p[i] = w - step_size * m[i] / (std::sqrt(v[i]) / root + eps);
    }
  });
}

// The same layout everywhere means that one index names the same element in all four tensors.
bool same_dense(const at::Tensor& p, const at::Tensor& g, const at::Tensor& m, const at::Tensor& v) {
  return p.is_non_overlapping_and_dense() && p.strides() == g.strides() && p.strides() == m.strides() &&
         p.strides() == v.strides() && p.scalar_type() == g.scalar_type();
}

// A convolution fed with channels_last images may give a gradient of another layout than the weight's: one copy of it
// is cheaper than updating by the general road.
at::Tensor laid_out_as(const at::Tensor& p, const at::Tensor& g) {
  return p.strides() == g.strides() ? g : at::empty_like(p).copy_(g);
}

void adam_any(at::Tensor& p, at::Tensor g, at::Tensor& m, at::Tensor& v, const Adam& o, double step) {
  const double c1 = 1 - std::pow(o.beta1, step), c2 = 1 - std::pow(o.beta2, step);
  if (o.decoupled) p.mul_(1 - o.lr * o.weight_decay);
  if (!o.decoupled && o.weight_decay != 0) g = g.add(p, o.weight_decay);
  m.mul_(o.beta1).add_(g, 1 - o.beta1);
  v.mul_(o.beta2).addcmul_(g, g, 1 - o.beta2);
  p.addcdiv_(m, v.sqrt().div_(std::sqrt(c2)).add_(o.eps), -o.lr / c1);
}

// All parameters of one step count together: a handful of kernels instead of ten a parameter.
void adam_foreach(std::vector<at::Tensor>& p, std::vector<at::Tensor>& g, std::vector<at::Tensor>& m,
                  std::vector<at::Tensor>& v, const Adam& o, double step) {
  const double c1 = 1 - std::pow(o.beta1, step), c2 = 1 - std::pow(o.beta2, step);
  if (o.decoupled) at::_foreach_mul_(p, 1 - o.lr * o.weight_decay);
  std::vector<at::Tensor> d = !o.decoupled && o.weight_decay != 0 ? at::_foreach_add(g, p, o.weight_decay) : g;
  at::_foreach_mul_(m, o.beta1);
  at::_foreach_add_(m, d, 1 - o.beta1);
  at::_foreach_mul_(v, o.beta2);
  at::_foreach_addcmul_(v, d, d, 1 - o.beta2);
  std::vector<at::Tensor> denominator = at::_foreach_sqrt(v);
  at::_foreach_div_(denominator, std::sqrt(c2));
  at::_foreach_add_(denominator, o.eps);
  at::_foreach_addcdiv_(p, m, denominator, -o.lr / c1);
}

}  // namespace

ocg_error ocg_adam_step(const ocg_tensor* params, const ocg_tensor* ms, const ocg_tensor* vs, int64_t* steps, int64_t n,
                      double lr, double beta1, double beta2, double eps, double weight_decay, int64_t decoupled) {
  OCG_GUARD({
    c10::AutoGradMode no_grad(false);
    const Adam o{lr, beta1, beta2, eps, weight_decay, decoupled != 0};
    std::vector<at::Tensor> ps, gs, fm, fv;  // for the foreach path
    int64_t together = 0;
    for (int64_t i = 0; i < n; i++) {
      at::Tensor& p = T(params[i]);
      if (!p.grad().defined()) continue;
      const at::Tensor g = laid_out_as(p, p.grad());
      at::Tensor& m = T(ms[i]);
      at::Tensor& v = T(vs[i]);
      const int64_t step = ++steps[i];
      if (p.is_cpu() && same_dense(p, g, m, v) && p.scalar_type() == at::kFloat) {
        adam_cpu(p.data_ptr<float>(), g.data_ptr<float>(), m.data_ptr<float>(), v.data_ptr<float>(), p.numel(), o, step);
      } else if (p.is_cpu() && same_dense(p, g, m, v) && p.scalar_type() == at::kDouble) {
        adam_cpu(p.data_ptr<double>(), g.data_ptr<double>(), m.data_ptr<double>(), v.data_ptr<double>(), p.numel(), o,
                 step);
      } else if (p.is_cuda() && (together == 0 || together == step)) {
        together = step;
        ps.push_back(p);
        gs.push_back(g);
        fm.push_back(m);
        fv.push_back(v);
      } else {
        adam_any(p, g, m, v, o, step);
      }
    }
    if (!ps.empty()) adam_foreach(ps, gs, fm, fv, o, together);
    oc::forget_autocast_copies();
  })
}

ocg_error ocg_adam_step_at(const ocg_tensor* params, const ocg_tensor* ms, const ocg_tensor* vs, int64_t n, ocg_tensor lr,
                           ocg_tensor step, double beta1, double beta2, double eps, double weight_decay, int64_t decoupled) {
  OCG_GUARD({
    c10::AutoGradMode no_grad(false);
#if OCG_TORCH_AT_LEAST(2, 4)
    std::vector<at::Tensor> p, g, m, v, steps;
    for (int64_t i = 0; i < n; i++) {
      if (!T(params[i]).grad().defined()) continue;
      p.push_back(T(params[i]));
      g.push_back(laid_out_as(p.back(), p.back().grad()));
      m.push_back(T(ms[i]));
      v.push_back(T(vs[i]));
      steps.push_back(T(step));
    }
    if (decoupled)
      at::_fused_adamw_(p, g, m, v, {}, steps, T(lr), beta1, beta2, weight_decay, eps, false, false);
    else
      at::_fused_adam_(p, g, m, v, {}, steps, T(lr), beta1, beta2, weight_decay, eps, false, false);
#else
    TORCH_CHECK(false, "libtorch before 2.4 has no Adam with a learning rate on the device");
    (void)params, (void)ms, (void)vs, (void)n, (void)lr, (void)step, (void)beta1, (void)beta2, (void)eps, (void)weight_decay, (void)decoupled;
#endif
    oc::forget_autocast_copies();
  })
}

ocg_error ocg_average_step(const ocg_tensor* averages, const ocg_tensor* params, int64_t n, double decay) {
  OCG_GUARD({
    c10::AutoGradMode no_grad(false);
    auto a = oc::list(averages, n);
    at::_foreach_mul_(a, decay);
    at::_foreach_add_(a, oc::list(params, n), 1 - decay);
  })
}

ocg_error ocg_sgd_step(const ocg_tensor* params, const ocg_tensor* momentum_buffers, int64_t* steps, int64_t n, double lr,
                     double momentum, double weight_decay) {
  OCG_GUARD({
    c10::AutoGradMode no_grad(false);
    for (int64_t i = 0; i < n; i++) {
      at::Tensor& p = T(params[i]);
      if (!p.grad().defined()) continue;
      at::Tensor g = weight_decay != 0 ? p.grad().add(p, weight_decay) : p.grad();
      if (momentum != 0) {
        at::Tensor& buffer = T(momentum_buffers[i]);
        if (steps[i] == 0)
          buffer.copy_(g);
        else
          buffer.mul_(momentum).add_(g);
        g = buffer;
      }
      steps[i]++;
      p.add_(g, -lr);
    }
    oc::forget_autocast_copies();
  })
}
