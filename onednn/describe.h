/* Asks oneDNN for the primitive descriptor of a node or of a reorder. */
#ifndef ONEDNN_DESCRIBE_H
#define ONEDNN_DESCRIBE_H

#include "session.h"

/* The layouts asked for; NULL leaves the choice to oneDNN. */
typedef struct rb_wish {
    const_dnnl_memory_desc_t src, dst;
} rb_wish;

/* Weights are left to oneDNN. *pd is NULL, and RB_OK returned, where oneDNN has no
 * implementation for these layouts. The caller owns *pd. */
rb_status rb_describe_node(const rb_session *s, const rb_layer *layer, rb_wish wish,
                           dnnl_primitive_desc_t *pd, rb_error *err);

/* The layout in which a stem, a convolution of an image, leaves a value of the input's shape: that
 * of all values between the layers of a network. *md is NULL, and RB_OK returned, where oneDNN has
 * none. The caller owns *md. */
rb_status rb_describe_entry(const rb_session *s, const rb_graph *graph, dnnl_memory_desc_t *md,
                            rb_error *err);

/* Copies a value from one layout into another. The caller owns *pd. */
rb_status rb_describe_reorder(const rb_session *s, const rb_layer *layer,
                              const_dnnl_memory_desc_t from, const_dnnl_memory_desc_t to,
                              dnnl_primitive_desc_t *pd, rb_error *err);

/* float32 in a layout that has a name. The caller owns *md. */
rb_status rb_describe_layout(const char *name, int ndims, const int64_t *dims,
                             dnnl_format_tag_t tag, dnnl_memory_desc_t *md, rb_error *err);

/* Dense row-major float32 (NCHW for a value, OIHW for weights). The caller owns *md. */
rb_status rb_describe_dense(const char *name, int ndims, const int64_t *dims,
                            dnnl_memory_desc_t *md, rb_error *err);

#endif
