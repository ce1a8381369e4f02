/* The line of latency over MACs, and what one more block costs. */
#include "test_records.h"

#include <math.h>

#include "results/scaling.h"

static rb_scaling *lines; /* of the last compute */

static size_t compute(const rb_record_list *list) {
    size_t count;
    free(lines);
    lines = rb_scaling_compute(list, &count);
    return count;
}

static bool near(double a, double b) {
    return fabs(a - b) <= 1e-9 * (fabs(b) > 1 ? fabs(b) : 1);
}

/* Five depths at fixed + slope * GMACs, off by the given ms. */
static void add_line(rb_record_list *list, const char *engine, int64_t batch, double fixed,
                     double slope, const double off[5]) {
    for (size_t i = 0; i < 5; i++) {
        const double gmacs = (double)(record_rows[i].macs * batch) * 1e-9;
        const double ms = fixed + slope * gmacs + (off ? off[i] : 0);
        put(list, make_record(&record_rows[i], engine, batch, ms, 1));
    }
}

static void an_exact_line_is_recovered(void **state) {
    (void)state;
    rb_record_list list = {0};
    add_line(&list, "onednn", 1, 2.5, 8.25, NULL);
    assert_int_equal(compute(&list), 1);
    const rb_scaling *s = &lines[0];
    assert_string_equal(s->engine, "onednn");
    assert_int_equal(s->batch, 1);
    assert_int_equal(s->threads, 2);
    assert_true(s->fitted);
    assert_int_equal(s->count, 5);
    assert_true(near(s->fixed_ms, 2.5));
    assert_true(near(s->ms_per_gmac, 8.25));
    assert_true(near(s->r_squared, 1));
    for (size_t i = 0; i < 5; i++) {
        assert_true(near(s->points[i].fitted_ms, s->points[i].latency_ms));
        assert_true(fabs(s->points[i].residual_percent) < 1e-9);
        assert_string_equal(s->points[i].record->network, record_rows[i].network);
    }
    rb_record_list_release(&list);
}

/* Least squares: residuals sum to nothing, alone and weighted by MACs. */
static void residuals_are_those_of_least_squares(void **state) {
    (void)state;
    static const double off[5] = {3, -2, 5, -4, 1};
    rb_record_list list = {0};
    add_line(&list, "e", 1, 10, 20, off);
    assert_int_equal(compute(&list), 1);
    double sum = 0, moment = 0, left = 0, total = 0, mean = 0;
    for (size_t i = 0; i < 5; i++)
        mean += lines[0].points[i].latency_ms / 5;
    for (size_t i = 0; i < 5; i++) {
        const rb_scaling_point *p = &lines[0].points[i];
        const double residual = p->latency_ms - p->fitted_ms;
        assert_true(near(p->residual_percent, 100 * residual / p->latency_ms));
        sum += residual;
        moment += residual * (double)p->record->macs * 1e-9;
        left += residual * residual;
        total += (p->latency_ms - mean) * (p->latency_ms - mean);
    }
    assert_true(fabs(sum) < 1e-9 && fabs(moment) < 1e-9);
    assert_true(left > 1);
    assert_true(near(lines[0].r_squared, 1 - left / total));
    rb_record_list_release(&list);
}

static void a_block_is_compared_with_its_own_kind(void **state) {
    (void)state;
    static const double ms[5] = {10, 18, 40, 74, 108};
    rb_record_list list = {0};
    for (size_t i = 5; i-- > 0;) /* deepest first: the points come out in order of MACs */
        put(&list, make_record(&record_rows[i], "e", 1, ms[i], 1));
    assert_int_equal(compute(&list), 1);
    const rb_scaling_point *p = lines[0].points;
    assert_true(isnan(p[0].marginal_ms_per_block));   /* 18: no shallower basic net */
    assert_true(near(p[1].marginal_ms_per_block, 1)); /* 34 - 18: 8 ms for 8 blocks */
    assert_true(isnan(p[2].marginal_ms_per_block));   /* 50: no shallower bottleneck net */
    assert_true(near(p[3].marginal_ms_per_block, 2)); /* 101 - 50: 34 ms for 17 */
    assert_true(near(p[4].marginal_ms_per_block, 2)); /* 152 - 101: 34 ms for 17 */
    rb_record_list_release(&list);
}

