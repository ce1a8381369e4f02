/* Counting, the task rule and verdicts, on logits made by hand. */
#include "test_accuracy_support.h"

#include <math.h>

#include "bench/accuracy_judge.h"

#define CLASSES 8
#define NORMAL_975 1.959963984540054

static void wilson_gives_the_published_intervals(void **state) {
    /* Newcombe 1998, Statistics in Medicine 17, 857-872, table I, method 3 */
    static const struct {
        int64_t right, all;
        double low, high;
    } published[] = {{81, 263, 0.2553, 0.3662},
                     {15, 148, 0.0624, 0.1605},
                     {0, 20, 0.0000, 0.1611},
                     {1, 29, 0.0061, 0.1718}};
    (void)state;
    for (size_t i = 0; i < COUNT(published); i++) {
        double low, high;
        rb_wilson(published[i].right, published[i].all, &low, &high);
        assert_true(fabs(low - published[i].low) < 5e-5);
        assert_true(fabs(high - published[i].high) < 5e-5);
    }
}

/* Its ends are the shares p for which the found share lies z deviations of p away. */
static void wilson_inverts_the_score_test(void **state) {
    (void)state;
    for (int64_t all = 1; all <= 10000; all = all * 3 + 1)
        for (int64_t right = 0; right <= all; right += all / 7 + 1) {
            double ends[2];
            const double share = (double)right / (double)all;
            rb_wilson(right, all, &ends[0], &ends[1]);
            assert_true(ends[0] >= 0 && ends[1] <= 1);
            assert_true(ends[0] <= share && share <= ends[1] && ends[0] < ends[1]);
            for (int i = 0; i < 2; i++) {
                const double deviation = sqrt(ends[i] * (1 - ends[i]) / (double)all);
                assert_true(fabs(fabs(share - ends[i]) - NORMAL_975 * deviation) < 1e-12);
            }
        }
    double low, high;
    rb_wilson(0, 0, &low, &high);
    assert_true(isnan(low) && isnan(high));
}

static void the_lowest_class_of_equal_logits_comes_first(void **state) {
    const double tied[CLASSES] = {1, 3, 2, 3, 0, 3, -1, -2};
    (void)state;
    const rb_accuracy_image image = rb_accuracy_score(tied, NULL, CLASSES, 3);
    assert_int_equal(image.top1, 1);
    assert_true(image.score == 3 && image.margin == 0);
    assert_int_equal(image.rank, 3); /* all three of the tie count against the label */
    assert_true(isnan(image.oracle_score) && isnan(image.rel_l2) && isnan(image.max_abs_error));
}

static void the_margin_is_to_the_second_largest_wherever_it_stands(void **state) {
    const double before[] = {5, -1, 7}, after[] = {7, 5, -1}, falling[] = {-1, -2, -4};
    (void)state;
    assert_true(rb_accuracy_score(before, NULL, 3, -1).margin == 2);
    assert_true(rb_accuracy_score(after, NULL, 3, -1).margin == 2);
    assert_true(rb_accuracy_score(falling, NULL, 3, -1).margin == 1);
    assert_int_equal(rb_accuracy_score(falling, NULL, 3, -1).rank, 0); /* no label, no rank */
}

static int64_t top5_right(const double *logits, int32_t label) {
    rb_accuracy job = make_job((const char *const[]){"a", NULL}, 1, CLASSES, 1);
    const int32_t labels[] = {label};
    job.labels = labels;
    job.engines[0].images[0] = rb_accuracy_score(logits, NULL, CLASSES, label);
    job.engines[0].done = 1;
    const rb_accuracy_sums sums = rb_accuracy_sum(&job, &job.engines[0]);
    job_release(&job);
    assert_int_equal(sums.labelled, 1);
    return sums.top5_right;
}

static void a_label_tied_with_the_fifth_is_not_among_the_top_five(void **state) {
    const double plain[CLASSES] = {8, 7, 6, 5, 4, 3, 2, 1};
    const double tie_across[CLASSES] = {8, 7, 6, 5, 4, 4, 2, 1};
    const double tie_inside[CLASSES] = {8, 7, 6, 4, 4, 3, 2, 1};
    const double all_equal[CLASSES] = {0};
    (void)state;
    for (int32_t label = 0; label < CLASSES; label++) {
        assert_int_equal(top5_right(plain, label), label < 5);
        assert_int_equal(top5_right(tie_across, label), label < 4);
        assert_int_equal(top5_right(tie_inside, label), label < 5);
        assert_int_equal(top5_right(all_equal, label), 0);
    }
}

