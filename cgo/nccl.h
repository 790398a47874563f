// Collectives on CUDA tensors by NCCL, from libopencarbon_nccl (cuda/nccl.cc), where that was built.
#pragma once
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "beside.h"

namespace oc {

struct NCCL : Beside {
  void* (*open)(const c10::intrusive_ptr<c10d::Store>*, int64_t rank, int64_t world, int64_t timeout_ms) = nullptr;
  void (*sum)(void*, at::Tensor*) = nullptr;
  void (*broadcast)(void*, at::Tensor*, int64_t root) = nullptr;
  void (*gather)(void*, at::Tensor* all, at::Tensor*) = nullptr;
  void (*close)(void*) = nullptr;

  NCCL() : Beside("libopencarbon_nccl.so") {
    load("ocgn_open", open);
    load("ocgn_sum", sum);
    load("ocgn_broadcast", broadcast);
    load("ocgn_gather", gather);
    load("ocgn_close", close);
  }
};

inline const NCCL& nccl() {
  static const NCCL n;
  return n;
}

}  // namespace oc
