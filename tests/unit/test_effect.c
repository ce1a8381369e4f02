/* Ratios, their intervals and tests: against figures computed by hand and from tables, and against
 * what they promise, by simulation. */
#include "test_support.h"

#include <math.h>

#include "results/effect.h"
#include "results/holm.h"
#include "results/students_t.h"

#define assert_near(a, b, relative) assert_true(fabs((a) - (b)) <= (relative)*fabs((double)(b)))

static rb_workers workers(const double *log_ns, size_t count) {
    rb_workers w = {.count = count};
    memcpy(w.log_ns, log_ns, count * sizeof *log_ns);
    return w;
}

#define WORKERS(...) workers((const double[]){__VA_ARGS__}, COUNT(((const double[]){__VA_ARGS__})))

/* sqrt(-2 log u) cos(2 pi v): Box and Muller 1958. */
static double random_normal(uint64_t *seed) {
    const double radius = sqrt(-2 * log(random_unit(seed)));
    return radius * cos(2 * 3.14159265358979323846 * random_unit(seed));
}

static void students_t_is_that_of_the_tables(void **state) {
    (void)state;
    static const struct {
        double freedom, t;
    } rows[] = {{1, 12.7062047362},
                {2, 4.30265272991},
                {4, 2.77644510520},
                {10, 2.22813885196},
                {30, 2.04227245630}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_near(rb_students_t_quantile(0.05, rows[i].freedom), rows[i].t, 1e-9);
        assert_near(rb_students_t_both_tails(rows[i].t, rows[i].freedom), 0.05, 1e-9);
        assert_near(rb_students_t_both_tails(-rows[i].t, rows[i].freedom), 0.05, 1e-9);
    }
    /* Closed forms: Cauchy's arc tangent, and 1 - t / sqrt(2 + t t). */
    for (double t = 0.001; t < 1e6; t *= 3) {
        assert_near(rb_students_t_both_tails(t, 1), 2 / 3.14159265358979323846 * atan(1 / t), 1e-9);
        const double root = sqrt(2 + t * t);
        assert_near(rb_students_t_both_tails(t, 2), 2 / (root * (root + t)), 1e-9);
    }
    assert_true(rb_students_t_both_tails(0, 3) == 1);
    assert_true(rb_students_t_both_tails(INFINITY, 3) == 0);
}

static void holm_multiplies_by_what_is_left(void **state) {
    (void)state;
    const double p[] = {0.01, 0.04, 0.03, 0.005};
    double adjusted[4];
    rb_holm(p, 4, adjusted); /* 0.005 * 4, 0.01 * 3, 0.03 * 2, and 0.04 not below the one before */
    assert_near(adjusted[3], 0.02, 1e-12);
    assert_near(adjusted[0], 0.03, 1e-12);
    assert_near(adjusted[2], 0.06, 1e-12);
    assert_near(adjusted[1], 0.06, 1e-12);
    rb_holm((const double[]){0.6, 0.6}, 2, adjusted);
    assert_true(adjusted[0] == 1 && adjusted[1] == 1);
    rb_holm(p, 1, adjusted);
    assert_true(adjusted[0] == 0.01);
}

static void a_worker_is_the_median_of_its_turns(void **state) {
    (void)state;
    /* Worker 7: turns of median 10 (of 3 calls), 40 (of one) and 20; worker 2: one call. */
    rb_sample samples[] = {{7, 0, 8, 1},  {7, 0, 10, 1}, {2, 0, 5, 1}, {7, 0, 99, 1},
                           {7, 1, 40, 1}, {7, 5, 20, 1}, {7, 5, 20, 1}};
    const rb_record record = {.samples = samples, .sample_count = COUNT(samples)};
    rb_workers w;
    assert_ok(rb_workers_of(&record, &w, &err));
    assert_int_equal(w.count, 2);
    assert_near(w.log_ns[0], log(5), 1e-12);
    assert_near(w.log_ns[1], log(20), 1e-12);
    assert_near(rb_workers_ns(&w), 10, 1e-12);
    rb_error err = {""};
    for (size_t i = 0; i < 3; i++) {
        samples[3].real_ns = (const double[]){0, NAN, INFINITY}[i];
        assert_int_equal(rb_workers_of(&record, &w, &err), RB_ERR_INPUT);
        assert_sentence(err);
    }
}

