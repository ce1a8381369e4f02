/* Figures and verdicts of a problem: pure functions, on values made by hand. */
#include "test_support.h"

#include <float.h>
#include <math.h>

#include "check/figures.h"

#define U 0x1p-24
#define VALUES 8 /* 2 images, 2 channels, 1x2 pixels */

static const double plain_truth[VALUES] = {1, -2, 4, 0, 0.5, 8, -1, 16};

typedef struct posed {
    rb_problem problem;
    double value[VALUES], magnitude[VALUES], start[VALUES], dst[VALUES];
    rb_problem_truth truth;
} posed;

/* K = 64, so that a limit is 16 u S; S = 100 everywhere; the values are right. */
static void pose(posed *p) {
    assert_ok(rb_problem_parse("mb2ic64ih1iw2oc2", &p->problem, &err));
    for (int i = 0; i < VALUES; i++) {
        p->value[i] = p->dst[i] = plain_truth[i];
        p->magnitude[i] = 100;
        p->start[i] = 0;
    }
    p->truth = (rb_problem_truth){
        .value = p->value, .magnitude = p->magnitude, .start = p->start, .k = 64};
}

static rb_check_figures compare(const posed *p) {
    return rb_figures_compare(&p->problem, &p->truth, RB_ALGORITHM_DIRECT, p->dst);
}

static rb_verdict operation(const rb_check_figures *f, char note[512]) {
    return rb_figures_judge_operation(f, note, 512);
}

static rb_verdict exact(const rb_check_figures *f, char note[512]) {
    return rb_figures_judge_exact(f, note, 512);
}

static void assert_near(double a, double b) {
    if (!(fabs(a - b) <= 1e-12 * fabs(b)))
        fail_msg("%.17g, expected %.17g", a, b);
}

static void right_values_pass(void **state) {
    posed p;
    char note[512];
    (void)state;
    pose(&p);
    const rb_check_figures f = compare(&p);
    assert_int_equal(f.elements, VALUES);
    assert_int_equal(f.differing, 0);
    assert_true(f.rel_l2 == 0 && f.element_share == 0 && f.norm_share == 0 && f.max_ulp == 0);
    assert_int_equal(exact(&f, note), RB_VERDICT_PASS);
    assert_string_equal(note, "");
    assert_int_equal(operation(&f, note), RB_VERDICT_PASS);
    assert_string_equal(note, "");
}

/* One value, 2^-20 beside 8: 1 ulp of 8 is 2^-20; its limit is 16 u 100. */
static void figures_by_hand(void **state) {
    posed p;
    (void)state;
    pose(&p);
    p.dst[5] = 8 + 0x1p-20;
    const rb_check_figures f = compare(&p);
    const double norm = sqrt(1 + 4 + 16 + 0.25 + 64 + 1 + 256);
    assert_near(f.rel_l2, 0x1p-20 / norm);
    assert_near(f.nmse, 0x1p-40 / (norm * norm));
    assert_true(f.max_abs == 0x1p-20);
    assert_true(f.max_ulp == 1);
    assert_near(f.element_share, 0x1p-20 / (16 * U * 100));
    assert_near(f.norm_share, 0x1p-20 / (8 * U * 100 * sqrt(VALUES)));
    assert_int_equal(f.differing, 1);
    assert_int_equal(f.worst[0], 1);
    assert_int_equal(f.worst[1], 0);
    assert_int_equal(f.worst[2], 0);
    assert_int_equal(f.worst[3], 1);
    assert_true(f.found == 8 + 0x1p-20 && f.expected == 8);
}

/* The worst is the one with the largest share of its own limit, not the largest error. */
static void the_worst_is_measured_by_its_own_limit(void **state) {
    posed p;
    (void)state;
    pose(&p);
    p.magnitude[0] = 1;
    p.dst[0] += 0x1p-22;
    p.dst[7] += 0x1p-19;
    const rb_check_figures f = compare(&p);
    assert_true(f.max_abs == 0x1p-19);
    assert_near(f.element_share, 0x1p-22 / (16 * U));
    assert_int_equal(f.worst[0] + f.worst[1] + f.worst[2] + f.worst[3], 0);
}

static void one_value_beyond_its_limit(void **state) {
    static const struct {
        double times;
        rb_verdict verdict;
    } cases[] = {{0.99, RB_VERDICT_PASS},
                 {1.01, RB_VERDICT_MARGINAL},
                 {1.99, RB_VERDICT_MARGINAL},
                 {2.01, RB_VERDICT_FAIL},
                 {1e30, RB_VERDICT_FAIL}};
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        posed p;
        char note[512];
        pose(&p);
        p.dst[2] += cases[i].times * 16 * U * 100;
        const rb_check_figures f = compare(&p);
        assert_int_equal(operation(&f, note), cases[i].verdict);
        if (cases[i].verdict == RB_VERDICT_PASS)
            continue;
        assert_contains(note, "(0, 1, 0, 0)");
        assert_contains(note, "expected 4");
    }
}