static void few_depths_have_no_fit(void **state) {
    (void)state;
    rb_record_list list = {0};
    put(&list, make_record(&record_rows[0], "e", 1, 10, 1));
    put(&list, make_record(&record_rows[4], "e", 1, 90, 1));
    assert_int_equal(compute(&list), 1);
    assert_int_equal(lines[0].count, 2);
    assert_false(lines[0].fitted);
    assert_true(isnan(lines[0].fixed_ms) && isnan(lines[0].ms_per_gmac));
    assert_true(isnan(lines[0].r_squared) && isnan(lines[0].points[1].residual_percent));
    rb_record_list_release(&list);
}

static void lines_are_kept_apart(void **state) {
    (void)state;
    rb_record_list list = {0};
    add_line(&list, "reference", 1, 0, 100, NULL);
    add_line(&list, "onednn", 1, 1, 9, NULL);
    add_line(&list, "onednn", 8, 3, 8, NULL);
    put(&list, make_record(&record_rows[0], "crashed", 1, 1, 0)); /* never timed */
    assert_int_equal(compute(&list), 3);
    assert_string_equal(lines[0].engine, "reference");
    assert_true(near(lines[0].ms_per_gmac, 100));
    assert_true(near(lines[1].fixed_ms, 1) && near(lines[1].ms_per_gmac, 9));
    assert_int_equal(lines[2].batch, 8);
    assert_true(near(lines[2].fixed_ms, 3) && near(lines[2].ms_per_gmac, 8));
    rb_record_list_release(&list);
}

/* Networks of CIFAR and of ImageNet in one run: two lines, each exact. */
static void input_sizes_are_kept_apart(void **state) {
    (void)state;
    static const record_row cifar[] = {{"resnet20", 20, 9, 40551040, 269722},
                                       {"resnet56", 56, 27, 125485696, 853018},
                                       {"resnet110", 110, 54, 252887680, 1727962}};
    rb_record_list list = {0};
    add_line(&list, "e", 1, 3, 10, NULL);
    for (size_t i = 0; i < COUNT(cifar); i++) {
        rb_record r = make_record(&cifar[i], "e", 1, 0.5 + 50 * (double)cifar[i].macs * 1e-9, 1);
        r.height = r.width = 32;
        put(&list, r);
    }
    assert_int_equal(compute(&list), 2);
    assert_int_equal(lines[0].height, 224);
    assert_true(near(lines[0].fixed_ms, 3) && near(lines[0].ms_per_gmac, 10));
    assert_int_equal(lines[1].height, 32);
    assert_int_equal(lines[1].width, 32);
    assert_int_equal(lines[1].count, 3);
    assert_true(near(lines[1].fixed_ms, 0.5) && near(lines[1].ms_per_gmac, 50));
    assert_true(isnan(lines[0].points[0].marginal_ms_per_block)); /* no block of another size */
    rb_record_list_release(&list);
}

static void nothing_timed_has_no_lines(void **state) {
    (void)state;
    rb_record_list list = {0};
    assert_int_equal(compute(&list), 0);
    put(&list, make_record(&record_rows[0], "crashed", 1, 1, 0));
    assert_int_equal(compute(&list), 0);
    rb_record_list_release(&list);
}

static void more_points_than_fit_are_left_out(void **state) {
    (void)state;
    rb_record_list list = {0};
    char name[32];
    for (int i = 0; i < RB_MAX_SCALING_POINTS + 3; i++) {
        snprintf(name, sizeof name, "own%d", i);
        const record_row row = {name, 18 + 2 * i, 8 + i, 1000000000 + 1000000 * (int64_t)i, 1};
        put(&list, make_record(&row, "e", 1, 10 + i, 1));
    }
    assert_int_equal(compute(&list), 1);
    assert_int_equal(lines[0].count, RB_MAX_SCALING_POINTS);
    rb_record_list_release(&list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exact_line_is_recovered),
        cmocka_unit_test(residuals_are_those_of_least_squares),
        cmocka_unit_test(a_block_is_compared_with_its_own_kind),
        cmocka_unit_test(few_depths_have_no_fit),
        cmocka_unit_test(lines_are_kept_apart),
        cmocka_unit_test(input_sizes_are_kept_apart),
        cmocka_unit_test(nothing_timed_has_no_lines),
        cmocka_unit_test(more_points_than_fit_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
