// Libraries of ours that are built only where CUDA's headers are, and loaded from this library's own folder when first asked for.
#pragma once
#include <dlfcn.h>

#include <string>

namespace oc {

class Beside {
 public:
  std::string why;  // it cannot be used; empty: it can

  explicit Beside(const char* file) : name(file) {
    Dl_info here;
    static const char anchor = 0;
    std::string path = file;
    if (dladdr(&anchor, &here) && here.dli_fname) {
      const std::string own(here.dli_fname);
      const auto slash = own.rfind('/');
      if (slash != std::string::npos) path = own.substr(0, slash + 1) + file;
    }
    lib = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!lib) {
      const char* e = dlerror();
      why = e ? e : path + " cannot be loaded";
    }
  }

  template <class F>
  void load(const char* function, F& f) {
    if (!lib) return;
    f = reinterpret_cast<F>(dlsym(lib, function));
    if (!f && why.empty()) why = std::string(name) + " has no " + function + ": set up again";
  }

 private:
  const char* name;
  void* lib = nullptr;
};

}  // namespace oc
