// Making tensors, looking at them, copying them in and out.
#include <cstring>
#include <sstream>

#include "internal.h"

using oc::T;

ocg_error ocg_adopt(ocg_tensor t) {
  OCG_GUARD({
    TORCH_CHECK(t != nullptr, "no tensor");
    oc::live.fetch_add(1, std::memory_order_relaxed);
  })
}

void ocg_free(ocg_tensor* ts, int64_t n) {
  for (int64_t i = 0; i < n; i++) delete static_cast<at::Tensor*>(ts[i]);
  oc::live.fetch_sub(n, std::memory_order_relaxed);
}

ocg_error ocg_info(ocg_tensor t, ocg_info_t* out) {
  OCG_GUARD({
    const at::Tensor& a = T(t);
    memset(out, 0, sizeof *out);
    out->defined = a.defined();
    if (!a.defined()) return nullptr;
    TORCH_CHECK(a.dim() <= OCG_MAX_DIMS, "more than ", int(OCG_MAX_DIMS), " dimensions");
    out->dtype = static_cast<int64_t>(a.scalar_type());
    out->device_type = a.is_cpu() ? 0 : a.is_cuda() ? 1 : -1;
    out->device_index = a.is_cuda() ? a.device().index() : 0;
    out->dims = a.dim();
    out->numel = a.numel();
    out->requires_grad = a.requires_grad();
    out->is_leaf = a.is_leaf();
    out->contiguous = a.is_contiguous();
    out->channels_last = a.dim() == 4 && a.is_contiguous(at::MemoryFormat::ChannelsLast);
    for (int64_t i = 0; i < a.dim(); i++) {
      out->sizes[i] = a.size(i);
      out->strides[i] = a.stride(i);
    }
  })
}

ocg_error ocg_from_data(const void* data, int64_t bytes, int64_t dtype, const int64_t* sizes, int64_t dims,
                      int64_t device_type, int64_t device_index, ocg_tensor* out) {
  OCG_GUARD({
    auto options = at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype));
    at::Tensor a = at::empty(at::IntArrayRef(sizes, dims), options);  // the caller has checked the shape against bytes
    TORCH_CHECK(static_cast<int64_t>(a.nbytes()) == bytes, "the data has ", bytes, " bytes, the shape asks for ",
                a.nbytes());
    if (bytes > 0) memcpy(a.data_ptr(), data, bytes);
    if (device_type != 0) a = a.to(oc::device(device_type, device_index));
    *out = oc::wrap(a);
  })
}

ocg_error ocg_to_data(ocg_tensor t, int64_t dtype, void* data, int64_t bytes) {
  OCG_GUARD({
    at::Tensor a = T(t).detach().to(c10::Device(c10::kCPU), static_cast<at::ScalarType>(dtype)).contiguous();
    TORCH_CHECK(static_cast<int64_t>(a.nbytes()) == bytes, "the destination has ", bytes, " bytes, the tensor ",
                a.nbytes());
    if (bytes > 0) memcpy(data, a.data_ptr(), bytes);
  })
}

static at::TensorOptions options(int64_t dtype, int64_t device_type, int64_t device_index) {
  return at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype)).device(oc::device(device_type, device_index));
}

ocg_error ocg_full(double value, int64_t dtype, const int64_t* sizes, int64_t dims, int64_t device_type,
                 int64_t device_index, ocg_tensor* out) {
  OCG_GUARD({
    *out = oc::wrap(at::full(at::IntArrayRef(sizes, dims), value, options(dtype, device_type, device_index)));
  })
}

ocg_error ocg_arange(double start, double end, double step, int64_t dtype, int64_t device_type, int64_t device_index,
                   ocg_tensor* out) {
  OCG_GUARD({ *out = oc::wrap(at::arange(start, end, step, options(dtype, device_type, device_index))); })
}

ocg_error ocg_random(int64_t kind, double a, double b, int64_t dtype, const int64_t* sizes, int64_t dims,
                   int64_t device_type, int64_t device_index, ocg_tensor* out) {
  OCG_GUARD({
    auto opts = options(dtype, device_type, device_index);
    at::IntArrayRef shape(sizes, dims);
    at::Tensor t;
    switch (kind) {
      case OCG_UNIFORM: t = at::empty(shape, opts).uniform_(a, b); break;
      case OCG_NORMAL: t = at::empty(shape, opts).normal_(a, b); break;
      case OCG_BERNOULLI: t = at::empty(shape, opts).bernoulli_(a); break;
      case OCG_RANDINT: t = at::randint(static_cast<int64_t>(a), static_cast<int64_t>(b), shape, opts); break;
      case OCG_RANDPERM: t = at::randperm(static_cast<int64_t>(a), opts); break;
      default: TORCH_CHECK(false, "no such random kind: ", kind);
    }
    *out = oc::wrap(t);
  })
}

ocg_error ocg_to(ocg_tensor t, int64_t dtype, int64_t device_type, int64_t device_index, int64_t format, int64_t copy,
               ocg_tensor* out) {
  OCG_GUARD({
    auto f = format == OCG_CHANNELS_LAST ? at::MemoryFormat::ChannelsLast
             : format == OCG_CONTIGUOUS  ? at::MemoryFormat::Contiguous
                                        : at::MemoryFormat::Preserve;
    *out = oc::wrap(T(t).to(oc::device(device_type, device_index), static_cast<at::ScalarType>(dtype),
                            /*non_blocking=*/device_type == 1, copy != 0, f));
  })
}

ocg_error ocg_pin(ocg_tensor t, ocg_tensor* out) { OCG_GUARD({ *out = oc::wrap(T(t).pin_memory()); }) }

ocg_error ocg_copy_(ocg_tensor t, ocg_tensor src) { OCG_GUARD({ T(t).copy_(T(src), /*non_blocking=*/T(t).is_cuda()); }) }

ocg_error ocg_string(ocg_tensor t, char** out) {
  OCG_GUARD({
    std::ostringstream s;
    at::print(s, T(t), 100);
    *out = strdup(s.str().c_str());
  })
}
