// Shared by the shim's own files; not part of the C interface.
#pragma once

#include <ATen/ATen.h>

#include <atomic>
#include <vector>

#include "opencarbon.h"
#include "version.h"

namespace oc {

extern thread_local bool engine_here;
extern std::atomic<int64_t> live;

ocg_error text(const char* message);
// The message of the exception in flight, without libtorch's C++ stack trace.
ocg_error current_exception_text();

// Makes libtorch take the memory of CPU tensors from memory.cc; once is enough.
void use_own_memory();

// Drops autocast's low-precision copies of weights, which are stale once the weights or the grad mode change.
void forget_autocast_copies();

inline at::Tensor& T(ocg_tensor t) { return *static_cast<at::Tensor*>(t); }
inline at::Tensor optional(ocg_tensor t) { return t ? T(t) : at::Tensor(); }
inline ocg_tensor wrap(at::Tensor t) {
  auto* p = new at::Tensor(std::move(t));
  live.fetch_add(1, std::memory_order_relaxed);
  return p;
}
inline std::vector<at::Tensor> list(const ocg_tensor* ts, int64_t n) {
  std::vector<at::Tensor> v;
  v.reserve(n);
  for (int64_t i = 0; i < n; i++) v.push_back(T(ts[i]));
  return v;
}
inline c10::Device device(int64_t type, int64_t index) {
  if (type != 1) return c10::Device(c10::kCPU);
  // A DeviceIndex has eight bits: 256 would become cuda:0.
  TORCH_CHECK(index >= 0 && index < 128, "there is no device cuda:", index);
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
}

// group.cc's, of a group of processes. gather: every process's t, which are of one shape, [world, ...]; deal: row r of the
// result is what process r has in the row of this process, t [world, n].
at::Tensor group_gather(void* g, const at::Tensor& t);
at::Tensor group_deal(void* g, const at::Tensor& t);

constexpr const char* kOutside = "called outside the engine: run tensor code inside torch.Run";

}  // namespace oc

// Body of every function: refuse foreign threads, let no exception out.
#define OCG_GUARD(...)                                    \
  if (!oc::engine_here) return oc::text(oc::kOutside);   \
  try {                                                  \
    __VA_ARGS__                                          \
  } catch (...) {                                        \
    return oc::current_exception_text();                 \
  }                                                      \
  return nullptr;
