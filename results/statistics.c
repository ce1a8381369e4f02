#include "results/statistics.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

/* xorshift64* (Vigna 2016): the resampling needs no better generator. */
static uint64_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545F4914F6CDD1Du;
}

/* Values as ranks, cluster by cluster: what resampling needs. */
typedef struct clustered_ranks {
    const double *sorted;
    size_t count;
    size_t *rank;  /* [count] of the values, in their own order */
    size_t *start; /* [clusters + 1] first value of each cluster */
    size_t clusters;
    uint32_t *drawn; /* [count] how often each rank is in the resample */
} clustered_ranks;

typedef struct ranked_value {
    double value;
    size_t index;
} ranked_value;

static int by_value(const void *a, const void *b) {
    const ranked_value *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

/* Draws clusters, then as many values from each as it has; returns the median of the draw. */
static double resampled_median(clustered_ranks *c, uint64_t *state) {
    size_t total = 0, seen = 0, low = 0;
    memset(c->drawn, 0, c->count * sizeof *c->drawn);
    for (size_t k = 0; k < c->clusters; k++) {
        const size_t cluster = next_random(state) % c->clusters;
        const size_t first = c->start[cluster], size = c->start[cluster + 1] - first;
        for (size_t i = 0; i < size; i++)
            c->drawn[c->rank[first + next_random(state) % size]]++;
        total += size;
    }
    /* The values number (total - 1) / 2 and total / 2 of the draw, counted from 0. */
    const size_t lower = (total - 1) / 2, upper = total / 2;
    for (size_t r = 0;; r++) {
        if (seen <= lower && lower < seen + c->drawn[r])
            low = r;
        seen += c->drawn[r];
        if (upper < seen)
            return (c->sorted[low] + c->sorted[r]) / 2;
    }
}

static void bootstrap_median(clustered_ranks *c, double medians[RESAMPLES], rb_summary *summary) {
    uint64_t state = 0x9E3779B97F4A7C15u;
    for (size_t r = 0; r < RESAMPLES; r++)
        medians[r] = resampled_median(c, &state);
    qsort(medians, RESAMPLES, sizeof *medians, ascending);
    /* Turns of unlike length can push the resamples to one side; an interval has its median. */
    summary->low = fmin(summary->median, rb_nearest_rank(medians, RESAMPLES, 0.025));
    summary->high = fmax(summary->median, rb_nearest_rank(medians, RESAMPLES, 0.975));
}

static void fill_clusters(clustered_ranks *c, const ranked_value *ranked, const int32_t *clusters) {
    for (size_t r = 0; r < c->count; r++)
        c->rank[ranked[r].index] = r;
    c->clusters = 0;
    for (size_t i = 0; i < c->count; i++)
        if (i == 0 || (clusters && clusters[i] != clusters[i - 1]))
            c->start[c->clusters++] = i;
    c->start[c->clusters] = c->count;
}

static rb_status find_interval(const double *values, const double *sorted, const int32_t *clusters,
                               size_t count, rb_summary *summary, rb_error *err) {
    clustered_ranks c = {.sorted = sorted, .count = count};
    rb_status status = RB_OK;
    double *medians = malloc(RESAMPLES * sizeof *medians);
    ranked_value *ranked = malloc(count * sizeof *ranked);
    c.rank = malloc(count * sizeof *c.rank);
    c.start = malloc((count + 1) * sizeof *c.start);
    c.drawn = malloc(count * sizeof *c.drawn);
    if (medians && ranked && c.rank && c.start && c.drawn) {
        for (size_t i = 0; i < count; i++)
            ranked[i] = (ranked_value){values[i], i};
        qsort(ranked, count, sizeof *ranked, by_value);
        fill_clusters(&c, ranked, clusters);
        bootstrap_median(&c, medians, summary);
    } else {
        status = rb_fail(err, RB_ERR_MEMORY, "no memory to resample %zu values", count);
    }
    free(medians);
    free(ranked);
    free(c.rank);
    free(c.start);
    free(c.drawn);
    return status;
}

static void fill_moments(const double *sorted, size_t count, rb_summary *summary) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += sorted[i];
    summary->mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (sorted[i] - summary->mean) * (sorted[i] - summary->mean);
    if (count > 1)
        summary->stddev = sqrt(squares / (double)(count - 1));
}

static rb_status summarize(const double *values, const int32_t *clusters, size_t count,
                           bool interval, rb_summary *summary, rb_error *err) {
    *summary = (rb_summary){.count = count,
                            .median = NAN,
                            .low = NAN,
                            .high = NAN,
                            .min = NAN,
                            .mean = NAN,
                            .stddev = NAN};
    for (size_t p = 0; p < RB_PERCENTILES; p++)
        summary->percentiles[p] = (rb_percentile){NAN, NAN, NAN};
    if (count == 0)
        return RB_OK;
    double *sorted = malloc(count * sizeof *sorted);
    if (!sorted)
        return rb_fail(err, RB_ERR_MEMORY, "no memory to sort %zu values", count);
    memcpy(sorted, values, count * sizeof *sorted);
    summary->median = rb_median(sorted, count);
    summary->min = sorted[0];
    fill_moments(sorted, count, summary);
    for (size_t p = 0; p < RB_PERCENTILES; p++)
        summary->percentiles[p] = rb_percentile_of(sorted, count, rb_percentile_shares[p]);
    rb_status status = RB_OK;
    if (interval && count >= RB_MIN_INTERVAL_SAMPLES)
        status = find_interval(values, sorted, clusters, count, summary, err);
    free(sorted);
    return status;
}

rb_status rb_summarize(const double *values, const int32_t *clusters, size_t count,
                       rb_summary *summary, rb_error *err) {
    return summarize(values, clusters, count, true, summary, err);
}

rb_status rb_summarize_briefly(const double *values, size_t count, rb_summary *summary,
                               rb_error *err) {
    return summarize(values, NULL, count, false, summary, err);
}
