// What of libsvm's and XGBoost's C interfaces is used here, declared anew, and
// opened when it is asked for: building needs neither headers nor libraries,
// and who has none of them can do everything else.
#pragma once
#include <stdint.h>
#include <stdlib.h>

// Errors come back with the call that made them, as text of this size.
enum { error_size = 1024 };

// --- libsvm 3.x (svm.h); structs as there -------------------------------------

struct svm_node {
  int index; // from 1, rising; -1 closes a row
  double value;
};

// Opens a library by its name or path: 0 done, -1 with text in error.
int svm_open(const char *name, char *error);

// One fitted machine: f(x) = sum coefficient[i] k(sv[i], x) - rho.
struct svm_fit {
  int vectors;          // how many support vectors
  int *index;           // [vectors] rows of the training set, from 0
  double *coefficient;  // [vectors]
  double rho;
  double probe;         // libsvm's own prediction of row 0, to hold ours against
};

// Rows as libsvm wants them, from x [n, d] row-major: one allocation, freed by
// svm_rows_free. NULL: no memory.
struct svm_node **svm_rows(const double *x, int n, int d);
void svm_rows_free(struct svm_node **rows);

// eps-SVR with the kernel exp(-gamma |a - b|^2): 0 done, -1 with text in error.
int svm_train_rbf(struct svm_node **rows, const double *y, int n, double c, double gamma, double epsilon, double tolerance,
                  double cache_mb, struct svm_fit *out, char *error);
void svm_fit_free(struct svm_fit *fit);

// --- XGBoost 1.6 or newer (c_api.h) -------------------------------------------

int xgb_open(const char *name, char *error);

// All of these: 0 done, -1 with text in error.
int xgb_matrix(const float *x, uint64_t n, uint64_t d, const float *y, void **matrix, char *error); // y may be NULL
int xgb_matrix_free(void *matrix);
int xgb_booster(void *matrix, void **booster, char *error); // matrix may be NULL
int xgb_booster_free(void *booster);
int xgb_set(void *booster, const char *name, const char *value, char *error);
int xgb_update(void *booster, int round, void *matrix, char *error);
int xgb_predict(void *booster, void *matrix, float *out, uint64_t n, char *error);
int xgb_slice(void *booster, int rounds, void **first, char *error); // the first rounds alone
int xgb_save(void *booster, void **bytes, uint64_t *size, char *error); // bytes are freed by the caller
int xgb_load(void *booster, const void *bytes, uint64_t size, char *error);
