/* The operation `profile` of a worker. */
#ifndef BENCH_WORKER_PROFILE_H
#define BENCH_WORKER_PROFILE_H

#include "bench/case.h"
#include "bench/message.h"

/* Answers plain_ns and profiled_ns, both [repetitions / 2], and untrue; the blob is the logits of
 * both inputs and then the times of the nodes of every profiled call, int64. */
rb_status rb_worker_profile(rb_case *c, const rb_timing_spec *spec, rb_message *answer,
                            rb_error *err);

#endif
