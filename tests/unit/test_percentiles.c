/* Percentiles and their intervals, against a binomial distribution that is computed in another way:
 * by adding one trial after the other, without a logarithm. */
#include "test_support.h"

#include <math.h>

#include "results/percentiles.h"

#define MOST 400

/* The distribution of the number of successes in n trials, n = 0, 1, ... in turn. */
typedef struct trials {
    long double chance[MOST + 2];
    size_t n;
} trials;

static void add_trial(trials *t, long double p) {
    t->n++;
    for (size_t k = t->n; k > 0; k--)
        t->chance[k] = t->chance[k] * (1 - p) + t->chance[k - 1] * p;
    t->chance[0] *= 1 - p;
}

/* P(first <= successes <= last). */
static long double chance_of(const trials *t, size_t first, size_t last) {
    long double sum = 0;
    for (size_t k = first; k <= last && k <= t->n; k++)
        sum += t->chance[k];
    return sum;
}

static void intervals_are_those_of_the_binomial_distribution(void **state) {
    (void)state;
    size_t found = 0;
    for (size_t s = 0; s < RB_PERCENTILES; s++) {
        trials t = {.chance = {1}};
        for (size_t n = 1; n <= MOST; n++) {
            rb_percentile_ranks r;
            add_trial(&t, rb_percentile_shares[s]);
            const bool both = rb_percentile_interval(n, rb_percentile_shares[s], &r);
            assert_int_equal(both, r.low > 0 && r.high > 0);
            assert_int_equal(both, n >= rb_percentile_least(rb_percentile_shares[s]));
            /* Each side misses in at most 2.5 %, and one rank further inside in more. */
            if (r.low > 0)
                assert_true(chance_of(&t, 0, r.low - 1) <= 0.025L);
            assert_true(chance_of(&t, 0, r.low) > 0.025L);
            if (r.high > 0)
                assert_true(chance_of(&t, r.high, n) <= 0.025L);
            assert_true(chance_of(&t, r.high > 0 ? r.high - 1 : n, n) > 0.025L);
            if (both)
                assert_true(chance_of(&t, r.low, r.high - 1) >= 0.95L);
            found += both;
        }
    }
    assert_true(found > 1000);
}

/* Tables of the sign test and of the median's interval. */
static void ranks_are_those_of_the_book(void **state) {
    (void)state;
    static const size_t books[][3] = {
        {6, 1, 6}, {10, 2, 9}, {20, 6, 15}, {25, 8, 18}, {50, 18, 33}};
    for (size_t i = 0; i < COUNT(books); i++) {
        rb_percentile_ranks ranks;
        assert_true(rb_percentile_interval(books[i][0], 0.5, &ranks));
        assert_int_equal(ranks.low, books[i][1]);
        assert_int_equal(ranks.high, books[i][2]);
    }
}

static void the_fewest_samples_follow_from_the_share(void **state) {
    (void)state;
    static const size_t least[RB_PERCENTILES] = {6, 36, 72, 368, 3688};
    for (size_t s = 0; s < RB_PERCENTILES; s++) {
        const double share = rb_percentile_shares[s];
        assert_int_equal(rb_percentile_least(share), least[s]);
        assert_true(pow(share, (double)least[s]) <= 0.025);
        assert_true(pow(share, (double)least[s] - 1) > 0.025);
    }
}

/* The figures of the rules' own table. */
static void mlperf_asks_for_more(void **state) {
    (void)state;
    assert_int_equal(rb_percentile_mlperf(0.90), 23886);
    assert_int_equal(rb_percentile_mlperf(0.95), 50425);
    assert_int_equal(rb_percentile_mlperf(0.97), 85811);
    assert_int_equal(rb_percentile_mlperf(0.99), 262742);
}

/* In integers, so that no rounding of share * n may shift the rank. */
static void values_are_of_the_nearest_rank(void **state) {
    (void)state;
    static const size_t per_mille[RB_PERCENTILES] = {500, 900, 950, 990, 999};
    static double sorted[5000];
    for (size_t i = 0; i < COUNT(sorted); i++)
        sorted[i] = (double)(i + 1);
    for (size_t n = 1; n <= COUNT(sorted); n++)
        for (size_t s = 0; s < RB_PERCENTILES; s++)
            assert_true(rb_nearest_rank(sorted, n, rb_percentile_shares[s]) ==
                        (double)((per_mille[s] * n + 999) / 1000));
}

static void too_few_samples_give_nothing(void **state) {
    (void)state;
    double sorted[40];
    for (size_t i = 0; i < COUNT(sorted); i++)
        sorted[i] = (double)i;
    const rb_percentile few = rb_percentile_of(sorted, 35, 0.9);
    assert_true(isnan(few.value) && isnan(few.low) && isnan(few.high));
    const rb_percentile enough = rb_percentile_of(sorted, 36, 0.9);
    assert_true(enough.value == 32 && enough.high == 35 && enough.low < enough.value);
    assert_true(isnan(rb_percentile_of(NULL, 0, 0.5).value));
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Exponential samples, whose percentiles are known. Over 2000 draws a share of 0.95 has a standard
 * deviation of 0.005; the interval is a little wider than it need be, so only its low side is
 * held. */
static void intervals_hold_the_percentile_as_often_as_they_say(void **state) {
    (void)state;
    enum { DRAWS = 2000, SIZE = 500 };
    uint64_t seed = 3;
    size_t held[RB_PERCENTILES] = {0};
    for (size_t draw = 0; draw < DRAWS; draw++) {
        double samples[SIZE];
        for (size_t i = 0; i < SIZE; i++)
            samples[i] = -log(random_unit(&seed));
        qsort(samples, SIZE, sizeof samples[0], ascending);
        for (size_t s = 0; s < RB_PERCENTILES; s++) {
            const double right = -log1p(-rb_percentile_shares[s]);
            const rb_percentile p = rb_percentile_of(samples, SIZE, rb_percentile_shares[s]);
            held[s] += p.low <= right && right <= p.high;
        }
    }
    for (size_t s = 0; s < RB_PERCENTILES - 1; s++)
        if ((double)held[s] < 0.935 * DRAWS || (double)held[s] > 0.99 * DRAWS)
            fail_msg("%s lies in %zu of %d intervals", rb_percentile_names[s], held[s], DRAWS);
    assert_int_equal(held[RB_PERCENTILES - 1], 0); /* 500 samples give none */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals_are_those_of_the_binomial_distribution),
        cmocka_unit_test(ranks_are_those_of_the_book),
        cmocka_unit_test(the_fewest_samples_follow_from_the_share),
        cmocka_unit_test(mlperf_asks_for_more),
        cmocka_unit_test(values_are_of_the_nearest_rank),
        cmocka_unit_test(too_few_samples_give_nothing),
        cmocka_unit_test(intervals_hold_the_percentile_as_often_as_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
