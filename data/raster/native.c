//go:build !nogdal

/* GDAL states sizes as struct stat64, which glibc shows only when asked. */
#define _GNU_SOURCE

#include "native.h"

#include <dlfcn.h>
#include <string.h>

#include <cpl_conv.h>
#include <cpl_error.h>
#include <cpl_string.h>
#include <cpl_vsi.h>
#include <cpl_vsi_error.h>
#include <gdal.h>
#include <ogr_api.h>
#include <ogr_srs_api.h>

/* GDAL keeps only its last message, so a warning that follows a failure hides
   it. These keep the first of each kind, per thread. */
static __thread char failure[2048];
static __thread char warning[1024];

static void keep(char *dst, size_t size, const char *msg) {
  if (dst[0] != '\0' || msg == NULL) return;
  strncpy(dst, msg, size - 1);
  dst[size - 1] = '\0';
}

static void CPL_STDCALL on_error(CPLErr kind, CPLErrorNum num, const char *msg) {
  (void)num;
  if (kind >= CE_Failure) {
    keep(failure, sizeof failure, msg);
  } else if (kind == CE_Warning) {
    keep(warning, sizeof warning, msg);
  }
}

/* What a server needs of patience; the user's own setting stands. */
static void default_option(const char *key, const char *value) {
  if (!CPLGetConfigOption(key, NULL)) CPLSetConfigOption(key, value);
}

void ocraster_current_date(const char *date) { CPLSetConfigOption("OGR_CURRENT_DATE", date); }

void ocraster_install_handler(void) {
  CPLSetErrorHandler(on_error);
  default_option("GDAL_HTTP_MAX_RETRY", "4");
  default_option("GDAL_HTTP_RETRY_DELAY", "1");
  default_option("GDAL_HTTP_CONNECTTIMEOUT", "15");
  default_option("GDAL_HTTP_LOW_SPEED_TIME", "60");
  default_option("GDAL_HTTP_LOW_SPEED_LIMIT", "1");
  default_option("GDAL_HTTP_USERAGENT", "OpenCarbon (carbon emission mapping; reads inputs once and keeps them)");
  /* Sheets of nothing but texts have names in their first row too. */
  default_option("OGR_XLSX_HEADERS", "FORCE");
  default_option("OGR_XLS_HEADERS", "FORCE");
  default_option("OGR_ODS_HEADERS", "FORCE");
}

/* HDF5, below GDAL's netCDF driver, prints a page of its own on standard error
   for every attribute that is not there, on each thread anew: what GDAL makes of
   it comes back as an error anyway. The library is there only where GDAL has it. */
static void quiet_hdf5(void) {
  static __thread int done = 0;
  int (*set_auto)(long long stack, void *func, void *data);
  if (done) return;
  done = 1;
  *(void **)&set_auto = dlsym(RTLD_DEFAULT, "H5Eset_auto2");
  if (set_auto != NULL) set_auto(0 /* H5E_DEFAULT */, NULL, NULL);
}

void ocraster_error_reset(void) {
  quiet_hdf5();
  CPLErrorReset();
  failure[0] = '\0';
  warning[0] = '\0';
}

const char *ocraster_error_message(void) { return failure; }

const char *ocraster_warning_message(void) { return warning; }

const char *ocraster_version(void) { return GDALVersionInfo("RELEASE_NAME"); }

static OGRGeometryH from_wkb(const unsigned char *wkb, int size) {
  OGRGeometryH g = NULL;
  if (OGR_G_CreateFromWkb(wkb, NULL, &g, size) != OGRERR_NONE) return NULL;
  return g;
}

int ocraster_is_valid(const unsigned char *wkb, int size) {
  OGRGeometryH g = from_wkb(wkb, size);
  int ok;
  if (g == NULL) return -1;
  ok = OGR_G_IsValid(g) ? 1 : 0;
  OGR_G_DestroyGeometry(g);
  return ok;
}

/* Adds the polygons of g, which is consumed, to a multipolygon. */
static void add_polygons(OGRGeometryH all, OGRGeometryH g) {
  int i;
  OGRwkbGeometryType type;
  if (g == NULL) return;
  type = wkbFlatten(OGR_G_GetGeometryType(g));
  if (type == wkbPolygon) {
    OGR_G_AddGeometry(all, g);
  } else if (type == wkbMultiPolygon || type == wkbGeometryCollection) {
    for (i = 0; i < OGR_G_GetGeometryCount(g); i++) add_polygons(all, OGR_G_Clone(OGR_G_GetGeometryRef(g, i)));
  }
  OGR_G_DestroyGeometry(g);
}

/* Repairs the parts of a multipolygon, each by itself, and joins them. Repaired as
   one, parts that touch along an edge, as the cells of a district in an inventory
   do, would become a chessboard: GEOS takes every second face for a hole. */
