// CUDA graphs and what moves numbers to a GPU without waiting for it. The graphs themselves are in libopencarbon_cuda
// (folder cuda), which is built where CUDA's headers are, and loaded from this library's own folder when first asked for.
#include <dlfcn.h>

#include "internal.h"

using oc::T;

namespace {

struct Library {
  std::string why;  // it cannot be used; empty: it can
  void* (*begin)(int64_t) = nullptr;
  void (*end)(void*) = nullptr;
  void (*replay)(void*) = nullptr;
  void (*close)(void*) = nullptr;

  Library() {
    Dl_info here;
    std::string name = "libopencarbon_cuda.so";
    if (dladdr(reinterpret_cast<void*>(&ocg_graph_replay), &here) && here.dli_fname) {
      const std::string path(here.dli_fname);
      const auto slash = path.rfind('/');
      if (slash != std::string::npos) name = path.substr(0, slash + 1) + name;
    }
    void* lib = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!lib) {
      const char* e = dlerror();
      why = e ? e : name + " cannot be loaded";
      return;
    }
    load(lib, "ocgc_graph_begin", begin);
    load(lib, "ocgc_graph_end", end);
    load(lib, "ocgc_graph_replay", replay);
    load(lib, "ocgc_graph_close", close);
  }

  template <class F>
  void load(void* lib, const char* name, F& f) {
    f = reinterpret_cast<F>(dlsym(lib, name));
    if (!f && why.empty()) why = std::string("libopencarbon_cuda.so has no ") + name + ": set up again";
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
