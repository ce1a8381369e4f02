#include "results/percentiles.h"

#include <math.h>

#define MISSED_PER_SIDE 0.025

/* Of the standard normal distribution at (1 + 0.99) / 2. */
#define Z_99 2.5758293035489004

const double rb_percentile_shares[RB_PERCENTILES] = {0.5, 0.9, 0.95, 0.99, 0.999};
const char *const rb_percentile_names[RB_PERCENTILES] = {"p50", "p90", "p95", "p99", "p99.9"};

double rb_nearest_rank(const double *sorted, size_t count, double share) {
    const size_t rank = (size_t)ceil(share * (double)count);
    return sorted[rank > 0 ? rank - 1 : 0];
}

/* P(B = k) of n trials that succeed with p: by logarithms, for p^n may be too small for a double.
 */
static double binomial(size_t n, size_t k, double p) {
    const double total = (double)n, wins = (double)k;
    return exp(lgamma(total + 1) - lgamma(wins + 1) - lgamma(total - wins + 1) + wins * log(p) +
               (total - wins) * log1p(-p));
}

bool rb_percentile_interval(size_t count, double share, rb_percentile_ranks *ranks) {
    /* Beyond ten deviations and ten trials from the mean there is less than 1e-15. */
    const double mean = (double)count * share, room = 10 * sqrt(mean * (1 - share)) + 10;
    const size_t first = mean > room ? (size_t)(mean - room) : 0;
    const size_t last = mean + room < (double)count ? (size_t)(mean + room) : count;
    double below = 0, above = 0;
    *ranks = (rb_percentile_ranks){first, last < count ? last + 1 : 0};
    /* X(low) is beyond the percentile where fewer than low samples do not exceed it. */
    for (size_t k = first; k < count && (below += binomial(count, k, share)) <= MISSED_PER_SIDE;
         k++)
        ranks->low = k + 1;
    /* X(high) falls short of it where high samples or more do not exceed it. */
    for (size_t k = last; k > 0 && (above += binomial(count, k, share)) <= MISSED_PER_SIDE; k--)
        ranks->high = k;
    return ranks->low > 0 && ranks->high > 0;
}

size_t rb_percentile_least(double share) {
    const double rarer = fmax(share, 1 - share);
    return (size_t)ceil(log(MISSED_PER_SIDE) / log(rarer));
}

size_t rb_percentile_mlperf(double share) {
    const double margin = (1 - share) / 20;
    return (size_t)round(Z_99 * Z_99 * share * (1 - share) / (margin * margin));
}

rb_percentile rb_percentile_of(const double *sorted, size_t count, double share) {
    rb_percentile_ranks ranks;
    if (count < rb_percentile_least(share) || !rb_percentile_interval(count, share, &ranks))
        return (rb_percentile){NAN, NAN, NAN};
    return (rb_percentile){rb_nearest_rank(sorted, count, share), sorted[ranks.low - 1],
                           sorted[ranks.high - 1]};
}
