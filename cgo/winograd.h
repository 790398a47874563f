// The arithmetic of winograd.cc: F(4 x 4, 3 x 3) of Lavin and Gray (CVPR 2016), on images that lie NHWC in memory. A tile of
// 4 x 4 outputs sees 6 x 6 inputs; both become 36 points in which the convolution is one product of matrices each, so that an
// output costs 2.25 multiplications a channel in place of 9. Each output adds its channels from the first to the last, whatever
// the number of threads and images: numbers do not depend on either.
#pragma once
#include <algorithm>
#include <cstdint>

namespace oc {
namespace winograd {

constexpr int64_t kPoints = 36;
constexpr int64_t kEdge = 4;    // of a tile's outputs
constexpr int64_t kPanel = 32;  // channels come in multiples of it
constexpr int64_t kPad = 16;    // floats between the points, which else would fall on the same lines of the cache

struct Shape {
  int64_t N, H, W, C, K;  // images, height, width, channels in and out
  int64_t down() const { return (H + kEdge - 1) / kEdge; }
  int64_t across() const { return (W + kEdge - 1) / kEdge; }
  int64_t tiles() const { return N * down() * across(); }
};

// Filters [K, C, 3, 3] as they are read: (k, c, tap) lies at k * per_k + c * per_c + tap, or 8 - tap where turned.
struct Filters {
  const float* at;
  int64_t per_k, per_c;
  bool turned;
};

inline int64_t points(int64_t n) { return n + kPad; }  // from one point to the next

// Vectors wider than the default target's never leave a function: all is inlined into those for the processor.
#pragma GCC diagnostic ignored "-Wpsabi"
#define OC_INLINE inline __attribute__((always_inline))

template <int width>
struct Lanes {
  typedef float type __attribute__((vector_size(4 * width)));
  typedef float loose __attribute__((vector_size(4 * width), aligned(4), may_alias));
};
template <int width>
OC_INLINE typename Lanes<width>::type load(const float* p) { return *reinterpret_cast<const typename Lanes<width>::loose*>(p); }
template <int width>
OC_INLINE void store(float* p, const typename Lanes<width>::type& v) { *reinterpret_cast<typename Lanes<width>::loose*>(p) = v; }

// m [rows, 2 width] = v [rows, C] u [C, 2 width]; rows of v and m lie C and K apart.
template <int width, int rows>
OC_INLINE void rows_product(const float* v, int64_t C, const float* u, float* m, int64_t K) {
  typename Lanes<width>::type sum[rows][2];
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++) sum[r][0] = sum[r][1] = typename Lanes<width>::type{};
  for (int64_t c = 0; c < C; c++, u += 2 * width) {
    const auto a = load<width>(u), b = load<width>(u + width);
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++) {
      const float x = v[r * C + c];
      sum[r][0] += a * x;
      sum[r][1] += b * x;
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++) {
    store<width>(m + r * K, sum[r][0]);
    store<width>(m + r * K + width, sum[r][1]);
  }
}

// m [P, K] = v [P, C] u [C, K], u in panels of 2 width columns.
template <int width, int rows>
OC_INLINE void product(const float* v, const float* u, float* m, int64_t P, int64_t C, int64_t K) {
  for (int64_t k = 0; k < K; k += 2 * width) {
    int64_t p = 0;
    for (; p + rows <= P; p += rows) rows_product<width, rows>(v + p * C, C, u + k * C, m + p * K + k, K);
    for (; p + 4 <= P; p += 4) rows_product<width, 4>(v + p * C, C, u + k * C, m + p * K + k, K);
    for (; p < P; p++) rows_product<width, 1>(v + p * C, C, u + k * C, m + p * K + k, K);
  }
}

// m [rows, 2 width] += v' d of v [P, rows] and d [P, 2 width].
template <int width, int rows>
OC_INLINE void rows_sum(const float* v, int64_t C, const float* d, int64_t K, float* m, int64_t P) {
  typename Lanes<width>::type sum[rows][2];
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++) {
    sum[r][0] = load<width>(m + r * K);
    sum[r][1] = load<width>(m + r * K + width);
  }
  for (int64_t p = 0; p < P; p++, v += C, d += K) {
    const auto a = load<width>(d), b = load<width>(d + width);
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++) {
      const float x = v[r];
      sum[r][0] += a * x;
      sum[r][1] += b * x;
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++) {
    store<width>(m + r * K, sum[r][0]);
    store<width>(m + r * K + width, sum[r][1]);
  }
}

// m [C, K] += v' d of v [P, C] and d [P, K].
template <int width, int rows>
OC_INLINE void outer_sum(const float* v, const float* d, float* m, int64_t P, int64_t C, int64_t K) {
  for (int64_t k = 0; k < K; k += 2 * width)
    for (int64_t c = 0; c < C; c += rows) rows_sum<width, rows>(v + c, C, d + k, K, m + c * K + k, P);
}

