/* The multiply-add peak of the machine at the numbers of threads of a run. */
#ifndef BENCH_RUN_PEAKS_H
#define BENCH_RUN_PEAKS_H

#include <jansson.h>

#include "bench/peak.h"
#include "bench/plan.h"
#include "results/record.h"

typedef struct rb_run_peaks {
    rb_peak at[RB_MAX_THREAD_COUNTS]; /* the best so far, as plan->threads */
} rb_run_peaks;

/* Looks at the peak once more at every number of threads, on a machine that is shared one look is
 * not enough: the best of the run counts. Records from `from` on that were measured with a number
 * of threads get its peak if it is better than theirs. context tells the best of all numbers of
 * threads: peak_gmacs_per_second, peak_isa. */
rb_status rb_run_peaks_look(const rb_plan *plan, rb_run_peaks *peaks, rb_record_list *records,
                            size_t from, json_t *context, rb_error *err);

#endif
