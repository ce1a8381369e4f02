/* A network node by node: how far a float32 engine may be off at each, and how far one is. The one
 * comparison of `resbench check`, level chained, and `resbench trace`; docs/design.md, "Right",
 * gives the rules. */
#ifndef CHECK_CHAIN_H
#define CHECK_CHAIN_H

#include "bench/inputs.h"
#include "bench/parity.h"
#include "bench/remote_case.h"

/* What is known of a node before any engine is looked at. */
typedef struct rb_chain_node {
    double reference_rel_l2; /* of the float32 reference, worst image */
    double reference_limit;  /* what the oracle moves there under bench/jitter.h, two draws */
    double limit;            /* of all other engines: max(4 x the reference's own, 8 u) */
} rb_chain_node;

/* Nodes in slices, so that the memory does not grow with the network. */
typedef struct rb_chain {
    const rb_graph *graph;
    const float *input;   /* (batch, channels, height, width) */
    int32_t first, count; /* the slice at hand; count 0: all nodes are done */
    rb_chain_node *nodes; /* [node_count], known up to the slice's end */
    double *truth;        /* the oracle's values of the slice, one behind the other */
    double *values;       /* room for those of an engine: rb_chain_tap */
} rb_chain;

/* graph and input must outlive the chain. The first slice is empty. */
rb_status rb_chain_create(const rb_graph *graph, const float *input, rb_chain *chain,
                          rb_error *err);
void rb_chain_release(rb_chain *chain);

/* Goes to the next slice: runs the oracle (thrice) and the reference, one after the other, each in
 * a worker of its own. spec names network, weights and threads; its engine is not looked at. */
rb_status rb_chain_advance(rb_chain *chain, const rb_worker_options *options,
                           const rb_case_spec *spec, rb_error *err);

/* Fills chain->values with an engine's values of the slice. */
rb_status rb_chain_tap(rb_chain *chain, rb_remote *engine, rb_error *err);

/* A node of the slice within truth, or within values. */
const double *rb_chain_at(const rb_chain *chain, const double *slice, int32_t node);

/* Compares values of a node with those of another engine, image by image. */
rb_parity rb_chain_compare(const rb_graph *graph, int32_t node, const double *right,
                           const double *values);

/* PASS within limit, MARGINAL within twice of it; NaN is FAIL. note says why it is no PASS. */
rb_verdict rb_chain_judge(const rb_parity *parity, double limit, char *note, size_t capacity);

#endif
