/* The C interface of the libtorch shim. See README.md for its rules. The prefix is ocg_ (OpenCarbon in Go): oc_ is taken
   by netCDF, which GDAL brings into the same process. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef void* ocg_tensor; /* an at::Tensor on the heap; freed by ocg_free */
typedef char* ocg_error;  /* NULL, or a message to be freed by ocg_free_text */

/* Scalar types, in c10::ScalarType's numbering. */
enum { OCG_UINT8 = 0, OCG_INT8 = 1, OCG_INT16 = 2, OCG_INT32 = 3, OCG_INT64 = 4, OCG_FLOAT16 = 5, OCG_FLOAT32 = 6,
       OCG_FLOAT64 = 7, OCG_BOOL = 11, OCG_BFLOAT16 = 15 };

/* Memory formats. */
enum { OCG_KEEP_FORMAT = 0, OCG_CONTIGUOUS = 1, OCG_CHANNELS_LAST = 2 };

/* What a caller may want to know of a tensor, in one call. */
enum { OCG_MAX_DIMS = 16 };
typedef struct {
  int64_t dtype, device_type /* 0 cpu, 1 cuda, -1 other */, device_index, dims, numel;
  int64_t requires_grad, is_leaf, contiguous, channels_last, defined;
  int64_t sizes[OCG_MAX_DIMS], strides[OCG_MAX_DIMS];
} ocg_info_t;

/* ---- engine.cc: threads, modes, devices, random state ---- */
void ocg_free_text(ocg_error text);
const char* ocg_version(void);
ocg_error ocg_engine_enter(int64_t threads);
ocg_error ocg_engine_leave(void);
int64_t ocg_engine_here(void);
int64_t ocg_live(void);
ocg_error ocg_threads(int64_t* out);
ocg_error ocg_loop_threads(int64_t* out);
ocg_error ocg_grad_mode(int64_t enabled, int64_t* before);
ocg_error ocg_autocast(int64_t device_type, int64_t dtype, int64_t enabled, int64_t* before_enabled, int64_t* before_dtype);
ocg_error ocg_deterministic(int64_t enabled);
ocg_error ocg_cuda_count(int64_t* out);
ocg_error ocg_cuda_synchronize(int64_t index);
ocg_error ocg_manual_seed(int64_t seed);
ocg_error ocg_rng_state(int64_t device_type, int64_t index, ocg_tensor* out);
ocg_error ocg_set_rng_state(int64_t device_type, int64_t index, ocg_tensor state);

/* ---- memory.cc: the memory of CPU tensors ---- */
ocg_error ocg_pool_memory(int64_t enabled, int64_t* before);

/* ---- tensor.cc: make, look, copy ---- */
ocg_error ocg_adopt(ocg_tensor t); /* counts a handle that gotorch made */
void ocg_free(ocg_tensor* ts, int64_t n);
ocg_error ocg_info(ocg_tensor t, ocg_info_t* out);
ocg_error ocg_from_data(const void* data, int64_t bytes, int64_t dtype, const int64_t* sizes, int64_t dims,
                      int64_t device_type, int64_t device_index, ocg_tensor* out);
ocg_error ocg_to_data(ocg_tensor t, int64_t dtype, void* data, int64_t bytes);
ocg_error ocg_full(double value, int64_t dtype, const int64_t* sizes, int64_t dims, int64_t device_type,
                 int64_t device_index, ocg_tensor* out);
ocg_error ocg_arange(double start, double end, double step, int64_t dtype, int64_t device_type, int64_t device_index,
                   ocg_tensor* out);
ocg_error ocg_random(int64_t kind, double a, double b, int64_t dtype, const int64_t* sizes, int64_t dims,
                   int64_t device_type, int64_t device_index, ocg_tensor* out);
enum { OCG_UNIFORM, OCG_NORMAL, OCG_BERNOULLI, OCG_RANDINT, OCG_RANDPERM };
ocg_error ocg_to(ocg_tensor t, int64_t dtype, int64_t device_type, int64_t device_index, int64_t format,
               int64_t copy, ocg_tensor* out);
ocg_error ocg_pin(ocg_tensor t, ocg_tensor* out);
ocg_error ocg_copy_(ocg_tensor t, ocg_tensor src);
ocg_error ocg_string(ocg_tensor t, char** out);

