/* How calls are timed: with what in the caches, and in which order (docs/measurement.md). */
#ifndef BENCH_SCENARIO_H
#define BENCH_SCENARIO_H

#include "resbench/status.h"

typedef enum rb_latency_mode {
    RB_LATENCY_STEADY, /* what the last call has left in the caches */
    RB_LATENCY_COLD,   /* nothing: they are emptied before each call (bench/evict.h) */
    RB_LATENCY_MODES
} rb_latency_mode;

/* "steady", "cold". */
const char *rb_latency_mode_name(rb_latency_mode mode);
rb_status rb_latency_mode_parse(const char *name, rb_latency_mode *mode, rb_error *err);

typedef enum rb_scenario {
    RB_SCENARIO_CALLS,         /* as many calls as fit into a turn: their median is wanted */
    RB_SCENARIO_SINGLE_STREAM, /* as many calls as a percentile needs */
    RB_SCENARIO_OFFLINE,       /* a set of images without a pause: throughput */
    RB_SCENARIOS
} rb_scenario;

/* "calls", "single-stream", "offline". */
const char *rb_scenario_name(rb_scenario scenario);
rb_status rb_scenario_parse(const char *name, rb_scenario *scenario, rb_error *err);

/* A percentile that can be asked for, "99" or "99.9", as its share of the calls. */
rb_status rb_percentile_parse(const char *text, double *share, rb_error *err);

#endif