// The transforms of a line, with the points 0, 1, -1, 2, -2 and infinity: of inputs, 6 to 6 ...
template <class V>
OC_INLINE void input_line(const V* d, int from, V* o, int to) {
  const V d0 = d[0], d1 = d[from], d2 = d[2 * from], d3 = d[3 * from], d4 = d[4 * from], d5 = d[5 * from];
  const V a = d4 - 4.f * d2, b = d3 - 4.f * d1, c = d4 - d2, e = 2.f * (d3 - d1);
  o[0] = 4.f * d0 - 5.f * d2 + d4;
  o[to] = a + b;
  o[2 * to] = a - b;
  o[3 * to] = c + e;
  o[4 * to] = c - e;
  o[5 * to] = 4.f * d1 - 5.f * d3 + d5;
}
// ... of outputs, 6 to 4 ...
template <class V>
OC_INLINE void output_line(const V* d, int from, V* o, int to) {
  const V a = d[from] + d[2 * from], b = d[from] - d[2 * from], c = d[3 * from] + d[4 * from], e = d[3 * from] - d[4 * from];
  o[0] = d[0] + a + c;
  o[to] = b + 2.f * e;
  o[2 * to] = a + 4.f * c;
  o[3 * to] = b + 8.f * e + d[5 * from];
}
// ... of outputs' gradients, 4 to 6 (output_line's transpose) ...
template <class V>
OC_INLINE void gradient_line(const V* y, int from, V* o, int to) {
  const V y0 = y[0], y1 = y[from], y2 = y[2 * from], y3 = y[3 * from];
  const V a = y0 + y2, b = y1 + y3, c = y0 + 4.f * y2, e = 2.f * y1 + 8.f * y3;
  o[0] = y0;
  o[to] = a + b;
  o[2 * to] = a - b;
  o[3 * to] = c + e;
  o[4 * to] = c - e;
  o[5 * to] = y3;
}
// ... of filters, 3 to 6 ...
template <class V>
OC_INLINE void filter_line(const V* g, int from, V* o, int to) {
  const V a = g[0] + g[2 * from], b = g[from], c = g[0] + 4.f * g[2 * from];
  o[0] = g[0] * 0.25f;
  o[to] = (a + b) * (-1.f / 6);
  o[2 * to] = (a - b) * (-1.f / 6);
  o[3 * to] = (c + 2.f * b) * (1.f / 24);
  o[4 * to] = (c - 2.f * b) * (1.f / 24);
  o[5 * to] = g[2 * from];
}
// ... and of filters' gradients, 6 to 3 (its transpose).
template <class V>
OC_INLINE void filter_gradient_line(const V* m, int from, V* o, int to) {
  const V a = m[from] + m[2 * from], b = m[from] - m[2 * from], c = m[3 * from] + m[4 * from], e = m[3 * from] - m[4 * from];
  o[0] = 0.25f * m[0] - a * (1.f / 6) + c * (1.f / 24);
  o[to] = e * (1.f / 12) - b * (1.f / 6);
  o[2 * to] = (c - a) * (1.f / 6) + m[5 * from];
}

// Where tile t lies.
struct Place {
  int64_t n, y, x;
  Place(const Shape& s, int64_t t) : n(t / (s.down() * s.across())), y(t / s.across() % s.down() * kEdge), x(t % s.across() * kEdge) {}
};

// v [36][to - from, C] of x's tiles.
template <int width>
OC_INLINE void transform_inputs(const Shape& s, const float* x, int64_t from, int64_t to, float* v, int64_t step) {
  typedef typename Lanes<width>::type vec;
  for (int64_t t = from; t < to; t++) {
    const Place at(s, t);
    const int64_t y0 = at.y - 1, x0 = at.x - 1;
    const bool inside = y0 >= 0 && x0 >= 0 && y0 + 6 <= s.H && x0 + 6 <= s.W;
    for (int64_t c = 0; c < s.C; c += width) {
      vec d[36], e[36];
      const float* base = x + ((at.n * s.H + y0) * s.W + x0) * s.C + c;
      if (inside) {
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++)
#pragma GCC unroll 6
          for (int j = 0; j < 6; j++) d[6 * i + j] = load<width>(base + (i * s.W + j) * s.C);
      } else {
        for (int i = 0; i < 6; i++)
          for (int j = 0; j < 6; j++) {
            const bool in = y0 + i >= 0 && y0 + i < s.H && x0 + j >= 0 && x0 + j < s.W;
            d[6 * i + j] = in ? load<width>(base + (i * s.W + j) * s.C) : vec{};
          }
      }
#pragma GCC unroll 6
      for (int j = 0; j < 6; j++) input_line(d + j, 6, e + j, 6);
      float* out = v + (t - from) * s.C + c;
#pragma GCC unroll 6
      for (int i = 0; i < 6; i++) {
        vec o[6];
        input_line(e + 6 * i, 1, o, 1);
#pragma GCC unroll 6
        for (int j = 0; j < 6; j++) store<width>(out + (6 * i + j) * step, o[j]);
      }
    }
  }
}

