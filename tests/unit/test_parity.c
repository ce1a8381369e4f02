/* Verdicts: docs/design.md, "Right". A check that cannot fail is no check, so most of these are of
 * results that must not pass. */
#include "test_support.h"

#include <math.h>

#include "bench/parity.h"

#define CLASSES 10
#define IMAGES 4
#define LIMIT 1e-3

/* A batch of logits, and the engine's version of it with every image off by `relative`. */
typedef struct batch {
    double oracle[IMAGES * CLASSES], logits[IMAGES * CLASSES];
} batch;

static batch make_batch(double relative) {
    batch b;
    uint64_t seed = 3;
    for (int i = 0; i < IMAGES * CLASSES; i++) {
        b.oracle[i] = 2 * random_unit(&seed) - 1;
        b.logits[i] = b.oracle[i] * (1 + relative);
    }
    return b;
}

static rb_parity compare(const batch *b) {
    rb_parity parity = {0};
    rb_parity_add(&parity, b->oracle, b->logits, IMAGES, CLASSES, 0);
    return parity;
}

static rb_verdict judge(const batch *b, double limit, char note[256]) {
    const rb_parity parity = compare(b);
    const rb_verdict verdict = rb_parity_judge(&parity, limit, note, 256);
    if (verdict == RB_VERDICT_PASS)
        assert_string_equal(note, "");
    else
        assert_string_not_equal(note, "");
    return verdict;
}

#define assert_verdict(b, limit, expected)                                                         \
    do {                                                                                           \
        char why[256];                                                                             \
        assert_string_equal(rb_verdict_name(judge(&(b), limit, why)), rb_verdict_name(expected));  \
    } while (0)

static void small_errors_pass(void **state) {
    (void)state;
    const batch same = make_batch(0), close = make_batch(0.999 * LIMIT);
    assert_verdict(same, LIMIT, RB_VERDICT_PASS);
    assert_verdict(same, 0, RB_VERDICT_PASS);
    assert_verdict(close, LIMIT, RB_VERDICT_PASS);
}

static void up_to_twice_the_limit_is_marginal(void **state) {
    (void)state;
    const batch above = make_batch(1.001 * LIMIT), below = make_batch(1.999 * LIMIT);
    assert_verdict(above, LIMIT, RB_VERDICT_MARGINAL);
    assert_verdict(below, LIMIT, RB_VERDICT_MARGINAL);
}

static void beyond_twice_the_limit_fails(void **state) {
    (void)state;
    const batch beyond = make_batch(2.001 * LIMIT), huge = make_batch(1e300);
    char note[256];
    assert_int_equal(judge(&beyond, LIMIT, note), RB_VERDICT_FAIL);
    assert_contains(note, "image");
    assert_verdict(huge, LIMIT, RB_VERDICT_FAIL);
}

static void the_worst_image_counts(void **state) {
    (void)state;
    for (int image = 0; image < IMAGES; image++) {
        batch b = make_batch(1e-9);
        char note[256], expected[32];
        double norm = 0;
        for (int i = 0; i < CLASSES; i++)
            norm += b.oracle[image * CLASSES + i] * b.oracle[image * CLASSES + i];
        b.logits[image * CLASSES + 3] = b.oracle[image * CLASSES + 3] + 0.5;
        const rb_parity parity = compare(&b);
        assert_int_equal(parity.worst_image, image);
        assert_true(fabs(parity.worst_rel_l2 - 0.5 / sqrt(norm)) < 1e-8);
        assert_true(fabs(parity.max_abs_error - 0.5) < 1e-12);
        assert_int_equal(judge(&b, LIMIT, note), RB_VERDICT_FAIL);
        snprintf(expected, sizeof expected, "image %d,", image);
        assert_contains(note, expected);
    }
}

