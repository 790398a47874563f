/* The C interface of OpenCarbon's libtorch shim. See README.md for its rules. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef void* oc_tensor; /* an at::Tensor on the heap; freed by oc_free */
typedef char* oc_error;  /* NULL, or a message to be freed by oc_free_text */

/* Scalar types, in c10::ScalarType's numbering. */
enum { OC_UINT8 = 0, OC_INT8 = 1, OC_INT16 = 2, OC_INT32 = 3, OC_INT64 = 4, OC_FLOAT16 = 5, OC_FLOAT32 = 6,
       OC_FLOAT64 = 7, OC_BOOL = 11, OC_BFLOAT16 = 15 };

/* Memory formats. */
enum { OC_KEEP_FORMAT = 0, OC_CONTIGUOUS = 1, OC_CHANNELS_LAST = 2 };

/* What a caller may want to know of a tensor, in one call. */
enum { OC_MAX_DIMS = 16 };
typedef struct {
  int64_t dtype, device_type /* 0 cpu, 1 cuda, -1 other */, device_index, dims, numel;
  int64_t requires_grad, is_leaf, contiguous, channels_last, defined;
  int64_t sizes[OC_MAX_DIMS], strides[OC_MAX_DIMS];
} oc_info_t;

/* ---- engine.cc: threads, modes, devices, random state ---- */
void oc_free_text(oc_error text);
const char* oc_version(void);
oc_error oc_engine_enter(int64_t threads);
oc_error oc_engine_leave(void);
int64_t oc_engine_here(void);
int64_t oc_live(void);
oc_error oc_threads(int64_t* out);
oc_error oc_grad_mode(int64_t enabled, int64_t* before);
oc_error oc_autocast(int64_t device_type, int64_t dtype, int64_t enabled, int64_t* before_enabled, int64_t* before_dtype);
oc_error oc_deterministic(int64_t enabled);
oc_error oc_cuda_count(int64_t* out);
oc_error oc_cuda_synchronize(int64_t index);
oc_error oc_manual_seed(int64_t seed);
oc_error oc_rng_state(int64_t device_type, int64_t index, oc_tensor* out);
oc_error oc_set_rng_state(int64_t device_type, int64_t index, oc_tensor state);

/* ---- tensor.cc: make, look, copy ---- */
oc_error oc_adopt(oc_tensor t); /* counts a handle that gotorch made */
void oc_free(oc_tensor* ts, int64_t n);
oc_error oc_info(oc_tensor t, oc_info_t* out);
oc_error oc_from_data(const void* data, int64_t bytes, int64_t dtype, const int64_t* sizes, int64_t dims,
                      int64_t device_type, int64_t device_index, oc_tensor* out);
oc_error oc_to_data(oc_tensor t, int64_t dtype, void* data, int64_t bytes);
oc_error oc_full(double value, int64_t dtype, const int64_t* sizes, int64_t dims, int64_t device_type,
                 int64_t device_index, oc_tensor* out);
oc_error oc_arange(double start, double end, double step, int64_t dtype, int64_t device_type, int64_t device_index,
                   oc_tensor* out);
oc_error oc_random(int64_t kind, double a, double b, int64_t dtype, const int64_t* sizes, int64_t dims,
                   int64_t device_type, int64_t device_index, oc_tensor* out);
enum { OC_UNIFORM, OC_NORMAL, OC_BERNOULLI, OC_RANDINT, OC_RANDPERM };
oc_error oc_to(oc_tensor t, int64_t dtype, int64_t device_type, int64_t device_index, int64_t format,
               int64_t copy, oc_tensor* out);
oc_error oc_pin(oc_tensor t, oc_tensor* out);
oc_error oc_copy_(oc_tensor t, oc_tensor src);
oc_error oc_string(oc_tensor t, char** out);

/* ---- ops.cc ---- */
enum { OC_NEG, OC_ABS, OC_EXP, OC_LOG, OC_LOG1P, OC_SQRT, OC_RSQRT, OC_SQUARE, OC_SIGN, OC_FLOOR, OC_ROUND, OC_RELU,
       OC_SIGMOID, OC_TANH, OC_GELU, OC_SOFTPLUS, OC_SIN, OC_COS, OC_ISNAN, OC_ISFINITE, OC_NOT, OC_DETACH, OC_CLONE,
       OC_CONTIGUOUS_OP, OC_ALIAS };
oc_error oc_unary(int64_t op, oc_tensor a, oc_tensor* out);
oc_error oc_unary_(int64_t op, oc_tensor a);
enum { OC_ADD, OC_SUB, OC_MUL, OC_DIV, OC_POW, OC_MAXIMUM, OC_MINIMUM, OC_EQ, OC_NE, OC_LT, OC_LE, OC_GT, OC_GE, OC_AND,
       OC_OR, OC_MATMUL, OC_BMM };
