/* Values of all nodes of a graph, by any engine. */
#ifndef TESTS_ADAPTER_FIXTURE_H
#define TESTS_ADAPTER_FIXTURE_H

#include "parity/engine_fixture.h"

typedef struct rb_seen {
    const rb_graph *graph;
    double **values; /* [node_count + 1]: of each node, and the result of run */
    int32_t count;   /* nodes shown so far */
} rb_seen;

/* Opens, taps and runs, with two threads; fails the test on any error, and unless all memory is
 * given back. addend: NULL where the graph has none. */
rb_seen rb_see(const rb_engine *engine, const rb_graph *graph, const rb_weights *weights,
               const float *src, const float *addend);
void rb_seen_release(rb_seen *seen);

/* Fails the test at the first node where found is further from truth than max(4 x plain, 8 u). */
void rb_seen_compare(const char *what, const rb_seen *found, const rb_seen *plain,
                     const rb_seen *truth);

/* Pseudo-random values of -1..1. */
float *rb_noise(int64_t count, uint32_t seed);

#endif
