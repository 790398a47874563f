// CUDA graphs, in a library of its own: only this needs CUDA's headers, and a machine without CUDA must not look for CUDA's
// libraries. graph.cc beside the shim loads it. Exceptions pass to the shim, whose functions let none out.
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAStream.h>

#include <map>
#include <memory>

#define OCG_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

struct Graph {
  at::cuda::CUDAGraph graph;
  c10::cuda::CUDAStream before;  // the stream that was current when capture began
  explicit Graph(c10::cuda::CUDAStream s) : before(s) {}
};

// All graphs of a device take their memory from one pool and are captured on one stream: no two of them run at once, and
// nothing that one leaves behind is read after another has run.
struct Place {
  at::cuda::MempoolId_t pool = at::cuda::graph_pool_handle();
  c10::cuda::CUDAStream stream;
  explicit Place(c10::DeviceIndex device) : stream(c10::cuda::getStreamFromPool(false, device)) {}
};

Place& place(c10::DeviceIndex device) {
  static std::map<c10::DeviceIndex, std::unique_ptr<Place>> all;
  auto& p = all[device];
  if (!p) p = std::make_unique<Place>(device);
  return *p;
}

}  // namespace

// From here to ocgc_graph_end the thread's work on the device is written down, not done.
OCG_EXPORT void* ocgc_graph_begin(int64_t index) {
  const auto device = static_cast<c10::DeviceIndex>(index);
  auto g = std::make_unique<Graph>(c10::cuda::getCurrentCUDAStream(device));
  Place& p = place(device);
  c10::cuda::device_synchronize();
  c10::cuda::setCurrentCUDAStream(p.stream);
  try {
    g->graph.capture_begin(p.pool);
  } catch (...) {
    c10::cuda::setCurrentCUDAStream(g->before);
    throw;
  }
  return g.release();
}

OCG_EXPORT void ocgc_graph_end(void* handle) {
  auto* g = static_cast<Graph*>(handle);
  try {
    g->graph.capture_end();
  } catch (...) {
    c10::cuda::setCurrentCUDAStream(g->before);
    throw;
  }
  c10::cuda::setCurrentCUDAStream(g->before);
}

OCG_EXPORT void ocgc_graph_replay(void* handle) { static_cast<Graph*>(handle)->graph.replay(); }

OCG_EXPORT void ocgc_graph_close(void* handle) { delete static_cast<Graph*>(handle); }
