/* Threads that do the same work at the same time, in bursts. */
#ifndef BENCH_TEAM_H
#define BENCH_TEAM_H

#include <stdint.h>

#include "resbench/status.h"

/* What a burst should take: less than the slices that a scheduler gives to processes which share a
 * processor (3 ms and more), so that some bursts are left alone; far more than it takes to start
 * threads together. */
#define RB_BURST_NS 1e6
#define RB_MAX_BURSTS 500

typedef struct rb_team_work {
    int32_t threads; /* at least 1 */
    int32_t bursts;
    void (*prepare)(void *ctx, int32_t thread); /* once, before any burst; NULL: nothing */
    void (*run)(void *ctx, int32_t thread);     /* one burst */
    void *ctx;
} rb_team_work;

/* How many bursts of burst_ns to do in `seconds`: 3..RB_MAX_BURSTS. */
int32_t rb_team_bursts(double seconds, double burst_ns);

/* burst_ns[bursts]: from the first thread's start to the last one's end, so that threads which wait
 * for a processor make it longer, never shorter. Threads that have a processor each start a burst
 * together: a system takes its time to wake many. The threads are kept to the processors that a
 * worker with as many threads has (rb_machine_processors), the same thread to the same one in every
 * team of one size. */
rb_status rb_team_run(const rb_team_work *work, double *burst_ns, rb_error *err);

#endif