// y's tiles of m [36][to - from, K].
template <int width>
OC_INLINE void transform_outputs(const Shape& s, const float* m, int64_t step, int64_t from, int64_t to, float* y) {
  typedef typename Lanes<width>::type vec;
  for (int64_t t = from; t < to; t++) {
    const Place at(s, t);
    const int64_t h = std::min(kEdge, s.H - at.y), w = std::min(kEdge, s.W - at.x);
    for (int64_t k = 0; k < s.K; k += width) {
      vec e[24];
      const float* in = m + (t - from) * s.K + k;
#pragma GCC unroll 6
      for (int j = 0; j < 6; j++) {
        vec d[6];
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++) d[i] = load<width>(in + (6 * i + j) * step);
        output_line(d, 1, e + j, 6);
      }
      float* out = y + ((at.n * s.H + at.y) * s.W + at.x) * s.K + k;
      for (int i = 0; i < h; i++) {
        vec o[4];
        output_line(e + 6 * i, 1, o, 1);
        for (int j = 0; j < w; j++) store<width>(out + (i * s.W + j) * s.K, o[j]);
      }
    }
  }
}

// d [36][to - from, K] of the tiles of y's gradient.
template <int width>
OC_INLINE void transform_gradients(const Shape& s, const float* y, int64_t from, int64_t to, float* d, int64_t step) {
  typedef typename Lanes<width>::type vec;
  for (int64_t t = from; t < to; t++) {
    const Place at(s, t);
    const int64_t h = std::min(kEdge, s.H - at.y), w = std::min(kEdge, s.W - at.x);
    for (int64_t k = 0; k < s.K; k += width) {
      vec g[16], e[24];
      const float* in = y + ((at.n * s.H + at.y) * s.W + at.x) * s.K + k;
      for (int i = 0; i < kEdge; i++)
        for (int j = 0; j < kEdge; j++) g[4 * i + j] = i < h && j < w ? load<width>(in + (i * s.W + j) * s.K) : vec{};
#pragma GCC unroll 4
      for (int j = 0; j < 4; j++) gradient_line(g + j, 4, e + j, 4);
      float* out = d + (t - from) * s.K + k;
#pragma GCC unroll 6
      for (int i = 0; i < 6; i++) {
        vec o[6];
        gradient_line(e + 4 * i, 1, o, 1);
#pragma GCC unroll 6
        for (int j = 0; j < 6; j++) store<width>(out + (6 * i + j) * step, o[j]);
      }
    }
  }
}

// u [36][K / (2 width), C, 2 width] of filters, for the outputs k0 to k1.
template <int width>
OC_INLINE void transform_filters(const Filters& f, int64_t C, int64_t K, int64_t k0, int64_t k1, float* u) {
  typedef typename Lanes<width>::type vec;
  for (int64_t k = k0; k < k1; k += 2 * width)
    for (int64_t c = 0; c < C; c++) {
      float g[9][2 * width];
      for (int64_t l = 0; l < 2 * width; l++) {
        const float* from = f.at + (k + l) * f.per_k + c * f.per_c;
        for (int tap = 0; tap < 9; tap++) g[tap][l] = from[f.turned ? 8 - tap : tap];
      }
      for (int half = 0; half < 2; half++) {
        vec w[9], h[18];
#pragma GCC unroll 9
        for (int tap = 0; tap < 9; tap++) w[tap] = load<width>(g[tap] + half * width);
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++) filter_line(w + j, 3, h + j, 3);
        float* out = u + k * C + c * 2 * width + half * width;
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++) {
          vec o[6];
          filter_line(h + 3 * i, 1, o, 1);
#pragma GCC unroll 6
          for (int j = 0; j < 6; j++) store<width>(out + (6 * i + j) * points(C * K), o[j]);
        }
      }
    }
}

// The gradient [K, C, 3, 3] of the filters from m [36][C, K], for the inputs c0 to c1.
template <int width>
OC_INLINE void filter_gradients(const float* m, int64_t C, int64_t K, int64_t c0, int64_t c1, float* g) {
  typedef typename Lanes<width>::type vec;
  for (int64_t k = 0; k < K; k += width)
    for (int64_t c = c0; c < c1; c++) {
      vec d[36], e[18], o[9];
#pragma GCC unroll 36
      for (int i = 0; i < 36; i++) d[i] = load<width>(m + i * points(C * K) + c * K + k);
#pragma GCC unroll 6
      for (int j = 0; j < 6; j++) filter_gradient_line(d + j, 6, e + j, 6);
#pragma GCC unroll 3
      for (int i = 0; i < 3; i++) filter_gradient_line(e + 6 * i, 1, o + 3 * i, 1);
      for (int l = 0; l < width; l++)
        for (int tap = 0; tap < 9; tap++) g[((k + l) * C + c) * 9 + tap] = o[tap][l];
    }
}

}  // namespace winograd
}  // namespace oc