static void too_many_workers_are_refused(void **state) {
    (void)state;
    rb_sample samples[RB_MOST_WORKERS + 1];
    const rb_record record = {.samples = samples, .sample_count = COUNT(samples)};
    rb_workers w;
    rb_error err = {""};
    for (int i = 0; i <= RB_MOST_WORKERS; i++)
        samples[i] = (rb_sample){.worker = i, .real_ns = 1};
    assert_int_equal(rb_workers_of(&record, &w, &err), RB_ERR_INPUT);
    assert_sentence(err);
}

/* Means 2 and 5, variances 1 and 20 / 3: t = 3 / sqrt(1/3 + 5/3), 4 / (1/18 + 25/27) = 216 / 53
 * degrees of freedom. */
static void welch_is_computed_as_by_hand(void **state) {
    (void)state;
    const rb_workers a = WORKERS(1, 2, 3), b = WORKERS(2, 4, 6, 8);
    const double freedom = 216.0 / 53, half = sqrt(2) * rb_students_t_quantile(0.05, freedom);
    rb_effect effect;
    rb_effect_compute(&a, &b, 1e-9, &effect);
    assert_int_equal(effect.test, RB_TEST_WELCH);
    assert_near(effect.ratio, exp(3), 1e-12);
    assert_near(effect.low, exp(3 - half), 1e-9);
    assert_near(effect.high, exp(3 + half), 1e-9);
    assert_near(effect.p, rb_students_t_both_tails(3 / sqrt(2), freedom), 1e-9);
    assert_true(effect.p > 0.05 && effect.low < 1);
    rb_effect back; /* the other way round */
    rb_effect_compute(&b, &a, 1e-9, &back);
    assert_near(back.ratio * effect.ratio, 1, 1e-12);
    assert_near(back.low * effect.high, 1, 1e-9);
    assert_near(back.p, effect.p, 1e-12);
}

static void one_worker_tells_no_interval(void **state) {
    (void)state;
    const rb_workers a = WORKERS(1), b = WORKERS(2, 2.1);
    rb_effect effect;
    rb_effect_compute(&a, &b, 1, &effect);
    assert_int_equal(effect.test, RB_TEST_NONE);
    assert_near(effect.ratio, exp(1.05), 1e-12);
    assert_true(isnan(effect.low) && isnan(effect.high) && isnan(effect.p));
}

static void equal_times_are_no_effect(void **state) {
    (void)state;
    const rb_workers a = WORKERS(2, 2, 2), b = WORKERS(2, 2, 2);
    rb_effect effect;
    rb_effect_compute(&a, &b, 1e-9, &effect);
    assert_true(effect.ratio == 1 && effect.p == 1);
    assert_true(effect.low <= 1 && effect.high >= 1 && effect.high < 1.00001);
}

static void permutations_are_counted_as_by_hand(void **state) {
    (void)state;
    rb_effect effect;
    /* 2 of 20 ways are as far. */
    const rb_workers low = WORKERS(1, 2, 3), high = WORKERS(4, 5, 6);
    rb_effect_compute(&low, &high, 0.1, &effect);
    assert_int_equal(effect.test, RB_TEST_PERMUTATION);
    assert_near(effect.p, 0.1, 1e-12);
    /* Sums of 3 out of 1..6 that are at most 9 or at least 12: 7 + 7 of 20. */
    const rb_workers odd = WORKERS(1, 3, 5), even = WORKERS(2, 4, 6);
    rb_effect_compute(&odd, &even, 0.1, &effect);
    assert_near(effect.p, 0.7, 1e-12);
    /* Of unequal numbers no mirror image need be as far: 1 of 10. */
    const rb_workers two = WORKERS(1, -50), three = WORKERS(3, 4, 5);
    rb_effect_compute(&two, &three, 0.1, &effect);
    assert_int_equal(effect.test, RB_TEST_PERMUTATION);
    assert_near(effect.p, 0.1, 1e-12);
}

static void the_test_depends_on_numbers_alone(void **state) {
    (void)state;
    assert_int_equal(rb_effect_choose(1, 5, 1), RB_TEST_NONE);
    assert_int_equal(rb_effect_choose(3, 3, 0.05), RB_TEST_WELCH); /* 2 of 20 */
    assert_int_equal(rb_effect_choose(3, 3, 0.1), RB_TEST_PERMUTATION);
    assert_int_equal(rb_effect_choose(5, 5, 0.05 / 6), RB_TEST_PERMUTATION); /* 2 of 252 */
    assert_int_equal(rb_effect_choose(5, 5, 0.05 / 7), RB_TEST_WELCH);
    assert_int_equal(rb_effect_choose(64, 64, 0.05), RB_TEST_WELCH); /* too many ways to count */
}

