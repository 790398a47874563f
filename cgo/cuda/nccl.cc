// NCCL between the GPUs of several processes, in a library of its own: its headers need CUDA's and NCCL's, and few machines have
// both. nccl.h beside the shim loads it. Exceptions pass to the shim, whose functions let none out.
#define USE_C10D_NCCL 1
#define USE_NCCL 1
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include <cstdlib>

#define OCG_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

using Pointer = c10::intrusive_ptr<c10d::ProcessGroupNCCL>;

c10d::ProcessGroupNCCL& N(void* g) { return **static_cast<Pointer*>(g); }

}  // namespace

// Connects nothing yet: the first collective does, and fails where a process is missing.
OCG_EXPORT void* ocgn_open(const c10::intrusive_ptr<c10d::Store>* store, int64_t rank, int64_t world, int64_t timeout_ms) {
  // A collective that fails or takes too long is to throw here, where it can be told, not to end the process by a watchdog.
  setenv("TORCH_NCCL_BLOCKING_WAIT", "1", /*overwrite=*/0);
  setenv("TORCH_NCCL_ASYNC_ERROR_HANDLING", "0", 0);
  setenv("TORCH_NCCL_ENABLE_MONITORING", "0", 0);
  auto o = c10d::ProcessGroupNCCL::Options::create();
  o->timeout = std::chrono::milliseconds(timeout_ms);
  return new Pointer(c10::make_intrusive<c10d::ProcessGroupNCCL>(*store, static_cast<int>(rank), static_cast<int>(world), o));
}

OCG_EXPORT void ocgn_sum(void* g, at::Tensor* t) {
  std::vector<at::Tensor> ts{*t};
  N(g).allreduce(ts)->wait();
}

OCG_EXPORT void ocgn_broadcast(void* g, at::Tensor* t, int64_t root) {
  c10d::BroadcastOptions o;
  o.rootRank = static_cast<int>(root);
  std::vector<at::Tensor> ts{*t};
  N(g).broadcast(ts, o)->wait();
}

// all [world, ...] becomes every process's t.
OCG_EXPORT void ocgn_gather(void* g, at::Tensor* all, at::Tensor* t) {
  std::vector<std::vector<at::Tensor>> out{all->unbind(0)};
  std::vector<at::Tensor> in{*t};
  N(g).allgather(out, in)->wait();
}

OCG_EXPORT void ocgn_close(void* g) {
  auto* p = static_cast<Pointer*>(g);
  try {
    (*p)->abort();  // does not wait for processes that are gone
  } catch (...) {
  }
  delete p;
}
