/* Median, percentiles and the bootstrap interval as pure functions of samples. */
#include "test_support.h"

#include <math.h>

#include "results/statistics.h"
#include "results/students_t.h"

#define assert_close(a, b) assert_true(fabs((a) - (b)) <= 1e-12 * fabs((double)(b)))

static rb_summary summarize(const double *samples, size_t count) {
    rb_summary summary;
    double *copy = malloc((count + 1) * sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, samples, count * sizeof *copy);
    assert_ok(rb_summarize(copy, NULL, count, &summary, &err));
    free(copy);
    assert_int_equal(summary.count, count);
    return summary;
}

/* first, first + 1, ... in a shuffled order. */
static void fill_shuffled(double *samples, size_t count, double first) {
    uint64_t seed = 5;
    for (size_t i = 0; i < count; i++)
        samples[i] = first + (double)i;
    for (size_t i = count; i > 1; i--) {
        const size_t j = random_bits(&seed) % i;
        const double moved = samples[i - 1];
        samples[i - 1] = samples[j];
        samples[j] = moved;
    }
}

/* sqrt(-2 log u) cos(2 pi v): Box and Muller 1958. */
static double random_normal(uint64_t *seed) {
    const double radius = sqrt(-2 * log(random_unit(seed)));
    return radius * cos(2 * 3.14159265358979323846 * random_unit(seed));
}

static void the_median_is_the_middle(void **state) {
    (void)state;
    assert_true(summarize((const double[]){3, 1, 2}, 3).median == 2);
    assert_true(summarize((const double[]){4, 1, 3, 2}, 4).median == 2.5);
    assert_true(summarize((const double[]){7}, 1).median == 7);
    assert_true(summarize((const double[]){9, 1}, 2).median == 5);
    double values[] = {5, -1, 3, 3, 100};
    assert_true(rb_median(values, 5) == 3);
    for (size_t i = 1; i < COUNT(values); i++)
        assert_true(values[i - 1] <= values[i]); /* sorted in place */
    assert_true(rb_sorted_median(values, 4) == 3);
    assert_true(isnan(rb_sorted_median(values, 0)));
}

static void moments_are_those_of_the_book(void **state) {
    (void)state;
    const rb_summary s = summarize((const double[]){2, 4, 4, 4, 5, 5, 7, 9}, 8);
    assert_close(s.mean, 5);
    assert_close(s.stddev, sqrt(32.0 / 7));
    assert_true(s.min == 2);
    assert_true(s.median == 4.5);
}

static void percentiles_are_of_unsorted_samples(void **state) {
    (void)state;
    static double samples[1000];
    fill_shuffled(samples, 1000, 1);
    const rb_summary s = summarize(samples, 1000);
    static const double expected[RB_PERCENTILES] = {500, 900, 950, 990, NAN};
    for (size_t p = 0; p < RB_PERCENTILES - 1; p++) {
        assert_true(s.percentiles[p].value == expected[p]);
        assert_true(s.percentiles[p].low < expected[p] && expected[p] < s.percentiles[p].high);
    }
    assert_true(isnan(s.percentiles[RB_PERCENTILES - 1].value));
}

static void too_few_samples_give_nothing(void **state) {
    (void)state;
    double samples[100];
    fill_shuffled(samples, 100, 1);
    const rb_summary none = summarize(samples, 0);
    assert_true(isnan(none.median) && isnan(none.min) && isnan(none.mean) && isnan(none.stddev));
    assert_true(isnan(none.low) && isnan(none.high) && isnan(none.percentiles[0].value));
    const rb_summary one = summarize(samples, 1);
    assert_true(isnan(one.stddev) && !isnan(one.mean) && isnan(one.low));
    assert_true(isnan(summarize(samples, 7).low) && isnan(summarize(samples, 7).high));
    assert_true(isfinite(summarize(samples, 8).low) && isfinite(summarize(samples, 8).high));
    rb_summary s;
    assert_int_equal(rb_summarize(NULL, NULL, 0, &s, NULL), RB_OK);
}

static void the_interval_is_the_same_every_time(void **state) {
    (void)state;
    double samples[25];
    fill_shuffled(samples, 25, 10);
    const rb_summary a = summarize(samples, 25);
    const double first = samples[0];
    samples[0] = samples[24], samples[24] = first; /* the order says nothing */
    const rb_summary b = summarize(samples, 25);
    assert_memory_equal(&a, &b, sizeof a);
    assert_true(a.low < a.median && a.median < a.high);
    assert_true(a.low >= 10 && a.high <= 34);
}