oc_error oc_binary(int64_t op, oc_tensor a, oc_tensor b, oc_tensor* out);
oc_error oc_binary_(int64_t op, oc_tensor a, oc_tensor b);
oc_error oc_scalar(int64_t op, oc_tensor a, double b, oc_tensor* out);
oc_error oc_scalar_(int64_t op, oc_tensor a, double b);
oc_error oc_fill_(oc_tensor a, double value);
oc_error oc_clamp(oc_tensor a, double low, double high, oc_tensor* out);
oc_error oc_where(oc_tensor condition, oc_tensor a, oc_tensor b, oc_tensor* out);
oc_error oc_masked_fill(oc_tensor a, oc_tensor mask, double value, oc_tensor* out);
enum { OC_SUM, OC_MEAN, OC_AMAX, OC_AMIN, OC_LOGSUMEXP, OC_VAR, OC_NORM, OC_ANY, OC_ALL };
oc_error oc_reduce(int64_t op, oc_tensor a, const int64_t* dims, int64_t n, int64_t keepdim, double arg, oc_tensor* out);
enum { OC_MAX, OC_MIN, OC_SORT };
oc_error oc_along(int64_t op, oc_tensor a, int64_t dim, int64_t flag, oc_tensor* values, oc_tensor* indices);
oc_error oc_argmax(oc_tensor a, int64_t dim, int64_t keepdim, oc_tensor* out);
oc_error oc_softmax(oc_tensor a, int64_t dim, oc_tensor* out);
oc_error oc_cumsum(oc_tensor a, int64_t dim, oc_tensor* out);
enum { OC_VIEW, OC_RESHAPE, OC_EXPAND, OC_SQUEEZE, OC_UNSQUEEZE, OC_SELECT, OC_NARROW, OC_SLICE, OC_FLIP, OC_PAD,
       OC_TRIL, OC_TRIU, OC_DIAG };
oc_error oc_shape(int64_t op, oc_tensor a, const int64_t* args, int64_t n, oc_tensor* out);
oc_error oc_cat(const oc_tensor* ts, int64_t n, int64_t dim, oc_tensor* out);
enum { OC_GATHER, OC_SCATTER_ADD, OC_INDEX_ADD };
oc_error oc_index(int64_t op, oc_tensor a, int64_t dim, oc_tensor index, oc_tensor src, oc_tensor* out);
oc_error oc_item(oc_tensor a, double* out);
oc_error oc_equal(oc_tensor a, oc_tensor b, int64_t* out);

/* ---- nn.cc ---- */
oc_error oc_avg_pool2d(oc_tensor x, const int64_t* kernel, const int64_t* stride, const int64_t* padding, oc_tensor* out);
oc_error oc_interpolate(oc_tensor x, int64_t h, int64_t w, int64_t mode, int64_t align_corners, oc_tensor* out);
enum { OC_NEAREST, OC_BILINEAR };
oc_error oc_dropout(oc_tensor x, double p, int64_t training, oc_tensor* out);
oc_error oc_normalize(oc_tensor x, double p, int64_t dim, double eps, oc_tensor* out);
oc_error oc_cross_entropy(oc_tensor x, oc_tensor target, oc_tensor* out);
oc_error oc_loss(int64_t kind, oc_tensor x, oc_tensor y, int64_t reduction, oc_tensor* out);
enum { OC_L1, OC_MSE, OC_SMOOTH_L1 };
enum { OC_REDUCE_NONE, OC_REDUCE_MEAN, OC_REDUCE_SUM };
/* Scatters n points into zeros [tiles, categories, height, width]. */
oc_error oc_points_to_dense(const int32_t* tile, const uint16_t* category, const uint16_t* row, const uint16_t* col,
                            const float* count, int64_t n, int64_t tiles, int64_t categories, int64_t height,
                            int64_t width, int64_t device_type, int64_t device_index, oc_tensor* out);

/* ---- autograd.cc ---- */
oc_error oc_backward(oc_tensor a, oc_tensor gradient, int64_t retain_graph);
oc_error oc_grad(oc_tensor a, oc_tensor* out); /* *out = NULL when there is none */
oc_error oc_set_grad(oc_tensor a, oc_tensor grad);
oc_error oc_requires_grad_(oc_tensor a, int64_t on);
oc_error oc_zero_grad(const oc_tensor* ts, int64_t n);
oc_error oc_clip_grad_norm(const oc_tensor* ts, int64_t n, double max_norm, double* total);

/* ---- optim.cc ---- */
oc_error oc_adam_step(const oc_tensor* params, const oc_tensor* m, const oc_tensor* v, int64_t* steps, int64_t n,
                      double lr, double beta1, double beta2, double eps, double weight_decay, int64_t decoupled);
oc_error oc_sgd_step(const oc_tensor* params, const oc_tensor* momentum_buffers, int64_t* steps, int64_t n, double lr,
                     double momentum, double weight_decay);

#ifdef __cplusplus
}
#endif
