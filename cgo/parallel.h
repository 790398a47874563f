// Loops over several threads. at::parallel_for runs its loop in one thread in a library that is compiled without OpenMP; with
// it, a libtorch that brings an OpenMP of its own, as wheels do, would meet a second one, whose number of threads is not
// libtorch's. So there are threads of our own, as many as libtorch's loops may take.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>

namespace oc {

// What is left of n pieces of work.
class Pieces {
 public:
  explicit Pieces(int64_t n) : n_(n) {}
  // Gives the next piece's number, each once; false when there is none.
  bool take(int64_t* i) { return (*i = next_.fetch_add(1, std::memory_order_relaxed)) < n_; }

 private:
  std::atomic<int64_t> next_{0};
  const int64_t n_;
};

// Calls body in this thread and others until all pieces are taken and done. Which thread takes which piece is open, so that
// numbers must not depend on it. What a body throws is thrown here.
void share(int64_t n, const std::function<void(Pieces&)>& body);

// Calls f(begin, end) for parts of 0 to n of at least grain.
template <class F>
void parallel_for(int64_t n, int64_t grain, const F& f) {
  constexpr int64_t parts = 32;  // many enough that a thread which is late holds up little
  const int64_t step = std::max({grain, (n + parts - 1) / parts, int64_t{1}});
  share((n + step - 1) / step, [&](Pieces& left) {
    for (int64_t i; left.take(&i);) f(i * step, std::min(n, i * step + step));
  });
}

}  // namespace oc