/* Every value within its own limit, and all of them together too far off. */
static void the_norm_counts_by_itself(void **state) {
    posed p;
    char note[512];
    (void)state;
    pose(&p);
    for (int i = 0; i < VALUES; i++)
        p.dst[i] += 0.75 * 16 * U * 100;
    const rb_check_figures f = compare(&p);
    assert_true(f.element_share < 1);
    assert_near(f.norm_share, 1.5);
    assert_int_equal(operation(&f, note), RB_VERDICT_MARGINAL);
    assert_contains(note, "norm");
}

static void long_sums_have_the_root_of_their_length(void **state) {
    posed p;
    (void)state;
    pose(&p);
    p.truth.k = 4096;
    p.dst[0] += 1e-4;
    const rb_check_figures f = compare(&p);
    assert_near(f.element_share, (p.dst[0] - 1) / ((8 + 64) * U * 100));
    assert_near(f.norm_share, (p.dst[0] - 1) / (64 * U * 100 * sqrt(VALUES)));
}

static void what_is_not_finite_fails_first(void **state) {
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        posed p;
        char note[512];
        pose(&p);
        p.dst[1] = 1e9; /* worse than nothing, but not what is named */
        p.dst[3] = p.dst[6] = bad[i];
        const rb_check_figures f = compare(&p);
        assert_int_equal(f.non_finite, 2);
        assert_int_equal(f.differing, 3);
        assert_true(isnan(f.rel_l2) && isnan(f.element_share) && isnan(f.norm_share));
        assert_int_equal(operation(&f, note), RB_VERDICT_FAIL);
        assert_contains(note, "2 of 8");
        assert_contains(note, "(0, 1, 0, 1)");
        assert_int_equal(exact(&f, note), RB_VERDICT_FAIL);
        assert_contains(note, "(0, 1, 0, 1)");
    }
}

/* Whatever makes a share NaN must not pass. */
static void a_share_that_is_nan_does_not_pass(void **state) {
    char note[512];
    (void)state;
    const rb_check_figures element = {.elements = 1, .element_share = NAN};
    const rb_check_figures norm = {.elements = 1, .norm_share = NAN};
    assert_int_equal(operation(&element, note), RB_VERDICT_FAIL);
    assert_int_equal(operation(&norm, note), RB_VERDICT_FAIL);
}

static void nothing_compared_is_mistrusted(void **state) {
    const rb_check_figures f = {0};
    char note[512];
    (void)state;
    assert_int_equal(operation(&f, note), RB_VERDICT_MISTRUSTED);
    assert_int_equal(exact(&f, note), RB_VERDICT_MISTRUSTED);
    assert_contains(note, "nothing was compared");
}

/* Limits so wide that anything passes: what was not computed is seen all the same. */
static void constants_and_zeros_are_mistrusted(void **state) {
    posed p;
    char note[512];
    (void)state;
    pose(&p);
    for (int i = 0; i < VALUES; i++) {
        p.magnitude[i] = 1e9;
        p.dst[i] = 3;
    }
    rb_check_figures f = compare(&p);
    assert_true(f.constant);
    assert_int_equal(operation(&f, note), RB_VERDICT_MISTRUSTED);
    for (int i = 0; i < VALUES; i++)
        p.dst[i] = i < 6 ? 0 : p.value[i];
    f = compare(&p);
    assert_false(f.constant);
    assert_int_equal(f.excess_zeros, 5); /* one of the six is 0 */
    assert_int_equal(operation(&f, note), RB_VERDICT_MISTRUSTED);
    for (int i = 0; i < VALUES; i++)
        p.value[i] = p.dst[i] = 0; /* as the truth is */
    f = compare(&p);
    assert_int_equal(operation(&f, note), RB_VERDICT_PASS);
}

/* Where nothing is summed, and where all terms are 0, there is nothing to lose. */
static void no_sum_has_no_room(void **state) {
    posed p;
    char note[512];
    (void)state;
    pose(&p);
    p.truth.k = 0;
    rb_check_figures f = compare(&p);
    assert_int_equal(operation(&f, note), RB_VERDICT_PASS);
    p.dst[4] = (double)nextafterf(0.5f, 1);
    f = compare(&p);
    assert_true(f.max_ulp == 1);
    assert_int_equal(operation(&f, note), RB_VERDICT_FAIL);
    pose(&p);
    for (int i = 0; i < VALUES; i++)
        p.magnitude[i] = p.value[i] = p.dst[i] = 0;
    f = compare(&p);
    assert_true(f.element_share == 0 && f.norm_share == 0 && f.rel_l2 == 0);
    p.dst[4] = 1e-30;
    f = compare(&p);
    assert_int_equal(operation(&f, note), RB_VERDICT_FAIL);
}

/* A processor that flushes subnormal products and results to 0 is not wrong; K + 2 = 66 times the
 * smallest normal number are allowed for. */
