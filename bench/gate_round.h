/* One round of a gate: a fresh process for each side, and calls in turn. */
#ifndef BENCH_GATE_ROUND_H
#define BENCH_GATE_ROUND_H

#include "bench/inputs.h"
#include "bench/remote_case.h"
#include "bench/truth.h"
#include "results/gate_samples.h"

/* One build of an engine; side 0 of a job is the base. */
typedef struct rb_gate_side {
    const char *label; /* for sentences */
    const char *engine_path;
    double slowdown; /* share by which each call is made longer; 0 but in the self-test */

    /* What the rounds so far have shown. */
    rb_parity parity; /* of the logits of timed calls */
    rb_memory held;   /* -1: unknown */
    int64_t peak_rss_bytes;
    char engine_version[96], kernel_plan[17];
    bool failed; /* the last round was broken off by this side */
} rb_gate_side;

/* What all rounds of a cell share. */
typedef struct rb_gate_job {
    const rb_worker_options *worker;
    rb_case_spec spec; /* engine_path is each side's own */
    const rb_inputs *inputs;
    const rb_truth *truth;
    rb_gate_side *sides;
    size_t side_count;
    size_t calls; /* of a slice */
} rb_gate_job;

/* Opens all sides, one after the other, and times slices of job->calls calls: 0 1 .. n, n .. 1
 * 0, and so on; an odd round begins at the other end. A failure of an engine is returned with the
 * side's label in the sentence. */
rb_status rb_gate_round_measure(const rb_gate_job *job, size_t round, rb_gate_times *times,
                                rb_error *err);

#endif
