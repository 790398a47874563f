// Sums over the rows of a batch in a fixed order: the batch is cut into a fixed number of parts, a power of two, each part is
// summed by itself, and the parts are added as a binary tree. Whatever number of processes has the parts, and one that has all
// of them, then comes to the same bits.
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "internal.h"

using oc::T;

namespace {

// The sum of ts, whose number is a power of two, as a binary tree. Those that are undefined are not there: nothing is added
// for them, not even zero, which would turn -0 into 0.
at::Tensor tree(std::vector<at::Tensor> ts) {
  for (; ts.size() > 1; ts.resize(ts.size() / 2))
    for (size_t i = 0; i < ts.size() / 2; i++) {
      const at::Tensor &a = ts[2 * i], &b = ts[2 * i + 1];
      ts[i] = !a.defined() ? b : !b.defined() ? a : a + b;
    }
  return ts[0];
}

// The rows of all parts, [parts, width], from those of this process's, [own parts, width].
at::Tensor everyone(int64_t group, const at::Tensor& own) {
  return group ? oc::group_gather(reinterpret_cast<void*>(group), own).reshape({-1, own.size(1)}) : own;
}

// Batch normalization in training by the statistics of all parts. ts are x, w and b of each part of this process that has rows,
// all x first; slots say which of its parts each is, -1: one whose rows do not count.
struct PartsBatchNorm : torch::autograd::Function<PartsBatchNorm> {
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* ctx, at::TensorList ts, const std::vector<int64_t>& slots,
                                                int64_t own, const at::Tensor& running_mean, const at::Tensor& running_var, double momentum,
                                                double eps, int64_t group) {
    const int64_t n = slots.size(), c = ts[0].size(1);
    const at::TensorOptions type = ts[n].options();
    at::Tensor mine = at::zeros({own, 1 + 2 * c}, at::kDouble);  // count, mean, variance
    for (int64_t i = 0; i < n; i++) {
      if (slots[i] < 0) continue;
      const auto stats = at::batch_norm_update_stats(ts[i], {}, {}, 0);
      at::Tensor row = mine[slots[i]];
      row[0].fill_(static_cast<double>(ts[i].numel() / c));
      row.narrow(0, 1, c).copy_(std::get<0>(stats));
      row.narrow(0, 1 + c, c).copy_(std::get<1>(stats));
    }
    const at::Tensor all = everyone(group, mine), count_of = all.narrow(1, 0, 1), means = all.narrow(1, 1, c), vars = all.narrow(1, 1 + c, c);
    const double count = count_of.sum().item<double>();
    TORCH_CHECK(count > 1, "one value per channel in all parts together has no batch statistics");
    const at::Tensor mean64 = tree((count_of * means).unbind(0)) / count;
    const at::Tensor var64 = tree((count_of * (vars + (means - mean64).square())).unbind(0)) / count;
    const at::Tensor mean = mean64.to(type), var = var64.to(type);
    running_mean.mul_(1 - momentum).add_(mean, momentum);
    running_var.mul_(1 - momentum).add_((var64 * (count / std::max(1.0, count - 1))).to(type), momentum);
    torch::autograd::variable_list out, saved{mean, var};
    for (int64_t i = 0; i < n; i++) {
      out.push_back(std::get<0>(at::native_batch_norm(ts[i], ts[n + i], ts[2 * n + i], mean, var, /*training=*/false, 0, eps)));
      saved.push_back(ts[i]);
      saved.push_back(ts[n + i]);
    }
    ctx->save_for_backward(saved);
    ctx->saved_data["slots"] = slots;
    ctx->saved_data["own"] = own;
    ctx->saved_data["count"] = count;
    ctx->saved_data["eps"] = eps;
    ctx->saved_data["group"] = group;
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx, torch::autograd::variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const std::vector<int64_t> slots = ctx->saved_data["slots"].toIntVector();
    const int64_t n = slots.size(), own = ctx->saved_data["own"].toInt(), group = ctx->saved_data["group"].toInt();
    const double count = ctx->saved_data["count"].toDouble(), eps = ctx->saved_data["eps"].toDouble();
    const at::Tensor &mean = saved[0], &var = saved[1];
    const int64_t c = mean.numel();
    torch::autograd::variable_list out(3 * n + 7);  // of ts, and nothing for what is no tensor of theirs
    at::Tensor mine = at::zeros({own, 2 * c}, at::kDouble);
    // By constant statistics first: dx = dy w / sigma, dw = sum of dy xhat, db = sum of dy.
    for (int64_t i = 0; i < n; i++) {
      const auto d = at::native_batch_norm_backward(grads[i], saved[2 + 2 * i], saved[3 + 2 * i], mean, var, {}, {}, /*train=*/false, eps,
                                                    {true, true, true});
      out[i] = std::get<0>(d);
      out[n + i] = std::get<1>(d);
      out[2 * n + i] = std::get<2>(d);
      if (slots[i] < 0) continue;
      mine[slots[i]].narrow(0, 0, c).copy_(std::get<1>(d));
      mine[slots[i]].narrow(0, c, c).copy_(std::get<2>(d));
    }
    const at::Tensor sums = tree(everyone(group, mine).unbind(0));
    // Then through the statistics: dx -= w / sigma (all's dw / count xhat + all's db / count), which is a batch normalization of x.
    for (int64_t i = 0; i < n; i++) {
      if (slots[i] < 0) {
        out[i].zero_();
        continue;
      }
      const at::Tensor &x = saved[2 + 2 * i], &w = saved[3 + 2 * i];
      const at::Tensor scale = w.to(at::kDouble) * (var.to(at::kDouble) + eps).rsqrt() / count;
      const at::Tensor a = (scale * sums.narrow(0, 0, c)).to(w.options()), o = (scale * sums.narrow(0, c, c)).to(w.options());
      out[i].sub_(std::get<0>(at::native_batch_norm(x, a, o, mean, var, /*training=*/false, 0, eps)));
    }
    return out;
  }
};

}  // namespace