static void a_nan_is_no_answer(void **state) {
    const double bad[] = {NAN, INFINITY, -INFINITY}, oracle[CLASSES] = {1, 2};
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        double logits[CLASSES] = {1, 2};
        logits[7] = bad[i];
        const rb_accuracy_image image = rb_accuracy_score(logits, oracle, CLASSES, 1);
        assert_int_equal(image.top1, -1);
        assert_int_equal(image.rank, CLASSES + 1);
        assert_true(isnan(image.score) && isnan(image.margin) && isnan(image.rel_l2));
    }
    const double few[3] = {1, NAN, 3}; /* of three classes all would be among the top five */
    rb_accuracy job = make_job((const char *const[]){"a", NULL}, 1, 3, 1);
    job.engines[0].images[0] = rb_accuracy_score(few, NULL, 3, job.labels[0]);
    job.engines[0].done = 1;
    assert_int_equal(rb_accuracy_sum(&job, &job.engines[0]).labelled, 1);
    assert_int_equal(rb_accuracy_sum(&job, &job.engines[0]).top5_right, 0);
    job_release(&job);
    const double fine[3] = {1, 2, 3};
    assert_int_equal(rb_accuracy_score(fine, (const double[]){1, NAN, 3}, 3, 0).top1, 2);
    assert_true(isnan(rb_accuracy_score(fine, (const double[]){1, NAN, 3}, 3, 0).rel_l2));
}

static void errors_are_those_against_the_oracle(void **state) {
    const double oracle[] = {3, 4, 0}, logits[] = {3, 4.25, -0.5};
    (void)state;
    const rb_accuracy_image image = rb_accuracy_score(logits, oracle, 3, 0);
    assert_true(image.max_abs_error == 0.5);
    assert_true(fabs(image.rel_l2 - sqrt(0.25 * 0.25 + 0.5 * 0.5) / 5) < 1e-15);
    assert_true(image.score == 4.25 && image.oracle_score == 4);
}

/* The oracle sees classes 0 and 1 with `margin` between them; the engine swaps them in image
 * `swapped`, and is off by error in another class of image 0. */
static rb_accuracy margin_job(double margin, int64_t swapped, double error) {
    rb_accuracy job = make_job((const char *const[]){"oracle", "e", NULL}, 10, 3, 1);
    for (int64_t i = 0; i < job.count; i++) {
        const double truth[] = {1 + margin, 1, 0};
        const double other[] = {i == swapped ? 1 : 1 + margin, i == swapped ? 1 + margin : 1,
                                i == 0 ? error : 0};
        job.engines[0].images[i] = rb_accuracy_score(truth, NULL, 3, job.labels[i]);
        job.engines[1].images[i] = rb_accuracy_score(other, truth, 3, job.labels[i]);
    }
    job.engines[0].done = job.engines[1].done = job.count;
    return job;
}

static void engines_may_differ_only_below_twice_the_largest_error(void **state) {
    (void)state;
    rb_accuracy job = margin_job(0x1p-26, 4, 0x1p-24);
    rb_accuracy_sums sums = rb_accuracy_sum(&job, &job.engines[1]);
    assert_true(sums.max_abs_error == 0x1p-24 && sums.margin_limit == 0x1p-23);
    assert_int_equal(sums.differ, 1);
    assert_int_equal(sums.outside, 0);
    assert_int_equal(sums.near_ties, 10);
    rb_accuracy_judge(&job);
    assert_int_equal(job.engines[1].verdict, RB_VERDICT_PASS);
    assert_int_equal(job.engines[0].verdict, RB_VERDICT_NONE); /* the truth is not judged */
    assert_string_equal(job.engines[1].note, "");
    int64_t images, same;
    rb_accuracy_agreement(&job.engines[0], &job.engines[1], &images, &same);
    assert_int_equal(images, 10);
    assert_int_equal(same, 9);
    job_release(&job);

    /* a top-1 that its own logits do not explain: at the limit is not below it */
    job = margin_job(0x1p-23, -1, 0x1p-24);
    job.engines[1].images[4].top1 = 1;
    sums = rb_accuracy_sum(&job, &job.engines[1]);
    assert_int_equal(sums.differ, 1);
    assert_int_equal(sums.outside, 1);
    assert_int_equal(sums.near_ties, 0);
    rb_accuracy_judge(&job);
    assert_int_equal(job.engines[1].verdict, RB_VERDICT_FAIL);
    assert_contains(job.engines[1].note, "1 images");
    job_release(&job);
}

