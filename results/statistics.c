#include "results/statistics.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define RESAMPLES 2000

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double rb_sorted_median(const double *sorted, size_t count) {
    if (count == 0)
        return NAN;
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

double rb_median(double *values, size_t count) {
    qsort(values, count, sizeof *values, ascending);
    return rb_sorted_median(values, count);
}

/* The smallest value that at least a share of the samples does not exceed. */
static double nearest_rank(const double *sorted, size_t count, double share) {
    const size_t rank = (size_t)ceil(share * (double)count);
    return sorted[rank > 0 ? rank - 1 : 0];
}

/* xorshift64* (Vigna 2016): the resampling needs no better generator. */
static uint64_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545F4914F6CDD1Du;
}

static rb_status bootstrap_median(const double *sorted, size_t count, rb_summary *summary,
                                  rb_error *err) {
    double *medians = malloc(RESAMPLES * sizeof *medians);
    double *resample = malloc(count * sizeof *resample);
    if (!medians || !resample) {
        free(medians);
        free(resample);
        return rb_fail(err, RB_ERR_MEMORY, "no memory to resample %zu values", count);
    }
    uint64_t state = 0x9E3779B97F4A7C15u;
    for (size_t r = 0; r < RESAMPLES; r++) {
        for (size_t i = 0; i < count; i++)
            resample[i] = sorted[next_random(&state) % count];
        medians[r] = rb_median(resample, count);
    }
    qsort(medians, RESAMPLES, sizeof *medians, ascending);
    summary->low = nearest_rank(medians, RESAMPLES, 0.025);
    summary->high = nearest_rank(medians, RESAMPLES, 0.975);
    free(medians);
    free(resample);
    return RB_OK;
}

rb_status rb_summarize(double *values, size_t count, rb_summary *summary, rb_error *err) {
    *summary = (rb_summary){.count = count,
                            .median = NAN,
                            .low = NAN,
                            .high = NAN,
                            .min = NAN,
                            .mean = NAN,
                            .stddev = NAN,
                            .p90 = NAN,
                            .p99 = NAN};
    if (count == 0)
        return RB_OK;
    summary->median = rb_median(values, count);
    summary->min = values[0];
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    summary->mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - summary->mean) * (values[i] - summary->mean);
    if (count > 1)
        summary->stddev = sqrt(squares / (double)(count - 1));
    if (count >= RB_MIN_P90_SAMPLES)
        summary->p90 = nearest_rank(values, count, 0.90);
    if (count >= RB_MIN_P99_SAMPLES)
        summary->p99 = nearest_rank(values, count, 0.99);
    if (count < RB_MIN_INTERVAL_SAMPLES)
        return RB_OK;
    return bootstrap_median(values, count, summary, err);
}
