/* HDF5 from outside is hostile: what this project accepts of it, in one place. */
#ifndef LOADERS_HDF5_ACCESS_H
#define LOADERS_HDF5_ACCESS_H

#include <hdf5.h>
#include <stdbool.h>

#include "resbench/graph.h"
#include "resbench/status.h"

/* Opens an existing file for reading, silently. RB_ERR_INPUT when it is missing, not HDF5, or
 * incomplete. The caller closes *file with H5Fclose. */
rb_status rb_hdf5_open(const char *path, hid_t *file, rb_error *err);

/* Creates a new file at path, readable by HDF5 1.8 and later. */
rb_status rb_hdf5_create(const char *path, hid_t *file, rb_error *err);

/* Opens the dataset `name` after looking at how it is stored: a plain (hard) link, type
 * exactly `type`, contiguous, compact, or chunked with deflate, shuffle and checksum only;
 * no external files, no virtual data sets, storage allocated. H5T_C_S1 stands for text of a fixed
 * length, whatever it is. The caller closes *dataset. */
rb_status rb_hdf5_open_dataset(hid_t file, const char *path, const char *name, hid_t type,
                               hid_t *dataset, rb_error *err);

/* Shape of an open dataset; ndim at most RB_MAX_DIMS. */
rb_status rb_hdf5_dataset_dims(hid_t dataset, const char *path, const char *name, int32_t *ndim,
                               int64_t dims[RB_MAX_DIMS], rb_error *err);

/* The bytes of an open file as they lie on disk, read-only; NULL where it cannot be mapped. The
 * caller unmaps *bytes of them with munmap. */
const void *rb_hdf5_map(hid_t file, size_t *bytes);

/* Where an open dataset of that many bytes lies in the map, when it lies there in one piece. */
bool rb_hdf5_offset(hid_t dataset, size_t bytes, size_t map_bytes, size_t *offset);

/* "(64, 3, 7, 7)" */
void rb_format_dims(int32_t ndim, const int64_t dims[RB_MAX_DIMS], char *text, size_t capacity);

/* Scalar attributes of object. Reading: RB_ERR_INPUT when missing or of another kind. Text may
 * be stored with fixed or variable length, is refused when it does not fit, and comes as one line
 * of UTF-8 (rb_text_clean). */
rb_status rb_hdf5_read_text(hid_t object, const char *path, const char *name, char *text,
                            size_t capacity, rb_error *err);
rb_status rb_hdf5_read_int(hid_t object, const char *path, const char *name, int64_t *value,
                           rb_error *err);
rb_status rb_hdf5_read_double(hid_t object, const char *path, const char *name, double *value,
                              rb_error *err);
bool rb_hdf5_write_text(hid_t object, const char *name, const char *text);
bool rb_hdf5_write_int(hid_t object, const char *name, int64_t value);
bool rb_hdf5_write_double(hid_t object, const char *name, double value);

/* Writes a contiguous dataset of the native type float or double. */
bool rb_hdf5_write_dataset(hid_t file, const char *name, rb_dtype dtype, int32_t ndim,
                           const int64_t dims[RB_MAX_DIMS], const void *data);

#endif
