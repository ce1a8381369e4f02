/* The times of nodes within a running network, and what it costs to look at them. */
#ifndef BENCH_CASE_PROFILE_H
#define BENCH_CASE_PROFILE_H

#include "bench/case.h"

#define RB_PROFILE_UNTRUE_CAPACITY 256

/* Filled in by rb_case_profile; the arrays are the caller's. */
typedef struct rb_case_profile {
    double cpu_ns;                           /* processor time of a call of either kind, the mean */
    double *plain_ns;                        /* [repetitions / 2] of run */
    double *profiled_ns;                     /* [repetitions / 2] of rb_engine.profile */
    int64_t *node_ns;                        /* (repetitions / 2, node_count), of the latter */
    const void *dst[RB_CASE_INPUTS];         /* logits of the last call on each input */
    char untrue[RB_PROFILE_UNTRUE_CAPACITY]; /* why the engine is not believed; "" if it is */
} rb_case_profile;

/* Plain and profiled calls in the order P Q Q P, so that a slow moment of the machine meets both,
 * and both have both inputs. repetitions counts both and is a multiple of 4. What is looked at:
 * logits of profiled calls are the same bits as those of plain ones, no node's time is negative or
 * missing, and together they are not longer than their call. RB_ERR_UNSUPPORTED where the engine
 * cannot tell; otherwise as rb_case_time. */
rb_status rb_case_profile_calls(rb_case *c, const rb_timing_spec *spec, rb_case_profile *profile,
                                rb_error *err);

#endif
