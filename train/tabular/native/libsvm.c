#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "loader.h"

struct svm_problem {
  int l;
  double *y;
  struct svm_node **x;
};

struct svm_parameter {
  int svm_type, kernel_type, degree;
  double gamma, coef0;
  double cache_size, eps, C;
  int nr_weight;
  int *weight_label;
  double *weight;
  double nu, p;
  int shrinking, probability;
};

enum { epsilon_svr = 3, rbf = 2 };

// The beginning of libsvm's model, the same since version 3.0.
struct svm_model {
  struct svm_parameter param;
  int nr_class, l;
  struct svm_node **SV;
  double **sv_coef;
  double *rho;
};

static struct table {
  struct svm_model *(*train)(const struct svm_problem *, const struct svm_parameter *);
  double (*predict)(const struct svm_model *, const struct svm_node *);
  const char *(*check)(const struct svm_problem *, const struct svm_parameter *);
  void (*indices)(const struct svm_model *, int *);
  void (*destroy)(struct svm_model **);
  void (*print)(void (*)(const char *));
} svm;

static void quiet(const char *text) { (void)text; }

static void say(char *error, const char *text) { snprintf(error, error_size, "%s", text ? text : "unknown error"); }

int svm_open(const char *name, char *error) {
  void *lib = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!lib) {
    say(error, dlerror());
    return -1;
  }
  int *version = dlsym(lib, "libsvm_version");
  if (!version || *version < 300 || *version >= 400) {
    say(error, "is no libsvm of version 3");
    dlclose(lib);
    return -1;
  }
  struct table found; // taken over when it is whole
  const struct { void *at; const char *name; } symbols[] = {
      {&found.train, "svm_train"}, {&found.predict, "svm_predict"}, {&found.check, "svm_check_parameter"},
      {&found.indices, "svm_get_sv_indices"}, {&found.destroy, "svm_free_and_destroy_model"}, {&found.print, "svm_set_print_string_function"}};
  for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
    void *f = dlsym(lib, symbols[i].name);
    if (!f) {
      snprintf(error, error_size, "has no %s", symbols[i].name);
      dlclose(lib);
      return -1;
    }
    memcpy(symbols[i].at, &f, sizeof f);
  }
  svm = found;
  svm.print(quiet);
  return 0;
}

struct svm_node **svm_rows(const double *x, int n, int d) {
  struct svm_node **rows = malloc((size_t)n * sizeof *rows);
  struct svm_node *node = malloc((size_t)n * ((size_t)d + 1) * sizeof *node);
  if (!rows || !node) {
    free(rows);
    free(node);
    return NULL;
  }
  for (int i = 0; i < n; i++) {
    rows[i] = node;
    for (int j = 0; j < d; j++, node++) {
      node->index = j + 1;
      node->value = x[(size_t)i * d + j];
    }
    (node++)->index = -1;
  }
  return rows;
}

void svm_rows_free(struct svm_node **rows) {
  if (rows) free(rows[0]);
  free(rows);
}

int svm_train_rbf(struct svm_node **rows, const double *y, int n, double c, double gamma, double epsilon, double tolerance,
                  double cache_mb, struct svm_fit *out, char *error) {
  struct svm_parameter p = {.svm_type = epsilon_svr, .kernel_type = rbf, .gamma = gamma, .cache_size = cache_mb,
                            .eps = tolerance, .C = c, .p = epsilon, .shrinking = 1};
  struct svm_problem q = {.l = n, .y = (double *)y, .x = rows};
  const char *wrong = svm.check(&q, &p);
  if (wrong) {
    say(error, wrong);
    return -1;
  }
  struct svm_model *m = svm.train(&q, &p);
  if (!m) {
    say(error, "svm_train gave no model");
    return -1;
  }
  memset(out, 0, sizeof *out);
  out->vectors = m->l;
  out->rho = m->rho[0];
  out->probe = svm.predict(m, rows[0]);
  // One element more, so that no vectors is not taken for no memory.
  out->index = malloc(((size_t)m->l + 1) * sizeof *out->index);
  out->coefficient = malloc(((size_t)m->l + 1) * sizeof *out->coefficient);
  int rc = 0;
  if (!out->index || !out->coefficient) {
    svm_fit_free(out);
    say(error, "out of memory");
    rc = -1;
  } else {
    svm.indices(m, out->index);
    for (int i = 0; i < m->l; i++) {
      out->index[i]--;
      out->coefficient[i] = m->sv_coef[0][i];
    }
  }
  svm.destroy(&m);
  return rc;
}

void svm_fit_free(struct svm_fit *fit) {
  free(fit->index);
  free(fit->coefficient);
  fit->index = NULL;
  fit->coefficient = NULL;
}
