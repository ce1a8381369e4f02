/* A reorder outside the program: packing at open, showing values in a tap. */
#ifndef ONEDNN_REORDER_H
#define ONEDNN_REORDER_H

#include "session.h"

/* Dense row-major float32 in the caller's memory. The caller owns *memory. */
rb_status rb_reorder_dense(const rb_session *s, const rb_layer *layer, int ndims,
                           const int64_t *dims, void *data, dnnl_memory_t *memory, rb_error *err);

/* Copies from into to, whatever their layouts, and waits. Allocates. */
rb_status rb_reorder_once(const rb_session *s, const rb_layer *layer, dnnl_memory_t from,
                          dnnl_memory_t to, rb_error *err);

/* True for float32 in row-major order without padding: to be read as it lies. */
bool rb_reorder_is_dense(const_dnnl_memory_desc_t md);

#endif
