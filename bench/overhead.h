/* What of a timed call is the harness's own. */
#ifndef BENCH_OVERHEAD_H
#define BENCH_OVERHEAD_H

#include "bench/timing.h"
#include "bench/worker_client.h"

#define RB_OVERHEAD_CALLS 200

/* Times RB_OVERHEAD_CALLS calls of an engine that does nothing (null/engine.c) in a worker of
 * these options, as calls of any engine are timed, checks and all. *median_ns is what stands
 * between the two looks at the clock beside the engine: the second look, two calls through
 * pointers, the look at the status, and one value written. With cold, the caches are emptied
 * before each call. RB_ERR_ENGINE when the engine is not beside the program. */
rb_status rb_overhead_measure(const rb_worker_options *options, bool cold, double *median_ns,
                              rb_error *err);

#endif
