// Memory of CPU tensors. A training step asks for hundreds of blocks of megabytes and gives them back; with the C
// library's malloc each is mapped and unmapped anew and costs a page fault every 4 KiB, measured as a third of a step.
// Blocks of a megabyte and more are therefore mapped in huge pages where the kernel has them, and kept for the next
// request of about that size, up to a limit.
#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <unordered_map>

#include "internal.h"

namespace {

constexpr size_t kHuge = size_t{2} << 20;     // a huge page on x86-64 and arm64
constexpr size_t kBig = size_t{1} << 20;      // from here on a block is mapped
constexpr size_t kKept = size_t{4096} << 20;   // free blocks kept, in all
constexpr size_t kAlignment = 64;             // of small blocks, as libtorch's own

// Multiples of a huge page; above 16 pages, eighths of a power of two, so that batches of slightly different sizes find
// each other's blocks.
size_t rounded(size_t n) {
  size_t unit = kHuge;
  while (unit * 16 < n) unit *= 2;
  return (n + unit - 1) / unit * unit;
}

// Free blocks are few, since each is large and their sum is limited: a list is searched faster than a tree is kept.
class Pool {
 public:
  void* take(size_t n) {
    n = rounded(n);
    std::lock_guard<std::mutex> lock(mutex_);
    auto best = free_.end();
    for (auto it = free_.begin(); it != free_.end(); ++it)
      if (it->size >= n && it->size <= n + n / 8 && (best == free_.end() || it->size <= best->size)) best = it;
    if (best != free_.end()) {
      const Block b = *best;
      free_.erase(best);
      kept_ -= b.size;
      used_[b.p] = b.size;
      return b.p;
    }
    void* p = map(n);
    if (p == nullptr) {
      shrink(0);
      p = map(n);
    }
    TORCH_CHECK(p != nullptr, "out of memory: ", n >> 20, " MiB more are not to be had");
    used_[p] = n;
    return p;
  }

  // Takes p back if it is this pool's, and says whether it was.
  bool give(void* p) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto it = used_.find(p);
    if (it == used_.end()) return false;
    free_.push_back({p, it->second});
    kept_ += it->second;
    used_.erase(it);
    shrink(kKept);
    return true;
  }

 private:
  struct Block {
    void* p;
    size_t size;
  };

  static void* map(size_t n) {
    // A huge page more than asked for, and the ends cut off, so that the block begins where a huge page can.
    char* p = static_cast<char*>(mmap(nullptr, n + kHuge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (p == MAP_FAILED) return nullptr;
    const size_t head = (kHuge - reinterpret_cast<uintptr_t>(p) % kHuge) % kHuge;
    if (head > 0) munmap(p, head);
    munmap(p + head + n, kHuge - head);
#ifdef MADV_HUGEPAGE
    madvise(p + head, n, MADV_HUGEPAGE);  // advice: where it is not taken the block is as any other
#endif
    return p + head;
  }

  // Unmaps those that have been free for longest until no more than limit bytes are kept.
  void shrink(size_t limit) {
    while (kept_ > limit) {
      munmap(free_.front().p, free_.front().size);
      kept_ -= free_.front().size;
      free_.pop_front();
    }
  }

  std::mutex mutex_;
  std::deque<Block> free_;  // oldest first
  std::unordered_map<void*, size_t> used_;
  size_t kept_ = 0;
};

// Never destroyed: tensors of other threads may outlive static objects.
Pool& pool() {
  static Pool* p = new Pool;
  return *p;
}

std::atomic<bool> pooling{true};

void release(void* p) {
  if (p == nullptr) return;
  if (reinterpret_cast<uintptr_t>(p) % kHuge == 0 && pool().give(p)) return;
  free(p);
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
    if (n >= kBig && pooling.load(std::memory_order_relaxed)) {
      p = pool().take(n);
    } else if (n > 0 && posix_memalign(&p, kAlignment, n) != 0) {
      TORCH_CHECK(false, "out of memory: ", n, " bytes are not to be had");
    }
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
