/* The operations `images` and `stream` of a worker. */
#ifndef BENCH_WORKER_STREAM_H
#define BENCH_WORKER_STREAM_H

#include "bench/case_stream.h"
#include "bench/message.h"

/* Answers real_ns, cpu_ns and yardstick_ns [before, after]; the blob is the logits of all images of
 * the set. */
rb_status rb_worker_stream(rb_case *c, const rb_stream_images *set, const char *name,
                           int64_t batches, rb_message *answer, rb_error *err);

#endif
