// Threads, modes, devices and random state: everything of libtorch that is global or thread-local.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>
#include <torch/cuda.h>

#include <cstdlib>
#include <cstring>
#include <mutex>

#include "internal.h"

namespace oc {

thread_local bool engine_here = false;
std::atomic<int64_t> live{0};

// When even the copy of the message cannot be had: NULL would read as success.
static char no_memory[] = "out of memory";

ocg_error text(const char* message) {
  char* copy = strdup(message);
  return copy ? copy : no_memory;
}

void forget_autocast_copies() {
  if (autocast_enabled(c10::kCPU) || autocast_enabled(c10::kCUDA)) at::autocast::clear_cache();
}

ocg_error current_exception_text() {
  try {
    throw;
  } catch (const c10::Error& e) {
    return text(e.what_without_backtrace());
  } catch (const std::exception& e) {
    return text(e.what());
  } catch (...) {
    return text("unknown C++ exception");
  }
}

}  // namespace oc

namespace {

// Whether the user keeps oneDNN below AVX-512. libtorch asks the processor whether oneDNN can compute in bfloat16,
// not oneDNN, which then finds no way and throws; without it libtorch has its own, slower one.
bool onednn_held_below_avx512() {
  for (const char* name : {"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"}) {
    const char* v = std::getenv(name);
    if (v == nullptr) continue;
    const std::string isa(v);
    return isa == "SSE41" || isa == "AVX" || isa == "AVX2" || isa == "AVX2_VNNI";
  }
  return false;
}

// Engines that work without oneDNN, which is off for the whole process as long as there is one, and whether this thread's
// is one of them.
std::mutex without_onednn;
int64_t engines_without_onednn = 0;
thread_local bool here_without_onednn = false;

void set_onednn(bool on) {
  if (here_without_onednn == !on) return;
  const std::lock_guard<std::mutex> lock(without_onednn);
  here_without_onednn = !on;
  engines_without_onednn += on ? -1 : 1;
  at::globalContext().setUserEnabledMkldnn(engines_without_onednn == 0);
}

}  // namespace

void ocg_free_text(ocg_error text) {
  if (text != oc::no_memory) free(text);
}

const char* ocg_version(void) { return TORCH_VERSION; }

ocg_error ocg_engine_enter(int64_t threads) {
  try {
    oc::use_own_memory();
    if (threads > 0) at::set_num_threads(static_cast<int>(threads));
    oc::engine_here = true;
  } catch (...) {
    return oc::current_exception_text();
  }
  return nullptr;
}

// Modes go back to their defaults, so that the thread can serve other goroutines.
ocg_error ocg_engine_leave(void) {
  OCG_GUARD({
    c10::GradMode::set_enabled(true);
    oc::set_autocast(c10::kCPU, at::kBFloat16, false);
    oc::set_autocast(c10::kCUDA, at::kBFloat16, false);
    at::autocast::clear_cache();
    set_onednn(true);
    oc::engine_here = false;
  })
}

int64_t ocg_engine_here(void) { return oc::engine_here; }
int64_t ocg_live(void) { return oc::live.load(); }

ocg_error ocg_threads(int64_t* out) { OCG_GUARD({ *out = at::get_num_threads(); }) }

ocg_error ocg_grad_mode(int64_t enabled, int64_t* before) {
  OCG_GUARD({
    *before = c10::GradMode::is_enabled();
    c10::GradMode::set_enabled(enabled != 0);
    // A low-precision copy of a weight made without gradients must not serve a pass that needs them, where the weight
    // would silently learn nothing.
    if (*before != (enabled != 0)) oc::forget_autocast_copies();
  })
}

ocg_error ocg_autocast(int64_t device_type, int64_t dtype, int64_t enabled, int64_t* before_enabled,
                     int64_t* before_dtype) {
  OCG_GUARD({
    auto d = device_type == 1 ? c10::kCUDA : c10::kCPU;
    *before_enabled = oc::autocast_enabled(d);
    *before_dtype = static_cast<int64_t>(oc::autocast_dtype(d));
    oc::set_autocast(d, static_cast<at::ScalarType>(dtype), enabled != 0);
    if (enabled != 0 && d == c10::kCPU && onednn_held_below_avx512()) set_onednn(false);  // until the engine ends: backward comes later
    // The cache holds low-precision copies of weights: it must not outlive the region it was made in.
    if (!enabled) at::autocast::clear_cache();
  })
}

ocg_error ocg_deterministic(int64_t enabled) {
  OCG_GUARD({
    at::globalContext().setDeterministicAlgorithms(enabled != 0, /*warn_only=*/false);
    at::globalContext().setDeterministicCuDNN(enabled != 0);
    at::globalContext().setBenchmarkCuDNN(enabled == 0);
  })
}

ocg_error ocg_cuda_count(int64_t* out) {
  OCG_GUARD({ *out = torch::cuda::is_available() ? static_cast<int64_t>(torch::cuda::device_count()) : 0; })
}

ocg_error ocg_cuda_synchronize(int64_t index) { OCG_GUARD({ torch::cuda::synchronize(index); }) }

ocg_error ocg_manual_seed(int64_t seed) { OCG_GUARD({ at::manual_seed(static_cast<uint64_t>(seed)); }) }

static at::Generator generator(int64_t device_type, int64_t index) {
  return at::globalContext().defaultGenerator(oc::device(device_type, index));
}

ocg_error ocg_rng_state(int64_t device_type, int64_t index, ocg_tensor* out) {
  OCG_GUARD({
    auto gen = generator(device_type, index);
    std::lock_guard<std::mutex> lock(gen.mutex());
    *out = oc::wrap(gen.get_state());
  })
}

ocg_error ocg_set_rng_state(int64_t device_type, int64_t index, ocg_tensor state) {
  OCG_GUARD({
    auto gen = generator(device_type, index);
    std::lock_guard<std::mutex> lock(gen.mutex());
    gen.set_state(oc::T(state));
  })
}