static void ratios_are_taken_worker_by_worker(void **state) {
    (void)state;
    /* The machine is twice as slow for the second worker, for both engines alike. */
    const rb_workers a = WORKERS(1, 1 + log(2), 1.01), a_base = WORKERS(2, 2 + log(2), 2);
    const rb_workers b = WORKERS(3, 3.01, 3), b_base = WORKERS(4.5, 4.5, 4.5);
    rb_effect effect;
    rb_effect_of_ratios(&a, &a_base, &b, &b_base, &effect);
    assert_int_equal(effect.test, RB_TEST_WELCH);
    assert_near(effect.ratio, exp(-1.5 + 1), 1e-3);
    assert_true(effect.low > 0.98 * effect.ratio && effect.high < 1.02 * effect.ratio);
    const rb_workers fewer = WORKERS(2, 2);
    rb_effect_of_ratios(&a, &fewer, &b, &b_base, &effect);
    assert_int_equal(effect.test, RB_TEST_NONE);
    assert_true(effect.ratio > 0);
}

/* What differs from process to process, as a logarithm. */
typedef enum shape { NORMAL, HEAVY, SKEWED, TWO_MODES } shape;

static double draw(shape of, uint64_t *seed) {
    switch (of) {
    case NORMAL:
        return 0.02 * random_normal(seed);
    case HEAVY: /* Student's t with 2 degrees of freedom: its variance is infinite */
        return 0.02 * random_normal(seed) / sqrt(-log(random_unit(seed)));
    case SKEWED: /* a neighbour now and then */
        return -0.03 * log(random_unit(seed));
    case TWO_MODES: /* huge pages or none */
        return 0.1 * (double)(random_bits(seed) % 2) + 0.001 * random_normal(seed);
    }
    return 0;
}

static rb_workers draw_workers(shape of, size_t count, uint64_t *seed) {
    rb_workers w = {.count = count};
    for (size_t i = 0; i < count; i++)
        w.log_ns[i] = draw(of, seed);
    return w;
}

#define TRIALS 2000
/* Four standard deviations of a share near 0.05 above it: a right test fails once in 30000. */
#define AT_MOST_5_PERCENT (0.05 + 4 * 0.0049)

/* Share of comparisons of a program with itself, of so many cells, in which one is significant. */
static double false_alarms(shape of, size_t count, size_t cells) {
    uint64_t seed = 11;
    size_t alarms = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        double p[16], adjusted[16];
        bool alarm = false;
        for (size_t c = 0; c < cells; c++) {
            rb_effect effect;
            const rb_workers a = draw_workers(of, count, &seed);
            const rb_workers b = draw_workers(of, count, &seed);
            rb_effect_compute(&a, &b, 0.05 / (double)cells, &effect);
            p[c] = effect.p;
        }
        rb_holm(p, cells, adjusted);
        for (size_t c = 0; c < cells; c++)
            alarm = alarm || adjusted[c] <= 0.05;
        alarms += alarm;
    }
    return (double)alarms / TRIALS;
}

static void false_alarms_are_as_rare_as_promised(void **state) {
    (void)state;
    static const size_t tiers[] = {2, 3, 5};
    for (size_t t = 0; t < COUNT(tiers); t++)
        for (size_t cells = 1; cells <= 10; cells += 9)
            for (int of = NORMAL; of <= SKEWED; of++) {
                const double rate = false_alarms((shape)of, tiers[t], cells);
                print_message("%zu processes, %zu cells, shape %d: %.3f\n", tiers[t], cells, of,
                              rate);
                assert_true(rate <= AT_MOST_5_PERCENT);
            }
}

/* The exact test does not mind what a process draws; Welch's does: three of one mode against three
 * of the other are 2 of 64 draws, and a spread of nothing within them. */
static void two_modes_are_for_the_exact_test(void **state) {
    (void)state;
    const double exact = false_alarms(TWO_MODES, 5, 6), welch = false_alarms(TWO_MODES, 3, 6);
    print_message("two modes: exact %.3f, Welch %.3f\n", exact, welch);
    assert_true(exact <= AT_MOST_5_PERCENT);
    assert_true(welch > 0.1); /* docs/compare.md says so */
}

