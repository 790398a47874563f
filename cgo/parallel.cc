#include "parallel.h"

#include <ATen/Parallel.h>
#include <c10/core/thread_pool.h>

#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>

#include "internal.h"

namespace {

// What the threads of a loop have in common. A thread that comes when the loop is over finds it closed, and touches nothing
// of it: the loop does not wait for threads that were slow to wake.
struct Loop {
  explicit Loop(int64_t n) : left(n) {}
  oc::Pieces left;
  std::mutex mutex;
  std::condition_variable quiet;
  int64_t working = 0;
  bool closed = false;
  std::exception_ptr failed;

  void help(const std::function<void(oc::Pieces&)>* body) {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      if (closed) return;
      working++;
    }
    run(*body);
    const std::lock_guard<std::mutex> lock(mutex);
    if (--working == 0) quiet.notify_one();
  }

  void run(const std::function<void(oc::Pieces&)>& body) {
    try {
      body(left);
    } catch (...) {
      for (int64_t i; left.take(&i);) {
      }  // the others stop as well
      const std::lock_guard<std::mutex> lock(mutex);
      if (!failed) failed = std::current_exception();
    }
  }
};

// The threads that help, as many as are needed beside the one that asks, so that each stays on a core of its own: of a larger
// pool any may be woken, also one that ran last where the asking one runs, and would wait for it. It is never destroyed, since
// threads may be asleep in it when the process ends.
c10::ThreadPool& helpers(int64_t n) {
  static std::mutex mutex;
  static c10::ThreadPool* pool = nullptr;
  const std::lock_guard<std::mutex> lock(mutex);
  if (!pool || static_cast<int64_t>(pool->size()) < n) pool = new c10::ThreadPool(static_cast<int>(n));
  return *pool;
}

}  // namespace

void oc::share(int64_t n, const std::function<void(Pieces&)>& body) {
  const int64_t threads = at::in_parallel_region() ? 1 : std::min<int64_t>(n, at::get_num_threads());
  if (threads <= 1) {
    Pieces left(n);
    body(left);
    return;
  }
  const auto loop = std::make_shared<Loop>(n);
  c10::ThreadPool& pool = helpers(threads - 1);
  for (int64_t t = 1; t < threads; t++) pool.run([loop, &body] { loop->help(&body); });
  loop->run(body);
  std::unique_lock<std::mutex> lock(loop->mutex);
  loop->closed = true;
  loop->quiet.wait(lock, [&] { return loop->working == 0; });
  if (loop->failed) std::rethrow_exception(loop->failed);
}

// How many threads are at work at once in a loop: each waits until all have come, for ten seconds at most.
ocg_error ocg_loop_threads(int64_t* out) {
  OCG_GUARD({
    const int64_t all = at::get_num_threads();
    std::mutex mutex;
    std::condition_variable come;
    int64_t here = 0;
    oc::share(all, [&](oc::Pieces& left) {
      for (int64_t i; left.take(&i);) {
        std::unique_lock<std::mutex> lock(mutex);
        here++;
        come.notify_all();
        if (!come.wait_for(lock, std::chrono::seconds(10), [&] { return here == all; })) break;
      }
    });
    *out = here;
  })
}