/* ---- ops.cc ---- */
enum { OCG_NEG, OCG_ABS, OCG_EXP, OCG_LOG, OCG_LOG1P, OCG_SQRT, OCG_RSQRT, OCG_SQUARE, OCG_SIGN, OCG_FLOOR, OCG_ROUND, OCG_RELU,
       OCG_SIGMOID, OCG_TANH, OCG_GELU, OCG_SOFTPLUS, OCG_SIN, OCG_COS, OCG_ISNAN, OCG_ISFINITE, OCG_NOT, OCG_DETACH, OCG_CLONE,
       OCG_CONTIGUOUS_OP, OCG_ALIAS };
ocg_error ocg_unary(int64_t op, ocg_tensor a, ocg_tensor* out);
ocg_error ocg_unary_(int64_t op, ocg_tensor a);
enum { OCG_ADD, OCG_SUB, OCG_MUL, OCG_DIV, OCG_POW, OCG_MAXIMUM, OCG_MINIMUM, OCG_EQ, OCG_NE, OCG_LT, OCG_LE, OCG_GT, OCG_GE, OCG_AND,
       OCG_OR, OCG_MATMUL, OCG_BMM };
ocg_error ocg_binary(int64_t op, ocg_tensor a, ocg_tensor b, ocg_tensor* out);
ocg_error ocg_binary_(int64_t op, ocg_tensor a, ocg_tensor b);
ocg_error ocg_scalar(int64_t op, ocg_tensor a, double b, ocg_tensor* out);
ocg_error ocg_scalar_(int64_t op, ocg_tensor a, double b);
ocg_error ocg_fill_(ocg_tensor a, double value);
ocg_error ocg_clamp(ocg_tensor a, double low, double high, ocg_tensor* out);
ocg_error ocg_where(ocg_tensor condition, ocg_tensor a, ocg_tensor b, ocg_tensor* out);
ocg_error ocg_masked_fill(ocg_tensor a, ocg_tensor mask, double value, ocg_tensor* out);
enum { OCG_SUM, OCG_MEAN, OCG_AMAX, OCG_AMIN, OCG_LOGSUMEXP, OCG_VAR, OCG_NORM, OCG_ANY, OCG_ALL };
ocg_error ocg_reduce(int64_t op, ocg_tensor a, const int64_t* dims, int64_t n, int64_t keepdim, double arg, ocg_tensor* out);
enum { OCG_MAX, OCG_MIN, OCG_SORT };
ocg_error ocg_along(int64_t op, ocg_tensor a, int64_t dim, int64_t flag, ocg_tensor* values, ocg_tensor* indices);
ocg_error ocg_argmax(ocg_tensor a, int64_t dim, int64_t keepdim, ocg_tensor* out);
ocg_error ocg_softmax(ocg_tensor a, int64_t dim, ocg_tensor* out);
ocg_error ocg_cumsum(ocg_tensor a, int64_t dim, ocg_tensor* out);
enum { OCG_VIEW, OCG_RESHAPE, OCG_EXPAND, OCG_SQUEEZE, OCG_UNSQUEEZE, OCG_SELECT, OCG_NARROW, OCG_SLICE, OCG_FLIP, OCG_PAD,
       OCG_TRIL, OCG_TRIU, OCG_DIAG };
ocg_error ocg_shape(int64_t op, ocg_tensor a, const int64_t* args, int64_t n, ocg_tensor* out);
ocg_error ocg_cat(const ocg_tensor* ts, int64_t n, int64_t dim, ocg_tensor* out);
enum { OCG_GATHER, OCG_SCATTER_ADD, OCG_INDEX_ADD, OCG_INDEX_COPY_ };
ocg_error ocg_index(int64_t op, ocg_tensor a, int64_t dim, ocg_tensor index, ocg_tensor src, ocg_tensor* out);
ocg_error ocg_item(ocg_tensor a, double* out);
ocg_error ocg_equal(ocg_tensor a, ocg_tensor b, int64_t* out);