/* Whatever the place, whatever the limit. */
static void non_finite_logits_never_pass(void **state) {
    (void)state;
    static const double values[] = {NAN, -NAN, INFINITY, -INFINITY};
    static const double limits[] = {LIMIT, 0, 1e300, INFINITY, NAN};
    for (size_t v = 0; v < COUNT(values); v++)
        for (int at = 0; at < IMAGES * CLASSES; at++)
            for (size_t l = 0; l < COUNT(limits); l++) {
                batch b = make_batch(0);
                b.logits[at] = values[v];
                assert_verdict(b, limits[l], RB_VERDICT_FAIL);
            }
}

static void all_nan_fails(void **state) {
    (void)state;
    batch b = make_batch(0);
    for (int i = 0; i < IMAGES * CLASSES; i++)
        b.logits[i] = NAN;
    assert_verdict(b, LIMIT, RB_VERDICT_FAIL);
    memcpy(b.oracle, b.logits, sizeof b.oracle); /* NaN is not equal to NaN */
    assert_verdict(b, LIMIT, RB_VERDICT_FAIL);
}

/* Truth that is no number: the comparison says nothing, at whatever place. */
static void a_non_finite_oracle_never_passes(void **state) {
    (void)state;
    static const double values[] = {NAN, INFINITY, -INFINITY};
    for (size_t v = 0; v < COUNT(values); v++)
        for (int at = 0; at < IMAGES * CLASSES; at++) {
            batch b = make_batch(0);
            char note[256];
            b.oracle[at] = values[v];
            if (judge(&b, LIMIT, note) == RB_VERDICT_PASS)
                fail_msg("an oracle with %g at element %d passes", values[v], at);
        }
}

static void a_limit_that_is_nan_passes_nothing(void **state) {
    (void)state;
    const batch same = make_batch(0);
    assert_verdict(same, NAN, RB_VERDICT_FAIL);
    assert_verdict(same, -1, RB_VERDICT_FAIL);
}

static void nothing_compared_is_mistrusted(void **state) {
    (void)state;
    rb_parity parity = {0};
    char note[256];
    assert_int_equal(rb_parity_judge(&parity, 1, note, sizeof note), RB_VERDICT_MISTRUSTED);
    assert_string_not_equal(note, "");
    const batch b = make_batch(0);
    rb_parity_add(&parity, b.oracle, b.logits, 0, CLASSES, 0);
    assert_int_equal(parity.images, 0);
    assert_int_equal(rb_parity_judge(&parity, 1, note, sizeof note), RB_VERDICT_MISTRUSTED);
}

static void zeros_and_constants_never_pass(void **state) {
    (void)state;
    static const double constants[] = {0, -0.0, 0.25};
    for (size_t c = 0; c < COUNT(constants); c++)
        for (int image = 0; image < IMAGES; image++) {
            batch b = make_batch(0);
            for (int i = 0; i < CLASSES; i++)
                b.logits[image * CLASSES + i] = constants[c];
            assert_verdict(b, LIMIT, RB_VERDICT_FAIL);
            assert_verdict(b, 1e300, RB_VERDICT_MISTRUSTED); /* not even with all limits off */
        }
}

/* Logits that nearly agree: a constant is within the limit, but by the wrong road. */
static void a_constant_within_the_limit_is_mistrusted(void **state) {
    (void)state;
    batch b;
    for (int i = 0; i < IMAGES * CLASSES; i++) {
        b.oracle[i] = 1 + 1e-6 * (i % CLASSES);
        b.logits[i] = 1;
    }
    assert_verdict(b, LIMIT, RB_VERDICT_MISTRUSTED);
    memcpy(b.oracle, b.logits, sizeof b.oracle); /* the truth may be constant */
    assert_verdict(b, LIMIT, RB_VERDICT_PASS);
}

