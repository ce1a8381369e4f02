/* The harness's side of a worker. */
#ifndef BENCH_WORKER_CLIENT_H
#define BENCH_WORKER_CLIENT_H

#include <sched.h>
#include <stdbool.h>

#include "bench/affinity.h"
#include "bench/message.h"

#define RB_MAX_LAUNCHER 12

typedef struct rb_worker_options {
    bool in_process;        /* no process of its own: for a debugger */
    double timeout_seconds; /* for every single answer */
    bool kept;              /* to these processors */
    cpu_set_t processors;
    const char *peer;      /* script whose worker is started instead of ours (bench/peer.h) */
    char *const *launcher; /* a program that runs the worker, with its arguments, NULL behind them
                            * (at most RB_MAX_LAUNCHER); it finds its end more slowly. NULL: none */
} rb_worker_options;

/* Workers that are started with these options are kept to a placement's processors. */
static inline void rb_worker_keep(rb_worker_options *options, const rb_placement *placement) {
    options->kept = placement->kept;
    options->processors = placement->set;
}

typedef struct rb_worker rb_worker;

/* RB_ERR_USAGE for a peer in this process. */
rb_status rb_worker_start(const rb_worker_options *options, rb_worker **worker, rb_error *err);

/* Sends a request (whose reference is taken) and waits for the answer. A status in the answer
 * other than RB_OK is returned with its message. RB_ERR_CRASHED names the signal, or
 * the buffer that the engine has overrun (bench/fault.h),
 * RB_ERR_TIMEOUT the limit; after either, and after RB_ERR_INTERRUPTED, the process is gone and
 * every further call fails the same way. The caller releases *answer, which is empty on error. */
rb_status rb_worker_call(rb_worker *worker, json_t *request, const void *blob, size_t blob_bytes,
                         rb_message *answer, rb_error *err);

/* The same for a request that is known to take `seconds` on top of the time limit. */
rb_status rb_worker_call_for(rb_worker *worker, double seconds, json_t *request, const void *blob,
                             size_t blob_bytes, rb_message *answer, rb_error *err);

void rb_worker_stop(rb_worker *worker); /* NULL is fine */

#endif