/* ---- nn.cc ---- */
ocg_error ocg_avg_pool2d(ocg_tensor x, const int64_t* kernel, const int64_t* stride, const int64_t* padding, ocg_tensor* out);
ocg_error ocg_interpolate(ocg_tensor x, int64_t h, int64_t w, int64_t mode, int64_t align_corners, ocg_tensor* out);
enum { OCG_NEAREST, OCG_BILINEAR };
ocg_error ocg_dropout(ocg_tensor x, double p, int64_t training, ocg_tensor* out);
ocg_error ocg_normalize(ocg_tensor x, double p, int64_t dim, double eps, ocg_tensor* out);
ocg_error ocg_cross_entropy(ocg_tensor x, ocg_tensor target, ocg_tensor* out);
ocg_error ocg_loss(int64_t kind, ocg_tensor x, ocg_tensor y, int64_t reduction, ocg_tensor* out);
enum { OCG_L1, OCG_MSE, OCG_SMOOTH_L1 };
enum { OCG_REDUCE_NONE, OCG_REDUCE_MEAN, OCG_REDUCE_SUM };

/* ---- points.cc ---- */
/* conv2d of the sparse input [tiles, C, height, width] that has value[i] at (tile, category, row, col)[i], int32 [n]
   sorted by tile. weight [O, C, k, k]; bias may be NULL. Gradients go to value, weight and bias. */
enum { OCG_ROAD_CHOSEN, OCG_ROAD_LOOP, OCG_ROAD_GATHERED, OCG_ROAD_DENSE }; /* ways to convolve points; the first chooses */
ocg_error ocg_point_conv2d(ocg_tensor value, ocg_tensor weight, ocg_tensor bias, ocg_tensor tile, ocg_tensor category,
                           ocg_tensor row, ocg_tensor col, int64_t tiles, int64_t height, int64_t width, int64_t stride,
                           int64_t padding,
                           int64_t road, ocg_tensor* out);

/* ---- pool.cc ---- */
ocg_error ocg_relu_max_pool2d(ocg_tensor x, int64_t kernel, int64_t stride, int64_t padding, ocg_tensor* out);

/* ---- winograd.cc ---- */
/* conv2d of x with filters w [K, C, 3, 3], stride 1, padding 1: on the CPU by Winograd's algorithm where that is quicker. */
ocg_error ocg_conv3x3(ocg_tensor x, ocg_tensor w, ocg_tensor* out);

/* ---- autograd.cc ---- */
ocg_error ocg_backward(ocg_tensor a, ocg_tensor gradient, int64_t retain_graph);
ocg_error ocg_grad(ocg_tensor a, ocg_tensor* out); /* *out = NULL when there is none */
ocg_error ocg_set_grad(ocg_tensor a, ocg_tensor grad);
ocg_error ocg_requires_grad_(ocg_tensor a, int64_t on);
ocg_error ocg_zero_grad(const ocg_tensor* ts, int64_t n);
ocg_error ocg_clip_grad_norm(const ocg_tensor* ts, int64_t n, double max_norm, ocg_tensor* total);

/* ---- optim.cc ---- */
ocg_error ocg_adam_step(const ocg_tensor* params, const ocg_tensor* m, const ocg_tensor* v, int64_t* steps, int64_t n,
                      double lr, double beta1, double beta2, double eps, double weight_decay, int64_t decoupled);
/* Adam on a GPU with the learning rate and the step's number as scalars there, so that a graph can be replayed with others. */
ocg_error ocg_adam_step_at(const ocg_tensor* params, const ocg_tensor* m, const ocg_tensor* v, int64_t n, ocg_tensor lr, ocg_tensor step,
                           double beta1, double beta2, double eps, double weight_decay, int64_t decoupled);
/* averages[i] = decay * averages[i] + (1 - decay) * params[i], on a GPU in two kernels for all. */
ocg_error ocg_average_step(const ocg_tensor* averages, const ocg_tensor* params, int64_t n, double decay);
ocg_error ocg_sgd_step(const ocg_tensor* params, const ocg_tensor* momentum_buffers, int64_t* steps, int64_t n, double lr,
                     double momentum, double weight_decay);