static OGRGeometryH repair(OGRGeometryH g) {
  OGRGeometryH all, joined;
  int i;
  if (wkbFlatten(OGR_G_GetGeometryType(g)) != wkbMultiPolygon) return OGR_G_MakeValid(g);
  all = OGR_G_CreateGeometry(wkbMultiPolygon);
  for (i = 0; i < OGR_G_GetGeometryCount(g); i++) {
    OGRGeometryH part = OGR_G_GetGeometryRef(g, i);
    add_polygons(all, OGR_G_IsValid(part) ? OGR_G_Clone(part) : OGR_G_MakeValid(part));
  }
  joined = OGR_G_UnionCascaded(all);
  OGR_G_DestroyGeometry(all);
  return joined;
}

int ocraster_make_valid(const unsigned char *wkb, int size, unsigned char **out, int *out_size) {
  OGRGeometryH g = from_wkb(wkb, size), fixed;
  int n;
  if (g == NULL) return 0;
  fixed = repair(g);
  OGR_G_DestroyGeometry(g);
  if (fixed == NULL) return 0;
  n = OGR_G_WkbSize(fixed);
  *out = VSIMalloc(n > 0 ? n : 1);
  if (*out == NULL || OGR_G_ExportToWkb(fixed, wkbNDR, *out) != OGRERR_NONE) {
    VSIFree(*out);
    OGR_G_DestroyGeometry(fixed);
    return 0;
  }
  *out_size = n;
  OGR_G_DestroyGeometry(fixed);
  return 1;
}

char *ocraster_projjson(const char *wkt) {
  OGRSpatialReferenceH sr = OSRNewSpatialReference(wkt);
  char *text = NULL;
  if (sr == NULL) return NULL;
  if (OSRExportToPROJJSON(sr, &text, NULL) != OGRERR_NONE) {
    CPLFree(text);
    text = NULL;
  }
  OSRDestroySpatialReference(sr);
  return text;
}

void ocraster_free(void *p) { VSIFree(p); }

const char *ocraster_description(void *object) { return GDALGetDescription((GDALMajorObjectH)object); }

void ocraster_set_description(void *object, const char *text) {
  GDALSetDescription((GDALMajorObjectH)object, text);
}

char **ocraster_file_list(void *dataset) { return GDALGetFileList((GDALDatasetH)dataset); }

void ocraster_free_list(char **list) { CSLDestroy(list); }

int ocraster_stat(const char *name, long long *size, long long *seconds) {
  VSIStatBufL st;
  if (VSIStatExL(name, &st, VSI_STAT_EXISTS_FLAG | VSI_STAT_SIZE_FLAG) != 0) return 0;
  *size = (long long)st.st_size;
  *seconds = (long long)st.st_mtime;
  return 1;
}

unsigned char *ocraster_read(const char *name, long long limit, long long *size) {
  GByte *data = NULL;
  vsi_l_offset n = 0;
  if (!VSIIngestFile(NULL, name, &data, &n, (GIntBig)limit)) return NULL;
  *size = (long long)n;
  return data;
}

void ocraster_warn(const char *msg) { CPLError(CE_Warning, CPLE_AppDefined, "%s", msg); }

int ocraster_object(const char *name, long long *size, long long *seconds) {
  VSIStatBufL st;
  VSIErrorReset(); /* it keeps the message of an earlier call */
  if (VSIStatExL(name, &st, VSI_STAT_EXISTS_FLAG | VSI_STAT_SIZE_FLAG | VSI_STAT_SET_ERROR_FLAG) != 0) {
    if (!failure[0]) keep(failure, sizeof failure, VSIGetLastErrorMsg());
    return 0;
  }
  *size = (long long)st.st_size;
  *seconds = (long long)st.st_mtime;
  return 1;
}

void *ocraster_open(const char *name) { return VSIFOpenExL(name, "rb", 1); }

long long ocraster_piece(void *file, void *buf, long long size) {
  long long n = (long long)VSIFReadL(buf, 1, (size_t)size, (VSILFILE *)file);
  return n == 0 && !VSIFEofL((VSILFILE *)file) ? -1 : n;
}

void ocraster_close(void *file) { VSIFCloseL((VSILFILE *)file); }

char **ocraster_names(const char *folder) {
  VSIErrorReset();
  char **list = VSIReadDir(folder);
  if (!list && !failure[0]) keep(failure, sizeof failure, VSIGetLastErrorMsg());
  return list;
}

long long ocraster_inflate(const void *src, long long size, void *dst, long long room) {
  size_t n = 0;
  return CPLZLibInflate(src, (size_t)size, dst, (size_t)room, &n) ? (long long)n : -1;
}
