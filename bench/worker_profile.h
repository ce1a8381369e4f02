/* The operation `profile` of a worker. */
#ifndef BENCH_WORKER_PROFILE_H
#define BENCH_WORKER_PROFILE_H

#include "bench/case_profile.h"
#include "bench/message.h"

/* Room for what is read from an answer. */
typedef struct rb_worker_times {
    double cpu_ns;                  /* processor time of a call, the mean */
    double *plain_ns, *profiled_ns; /* [calls] */
    int64_t *node_ns;               /* (calls, nodes) */
    char untrue[RB_PROFILE_UNTRUE_CAPACITY];
} rb_worker_times;

/* Answers plain_ns and profiled_ns, both [repetitions / 2], cpu_ns and untrue; the blob is the
 * logits of both inputs and then the times of the nodes of every profiled call, int64. */
rb_status rb_worker_profile(rb_case *c, const rb_timing_spec *spec, rb_message *answer,
                            rb_error *err);

/* The request for it; NULL when there is no memory. */
json_t *rb_worker_profile_request(const rb_timing_spec *spec);

/* Reads that answer, of calls = repetitions / 2 and so many nodes; logits_bytes are those of both
 * inputs, at the start of the blob. RB_ERR_ENGINE when it is garbage. */
rb_status rb_worker_profile_read(const rb_message *answer, size_t calls, int32_t nodes,
                                 size_t logits_bytes, rb_worker_times *times, rb_error *err);

#endif
