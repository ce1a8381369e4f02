/* A problem in a worker, as the judge sees it. Errors are those of rb_worker_call. One worker takes
 * problem after problem. */
#ifndef BENCH_REMOTE_PROBLEM_H
#define BENCH_REMOTE_PROBLEM_H

#include "bench/case.h"
#include "bench/worker_client.h"

typedef struct rb_remote_problem_facts {
    char kernel[96]; /* as the engine names it; "" where it does not */
    rb_algorithm algorithm;
    bool output_f64;
} rb_remote_problem_facts;

/* Opens a session for the problem, in place of what the worker had open. */
rb_status rb_remote_problem_open(rb_worker *worker, const rb_case_problem *spec,
                                 rb_remote_problem_facts *facts, rb_error *err);

/* src (batch, ic, ih, iw) and, where the problem adds one, addend (batch, oc, oh, ow). */
rb_status rb_remote_problem_input(rb_worker *worker, const rb_problem *problem, const float *src,
                                  const float *addend, rb_error *err);

/* One call, into values poisoned with NaN before; dst is (batch, oc, oh, ow). */
rb_status rb_remote_problem_run(rb_worker *worker, const rb_problem *problem,
                                const rb_remote_problem_facts *facts, double *dst, rb_error *err);

/* Timed calls of an open problem. The arrays are the caller's. */
typedef struct rb_remote_problem_times {
    double *call_ns; /* room for spec->repetitions */
    double
        *node_ns; /* likewise: the operation alone, where the engine tells it (rb_engine.profile) */
    size_t call_count, node_count; /* node_count 0: the engine does not tell */
    double cpu_ns;                 /* processor time of a call, the mean */
    double *dst[RB_CASE_INPUTS];   /* (batch, oc, oh, ow) of the last call on each input */
    char untrue[256];              /* why the engine's own times are not believed; "" if they are */
} rb_remote_problem_times;

/* src[i] is input i, (batch, ic, ih, iw); the calls take them in turn. An engine that tells the
 * time of its node is looked at in every second call (bench/case_profile.h), so that node_count and
 * call_count are half of spec->repetitions, a multiple of 4; not with cold caches, which an
 * engine's own reorders warm before the operation begins. call_ns is what a call is known to take:
 * the time limit allows for it. */
rb_status rb_remote_problem_time(rb_worker *worker, const rb_problem *problem,
                                 const rb_remote_problem_facts *facts, const rb_timing_spec *spec,
                                 const float *const src[RB_CASE_INPUTS], double call_ns,
                                 rb_remote_problem_times *times, rb_error *err);

#endif