static void flushed_values_pass(void **state) {
    posed p;
    char note[512];
    (void)state;
    pose(&p);
    p.value[4] = 0x1p-130;
    p.magnitude[4] = 0x1p-130;
    p.dst[4] = 0;
    rb_check_figures f = compare(&p);
    assert_int_equal(operation(&f, note), RB_VERDICT_PASS);
    p.dst[4] = 200 * (double)FLT_MIN;
    f = compare(&p);
    assert_int_equal(operation(&f, note), RB_VERDICT_FAIL);
}

static double ulp_between(double expected, double found) {
    posed p;
    pose(&p);
    for (int i = 0; i < VALUES; i++)
        p.value[i] = p.dst[i] = expected;
    p.dst[0] = found;
    return compare(&p).max_ulp;
}

/* IEEE 754: the numbers of float32 in order, of which -0 and +0 are one. */
static void ulp_is_a_distance_on_the_grid(void **state) {
    (void)state;
    assert_true(ulp_between(1, 1 + 0x1p-23) == 1);
    assert_true(ulp_between(1, 1 - 0x1p-24) == 1); /* the grid is finer below a power of 2 */
    assert_true(ulp_between(1, 2) == 8388608);
    assert_true(ulp_between(-1, 1) == 2.0 * 0x3F800000);
    assert_true(ulp_between(0.0, -0.0) == 0);
    assert_true(ulp_between(0, 0x1p-149) == 1);
    assert_true(ulp_between(-0x1p-149, 0x1p-149) == 2);
    assert_true(ulp_between((double)FLT_MIN, (double)FLT_MIN - 0x1p-149) == 1);
    assert_true(ulp_between(1 + 0x1p-30, 1) == 0); /* the truth is rounded first */
}

static void minus_zero_is_zero(void **state) {
    posed p;
    char note[512];
    (void)state;
    pose(&p);
    p.dst[3] = -0.0;
    const rb_check_figures f = compare(&p);
    assert_int_equal(exact(&f, note), RB_VERDICT_PASS);
}

static void exact_forgives_nothing(void **state) {
    posed p;
    char note[512];
    (void)state;
    pose(&p);
    p.dst[5] = (double)nextafterf(8, 9);
    p.dst[7] = 17;
    const rb_check_figures f = compare(&p);
    assert_int_equal(exact(&f, note), RB_VERDICT_FAIL);
    assert_contains(note, "2 of 8");
    assert_contains(note, "(1, 1, 0, 1)");
    assert_contains(note, "found 17, expected 16");
}

/* 4 times as wide, by the largest magnitude of the plane (n, c): a tile's error is shared. One
 * value that is not computed is beyond it all the same. */
static void winograd_has_a_class_of_its_own(void **state) {
    posed p;
    char note[512];
    (void)state;
    pose(&p);
    p.magnitude[4] = 1;
    p.dst[4] += 3.9 * 16 * U * 100;
    rb_check_figures f = rb_figures_compare(&p.problem, &p.truth, RB_ALGORITHM_WINOGRAD, p.dst);
    assert_near(f.element_share, (p.dst[4] - 0.5) / (4 * 16 * U * 100));
    assert_int_equal(operation(&f, note), RB_VERDICT_PASS);
    f = compare(&p);
    assert_int_equal(operation(&f, note), RB_VERDICT_FAIL);
    p.dst[4] = 0;
    f = rb_figures_compare(&p.problem, &p.truth, RB_ALGORITHM_WINOGRAD, p.dst);
    assert_int_equal(operation(&f, note), RB_VERDICT_FAIL);
    /* another plane's magnitude does not help */
    pose(&p);
    p.magnitude[4] = p.magnitude[5] = 1;
    p.dst[4] += 3.9 * 16 * U * 100;
    f = rb_figures_compare(&p.problem, &p.truth, RB_ALGORITHM_WINOGRAD, p.dst);
    assert_int_equal(operation(&f, note), RB_VERDICT_FAIL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_values_pass),
        cmocka_unit_test(figures_by_hand),
        cmocka_unit_test(the_worst_is_measured_by_its_own_limit),
        cmocka_unit_test(one_value_beyond_its_limit),
        cmocka_unit_test(the_norm_counts_by_itself),
        cmocka_unit_test(long_sums_have_the_root_of_their_length),
        cmocka_unit_test(what_is_not_finite_fails_first),
        cmocka_unit_test(a_share_that_is_nan_does_not_pass),
        cmocka_unit_test(nothing_compared_is_mistrusted),
        cmocka_unit_test(constants_and_zeros_are_mistrusted),
        cmocka_unit_test(no_sum_has_no_room),
        cmocka_unit_test(flushed_values_pass),
        cmocka_unit_test(ulp_is_a_distance_on_the_grid),
        cmocka_unit_test(minus_zero_is_zero),
        cmocka_unit_test(exact_forgives_nothing),
        cmocka_unit_test(winograd_has_a_class_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
