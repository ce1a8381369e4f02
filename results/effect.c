#include "results/effect.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "results/students_t.h"

#define MOST_EXCHANGED 22 /* workers of both sides: 705432 ways to part 22 into halves */
#define OUTSIDE 0.05      /* of a 95 % interval */

static int by_worker_and_turn(const void *a, const void *b) {
    const rb_sample *x = a, *y = b;
    if (x->worker != y->worker)
        return (x->worker > y->worker) - (x->worker < y->worker);
    return (x->turn > y->turn) - (x->turn < y->turn);
}

/* Medians of the turns of one worker, whose sorted samples begin at first; *end is behind them. */
static double worker_median(const rb_sample *samples, size_t first, size_t count, double *times,
                            double *turns, size_t *end) {
    size_t turn_count = 0, at = first;
    while (at < count && samples[at].worker == samples[first].worker) {
        size_t n = 0;
        const int32_t turn = samples[at].turn;
        for (;
             at < count && samples[at].worker == samples[first].worker && samples[at].turn == turn;
             at++)
            times[n++] = samples[at].real_ns;
        turns[turn_count++] = rb_median(times, n);
    }
    *end = at;
    return rb_median(turns, turn_count);
}

static rb_status fill_workers(const rb_sample *samples, size_t count, double *times, double *turns,
                              rb_workers *workers, rb_error *err) {
    for (size_t at = 0; at < count;) {
        if (workers->count == RB_MOST_WORKERS)
            return rb_fail(err, RB_ERR_INPUT, "more than %d workers", RB_MOST_WORKERS);
        const double median = worker_median(samples, at, count, times, turns, &at);
        workers->log_ns[workers->count++] = log(median);
    }
    return RB_OK;
}

rb_status rb_workers_of(const rb_record *record, rb_workers *workers, rb_error *err) {
    const size_t count = record->sample_count;
    workers->count = 0;
    for (size_t i = 0; i < count; i++)
        if (!(record->samples[i].real_ns > 0) || isinf(record->samples[i].real_ns))
            return rb_fail(err, RB_ERR_INPUT, "a call that took %g ns", record->samples[i].real_ns);
    rb_sample *samples = malloc((count + 1) * sizeof *samples);
    double *times = malloc((2 * count + 1) * sizeof *times);
    rb_status status;
    if (samples && times) {
        for (size_t i = 0; i < count; i++)
            samples[i] = record->samples[i];
        qsort(samples, count, sizeof *samples, by_worker_and_turn);
        status = fill_workers(samples, count, times, times + count, workers, err);
    } else {
        status = rb_fail(err, RB_ERR_MEMORY, "no memory for %zu samples", count);
    }
    free(samples);
    free(times);
    return status;
}

static double mean_of(const rb_workers *workers) {
    double sum = 0;
    for (size_t i = 0; i < workers->count; i++)
        sum += workers->log_ns[i];
    return sum / (double)workers->count;
}

double rb_workers_ns(const rb_workers *workers) {
    return exp(mean_of(workers));
}

/* At least that of rounding to one part in 10^9: equal figures do not make an error of 0. */
static double variance_of(const rb_workers *workers) {
    const double mean = mean_of(workers), rounding = 1e-9;
    double squares = 0;
    for (size_t i = 0; i < workers->count; i++)
        squares += (workers->log_ns[i] - mean) * (workers->log_ns[i] - mean);
    return fmax(squares / (double)(workers->count - 1), rounding * rounding / 12);
}

const char *rb_effect_test_name(rb_effect_test test) {
    static const char *const names[] = {"none", "welch", "permutation"};
    return names[test];
}