static void far_too_many_zeros_are_mistrusted(void **state) {
    (void)state;
    batch b = make_batch(0);
    for (int i = 0; i < CLASSES / 2; i++) {
        b.oracle[i] = 1e-9; /* too small to tell by the error */
        b.logits[i] = 0;
    }
    assert_verdict(b, LIMIT, RB_VERDICT_MISTRUSTED);
    for (int i = 0; i < CLASSES / 2; i++)
        b.oracle[i] = 0;
    assert_verdict(b, LIMIT, RB_VERDICT_PASS);
}

static void images_are_added_over_calls(void **state) {
    (void)state;
    batch b = make_batch(0);
    rb_parity parity = {0};
    b.logits[2 * CLASSES] += 1;
    rb_parity_add(&parity, b.oracle, b.logits, 2, CLASSES, 0);
    assert_int_equal(parity.images, 2);
    assert_true(parity.worst_rel_l2 == 0);
    rb_parity_add(&parity, b.oracle + 2 * CLASSES, b.logits + 2 * CLASSES, 2, CLASSES, 100);
    assert_int_equal(parity.images, 4);
    assert_int_equal(parity.worst_image, 100);
    b.logits[2 * CLASSES] = b.oracle[2 * CLASSES];
    rb_parity_add(&parity, b.oracle, b.logits, IMAGES, CLASSES, 102); /* good ones do not heal */
    assert_int_equal(parity.worst_image, 100);
    assert_int_equal(parity.images, 8);
}

static void top1_is_counted(void **state) {
    (void)state;
    batch b = make_batch(0);
    assert_int_equal(compare(&b).top1_agree, IMAGES);
    for (int i = 0; i < CLASSES; i++)
        b.logits[CLASSES + i] = -b.oracle[CLASSES + i];
    assert_int_equal(compare(&b).top1_agree, IMAGES - 1);
}

/* Two images for one another are not right, though every value is there. */
static void a_swapped_batch_fails(void **state) {
    (void)state;
    batch b = make_batch(0);
    memcpy(b.logits, b.oracle + CLASSES, CLASSES * sizeof(double));
    memcpy(b.logits + CLASSES, b.oracle, CLASSES * sizeof(double));
    assert_verdict(b, LIMIT, RB_VERDICT_FAIL);
}

static void the_limits_are_the_designs(void **state) {
    (void)state;
    assert_true(rb_parity_limit(0) == 8 * 0x1p-24);
    assert_true(rb_parity_limit(2 * 0x1p-24) == 8 * 0x1p-24);
    assert_true(rb_parity_limit(1e-6) == 4 * 1e-6);
    assert_true(rb_parity_reference_limit(0) == 8 * 0x1p-24);
    assert_true(rb_parity_reference_limit(1e-6) == 1e-6);
    assert_true(rb_parity_reference_limit(0.5) == 1e-3); /* however shaky the weights are */
    assert_true(rb_parity_reference_limit((double)NAN) == 8 * 0x1p-24);
    assert_true(rb_parity_reference_limit((double)INFINITY) == 8 * 0x1p-24);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_errors_pass),
        cmocka_unit_test(up_to_twice_the_limit_is_marginal),
        cmocka_unit_test(beyond_twice_the_limit_fails),
        cmocka_unit_test(the_worst_image_counts),
        cmocka_unit_test(non_finite_logits_never_pass),
        cmocka_unit_test(all_nan_fails),
        cmocka_unit_test(a_non_finite_oracle_never_passes),
        cmocka_unit_test(a_limit_that_is_nan_passes_nothing),
        cmocka_unit_test(nothing_compared_is_mistrusted),
        cmocka_unit_test(zeros_and_constants_never_pass),
        cmocka_unit_test(a_constant_within_the_limit_is_mistrusted),
        cmocka_unit_test(far_too_many_zeros_are_mistrusted),
        cmocka_unit_test(images_are_added_over_calls),
        cmocka_unit_test(top1_is_counted),
        cmocka_unit_test(a_swapped_batch_fails),
        cmocka_unit_test(the_limits_are_the_designs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
