/* The worker's operation that shows the values of nodes. */
#ifndef BENCH_WORKER_TAP_H
#define BENCH_WORKER_TAP_H

#include "bench/case.h"
#include "bench/message.h"

/* Fills in dims and the block of the nodes first .. first + count - 1 (bench/worker.h).
 * RB_ERR_ENGINE when the engine does not show each of them once, in order and as the graph has it.
 */
rb_status rb_worker_tap(rb_case *c, int64_t first, int64_t count, rb_message *answer,
                        rb_error *err);

#endif
