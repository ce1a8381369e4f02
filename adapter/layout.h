/* The layouts of values, all of them (n, blocks, h, w, lanes): NCHW is blocks of one channel, NHWC
 * one block of all channels. */
#ifndef ADAPTER_LAYOUT_H
#define ADAPTER_LAYOUT_H

#include <stdbool.h>

#include "resbench/kernel.h"

/* A value without its memory. */
typedef struct rb_shape {
    int64_t n, c, plane; /* plane: h * w */
} rb_shape;

bool rb_layout_is_known(rb_layout layout);

/* Floats, padded channels included; of a value that rb_graph_check has found countable. */
int64_t rb_layout_elements(rb_layout layout, rb_shape shape);

/* Whether the same memory is right in both layouts. */
bool rb_layout_same(rb_layout a, rb_layout b, rb_shape shape);

/* dst holds the value of src in another layout, padded channels 0. They do not overlap. */
void rb_layout_reorder(rb_layout to, float *dst, rb_layout from, const float *src, rb_shape shape,
                       int threads);

/* Whether all padded channels are 0. */
bool rb_layout_padding_is_zero(rb_layout layout, const float *values, rb_shape shape);

#endif
