/* The timing loop: Google Benchmark's. */
#ifndef BENCH_TIMING_H
#define BENCH_TIMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resbench/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is timed: call. before and after stand round each call and outside of its time. start, which
 * may be NULL, comes once, between the warm-up and the first call that is timed. */
typedef struct rb_timing_body {
    void (*start)(void *ctx);
    void (*before)(void *ctx);
    rb_status (*call)(void *ctx, rb_error *err);
    void (*after)(void *ctx);
    void *ctx;
} rb_timing_body;

typedef struct rb_timing_spec {
    const char *name; /* of the benchmark */
    size_t repetitions;
    double warmup_seconds; /* of wall clock; at least one call */
    double slowdown;       /* share by which each call is made longer by waiting: for the self-test
                            * of who must notice; else 0 */
    bool cold;             /* before each call, warm-up included, the caches are emptied: by whoever
                            * has the body, in `before` */
} rb_timing_spec;

typedef struct rb_timing_sample {
    double real_ns; /* wall clock of one call */
    double cpu_ns;  /* processor time of all threads outside of `before`; the mean over the turn,
                     * since kernels account for other threads' time in ticks of milliseconds */
} rb_timing_sample;

/* Warms up, registers one benchmark, and takes `repetitions` samples of one iteration each,
 * so that a sample, a row in Google Benchmark's schema and a call are the same thing.
 * samples has room for spec->repetitions; all are filled on RB_OK. The first error of body
 * ends the loop and is returned. */
rb_status rb_timing_run(const rb_timing_spec *spec, const rb_timing_body *body,
                        rb_timing_sample *samples, rb_error *err);

/* What timed calls may take on top of a worker's time limit, where one is known to take call_ns. */
double rb_timing_patience_seconds(const rb_timing_spec *spec, double call_ns);

#ifdef __cplusplus
}
#endif

#endif
