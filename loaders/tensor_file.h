/* Tensors in an HDF5 file: network inputs, logits, activation dumps. */
#ifndef LOADERS_TENSOR_FILE_H
#define LOADERS_TENSOR_FILE_H

#include <stdbool.h>

#include "resbench/graph.h"
#include "resbench/status.h"

/* Bounds of each dimension, ends included. */
typedef struct rb_dims_range {
    int64_t low[RB_MAX_DIMS], high[RB_MAX_DIMS];
} rb_dims_range;

/* Reads the float32 dataset `name`, which must have ndim dimensions within range (looked at
 * before anything is read; NULL: any) and finite values. The caller frees *values with free(). */
rb_status rb_tensor_read(const char *path, const char *name, int32_t ndim,
                         const rb_dims_range *range, int64_t dims[RB_MAX_DIMS], float **values,
                         rb_error *err);

typedef struct rb_text_attribute {
    const char *name, *text;
} rb_text_attribute;

/* Writes a file with tensor after tensor; nothing is at path until it is committed. */
typedef struct rb_tensor_writer rb_tensor_writer;

rb_status rb_tensor_writer_create(const char *path, const rb_text_attribute *attributes,
                                  size_t attribute_count, rb_tensor_writer **writer, rb_error *err);
rb_status rb_tensor_writer_add(rb_tensor_writer *writer, const char *name, rb_dtype dtype,
                               int32_t ndim, const int64_t dims[RB_MAX_DIMS], const void *values,
                               rb_error *err);

/* Puts the file in its place; the writer is gone either way. */
rb_status rb_tensor_writer_commit(rb_tensor_writer *writer, rb_error *err);
void rb_tensor_writer_discard(rb_tensor_writer *writer); /* NULL is fine */

/* Writes a file with one dataset and text attributes on its root; whole or not at all. */
rb_status rb_tensor_write(const char *path, const char *name, rb_dtype dtype, int32_t ndim,
                          const int64_t dims[RB_MAX_DIMS], const void *values,
                          const rb_text_attribute *attributes, size_t attribute_count,
                          rb_error *err);

#endif
