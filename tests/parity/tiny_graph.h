/* Graphs of a few nodes with values small enough to compute by hand. */
#ifndef PARITY_TINY_GRAPH_H
#define PARITY_TINY_GRAPH_H

#include "engine_fixture.h"

#define TINY_NODES 8
#define TINY_TENSORS 24

typedef struct tiny_graph {
    rb_graph graph;
    rb_node nodes[TINY_NODES];
    rb_tensor_desc tensors[TINY_TENSORS];
    const float *data[TINY_TENSORS]; /* owned by the test */
    double epsilon[TINY_NODES];
} tiny_graph;

/* A graph without nodes; input (batch, channels, height, width). */
void tiny_init(tiny_graph *g, int64_t batch, int64_t channels, int64_t height, int64_t width);

/* Appends a node that reads `src` and computes its output shape from window and padding;
 * the last node's elements become graph.classes. */
typedef struct tiny_window {
    int64_t kh, kw, stride_h, stride_w, top, left, bottom, right;
} tiny_window;

rb_node *tiny_add(tiny_graph *g, rb_op op, int32_t src, int64_t oc, tiny_window window);

/* Appends a parameter tensor and returns its index. */
int32_t tiny_tensor(tiny_graph *g, const float *data, int32_t ndim, int64_t d0, int64_t d1,
                    int64_t d2, int64_t d3);

/* Appends a tensor for each of the four parameters of batch norm. */
void tiny_batch_norm(tiny_graph *g, rb_node *node, const float *weight, const float *bias,
                     const float *mean, const float *var, double epsilon);

/* The last node's value as double, (batch, classes), by the engine. The caller frees it. */
double *tiny_run(const tiny_graph *g, const rb_engine *engine, int32_t threads, const float *src);

/* Both engines must give exactly `expected` (batch * classes values; NaN equals NaN). */
void tiny_expect(const tiny_graph *g, const float *src, const double *expected);

#endif
