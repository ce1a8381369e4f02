/* What a parity test needs round an engine: the shared object, a host that watches its
 * allocations, synthetic weights. Everything here fails the running test when it cannot go on. */
#ifndef PARITY_ENGINE_FIXTURE_H
#define PARITY_ENGINE_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "model/graph_build.h"
#include "resbench/engine.h"

/* The engine called name in RESBENCH_ENGINE_DIR (a compile definition). Stays loaded. */
const rb_engine *rb_test_engine(const char *name);

/* A host that counts bytes by kind, and keeps guard bytes before and after each allocation:
 * they are looked at when it is released. Released memory and fresh memory are filled. */
typedef struct rb_test_host {
    rb_host host;
    int64_t bytes[RB_MEMORY_KINDS]; /* held now */
    int64_t allocations;            /* ever made */
    int64_t blocks;                 /* held now */
    int64_t fail_at;                /* the allocation (from 0) that fails; -1: none */
} rb_test_host;

void rb_test_host_init(rb_test_host *host, int32_t threads);

/* Weights of a graph: synthetic ones, or filled by the test. */
typedef struct rb_test_weights {
    rb_weights weights;
    int32_t count;
    float **tensors;
    double *epsilon;
} rb_test_weights;

rb_test_weights *rb_test_weights_create(const rb_graph *graph, uint64_t seed);
/* Appends a tensor (by rb_test_alloc), which is owned from then on. */
void rb_test_weights_add(rb_test_weights *weights, float *tensor);
void rb_test_weights_destroy(rb_test_weights *weights);

/* A graph whose nodes may be edited: a copy of one by rb_graph_create, which it owns. */
typedef struct rb_test_graph {
    rb_graph graph;
    rb_node *nodes; /* = graph.nodes */
    rb_graph *origin;
} rb_test_graph;

rb_test_graph *rb_test_graph_build(const char *network, const rb_graph_shape *shape);
rb_test_graph *rb_test_graph_create(const char *network, int64_t batch, int64_t height,
                                    int64_t width);
void rb_test_graph_destroy(rb_test_graph *graph);

/* The node called name. */
rb_node *rb_test_node(rb_test_graph *graph, const char *name);

/* RB_ALIGNMENT-aligned, zeroed. */
void *rb_test_alloc(size_t bytes);
void rb_test_free(void *memory);

rb_status rb_test_open(const rb_engine *engine, const rb_test_host *host, const rb_graph *graph,
                       const rb_weights *weights, rb_session **session, rb_error *err);

/* Opens, runs once and closes; dst is (batch, classes) of the engine's output dtype. */
void rb_test_run(const rb_engine *engine, const rb_graph *graph, const rb_weights *weights,
                 int32_t threads, const float *src, void *dst);

#endif
