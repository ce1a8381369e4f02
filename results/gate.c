#include "results/gate.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "results/statistics.h"

#define MAX_CALLS 256
#define MAX_WALSH (RB_GATE_MAX_ROUNDS * (RB_GATE_MAX_ROUNDS + 1) / 2)

const rb_gate_limits rb_gate_default_limits = {.tolerance = 0.02, .detect = 0.05, .alpha = 0.05};

size_t rb_gate_rounds_needed(const rb_gate_limits *limits, size_t cells) {
    size_t rounds = RB_GATE_LEAST_ROUNDS;
    while (rounds < RB_GATE_MAX_ROUNDS &&
           ldexp((double)(cells > 0 ? cells : 1), -(int)rounds) > limits->alpha)
        rounds++;
    return rounds;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double rb_gate_quartile(const double *ns, size_t calls) {
    double sorted[MAX_CALLS];
    if (calls == 0 || calls > MAX_CALLS)
        return NAN;
    memcpy(sorted, ns, calls * sizeof *sorted);
    qsort(sorted, calls, sizeof *sorted, ascending);
    return sorted[(calls - 1) / 4];
}

double rb_gate_log_ratio(const double *base_ns, const double *head_ns, size_t calls) {
    return log(rb_gate_quartile(head_ns, calls) / rb_gate_quartile(base_ns, calls));
}

static int by_size(const void *a, const void *b) {
    const double x = fabs(*(const double *)a), y = fabs(*(const double *)b);
    return (x > y) - (x < y);
}

/* Number of subsets of the ranks 1..n whose sum is s, as a share of all. */
static void null_distribution(size_t n, double *share) {
    const size_t most = n * (n + 1) / 2;
    memset(share, 0, (most + 1) * sizeof *share);
    share[0] = 1;
    for (size_t rank = 1; rank <= n; rank++)
        for (size_t s = most + 1; s-- > 0;)
            share[s] = (share[s] + (s >= rank ? share[s - rank] : 0)) / 2;
}

/* P(W >= w) where w is the rank sum of the values above 0. Equal sizes take their ranks in the
 * order that speaks against an alarm; a value that is 0, or NaN, counts as below. */
static double p_above(const double *values, size_t n) {
    double sorted[RB_GATE_MAX_ROUNDS], share[MAX_WALSH + 1], p = 0;
    size_t w = 0;
    memcpy(sorted, values, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_size);
    for (size_t i = 0; i < n;) {
        size_t end = i, above = 0;
        do { /* at least one: NaN equals not even itself */
            above += sorted[end] > 0;
            end++;
        } while (end < n && fabs(sorted[end]) == fabs(sorted[i]));
        for (size_t k = 0; k < above; k++)
            w += i + k + 1;
        i = end;
    }
    null_distribution(n, share);
    for (size_t s = w; s <= n * (n + 1) / 2; s++)
        p += share[s];
    return p;
}

/* How many Walsh averages may be left out at one end: the bound then has a level of alpha at
 * most. 0: not even none may, there are too few rounds. */
static size_t walsh_rank(size_t n, double alpha) {
    double share[MAX_WALSH + 1], below = 0;
    size_t rank = 0;
    null_distribution(n, share);
    for (size_t s = 0; s <= n * (n + 1) / 2; s++) {
        below += share[s];
        if (below > alpha)
            break;
        rank = s + 1;
    }
    return rank;
}

void rb_gate_series_judge(const rb_gate_limits *limits, rb_gate_series *series) {
    double walsh[MAX_WALSH], shifted[RB_GATE_MAX_ROUNDS];
    const size_t n = series->rounds;
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i; j < n; j++)
            walsh[count++] = (series->log_ratio[i] + series->log_ratio[j]) / 2;
    qsort(walsh, count, sizeof *walsh, ascending);
    const size_t rank = walsh_rank(n, limits->alpha);
    series->ratio = exp(rb_sorted_median(walsh, count));
    series->low = rank ? exp(walsh[rank - 1]) : NAN;
    series->high = rank ? exp(walsh[count - rank]) : NAN;
    for (size_t i = 0; i < n; i++)
        shifted[i] = series->log_ratio[i] - log1p(limits->tolerance);
    series->p_slower = p_above(shifted, n);
    for (size_t i = 0; i < n; i++)
        shifted[i] = log1p(limits->detect) - series->log_ratio[i];
    series->p_detect = p_above(shifted, n);
}

const char *rb_gate_verdict_name(rb_gate_verdict verdict) {
    static const char *const names[] = {"FINE", "NOISY", "SLOWER", "MORE"};
    return names[verdict];
}

rb_gate_verdict rb_gate_series_verdict(const rb_gate_limits *limits, const rb_gate_series *series,
                                       double p_adjusted) {
    if (p_adjusted <= limits->alpha)
        return RB_GATE_SLOWER;
    return series->p_detect <= limits->alpha ? RB_GATE_FINE : RB_GATE_NOISY;
}

rb_gate_verdict rb_gate_verdict_of(const rb_gate_verdict *series, size_t count) {
    size_t slower = 0;
    for (size_t i = 0; i < count; i++) {
        if (series[i] == RB_GATE_FINE)
            return RB_GATE_FINE;
        slower += series[i] == RB_GATE_SLOWER;
        if (slower == 2)
            return RB_GATE_SLOWER;
    }
    return count < RB_GATE_MAX_SERIES ? RB_GATE_MORE : RB_GATE_NOISY;
}
