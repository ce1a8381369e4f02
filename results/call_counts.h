/* What one timed call costs beside its time: means over all timed calls. */
#ifndef RESULTS_CALL_COUNTS_H
#define RESULTS_CALL_COUNTS_H

#include "results/json_fields.h"

/* NaN, null in a file: not given by this machine, or not told. All threads of the worker count. */
typedef struct rb_call_counts {
    /* getrusage(2) */
    double minor_faults_per_call, major_faults_per_call, context_switches_per_call;
    /* perf_event_open(2): software events, of kernel and engine */
    double migrations_per_call, task_clock_ns_per_call;
    /* perf_event_open(2): hardware events in user mode alone. Scaled up where the kernel had to
     * share the processor's counters among more events than it has; counted_share is the least
     * share of the time that one was counted, 1 where none had to wait. */
    double cycles_per_call, instructions_per_call, cache_misses_per_call, branch_misses_per_call;
    double counted_share;
    /* RAPL, of all packages of the machine and their memory, whoever used them, from the first
     * timed call of a turn to its last */
    double package_joules_per_call, dram_joules_per_call;
} rb_call_counts;

void rb_call_counts_init(rb_call_counts *counts); /* all unknown */

/* *mean of `calls` calls becomes that of these and `more_calls` others, whose mean is more. What
 * one of the two does not know is not known any more. With calls 0 it is *more. */
void rb_call_counts_add(rb_call_counts *mean, double calls, const rb_call_counts *more,
                        double more_calls);

extern const rb_json_field rb_call_counts_fields[];
extern const size_t rb_call_counts_field_count;

#endif