static void the_interval_moves_and_scales_with_the_samples(void **state) {
    (void)state;
    double samples[20], moved[20];
    uint64_t seed = 11;
    for (size_t i = 0; i < 20; i++) {
        samples[i] = floor(1000 * random_unit(&seed));
        moved[i] = 4 * samples[i] + 1024; /* exact */
    }
    const rb_summary a = summarize(samples, 20), b = summarize(moved, 20);
    assert_true(b.low == 4 * a.low + 1024);
    assert_true(b.high == 4 * a.high + 1024);
}

/* How many of 400 seeded experiments have an interval that holds truth. The standard error of that
 * share is 1.1 %; a percentile bootstrap of few samples is a little off 95 %. */
static int covered_of_400(size_t count, double truth, double *mean_width) {
    uint64_t seed = 2024;
    int covered = 0;
    *mean_width = 0;
    for (int trial = 0; trial < 400; trial++) {
        double samples[64];
        for (size_t i = 0; i < count; i++)
            samples[i] = 100 + 10 * random_normal(&seed);
        const rb_summary s = summarize(samples, count);
        assert_true(s.low <= s.median && s.median <= s.high);
        covered += s.low <= truth && truth <= s.high;
        *mean_width += (s.high - s.low) / 400;
    }
    return covered;
}

static void the_interval_covers_the_true_median(void **state) {
    (void)state;
    double narrow, wide, other;
    assert_in_range(covered_of_400(12, 100, &wide), 400 * 88 / 100, 400 * 99 / 100);
    assert_in_range(covered_of_400(24, 100, &narrow), 400 * 88 / 100, 400 * 99 / 100);
    assert_true(narrow < wide);
    /* The check can fail: a value that is not the median is not covered as often. */
    assert_in_range(covered_of_400(24, 106, &other), 0, 400 * 60 / 100);
}

static void constant_samples_have_no_spread(void **state) {
    (void)state;
    double samples[120];
    for (size_t i = 0; i < 120; i++)
        samples[i] = 42;
    const rb_summary s = summarize(samples, 120);
    assert_true(s.median == 42 && s.low == 42 && s.high == 42 && s.min == 42);
    assert_true(s.mean == 42 && s.percentiles[1].value == 42 && s.percentiles[1].low == 42);
    assert_true(s.stddev == 0);
}

/* Two turns that disagree: the interval must reach over both, not shrink with the samples. */
static void a_slow_turn_widens_the_interval(void **state) {
    enum { TURN = 100 };
    double values[2 * TURN];
    int32_t turns[2 * TURN];
    rb_summary apart, together;
    (void)state;
    for (int i = 0; i < 2 * TURN; i++) {
        turns[i] = i / TURN;
        values[i] = (turns[i] ? 20 : 10) + 0.01 * (i % TURN);
    }
    assert_ok(rb_summarize(values, turns, 2 * TURN, &apart, &err));
    assert_ok(rb_summarize(values, NULL, 2 * TURN, &together, &err));
    assert_true(apart.low < 11 && apart.high > 20);
    assert_true(apart.median == together.median);
    for (int i = 0; i < 2 * TURN; i++)
        values[i] = 10 + 0.01 * (i % TURN);
    assert_ok(rb_summarize(values, turns, 2 * TURN, &apart, &err));
    assert_true(apart.high - apart.low < 1);
}

/* Simpson's rule over the density of Student's t from 0 to x. */
static double student_between(double degrees, double x) {
    enum { STEPS = 20000 };
    const double scale = exp(lgamma((degrees + 1) / 2) - lgamma(degrees / 2)) /
                         sqrt(degrees * 3.14159265358979323846);
    double sum = 0;
    for (int i = 0; i <= STEPS; i++) {
        const double t = x * i / STEPS, weight = i == 0 || i == STEPS ? 1 : i % 2 ? 4 : 2;
        sum += weight * pow(1 + t * t / degrees, -(degrees + 1) / 2);
    }
    return scale * sum * x / STEPS / 3;
}

static void quantiles_of_student_hold_95_percent(void **state) {
    (void)state;
    for (double degrees = 1; degrees <= 1000; degrees = floor(degrees * 1.5 + 1))
        assert_true(fabs(student_between(degrees, rb_students_t_quantile(0.05, degrees)) - 0.475) <
                    1e-9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_median_is_the_middle),
        cmocka_unit_test(quantiles_of_student_hold_95_percent),
        cmocka_unit_test(moments_are_those_of_the_book),
        cmocka_unit_test(percentiles_are_of_unsorted_samples),
        cmocka_unit_test(too_few_samples_give_nothing),
        cmocka_unit_test(the_interval_is_the_same_every_time),
        cmocka_unit_test(the_interval_moves_and_scales_with_the_samples),
        cmocka_unit_test(the_interval_covers_the_true_median),
        cmocka_unit_test(constant_samples_have_no_spread),
        cmocka_unit_test(a_slow_turn_widens_the_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
