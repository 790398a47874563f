// How many floating-point operations a second one core can do at most, in float32: chains of fused multiply-adds that
// wait for nothing, in the widest registers that the processor has. Measured in the process's own time, so that other
// processes on the machine do not count; hyperthreads of one core still share it. `make bench` builds it; SPEED.md
// compares the convolutions with it.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace {

double seconds() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

template <int width>
struct Vector {
  typedef float type __attribute__((vector_size(4 * width)));
};

// 12 chains hide the latency of a multiply-add on every processor of today, and fit into AVX2's 16 registers. x and y keep
// the values in range.
constexpr int kChains = 12;
template <int width>
__attribute__((always_inline)) inline double run(long rounds) {
  typedef typename Vector<width>::type vector;
  vector chain[kChains];
  for (int i = 0; i < kChains; i++) chain[i] = vector{} + 0.01f * i;
  vector x = vector{} + 0.999f, y = vector{} + 0.001f;
  const double begin = seconds();
  for (long k = 0; k < rounds; k++) {
#pragma GCC unroll 16
    for (int i = 0; i < kChains; i++) chain[i] = chain[i] * x + y;
  }
  const double took = seconds() - begin;
  volatile float sink = 0;
  for (int i = 0; i < kChains; i++) sink = sink + chain[i][0];
  return rounds * 1.0 * kChains * width * 2 / took / 1e9;
}

__attribute__((target("avx512f,fma"))) double wide(long rounds) { return run<16>(rounds); }
__attribute__((target("avx2,fma"))) double narrow(long rounds) { return run<8>(rounds); }

}  // namespace

int main() {
  const char* most = getenv("ONEDNN_MAX_CPU_ISA");  // a processor that is held below AVX-512 is measured as that
  const bool avx512 = __builtin_cpu_supports("avx512f") && !(most && !strncmp(most, "AVX2", 4));
  if (!avx512 && !(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))) {
    fprintf(stderr, "bench-peak: this processor has neither AVX-512 nor AVX2 with FMA\n");
    return 1;
  }
  double best = 0;
  for (int i = 0; i < 5; i++) {
    const double v = avx512 ? wide(20000000) : narrow(20000000);
    if (v > best) best = v;
  }
  printf("%s, float32, one core: %.0f GFLOP/s\n", avx512 ? "AVX-512" : "AVX2", best);
}