static void equal_logits_of_the_oracle_are_a_tie_that_any_error_allows(void **state) {
    (void)state;
    rb_accuracy job = margin_job(0, -1, 0);
    rb_accuracy_sums sums = rb_accuracy_sum(&job, &job.engines[1]);
    assert_int_equal(sums.near_ties, 0); /* no error allows nothing */
    job.engines[1].images[4].top1 = 1;
    assert_int_equal(rb_accuracy_sum(&job, &job.engines[1]).outside, 1);
    job.engines[1].images[3].max_abs_error = 0x1p-30;
    sums = rb_accuracy_sum(&job, &job.engines[1]);
    assert_int_equal(sums.outside, 0);
    assert_int_equal(sums.near_ties, 10);
    job_release(&job);
}

static void an_engine_that_is_wrong_everywhere_alike_fails_by_its_error(void **state) {
    (void)state;
    rb_accuracy job = margin_job(0.5, -1, 1e-3); /* same top-1 everywhere */
    rb_accuracy_judge(&job);
    assert_int_equal(rb_accuracy_sum(&job, &job.engines[1]).differ, 0);
    assert_int_equal(job.engines[1].verdict, RB_VERDICT_FAIL);
    assert_contains(job.engines[1].note, "relative L2");
    assert_contains(job.engines[1].note, "image 0");
    assert_true(job.engines[1].rel_l2_limit == 8 * 0x1p-24);
    job_release(&job);
}

static void the_reference_sets_the_limit_of_the_others(void **state) {
    (void)state;
    rb_accuracy job = make_job((const char *const[]){"e", "reference", "oracle", NULL}, 1, 2, 1);
    const double truth[] = {1, 0}, near[] = {1 + 2e-7, 0}, far[] = {1 + 7.9e-7, 0};
    job.engines[0].images[0] = rb_accuracy_score(far, truth, 2, 0);
    job.engines[1].images[0] = rb_accuracy_score(near, truth, 2, 0);
    job.engines[2].images[0] = rb_accuracy_score(truth, NULL, 2, 0);
    for (size_t e = 0; e < 3; e++)
        job.engines[e].done = 1;
    job.moved_rel_l2 = 1e-6;
    rb_accuracy_judge(&job);
    assert_int_equal(job.engines[0].verdict, RB_VERDICT_PASS);
    assert_int_equal(job.engines[1].verdict, RB_VERDICT_PASS);
    assert_true(fabs(job.engines[0].rel_l2_limit - 8e-7) < 1e-12);
    assert_true(job.engines[1].rel_l2_limit == 1e-6);

    /* beyond its own limit it is MARGINAL, and widens nobody else's */
    job.moved_rel_l2 = 0;
    job.engines[1].images[0] = rb_accuracy_score(far, truth, 2, 0);
    rb_accuracy_judge(&job);
    assert_int_equal(job.engines[1].verdict, RB_VERDICT_MARGINAL);
    assert_int_equal(job.engines[0].verdict, RB_VERDICT_MARGINAL);
    assert_true(job.engines[0].rel_l2_limit == 8 * 0x1p-24);
    job_release(&job);
}

static void a_reference_that_ended_early_narrows_nobody_elses_limit(void **state) {
    (void)state;
    rb_accuracy job = make_job((const char *const[]){"oracle", "reference", "e", NULL}, 2, 2, 1);
    const double truth[] = {1, 0}, far[] = {1 + 9e-7, 0};
    for (size_t e = 0; e < 3; e++) {
        job.engines[e].done = e == 1 ? 1 : 2;
        for (int64_t i = 0; i < job.engines[e].done; i++)
            job.engines[e].images[i] =
                rb_accuracy_score(e == 2 ? far : truth, e == 0 ? NULL : truth, 2, 0);
    }
    job.engines[1].failure = RB_VERDICT_CRASHED;
    job.moved_rel_l2 = 1e-6;
    rb_accuracy_judge(&job);
    assert_true(fabs(job.engines[2].rel_l2_limit - 1e-6) < 1e-12);
    assert_int_equal(job.engines[2].verdict, RB_VERDICT_PASS);
    job_release(&job);
}