/* ---- graph.cc ---- */
typedef void* ocg_graph; /* a CUDA graph */
ocg_error ocg_graph_available(char** why); /* NULL: graphs can be made; freed by ocg_free_text */
ocg_error ocg_graph_begin(int64_t device_index, ocg_graph* out); /* until the end, this thread's work on the device is only written down */
ocg_error ocg_graph_end(ocg_graph g);
ocg_error ocg_graph_replay(ocg_graph g);
void ocg_graph_close(ocg_graph g);
ocg_error ocg_copy_async_(ocg_tensor dst, ocg_tensor src);         /* does not wait for the device */

/* ---- group.cc: several processes that train together ---- */
typedef void* ocg_store; /* a connection to the processes' common store of texts, c10d's TCPStore; used by one thread at a time */
typedef void* ocg_group; /* the processes' connections, c10d's ProcessGroupGloo */
int64_t ocg_group_available(void);
ocg_error ocg_store_open(const char* host, int64_t port, int64_t serve /* this process keeps the store */, const char* prefix,
                         int64_t timeout_ms, ocg_store* out);
void ocg_store_close(ocg_store s);
ocg_error ocg_store_set(ocg_store s, const char* key, const char* value);
ocg_error ocg_store_get(ocg_store s, const char* key, char** out); /* NULL: there is no such key; freed by ocg_free_text */
ocg_error ocg_group_open(ocg_store s, int64_t rank, int64_t world, int64_t timeout_ms, const char* address,
                         int64_t is_interface, ocg_group* out);
void ocg_group_close(ocg_group g);
int64_t ocg_group_at(ocg_group g); /* collectives entered so far; any thread may ask */
/* Sums the gradients of ts, and tail, over the processes, in one collective. */
ocg_error ocg_group_sum(ocg_group g, const ocg_tensor* ts, int64_t n, double* tail, int64_t tails);
ocg_error ocg_group_numbers(ocg_group g, double* v, int64_t n, double* all /* [world, n] */);
ocg_error ocg_group_broadcast(ocg_group g, const ocg_tensor* ts, int64_t n, int64_t root);
/* Every process's first counts[its rank] rows of x [n, width], one behind the other. The gradient of a process's rows is
   multiplied by scale: each is to go on with 1/scale of the loss. */
ocg_error ocg_group_rows(ocg_group g, ocg_tensor x, const int64_t* counts, double scale, ocg_tensor* out);
/* How many of its rows ocg_group_batch_norm shall count in this process: 0 none, else all. */
ocg_error ocg_group_share(ocg_group g, int64_t rows);
/* batch_norm in training by the statistics of all processes' rows. */
ocg_error ocg_group_batch_norm(ocg_group g, ocg_tensor x, ocg_tensor w, ocg_tensor b, ocg_tensor running_mean, ocg_tensor running_var,
                               double momentum, double eps, ocg_tensor* out);
ocg_error ocg_nccl_available(char** why); /* NULL: groups can use NCCL; else why not, freed by ocg_free_text */
/* From now on what processes exchange of CUDA tensors goes by NCCL, from the GPU of that number. All processes call it. */
ocg_error ocg_group_nccl(ocg_group g, int64_t device_index, int64_t timeout_ms);

/* ---- parts.cc: sums over a batch's rows in a fixed order, whatever number of processes makes them ---- */
/* A batch is cut into parts, of which every process has as many, own, a power of two, in the order of the processes; g is NULL
   where one process has them all. batch_norm: xs [n], ws and bs [n] are of those parts of this process that have rows, slots
   which of its parts each is, -1: its rows do not count. The statistics are those of all parts of all processes. */
ocg_error ocg_parts_batch_norm(ocg_group g, const ocg_tensor* xs, const ocg_tensor* ws, const ocg_tensor* bs, const int64_t* slots,
                               int64_t n, int64_t own, ocg_tensor running_mean, ocg_tensor running_var, double momentum, double eps,
                               ocg_tensor* out /* [n] */);
/* Adds to the gradients of ts the sum of those of the parts' own copies of ts, leaves [own][n], NULL for a part without rows;
   counted [world] says which processes have rows. */
ocg_error ocg_parts_gradients(ocg_group g, const ocg_tensor* ts, int64_t n, const ocg_tensor* leaves, int64_t own,
                              const int64_t* counted, int64_t world);

#ifdef __cplusplus
}
#endif
