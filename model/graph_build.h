/* From a row of the table to a graph of nodes. */
#ifndef MODEL_GRAPH_BUILD_H
#define MODEL_GRAPH_BUILD_H

#include "model/network.h"
#include "resbench/graph.h"

typedef struct rb_graph_shape {
    int64_t batch;         /* images */
    int64_t height, width; /* pixels; 0: the row's default */
    int64_t classes;       /* 0: the row's default */
    bool conv_bias;        /* every convolution has a bias of its own */
    bool folded;           /* no batch norm: it went into the convolutions, which all have biases */
} rb_graph_shape;

#define RB_MIN_IMAGE_SIZE 32
#define RB_MAX_IMAGE_SIZE 16384

/* Builds the graph of network for one input shape. RB_ERR_USAGE when the shape is out of
 * range, RB_ERR_MEMORY when a size overflows. The caller owns *graph. */
rb_status rb_graph_create(const rb_network *network, const rb_graph_shape *shape, rb_graph **graph,
                          rb_error *err);

void rb_graph_destroy(rb_graph *graph); /* NULL is fine */

#endif