static void without_all_of_the_oracle_nothing_passes(void **state) {
    (void)state;
    rb_accuracy job = margin_job(0.5, -1, 0);
    job.engines[1].images[9].rel_l2 = job.engines[1].images[9].max_abs_error = NAN;
    rb_accuracy_judge(&job);
    assert_int_equal(job.engines[1].verdict, RB_VERDICT_NONE);
    assert_contains(job.engines[1].note, "9 of the engine's 10");
    strcpy(job.engines[0].engine, "other"); /* no oracle at all */
    rb_accuracy_judge(&job);
    for (size_t e = 0; e < 2; e++) {
        assert_int_equal(job.engines[e].verdict, RB_VERDICT_NONE);
        assert_contains(job.engines[e].note, "not judged");
        assert_true(isnan(job.engines[e].rel_l2_limit));
    }
    job_release(&job);
}

static void nan_fails_also_without_an_oracle(void **state) {
    const double bad[] = {0, NAN, 1};
    (void)state;
    for (size_t e = 0; e < 2; e++) {
        rb_accuracy job = margin_job(0.5, -1, 0);
        job.engines[e].images[6] = rb_accuracy_score(bad, NULL, 3, job.labels[6]);
        if (e == 1)
            strcpy(job.engines[0].engine, "other");
        rb_accuracy_judge(&job);
        assert_int_equal(job.engines[e].verdict, RB_VERDICT_FAIL);
        assert_contains(job.engines[e].note, "image 6");
        job_release(&job);
    }
}

static void a_failure_of_the_engine_is_its_verdict(void **state) {
    (void)state;
    rb_accuracy job = margin_job(0.5, -1, 0);
    job.engines[1].failure = RB_VERDICT_CRASHED;
    strcpy(job.engines[1].failure_note, "run: killed by signal SIGSEGV");
    rb_accuracy_judge(&job);
    assert_int_equal(job.engines[1].verdict, RB_VERDICT_CRASHED);
    assert_string_equal(job.engines[1].note, "run: killed by signal SIGSEGV");
    job_release(&job);
}

static void only_labelled_images_are_counted(void **state) {
    (void)state;
    rb_accuracy job = margin_job(0.5, -1, 0);
    rb_accuracy_sums sums = rb_accuracy_sum(&job, &job.engines[0]);
    assert_int_equal(sums.labelled, 8);
    assert_int_equal(sums.top1_right, 3); /* images 0, 3 and 6 have label 0; 9 has none */
    assert_int_equal(sums.top5_right, 8);
    job.engines[0].done = 1;
    assert_int_equal(rb_accuracy_sum(&job, &job.engines[0]).labelled, 1);
    job_release(&job);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wilson_gives_the_published_intervals),
        cmocka_unit_test(wilson_inverts_the_score_test),
        cmocka_unit_test(the_lowest_class_of_equal_logits_comes_first),
        cmocka_unit_test(the_margin_is_to_the_second_largest_wherever_it_stands),
        cmocka_unit_test(a_label_tied_with_the_fifth_is_not_among_the_top_five),
        cmocka_unit_test(a_nan_is_no_answer),
        cmocka_unit_test(errors_are_those_against_the_oracle),
        cmocka_unit_test(engines_may_differ_only_below_twice_the_largest_error),
        cmocka_unit_test(equal_logits_of_the_oracle_are_a_tie_that_any_error_allows),
        cmocka_unit_test(an_engine_that_is_wrong_everywhere_alike_fails_by_its_error),
        cmocka_unit_test(the_reference_sets_the_limit_of_the_others),
        cmocka_unit_test(a_reference_that_ended_early_narrows_nobody_elses_limit),
        cmocka_unit_test(without_all_of_the_oracle_nothing_passes),
        cmocka_unit_test(nan_fails_also_without_an_oracle),
        cmocka_unit_test(a_failure_of_the_engine_is_its_verdict),
        cmocka_unit_test(only_labelled_images_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
