/* The kernel's counters of this process and its threads: perf_event_open(2). */
#ifndef BENCH_COUNTERS_H
#define BENCH_COUNTERS_H

#include <stdint.h>

typedef enum rb_counter {
    RB_COUNTER_CYCLES, /* hardware, in user mode alone: all that an unprivileged process may see */
    RB_COUNTER_INSTRUCTIONS,
    RB_COUNTER_CACHE_MISSES, /* of the last level, as the kernel's generic event has it */
    RB_COUNTER_BRANCH_MISSES,
    RB_COUNTER_TASK_CLOCK, /* software: nanoseconds on a processor */
    RB_COUNTER_MIGRATIONS, /* from processor to processor; happens in the kernel, which must be
                            * visible */
    RB_COUNTERS
} rb_counter;

#define RB_COUNTERS_HARDWARE 4 /* the first ones */
#define RB_WHY_CAPACITY 160

typedef struct rb_counters {
    int fds[RB_COUNTERS]; /* -1: not given */
    /* Why the first hardware or software event that is missing is not given; "": none is. */
    char why_hardware[RB_WHY_CAPACITY], why_software[RB_WHY_CAPACITY];
    uint64_t before[RB_COUNTERS][3]; /* value, nanoseconds enabled, nanoseconds counted */
    uint64_t sums[RB_COUNTERS][3];
} rb_counters;

/* Threads that start from now on are counted with the caller's; those that are there already, and
 * other processes, are not. Takes what there is. */
void rb_counters_open(rb_counters *counters);
void rb_counters_close(rb_counters *counters);

void rb_counters_reset(rb_counters *counters); /* the sums */

/* What is counted between the two is added to the sums. */
void rb_counters_begin(rb_counters *counters);
void rb_counters_end(rb_counters *counters);

/* The sum, scaled up to all of the time where the event had to wait for its turn; NaN: not given,
 * or never counted. *share of the time that it was counted. */
double rb_counters_sum(const rb_counters *counters, rb_counter which, double *share);

#endif
