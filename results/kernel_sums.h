/* What the convolutions of a network take together: the time of each, as often as it occurs. A pure
 * function of rows. */
#ifndef RESULTS_KERNEL_SUMS_H
#define RESULTS_KERNEL_SUMS_H

#include "results/kernel_record.h"

/* In nanoseconds; NaN where nothing is covered. */
typedef struct rb_kernel_sum_time {
    double ns;
    double low,
        high;           /* sums of the ends of the rows' 95 % intervals: as if all rows had erred to
                         * the same side, which a slow minute makes them do; NaN where a row has none */
    double baseline_ns; /* of RB_KERNEL_BASELINE over the convolutions that both have; NaN: none */
    double own_ns;      /* of this engine over the same ones */
} rb_kernel_sum_time;

typedef struct rb_kernel_sum {
    const rb_kernel_network *network;
    const char *engine;
    int64_t batch;
    int32_t covered; /* of the network's convolutions: those whose row is PASS */
    int32_t shared;  /* those that are PASS of the baseline as well */
    int64_t macs;    /* of those that are covered */
    double peak_gmacs;
    rb_kernel_sum_time times[RB_SPAN_COUNT];
} rb_kernel_sum;

/* One for each network, batch and engine that has a row of it, in the order of networks, then of
 * rows. Texts and networks belong to the table. The caller frees *sums. */
rb_status rb_kernel_sums(const rb_kernel_table *table, rb_kernel_sum **sums, size_t *count,
                         rb_error *err);

#endif
