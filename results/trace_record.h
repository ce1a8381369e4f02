/* What `resbench trace` finds, node by node. What it prints and writes is read from this. */
#ifndef RESULTS_TRACE_RECORD_H
#define RESULTS_TRACE_RECORD_H

#include "results/record.h"

#define RB_TRACE_SCHEMA 1

/* Where a node's error comes from. */
typedef enum rb_trace_cause {
    RB_CAUSE_NONE,         /* nothing is wrong, or nothing was looked at */
    RB_CAUSE_NODE,         /* wrong alone, on the right input */
    RB_CAUSE_VALUES,       /* alone right on the right input, wrong on what the network gives it */
    RB_CAUSE_SURROUNDINGS, /* alone right on both; wrong among its neighbours */
    RB_CAUSE_OPERANDS,     /* most of the error came with what it reads */
    RB_CAUSE_ROUNDING,     /* its own, but within the limits of one operation */
    RB_CAUSE_NOT_SHOWN,    /* right, though what it reads is shown wrong: something else was read */
    RB_CAUSE_UNKNOWN,      /* it could not be run alone */
    RB_CAUSE_COUNT
} rb_trace_cause;

const char *rb_trace_cause_name(rb_trace_cause cause); /* "node", "values", ...; "" for none */

/* Shares are errors in units of their limit: 1 is the limit. NaN: not known. */
typedef struct rb_trace_node {
    char name[64], value_name[64], op[16], kernel[96];
    int64_t dims[4];    /* n, c, h, w */
    rb_verdict verdict; /* of rel_l2 */
    double rel_l2;      /* against the other engine's value, worst image */
    double limit;
    double growth;                      /* rel_l2 over the largest of what the node reads */
    int64_t non_finite;                 /* values */
    double oracle_share, against_share; /* of both engines against the oracle; NaN: not finite */
    rb_verdict step; /* the node as an operation on what the engine shows of its operands */
    double step_share;
    rb_verdict alone; /* the node alone, on the other engine's values */
    double alone_share;
    rb_trace_cause cause;
    char finding[600]; /* a sentence about the cause; "" without */
} rb_trace_node;

typedef struct rb_trace {
    char network[64], engine[64], engine_version[96], against[64], against_version[96];
    char weights_sha256[65], input[256];
    int64_t batch, height, width;
    int32_t threads;
    rb_trace_node *nodes;
    int32_t node_count;
    int32_t first; /* node out of bounds; -1: none */
    /* The logits of a plain run, which shows nothing, against the other engine's. */
    rb_verdict run;
    double run_rel_l2, run_limit;
    int64_t run_non_finite;
    bool crashed; /* while a node was run alone */
} rb_trace;

void rb_trace_release(rb_trace *trace);

/* All is within its limits. */
bool rb_trace_is_right(const rb_trace *trace);

#endif
