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

#endif
