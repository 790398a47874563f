#ifndef OPENCARBON_RASTER_NATIVE_H
#define OPENCARBON_RASTER_NATIVE_H

/* Installs the error handler of this package for the whole process. */
/* The date that GeoPackages are said to be of; NULL: the time of writing. */
void ocraster_current_date(const char *date);
void ocraster_install_handler(void);

/* Forgets what the calling thread's GDAL calls have complained about. */
void ocraster_error_reset(void);

/* The first failure on the calling thread since the reset, or an empty string. */
const char *ocraster_error_message(void);

/* The first warning on the calling thread since the reset, or an empty string. */
const char *ocraster_warning_message(void);

const char *ocraster_version(void);

/* Repairs the geometry in wkb (size bytes). On success *out holds a buffer of
   *out_size bytes to be given to ocraster_free; 0 is failure. */
int ocraster_make_valid(const unsigned char *wkb, int size, unsigned char **out, int *out_size);

/* 1 valid, 0 invalid, -1 the bytes are no geometry. */
int ocraster_is_valid(const unsigned char *wkb, int size);

void ocraster_free(void *p);

/* The PROJJSON of a CRS given as WKT, for ocraster_free; NULL where there is none. */
char *ocraster_projjson(const char *wkt);

/* Sets the description of a GDAL object (a band's name). */
void ocraster_set_description(void *object, const char *text);

/* The description of a GDAL object; the text is GDAL's. */
const char *ocraster_description(void *object);

/* The files behind an open dataset, NULL at the end, or NULL for none; the list
   goes back through ocraster_free_list. */
char **ocraster_file_list(void *dataset);

void ocraster_free_list(char **list);

/* Size and time of change of a file of GDAL's file systems; 0 where there is none. */
int ocraster_stat(const char *name, long long *size, long long *seconds);

/* The content of a file of GDAL's file systems, for ocraster_free; NULL where it
   cannot be read or is larger than limit. */
unsigned char *ocraster_read(const char *name, long long limit, long long *size);

/* Has GDAL say a warning. */
void ocraster_warn(const char *msg);

/* ocraster_stat that keeps the reason of a failure for ocraster_error_message. */
int ocraster_object(const char *name, long long *size, long long *seconds);

/* A file of GDAL's file systems for reading from its start, or NULL; the bytes
   read, 0 at the end, -1 on failure. */
void *ocraster_open(const char *name);
long long ocraster_piece(void *file, void *buf, long long size);
void ocraster_close(void *file);

/* Unpacks zlib's format by what GDAL was built with (libdeflate, or zlib): the
   bytes written to dst, -1 on failure. */
long long ocraster_inflate(const void *src, long long size, void *dst, long long room);

/* The names in a folder, NULL at the end, or NULL where it cannot be listed; the
   list goes back through ocraster_free_list. */
char **ocraster_names(const char *folder);

#endif
