/* Pure functions of samples. */
#ifndef RESULTS_STATISTICS_H
#define RESULTS_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

#include "resbench/status.h"
#include "results/percentiles.h"

#define RB_MIN_INTERVAL_SAMPLES 8 /* below, a bootstrap interval says nothing */

/* All in the unit of the samples; NaN where there are too few of them. */
typedef struct rb_summary {
    size_t count;
    double median, low, high; /* low..high: 95 % interval of the median */
    double min, mean, stddev;
    rb_percentile percentiles[RB_PERCENTILES];
} rb_summary;

/* clusters[i] says which process and turn value i comes from (NULL: all from one); values of one
 * cluster must stand together. The interval is the percentile bootstrap (Efron and Tibshirani
 * 1993, chapter 13) of the median in two stages, clusters first and then values within them
 * (Davison and Hinkley 1997, section 3.8): a slow minute of the machine widens it. 2000 resamples
 * from a fixed seed: the same samples give the same interval. */
rb_status rb_summarize(const double *values, const int32_t *clusters, size_t count,
                       rb_summary *summary, rb_error *err);

/* The same without the interval, which takes the most time. */
rb_status rb_summarize_briefly(const double *values, size_t count, rb_summary *summary,
                               rb_error *err);

/* Middle of sorted values: the mean of the two middle ones for an even count, as Google
 * Benchmark's StatisticsMedian. NaN for none. */
double rb_sorted_median(const double *sorted, size_t count);

/* Sorts and returns the median. */
double rb_median(double *values, size_t count);

#endif
