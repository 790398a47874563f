// Several processes that train together: libtorch's c10d over gloo, or NCCL between GPUs, and the two operations of a network that need the other
// processes' rows. Everything here is a no-op for the rest of the shim: without a group nothing of it runs.
#include <cstring>

#include "internal.h"

#ifdef OCG_C10D
#define USE_C10D_GLOO 1
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <chrono>
#include <string>

#include "nccl.h"

using oc::T;

namespace {

using Milliseconds = std::chrono::milliseconds;

c10::intrusive_ptr<c10d::Store> connect(const char* host, int64_t port, int64_t serve, const char* prefix, int64_t timeout_ms) {
  c10d::TCPStoreOptions o;
  o.port = static_cast<uint16_t>(port);
  o.isServer = serve != 0;
  o.waitWorkers = false;
  o.timeout = Milliseconds(timeout_ms);
  return c10::make_intrusive<c10d::PrefixStore>(prefix, c10::make_intrusive<c10d::TCPStore>(host, o));
}

struct Group {
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo;
  int64_t rank, world;
  std::atomic<int64_t> at{0};  // collectives entered
  int64_t rows = -1;           // rows of this process that count, in what a network encodes; see ocg_group_share
  void* nccl = nullptr;        // for CUDA tensors; nullptr: all goes through the host's memory
  c10::Device place{c10::kCPU};  // where what goes to the others is put together