/* b - a, in logarithms. Welch 1947. */
static void compare_means(const rb_workers *a, const rb_workers *b, rb_effect *effect) {
    const double difference = mean_of(b) - mean_of(a);
    *effect = (rb_effect){.ratio = exp(difference), .low = NAN, .high = NAN, .p = NAN};
    if (a->count < 2 || b->count < 2)
        return;
    const double share_a = variance_of(a) / (double)a->count;
    const double share_b = variance_of(b) / (double)b->count;
    const double variance = share_a + share_b, error = sqrt(variance);
    const double freedom =
        variance * variance /
        (share_a * share_a / (double)(a->count - 1) + share_b * share_b / (double)(b->count - 1));
    const double half = error * rb_students_t_quantile(OUTSIDE, freedom);
    effect->test = RB_TEST_WELCH;
    effect->low = exp(difference - half);
    effect->high = exp(difference + half);
    effect->p = rb_students_t_both_tails(difference / error, freedom);
}

/* Ways to part a + b workers into a and b. */
static double ways(size_t a, size_t b) {
    double count = 1;
    for (size_t i = 1; i <= a; i++)
        count = count * (double)(b + i) / (double)i;
    return count;
}

rb_effect_test rb_effect_choose(size_t a_workers, size_t b_workers, double level) {
    if (a_workers < 2 || b_workers < 2)
        return RB_TEST_NONE;
    /* Of unequal numbers only one way is the farthest; of equal ones its mirror image too. */
    const double fewest = a_workers == b_workers ? 2 : 1;
    return a_workers + b_workers <= MOST_EXCHANGED && fewest / ways(a_workers, b_workers) <= level
               ? RB_TEST_PERMUTATION
               : RB_TEST_WELCH;
}

typedef struct parting {
    double log_ns[MOST_EXCHANGED];
    size_t count, of_b;
    double total, farthest; /* farthest: the distance that was found */
    size_t ways, as_far;
} parting;

/* All ways to choose those of b from `at` on, with `chosen` of them, of that sum, before it. */
static void part(parting *p, size_t at, size_t chosen, double sum) {
    const size_t missing = p->of_b - chosen;
    if (missing == 0) {
        const double b = sum / (double)p->of_b;
        const double a = (p->total - sum) / (double)(p->count - p->of_b);
        p->ways++;
        p->as_far += fabs(b - a) >= p->farthest * (1 - 1e-12);
        return;
    }
    if (p->count - at < missing)
        return;
    part(p, at + 1, chosen + 1, sum + p->log_ns[at]);
    part(p, at + 1, chosen, sum);
}

/* Share of all partings of the workers whose means are at least as far from each other. */
static double permutation_p(const rb_workers *a, const rb_workers *b) {
    parting p = {.count = a->count + b->count, .of_b = b->count};
    for (size_t i = 0; i < p.count; i++) {
        p.log_ns[i] = i < b->count ? b->log_ns[i] : a->log_ns[i - b->count];
        p.total += p.log_ns[i];
    }
    p.farthest = fabs(mean_of(b) - mean_of(a));
    part(&p, 0, 0, 0);
    return (double)p.as_far / (double)p.ways;
}

void rb_effect_compute(const rb_workers *a, const rb_workers *b, double level, rb_effect *effect) {
    compare_means(a, b, effect);
    if (rb_effect_choose(a->count, b->count, level) != RB_TEST_PERMUTATION)
        return;
    effect->test = RB_TEST_PERMUTATION;
    effect->p = permutation_p(a, b);
}

/* An engine and its base take turns, worker by worker: what slows one meets the other. */
static void divide(const rb_workers *workers, const rb_workers *base, rb_workers *ratios) {
    ratios->count = workers->count;
    for (size_t i = 0; i < workers->count; i++)
        ratios->log_ns[i] = workers->log_ns[i] - base->log_ns[i];
}

void rb_effect_of_ratios(const rb_workers *a, const rb_workers *a_base, const rb_workers *b,
                         const rb_workers *b_base, rb_effect *effect) {
    rb_workers of_a, of_b;
    if (a->count == a_base->count && b->count == b_base->count) {
        divide(a, a_base, &of_a);
        divide(b, b_base, &of_b);
        compare_means(&of_a, &of_b, effect);
        return;
    }
    *effect = (rb_effect){.ratio = rb_workers_ns(b) / rb_workers_ns(b_base) /
                                   (rb_workers_ns(a) / rb_workers_ns(a_base)),
                          .low = NAN,
                          .high = NAN,
                          .p = NAN};
}
