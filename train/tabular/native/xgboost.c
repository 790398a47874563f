#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "loader.h"

static struct table {
  const char *(*last_error)(void);
  int (*matrix)(const float *, uint64_t, uint64_t, float, void **);
  int (*matrix_free)(void *);
  int (*info)(void *, const char *, const float *, uint64_t);
  int (*booster)(void *const *, uint64_t, void **);
  int (*booster_free)(void *);
  int (*set)(void *, const char *, const char *);
  int (*update)(void *, int, void *);
  int (*predict)(void *, void *, int, unsigned, int, uint64_t *, const float **);
  int (*slice)(void *, int, int, int, void **);
  int (*save)(void *, const char *, uint64_t *, const char **);
  int (*load)(void *, const void *, uint64_t);
} xgb;

int xgb_open(const char *name, char *error) {
  void *lib = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!lib) {
    snprintf(error, error_size, "%s", dlerror());
    return -1;
  }
  struct table found; // taken over when it is whole
  const struct { void *at; const char *name; } symbols[] = {
      {&found.last_error, "XGBGetLastError"}, {&found.matrix, "XGDMatrixCreateFromMat"},
      {&found.matrix_free, "XGDMatrixFree"}, {&found.info, "XGDMatrixSetFloatInfo"}, {&found.booster, "XGBoosterCreate"},
      {&found.booster_free, "XGBoosterFree"}, {&found.set, "XGBoosterSetParam"}, {&found.update, "XGBoosterUpdateOneIter"},
      {&found.predict, "XGBoosterPredict"}, {&found.slice, "XGBoosterSlice"}, {&found.save, "XGBoosterSaveModelToBuffer"},
      {&found.load, "XGBoosterLoadModelFromBuffer"}};
  for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
    void *f = dlsym(lib, symbols[i].name);
    if (!f) {
      snprintf(error, error_size, "has no %s: XGBoost 1.6 or newer is needed", symbols[i].name);
      dlclose(lib);
      return -1;
    }
    memcpy(symbols[i].at, &f, sizeof f);
  }
  xgb = found;
  return 0;
}

// The message belongs to the thread: it is fetched in the call that failed.
static int done(int rc, char *error) {
  if (rc) snprintf(error, error_size, "%s", xgb.last_error());
  return rc ? -1 : 0;
}

int xgb_matrix(const float *x, uint64_t n, uint64_t d, const float *y, void **matrix, char *error) {
  if (done(xgb.matrix(x, n, d, NAN, matrix), error)) return -1;
  if (y && done(xgb.info(*matrix, "label", y, n), error)) {
    xgb.matrix_free(*matrix);
    return -1;
  }
  return 0;
}

int xgb_matrix_free(void *matrix) { return xgb.matrix_free(matrix); }

int xgb_booster(void *matrix, void **booster, char *error) {
  return done(xgb.booster(&matrix, matrix ? 1 : 0, booster), error);
}

int xgb_booster_free(void *booster) { return xgb.booster_free(booster); }

int xgb_set(void *booster, const char *name, const char *value, char *error) { return done(xgb.set(booster, name, value), error); }

int xgb_update(void *booster, int round, void *matrix, char *error) { return done(xgb.update(booster, round, matrix), error); }

int xgb_predict(void *booster, void *matrix, float *out, uint64_t n, char *error) {
  uint64_t size = 0;
  const float *found = NULL;
  if (done(xgb.predict(booster, matrix, 0, 0, 0, &size, &found), error)) return -1;
  if (size != n) {
    snprintf(error, error_size, "%llu predictions of %llu rows", (unsigned long long)size, (unsigned long long)n);
    return -1;
  }
  memcpy(out, found, n * sizeof *out);
  return 0;
}

int xgb_slice(void *booster, int rounds, void **first, char *error) { return done(xgb.slice(booster, 0, rounds, 1, first), error); }

int xgb_save(void *booster, void **bytes, uint64_t *size, char *error) {
  const char *found = NULL;
  if (done(xgb.save(booster, "{\"format\": \"ubj\"}", size, &found), error)) return -1;
  *bytes = malloc(*size + 1);
  if (!*bytes) {
    snprintf(error, error_size, "out of memory");
    return -1;
  }
  memcpy(*bytes, found, *size);
  return 0;
}

int xgb_load(void *booster, const void *bytes, uint64_t size, char *error) { return done(xgb.load(booster, bytes, size), error); }