  ~Group() {
    if (nccl) oc::nccl().close(nccl);
  }
  void sum(at::Tensor& t) {
    at++;
    if (t.is_cuda()) return oc::nccl().sum(nccl, &t);
    std::vector<at::Tensor> ts{t};
    gloo->allreduce(ts)->wait();
  }
  void broadcast(at::Tensor& t, int64_t root) {
    at++;
    if (t.is_cuda()) return oc::nccl().broadcast(nccl, &t, root);
    c10d::BroadcastOptions o;
    o.rootRank = static_cast<int>(root);
    std::vector<at::Tensor> ts{t};
    gloo->broadcast(ts, o)->wait();
  }
  // Every process's t, which are of one shape, [world, ...].
  at::Tensor gather(const at::Tensor& t) {
    at++;
    std::vector<int64_t> shape = t.sizes().vec();
    shape.insert(shape.begin(), world);
    at::Tensor all = at::empty(shape, t.options()), own = t.contiguous();
    if (t.is_cuda()) {
      oc::nccl().gather(nccl, &all, &own);
      return all;
    }
    std::vector<std::vector<at::Tensor>> out{all.unbind(0)};
    std::vector<at::Tensor> in{own};
    gloo->allgather(out, in)->wait();
    return all;
  }
  at::Tensor deal(const at::Tensor& t) {
    at++;
    at::Tensor in = t.contiguous(), out = at::empty_like(in);
    std::vector<int64_t> even;
    gloo->alltoall_base(out, in, even, even)->wait();
    return out;
  }
};

Group& G(void* g) { return *static_cast<Group*>(g); }

// The processes' rows one behind the other, [sum of counts, width]; of this process's x the first counts[rank] rows count.
// Each process goes on alike with all rows and a part of the loss, so that gradients that are summed over processes come out
// whole; what flows back into this process's rows is made whole here: it is multiplied by scale, one through the part.
struct Rows : torch::autograd::Function<Rows> {
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& x, std::vector<int64_t> counts, double scale,
                            int64_t group) {
    Group& g = G(reinterpret_cast<void*>(group));
    int64_t most = 1, before = 0;
    for (int64_t r = 0; r < g.world; r++) {
      most = std::max(most, counts[r]);
      if (r < g.rank) before += counts[r];
    }
    const int64_t own = counts[g.rank];
    at::Tensor padded = at::zeros({most, x.size(1)}, x.options().device(g.place));
    if (own > 0) padded.narrow(0, 0, own).copy_(x.narrow(0, 0, own));
    const at::Tensor all = g.gather(padded);
    std::vector<at::Tensor> parts;
    for (int64_t r = 0; r < g.world; r++) parts.push_back(all[r].narrow(0, 0, counts[r]));
    ctx->saved_data["before"] = before;
    ctx->saved_data["own"] = own;
    ctx->saved_data["rows"] = x.size(0);
    ctx->saved_data["scale"] = scale;
    return at::cat(parts, 0).to(x.device());
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx, torch::autograd::variable_list grads) {
    const int64_t own = ctx->saved_data["own"].toInt(), rows = ctx->saved_data["rows"].toInt();
    at::Tensor dx = grads[0].narrow(0, ctx->saved_data["before"].toInt(), own).mul(ctx->saved_data["scale"].toDouble());
    if (own < rows) dx = at::cat({dx, at::zeros({rows - own, dx.size(1)}, dx.options())}, 0);
    return {dx, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

// Batch normalization in training by the statistics of all processes' rows.
struct SyncBatchNorm : torch::autograd::Function<SyncBatchNorm> {
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& x, const at::Tensor& w, const at::Tensor& b,
                            const at::Tensor& running_mean, const at::Tensor& running_var, double momentum, double eps, int64_t group) {
    Group& g = G(reinterpret_cast<void*>(group));
    const int64_t c = x.size(1), own = g.rows == 0 ? 0 : x.numel() / c;
    at::Tensor mine = at::zeros({1 + 2 * c}, at::TensorOptions(at::kDouble).device(g.place));  // count, mean, variance
    if (own > 0) {
      auto stats = at::batch_norm_update_stats(x.scalar_type() == w.scalar_type() ? x : x.to(w.scalar_type()), {}, {}, 0);
      mine[0].fill_(static_cast<double>(own));
      mine.narrow(0, 1, c).copy_(std::get<0>(stats));
      mine.narrow(0, 1 + c, c).copy_(std::get<1>(stats));
    }
    const at::Tensor all = g.gather(mine), n = all.narrow(1, 0, 1), means = all.narrow(1, 1, c), vars = all.narrow(1, 1 + c, c);
    const double count = n.sum().item<double>();
    TORCH_CHECK(count > 1, "one value per channel in all processes together has no batch statistics");
    const at::Tensor mean64 = (n * means).sum(0) / count;
    const at::Tensor var64 = (n * (vars + (means - mean64).square())).sum(0) / count;
    const at::Tensor mean = mean64.to(w.options()), var = var64.to(w.options());
    running_mean.mul_(1 - momentum).add_(mean, momentum);
    running_var.mul_(1 - momentum).add_((var64 * (count / std::max(1.0, count - 1))).to(w.options()), momentum);
    ctx->save_for_backward({x, w, mean, var});
    ctx->saved_data["group"] = group;
    ctx->saved_data["count"] = count;
    ctx->saved_data["eps"] = eps;
    ctx->saved_data["muted"] = own == 0;
    return std::get<0>(at::native_batch_norm(x, w, b, mean, var, /*training=*/false, 0, eps));
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx, torch::autograd::variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &w = saved[1], &mean = saved[2], &var = saved[3];
    Group& g = G(reinterpret_cast<void*>(ctx->saved_data["group"].toInt()));
    const double count = ctx->saved_data["count"].toDouble(), eps = ctx->saved_data["eps"].toDouble();
    const int64_t c = w.numel();
    // By constant statistics first: dx = dy w / sigma, dw = sum of dy xhat, db = sum of dy.
    auto d = at::native_batch_norm_backward(grads[0], x, w, mean, var, {}, {}, /*train=*/false, eps, {true, true, true});
    at::Tensor dx = std::get<0>(d), dw = std::get<1>(d), db = std::get<2>(d);
    at::Tensor sums = at::cat({dw, db}).to(g.place, at::kDouble);
    g.sum(sums);
    // Then through the statistics: dx -= w / sigma (all's dw / n xhat + all's db / n), which is a batch normalization of x.
    const at::Tensor scale = w.to(at::kDouble) * (var.to(at::kDouble) + eps).rsqrt() / count;
    sums = sums.to(w.device());
    const at::Tensor a = (scale * sums.narrow(0, 0, c)).to(w.options()), o = (scale * sums.narrow(0, c, c)).to(w.options());
    if (ctx->saved_data["muted"].toBool())
      dx.zero_();
    else
      dx.sub_(std::get<0>(at::native_batch_norm(x, a, o, mean, var, /*training=*/false, 0, eps)));
    return {dx, dw, db, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor oc::group_gather(void* g, const at::Tensor& t) { return G(g).gather(t); }
at::Tensor oc::group_deal(void* g, const at::Tensor& t) { return G(g).deal(t); }

// A store's functions touch no tensor and may be called by any thread.
#define OCG_ANYWHERE(...)                 \
  try {                                   \
    __VA_ARGS__                           \
  } catch (...) {                         \
    return oc::current_exception_text();  \
  }                                       \
  return nullptr;

ocg_error ocg_store_open(const char* host, int64_t port, int64_t serve, const char* prefix, int64_t timeout_ms, ocg_store* out) {
  OCG_ANYWHERE({ *out = new c10::intrusive_ptr<c10d::Store>(connect(host, port, serve, prefix, timeout_ms)); })
}

void ocg_store_close(ocg_store s) { delete static_cast<c10::intrusive_ptr<c10d::Store>*>(s); }

static c10d::Store& S(ocg_store s) { return **static_cast<c10::intrusive_ptr<c10d::Store>*>(s); }

ocg_error ocg_store_set(ocg_store s, const char* key, const char* value) {
  OCG_ANYWHERE({ S(s).set(key, std::vector<uint8_t>(value, value + strlen(value))); })
}

ocg_error ocg_store_get(ocg_store s, const char* key, char** out) {
  OCG_ANYWHERE({
    *out = nullptr;
    if (S(s).check({key})) {
      const auto v = S(s).get(key);
      *out = oc::text(std::string(v.begin(), v.end()).c_str());
    }
  })
}

ocg_error ocg_group_open(ocg_store s, int64_t rank, int64_t world, int64_t timeout_ms, const char* address, int64_t is_interface,
                         ocg_group* out) {
  OCG_ANYWHERE({
    auto o = c10d::ProcessGroupGloo::Options::create(Milliseconds(timeout_ms));
    o->devices.push_back(is_interface ? c10d::ProcessGroupGloo::createDeviceForInterface(address)
                                      : c10d::ProcessGroupGloo::createDeviceForHostname(address));
    o->threads = 2;
    auto g = std::make_unique<Group>();
    g->rank = rank;
    g->world = world;
    g->store = *static_cast<c10::intrusive_ptr<c10d::Store>*>(s);
    g->gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(g->store, static_cast<int>(rank), static_cast<int>(world), o);
    *out = g.release();
  })
}

void ocg_group_close(ocg_group g) { delete static_cast<Group*>(g); }

int64_t ocg_group_at(ocg_group g) { return G(g).at.load(); }

ocg_error ocg_group_sum(ocg_group g, const ocg_tensor* ts, int64_t n, double* tail, int64_t tails) {
  OCG_GUARD({
    c10::AutoGradMode no_grad(false);
    int64_t total = tails;
    at::ScalarType type = at::kFloat;
    for (int64_t i = 0; i < n; i++) {
      total += T(ts[i]).numel();
      if (T(ts[i]).scalar_type() == at::kDouble) type = at::kDouble;
    }
    at::Tensor flat = at::zeros({total}, at::TensorOptions(type).device(G(g).place));
    int64_t at = 0;
    for (int64_t i = 0; i < n; at += T(ts[i]).numel(), i++) {
      const at::Tensor& d = T(ts[i]).grad();
      if (d.defined()) flat.narrow(0, at, d.numel()).view(d.sizes()).copy_(d);
    }
    if (tails > 0) flat.narrow(0, at, tails).copy_(at::from_blob(tail, {tails}, at::kDouble));
    G(g).sum(flat);
    const at::Tensor end = flat.narrow(0, at, tails).to(at::kCPU, at::kDouble);
    for (int64_t i = 0; i < tails; i++) tail[i] = end[i].item<double>();
    at = 0;
    for (int64_t i = 0; i < n; at += T(ts[i]).numel(), i++) {
      const at::Tensor& d = T(ts[i]).grad();
      if (d.defined()) d.copy_(flat.narrow(0, at, d.numel()).view(d.sizes()));
    }
  })
}

ocg_error ocg_group_numbers(ocg_group g, double* v, int64_t n, double* all) {
  OCG_GUARD({
    const at::Tensor out = G(g).gather(at::from_blob(v, {n}, at::kDouble).clone());
    memcpy(all, out.data_ptr<double>(), sizeof(double) * n * G(g).world);
  })
}

ocg_error ocg_group_broadcast(ocg_group g, const ocg_tensor* ts, int64_t n, int64_t root) {
  OCG_GUARD({
    c10::AutoGradMode no_grad(false);
    for (int64_t i = 0; i < n; i++) {
      at::Tensor t = T(ts[i]).detach().to(G(g).place).contiguous();
      G(g).broadcast(t, root);
      if (G(g).rank != root) T(ts[i]).copy_(t);
    }
  })
}

ocg_error ocg_group_rows(ocg_group g, ocg_tensor x, const int64_t* counts, double scale, ocg_tensor* out) {
  OCG_GUARD({
    TORCH_CHECK(T(x).dim() == 2, "rows are of a matrix, not of size ", T(x).sizes());
    const std::vector<int64_t> c(counts, counts + G(g).world);
    TORCH_CHECK(c[G(g).rank] <= T(x).size(0), "this process has ", T(x).size(0), " rows, not ", c[G(g).rank]);
    *out = oc::wrap(Rows::apply(T(x), c, scale, reinterpret_cast<int64_t>(g)));
  })
}

ocg_error ocg_group_share(ocg_group g, int64_t rows) {
  G(g).rows = rows;
  return nullptr;
}

ocg_error ocg_group_batch_norm(ocg_group g, ocg_tensor x, ocg_tensor w, ocg_tensor b, ocg_tensor running_mean, ocg_tensor running_var,
                               double momentum, double eps, ocg_tensor* out) {
  OCG_GUARD({
    *out = oc::wrap(SyncBatchNorm::apply(T(x), T(w), T(b), T(running_mean), T(running_var), momentum, eps, reinterpret_cast<int64_t>(g)));
  })
}

int64_t ocg_group_available(void) { return 1; }

ocg_error ocg_nccl_available(char** why) {
  OCG_GUARD({ *why = oc::nccl().why.empty() ? nullptr : oc::text(oc::nccl().why.c_str()); })
}

ocg_error ocg_group_nccl(ocg_group g, int64_t device_index, int64_t timeout_ms) {
  OCG_GUARD({
    TORCH_CHECK(oc::nccl().why.empty(), oc::nccl().why);
    Group& own = G(g);
    const c10::intrusive_ptr<c10d::Store> keys = c10::make_intrusive<c10d::PrefixStore>("nccl", own.store);
    own.nccl = oc::nccl().open(&keys, own.rank, own.world, timeout_ms);
    own.place = oc::device(1, device_index);
    at::Tensor one = at::ones({1}, at::TensorOptions(at::kFloat).device(own.place));  // connects, or says now why it cannot
    own.sum(one);
    TORCH_CHECK(one.item<float>() == static_cast<float>(own.world), "NCCL: ", own.world, " processes, but the sum of ones is ", one.item<float>());
  })
}

#else  // a libtorch without c10d or without gloo in it

static ocg_error none() {
  return oc::text("this libtorch has no c10d with gloo, so that one process alone can train; take Debian's libtorch-dev or a pip wheel, and run "
                  "cgo/setup.sh again");
}
ocg_error ocg_store_open(const char*, int64_t, int64_t, const char*, int64_t, ocg_store*) { return none(); }
void ocg_store_close(ocg_store) {}
ocg_error ocg_store_set(ocg_store, const char*, const char*) { return none(); }
ocg_error ocg_store_get(ocg_store, const char*, char**) { return none(); }
ocg_error ocg_group_open(ocg_store, int64_t, int64_t, int64_t, const char*, int64_t, ocg_group*) { return none(); }
void ocg_group_close(ocg_group) {}
int64_t ocg_group_at(ocg_group) { return 0; }
ocg_error ocg_group_sum(ocg_group, const ocg_tensor*, int64_t, double*, int64_t) { return none(); }
ocg_error ocg_group_numbers(ocg_group, double*, int64_t, double*) { return none(); }
ocg_error ocg_group_broadcast(ocg_group, const ocg_tensor*, int64_t, int64_t) { return none(); }
ocg_error ocg_group_rows(ocg_group, ocg_tensor, const int64_t*, double, ocg_tensor*) { return none(); }
ocg_error ocg_group_share(ocg_group, int64_t) { return none(); }
ocg_error ocg_group_batch_norm(ocg_group, ocg_tensor, ocg_tensor, ocg_tensor, ocg_tensor, ocg_tensor, double, double, ocg_tensor*) {
  return none();
}
int64_t ocg_group_available(void) { return 0; }
at::Tensor oc::group_gather(void*, const at::Tensor&) { TORCH_CHECK(false, "there are no groups of processes here"); }
at::Tensor oc::group_deal(void*, const at::Tensor&) { TORCH_CHECK(false, "there are no groups of processes here"); }
ocg_error ocg_nccl_available(char** why) {
  *why = none();
  return nullptr;
}
ocg_error ocg_group_nccl(ocg_group, int64_t, int64_t) { return none(); }

#endif
