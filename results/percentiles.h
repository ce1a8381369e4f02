/* Percentiles of calls, each with what is known of it: pure functions of samples. */
#ifndef RESULTS_PERCENTILES_H
#define RESULTS_PERCENTILES_H

#include <stdbool.h>
#include <stddef.h>

#define RB_PERCENTILES 5

/* 0.5, 0.9, 0.95, 0.99, 0.999 of the calls take no longer. */
extern const double rb_percentile_shares[RB_PERCENTILES];
/* "p50", "p90", "p95", "p99", "p99.9". */
extern const char *const rb_percentile_names[RB_PERCENTILES];

/* The smallest of sorted values that at least a share of them does not exceed. */
double rb_nearest_rank(const double *sorted, size_t count, double share);

/* In the unit of the samples; NaN, all three, below rb_percentile_least samples. */
typedef struct rb_percentile {
    double value, low, high; /* low..high: at least 95 % */
} rb_percentile;

/* The interval is the one of order statistics (Conover 1999, section 3.2): of n independent samples
 * the number that do not exceed the percentile is binomial, whatever their distribution, so the
 * ranks follow exactly from n and share. Each side misses in 2.5 % of cases at most. Samples of one
 * turn are alike, so it is narrower than another run may show; that of the median is not
 * (statistics.h). value is nearest-rank. sorted: ascending. */
rb_percentile rb_percentile_of(const double *sorted, size_t count, double share);

/* The ranks of low and high, counted from 1; false where count is too small for both to be there.
 */
typedef struct rb_percentile_ranks {
    size_t low, high;
} rb_percentile_ranks;

bool rb_percentile_interval(size_t count, double share, rb_percentile_ranks *ranks);

/* The fewest samples whose interval has two ends: 6, 36, 72, 368, 3688 for the shares above. */
size_t rb_percentile_least(double share);

/* What MLPerf's inference rules (mlcommons/inference_policies, "Scenarios") ask for: 99 %
 * confidence and a margin of (1 - share) / 20, by the normal approximation. 23,886 for 0.9, 262,742
 * for 0.99; MLPerf then rounds up to a multiple of 8192. */
size_t rb_percentile_mlperf(double share);

#endif
