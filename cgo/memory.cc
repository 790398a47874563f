// Memory of CPU tensors. A training step asks for hundreds of blocks of megabytes and gives them back; with the C
// library's malloc each is mapped and unmapped anew and costs a page fault every 4 KiB, measured as a third of a step.
// Blocks of a megabyte and more are therefore cut from one arena in huge pages, where the kernel has them, that keeps what
// it was given. A block goes to the lowest gap that holds it and gaps grow together, so that the arena stays about as large
// as what was needed at once, though no two steps ask for the same sizes.
#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <mutex>
#include <unordered_map>

#include "internal.h"

namespace {

constexpr size_t kHuge = size_t{2} << 20;    // a huge page on x86-64 and arm64
constexpr size_t kBig = size_t{1} << 20;     // from here on a block is cut from the arena
constexpr size_t kUnit = size_t{64} << 10;   // blocks of the arena are multiples of it
constexpr size_t kAlignment = 64;            // of other blocks, as libtorch's own

class Arena {
 public:
  // A block of n bytes, or null where the arena is full or could not be had.
  void* take(size_t n) {
    n = (n + kUnit - 1) / kUnit * kUnit;
    std::lock_guard<std::mutex> lock(mutex_);
    reserve();
    for (auto gap = gaps_.begin(); gap != gaps_.end(); ++gap) {
      if (gap->second < n) continue;
      char* p = gap->first;
      const size_t left = gap->second - n;
      gaps_.erase(gap);
      if (left > 0) gaps_.emplace(p + n, left);
      used_.emplace(p, n);
      return p;
    }
    return nullptr;
  }

  // Takes p back if it is the arena's, and says whether it was.
  bool give(void* block) {
    char* p = static_cast<char*>(block);
    if (p < begin_.load(std::memory_order_acquire) || p >= end_.load(std::memory_order_acquire)) return false;
    std::lock_guard<std::mutex> lock(mutex_);
    auto it = used_.find(p);
    size_t n = it->second;
    used_.erase(it);
    auto after = gaps_.lower_bound(p);
    if (after != gaps_.begin()) {
      auto before = std::prev(after);
      if (before->first + before->second == p) {
        p = before->first;
        n += before->second;
        gaps_.erase(before);
      }
    }
    if (after != gaps_.end() && p + n == after->first) {
      n += after->second;
      gaps_.erase(after);
    }
    gaps_.emplace(p, n);
    return true;
  }

 private:
  // Addresses for twice the machine's memory; pages come as they are touched. Where not even addresses are to be had
  // (ulimit -v, no overcommit), there is no arena.
  void reserve() {
    if (asked_) return;
    asked_ = true;
    const size_t n = 2 * static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE)) / kHuge * kHuge;
    void* p = mmap(nullptr, n + kHuge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return;
    char* first = static_cast<char*>(p) + (kHuge - reinterpret_cast<uintptr_t>(p) % kHuge) % kHuge;
#ifdef MADV_HUGEPAGE
    madvise(first, n, MADV_HUGEPAGE);  // advice: where it is not taken the pages are as any others
#endif
    gaps_.emplace(first, n);
    end_.store(first + n, std::memory_order_release);
    begin_.store(first, std::memory_order_release);
  }

  std::mutex mutex_;
  std::map<char*, size_t> gaps_;  // by address; no two touch
  std::unordered_map<char*, size_t> used_;
  std::atomic<char*> begin_{nullptr}, end_{nullptr};
  bool asked_ = false;
};

// Never destroyed: tensors of other threads may outlive static objects.
Arena& arena() {
  static Arena* p = new Arena;
  return *p;
}

std::atomic<bool> pooling{true};

void release(void* p) {
  if (p == nullptr) return;
  if (!arena().give(p)) free(p);
}

// libtorch's interface differs between versions (allocate is const before 2.3, copy_data is new since): what one has and
// the other has not is an ordinary function there.
struct Allocator : c10::Allocator {
  c10::DataPtr allocate(size_t n) const { return get(n); }
  c10::DataPtr allocate(size_t n) { return get(n); }
  void copy_data(void* to, const void* from, size_t n) const { std::memcpy(to, from, n); }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }

 private:
  static c10::DataPtr get(size_t n) {
    void* p = nullptr;
    if (n >= kBig && pooling.load(std::memory_order_relaxed)) p = arena().take(n);
    if (p == nullptr && n > 0 && posix_memalign(&p, kAlignment, n) != 0)
      TORCH_CHECK(false, "out of memory: ", n, " bytes are not to be had");
    return {p, p, &release, c10::Device(c10::kCPU)};
  }
};

}  // namespace

namespace oc {

void use_own_memory() {
  static Allocator* a = [] {
    auto* made = new Allocator;
    c10::SetCPUAllocator(made, /*priority=*/1);
    return made;
  }();
  (void)a;
}

}  // namespace oc

ocg_error ocg_pool_memory(int64_t enabled, int64_t* before) {
  OCG_GUARD({ *before = pooling.exchange(enabled != 0); })
}