static void intervals_cover_the_truth(void **state) {
    (void)state;
    static const size_t tiers[] = {2, 3, 5};
    for (size_t t = 0; t < COUNT(tiers); t++) {
        uint64_t seed = 23;
        size_t covered = 0;
        for (int trial = 0; trial < TRIALS; trial++) {
            rb_effect effect;
            const rb_workers a = draw_workers(NORMAL, tiers[t], &seed);
            rb_workers b = draw_workers(NORMAL, tiers[t], &seed);
            for (size_t i = 0; i < b.count; i++)
                b.log_ns[i] += log(1.25);
            rb_effect_compute(&a, &b, 1e-9, &effect);
            covered += effect.low <= 1.25 && 1.25 <= effect.high;
        }
        print_message("%zu processes: %.3f covered\n", tiers[t], (double)covered / TRIALS);
        assert_true((double)covered / TRIALS >= 0.95 - 4 * 0.0049);
    }
}

static double resampled_mean(const rb_workers *w, uint64_t *seed) {
    double sum = 0;
    for (size_t i = 0; i < w->count; i++)
        sum += w->log_ns[random_bits(seed) % w->count];
    return sum / (double)w->count;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Why the interval is no bootstrap: of three processes there is too little to draw from. */
static void a_bootstrap_of_three_processes_is_too_narrow(void **state) {
    (void)state;
    enum { RESAMPLES = 400 };
    double differences[RESAMPLES];
    uint64_t seed = 59;
    size_t covered = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        const rb_workers a = draw_workers(NORMAL, 3, &seed), b = draw_workers(NORMAL, 3, &seed);
        for (size_t r = 0; r < RESAMPLES; r++)
            differences[r] = resampled_mean(&b, &seed) - resampled_mean(&a, &seed);
        qsort(differences, RESAMPLES, sizeof *differences, ascending);
        covered +=
            differences[RESAMPLES / 40] <= 0 && 0 <= differences[RESAMPLES - 1 - RESAMPLES / 40];
    }
    print_message("a 95 %% bootstrap interval of 3 processes: %.3f covered\n",
                  (double)covered / TRIALS);
    assert_true((double)covered / TRIALS < 0.9);
}

/* Why whole processes are the unit: turns of one process are alike, and a test of turns takes what
 * its process has drawn for a difference of the programs. */
static void turns_would_cry_wolf(void **state) {
    (void)state;
    enum { WORKERS_EACH = 3, TURNS = 4 };
    uint64_t seed = 31;
    size_t alarms = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        rb_workers side[2] = {{.count = 0}, {.count = 0}};
        rb_effect effect;
        for (int s = 0; s < 2; s++)
            for (int w = 0; w < WORKERS_EACH; w++) {
                const double process = draw(NORMAL, &seed);
                for (int t = 0; t < TURNS; t++)
                    side[s].log_ns[side[s].count++] = process + draw(NORMAL, &seed) / 2;
            }
        rb_effect_compute(&side[0], &side[1], 1e-9, &effect);
        alarms += effect.p <= 0.05;
    }
    print_message("turns as the unit: %.3f\n", (double)alarms / TRIALS);
    assert_true((double)alarms / TRIALS > 0.25);
}

static void a_slowdown_is_seen(void **state) {
    (void)state;
    uint64_t seed = 47;
    size_t seen = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        rb_effect effect;
        rb_workers a = draw_workers(NORMAL, 5, &seed), b = draw_workers(NORMAL, 5, &seed);
        for (size_t i = 0; i < b.count; i++)
            b.log_ns[i] += log(1.1);
        rb_effect_compute(&a, &b, 0.05, &effect);
        seen += effect.p <= 0.05 && effect.low > 1;
    }
    print_message("10 %% slower, 5 processes that differ by 2 %%: %.3f seen\n",
                  (double)seen / TRIALS);
    assert_true((double)seen / TRIALS > 0.99);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(students_t_is_that_of_the_tables),
        cmocka_unit_test(holm_multiplies_by_what_is_left),
        cmocka_unit_test(a_worker_is_the_median_of_its_turns),
        cmocka_unit_test(too_many_workers_are_refused),
        cmocka_unit_test(welch_is_computed_as_by_hand),
        cmocka_unit_test(one_worker_tells_no_interval),
        cmocka_unit_test(equal_times_are_no_effect),
        cmocka_unit_test(permutations_are_counted_as_by_hand),
        cmocka_unit_test(the_test_depends_on_numbers_alone),
        cmocka_unit_test(ratios_are_taken_worker_by_worker),
        cmocka_unit_test(false_alarms_are_as_rare_as_promised),
        cmocka_unit_test(two_modes_are_for_the_exact_test),
        cmocka_unit_test(intervals_cover_the_truth),
        cmocka_unit_test(a_bootstrap_of_three_processes_is_too_narrow),
        cmocka_unit_test(turns_would_cry_wolf),
        cmocka_unit_test(a_slowdown_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
