/* A network's weights in HDF5: docs/weights.md describes the layout. */
#ifndef LOADERS_WEIGHTS_FILE_H
#define LOADERS_WEIGHTS_FILE_H

#include "loaders/digest.h"
#include <stdbool.h>

#include "model/graph_build.h"

#define RB_WEIGHTS_SCHEMA 2

/* Attributes of the file's root group. */
typedef struct rb_weights_info {
    char network[64];        /* row of the table: resnet50, resnet50-v1 */
    char variant[16];        /* stride placement: v1 or v1.5; basic blocks are v1 */
    char source[256];        /* where the values come from */
    char preprocessing[512]; /* what the network wants its images to go through, as JSON
                              * (rb_preprocess_parse), or "none" where nobody knows */
    char sha256[RB_DIGEST_CAPACITY];
    int64_t schema_version;
    int64_t classes;
    double epsilon;  /* of every batch norm */
    bool conv_bias;  /* every convolution has a bias of its own */
    bool batch_norm; /* false: folded into the convolutions, which all have biases then */
} rb_weights_info;

/* The graph that a file's attributes ask for, at one input shape (0: the network's own). */
rb_graph_shape rb_weights_graph_shape(const rb_weights_info *info, int64_t batch, int64_t height,
                                      int64_t width);

/* Weights in memory, bound to the tensors of one graph. */
typedef struct rb_weights_set {
    rb_weights_info info;
    const float *const *tensors; /* [graph->tensor_count], in the order of graph->tensors */
} rb_weights_set;

/* Reads the attributes; the network must be a row of the table. */
rb_status rb_weights_read_info(const char *path, rb_weights_info *info, rb_error *err);

/* Reads every tensor of graph by name; shapes come from the graph. Refuses (RB_ERR_INPUT) a
 * missing, extra, misshapen or wrongly typed tensor, a NaN, an infinity or a negative running
 * variance, and a file made for another network. Does not recompute the SHA-256. Tensors are
 * used where they lie in the file, which must not change before rb_weights_destroy. The caller
 * owns *set; graph need not outlive it. */
rb_status rb_weights_load(const char *path, const rb_graph *graph, rb_weights_set **set,
                          rb_error *err);
void rb_weights_destroy(rb_weights_set *set); /* NULL is fine */

/* Recomputes the SHA-256 of loaded weights; RB_ERR_INPUT when the file's attribute differs. */
rb_status rb_weights_verify(const char *path, const rb_graph *graph, const rb_weights_set *set,
                            rb_error *err);

/* Writes tensors (in the order of graph->tensors) with info's attributes; sha256,
 * schema_version, classes, conv_bias
 * and batch_norm are filled in. The file appears whole or not at all. */
rb_status rb_weights_write(const char *path, const rb_graph *graph, const rb_weights_info *info,
                           const float *const *tensors, rb_error *err);

/* Writes the synthetic weights of seed for graph, a graph of network. */
rb_status rb_weights_synthesize(const char *path, const rb_network *network, const rb_graph *graph,
                                uint64_t seed, rb_error *err);

#endif