ocg_error ocg_parts_batch_norm(ocg_group g, const ocg_tensor* xs, const ocg_tensor* ws, const ocg_tensor* bs, const int64_t* slots, int64_t n,
                               int64_t own, ocg_tensor running_mean, ocg_tensor running_var, double momentum, double eps, ocg_tensor* out) {
  OCG_GUARD({
    std::vector<at::Tensor> ts = oc::list(xs, n);
    for (const ocg_tensor* more : {ws, bs})
      for (const at::Tensor& t : oc::list(more, n)) ts.push_back(t);
    for (int64_t i = 0; i < n; i++) {
      TORCH_CHECK(ts[i].dim() >= 2 && ts[i].size(1) == ts[n].numel(), "rows of size ", ts[i].sizes(), " do not have ", ts[n].numel(), " channels");
      TORCH_CHECK(ts[i].is_cpu() && ts[i].scalar_type() == ts[n].scalar_type(), "parts are for one type on the CPU");
      TORCH_CHECK(slots[i] < own, "part ", slots[i], " of ", own);
    }
    const auto y = PartsBatchNorm::apply(at::TensorList(ts), std::vector<int64_t>(slots, slots + n), own, T(running_mean), T(running_var), momentum,
                                         eps, reinterpret_cast<int64_t>(g));
    for (int64_t i = 0; i < n; i++) out[i] = oc::wrap(y[i]);
  })
}

ocg_error ocg_parts_gradients(ocg_group g, const ocg_tensor* ts, int64_t n, const ocg_tensor* leaves, int64_t own, const int64_t* counted,
                              int64_t world) {
  OCG_GUARD({
    c10::AutoGradMode no_grad(false);
    TORCH_CHECK(own > 0 && (own & (own - 1)) == 0 && world > 0 && (world & (world - 1)) == 0, own, " parts in each of ", world,
                " processes are no powers of two");
    std::vector<int64_t> which;       // of ts have a gradient
    std::vector<at::Tensor> partial;  // that of this process
    int64_t total = 0;
    for (int64_t i = 0; i < n; i++) {
      std::vector<at::Tensor> ds(own);
      bool any = false;
      for (int64_t p = 0; p < own; p++)
        if (leaves[p * n + i] && T(leaves[p * n + i]).grad().defined()) ds[p] = T(leaves[p * n + i]).grad(), any = true;
      if (!any) continue;
      which.push_back(i);
      partial.push_back(tree(std::move(ds)));
      total += partial.back().numel();
    }
    if (world > 1 && total > 0) {
      // Every process adds its share of the numbers up, over all processes, and gives it to all.
      const int64_t each = (total + world - 1) / world;
      at::Tensor flat = at::zeros({world * each}, partial[0].options());
      int64_t at = 0;
      for (const at::Tensor& d : partial) {
        flat.narrow(0, at, d.numel()).view(d.sizes()).copy_(d);
        at += d.numel();
      }
      std::vector<at::Tensor> dealt = oc::group_deal(g, flat.view({world, each})).unbind(0);
      for (int64_t r = 0; r < world; r++)
        if (!counted[r]) dealt[r] = at::Tensor();
      flat = oc::group_gather(g, tree(std::move(dealt))).view({-1});
      at = 0;
      for (at::Tensor& d : partial) {
        d = flat.narrow(0, at, d.numel()).view(d.sizes());
        at += d.numel();
      }
    }
    for (size_t k = 0; k < which.size(); k++) {
      const at::Tensor& t = T(ts[which[k]]);
      at::Tensor d = at::empty_like(t);  // in the tensor's own layout, wherever the sum was made
      d.copy_(partial[k]);
      T(ts[which[k]]).mutable_grad() = t.grad().defined() ? t.grad() + d : d;
    }
  })
}
