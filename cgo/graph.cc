// CUDA graphs and what moves numbers to a GPU without waiting for it. The graphs themselves are in libopencarbon_cuda
// (folder cuda), which is built where CUDA's headers are, and loaded from this library's own folder when first asked for.
#include "beside.h"
#include "internal.h"

using oc::T;

namespace {

struct Library : oc::Beside {
  void* (*begin)(int64_t) = nullptr;
  void (*end)(void*) = nullptr;
  void (*replay)(void*) = nullptr;
  void (*close)(void*) = nullptr;

  Library() : Beside("libopencarbon_cuda.so") {
    load("ocgc_graph_begin", begin);
    load("ocgc_graph_end", end);
    load("ocgc_graph_replay", replay);
    load("ocgc_graph_close", close);
  }
};

const Library& library() {
  static const Library l;
  return l;
}

}  // namespace

ocg_error ocg_graph_available(char** why) {
  OCG_GUARD({
    *why = nullptr;
#if OCG_TORCH_AT_LEAST(2, 4)
    if (!library().why.empty()) *why = oc::text(library().why.c_str());
#else
    *why = oc::text("libtorch before 2.4 cannot update weights inside a CUDA graph");
#endif
  })
}

ocg_error ocg_graph_begin(int64_t device_index, ocg_graph* out) {
  OCG_GUARD({
    TORCH_CHECK(library().why.empty(), library().why);
    oc::forget_autocast_copies();  // a copy made outside would not be made anew by the graph
    *out = library().begin(device_index);
  })
}
ocg_error ocg_graph_end(ocg_graph g) { OCG_GUARD({ library().end(g); }) }
ocg_error ocg_graph_replay(ocg_graph g) { OCG_GUARD({ library().replay(g); }) }
void ocg_graph_close(ocg_graph g) { library().close(g); }

ocg_error ocg_copy_async_(ocg_tensor dst, ocg_tensor src) {
  OCG_GUARD({
    c10::AutoGradMode no_grad(false);
    T(dst).copy_(T(src), /*non_blocking=*/true);
  })
}
