/* Two runs joined, with rows computed by hand. */
#include "test_records.h"

#include <math.h>

#include "results/compare_report.h"

#define WORKERS 5

/* A cell whose workers took these milliseconds, two calls each in one turn. */
static rb_record cell(const char *engine, const double ms[WORKERS]) {
    rb_record r = make_record(&record_rows[0], engine, 1, 1, 2 * WORKERS);
    fill_in(&r, 1e-7);
    for (size_t i = 0; i < 2 * WORKERS; i++)
        r.samples[i] = (rb_sample){.worker = (int32_t)(i / 2), .real_ns = ms[i / 2] * 1e6};
    return r;
}

static const double before[WORKERS] = {10, 10.1, 10.2, 10.1, 10};
static const double slower[WORKERS] = {12, 12.1, 12.2, 12.1, 12};
static const double noisy[WORKERS] = {10, 14, 9, 11, 13};

static void put_cell(rb_report *report, const char *engine, const double ms[WORKERS]) {
    put(&report->records, cell(engine, ms));
}

static rb_record *last(rb_report *report) {
    return &report->records.items[report->records.count - 1];
}

typedef struct pair {
    rb_report a, b;
    rb_comparison c;
} pair;

static void compare(pair *p, const char *base) {
    assert_ok(rb_compare(&p->a, &p->b, &rb_compare_default_limits, base, &p->c, &err));
}

static void release(pair *p) {
    rb_comparison_release(&p->c);
    rb_report_release(&p->a);
    rb_report_release(&p->b);
}

static void times_give_verdicts(void **state) {
    (void)state;
    pair p = {.a = {0}};
    put_cell(&p.a, "same", before), put_cell(&p.b, "same", before);
    put_cell(&p.a, "slower", before), put_cell(&p.b, "slower", slower);
    put_cell(&p.a, "faster", slower), put_cell(&p.b, "faster", before);
    put_cell(&p.a, "noisy", before), put_cell(&p.b, "noisy", noisy);
    compare(&p, NULL);
    assert_int_equal(p.c.count, 4);
    assert_int_equal(p.c.common, 4);
    assert_int_equal(p.c.tested, 4);
    static const rb_compared expected[] = {RB_COMPARED_SAME, RB_COMPARED_SLOWER, RB_COMPARED_FASTER,
                                           RB_COMPARED_UNCLEAR};
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(rb_compared_name(p.c.rows[i].verdict), rb_compared_name(expected[i]));
        assert_int_equal(p.c.rows[i].effect.test, RB_TEST_PERMUTATION); /* 2 of 252 * 4 < 0.05 */
    }
    const rb_compared_row *row = &p.c.rows[1];
    const double a = pow(10 * 10.1 * 10.2 * 10.1 * 10, 0.2);
    const double b = pow(12 * 12.1 * 12.2 * 12.1 * 12, 0.2);
    assert_true(fabs(row->a_ns - a * 1e6) < 1 && fabs(row->b_ns - b * 1e6) < 1);
    assert_true(fabs(row->effect.ratio - b / a) < 1e-12);
    assert_true(fabs(row->effect.p - 2.0 / 252) < 1e-12);
    assert_true(fabs(row->p_adjusted - 4 * 2.0 / 252) < 1e-12); /* the smallest of four, as is */
    assert_true(fabs(p.c.rows[2].p_adjusted - 4 * 2.0 / 252) < 1e-12); /* its equal: not below */
    assert_string_equal(row->p_text, "0.032");
    assert_string_equal(row->parity, "PASS");
    release(&p);
}

static void the_threshold_keeps_small_effects_quiet(void **state) {
    (void)state;
    pair p = {.a = {0}};
    put_cell(&p.a, "onednn", before), put_cell(&p.b, "onednn", slower);
    rb_compare_limits limits = rb_compare_default_limits;
    limits.threshold = 0.25;
    assert_ok(rb_compare(&p.a, &p.b, &limits, NULL, &p.c, &err));
    assert_int_equal(p.c.rows[0].verdict, RB_COMPARED_SAME);
    assert_true(p.c.rows[0].p_adjusted < 0.01); /* significant, and of no interest */
    rb_comparison_release(&p.c);
    limits.threshold = 0.205; /* the ratio, 1.198, is within it; its interval is not */
    assert_ok(rb_compare(&p.a, &p.b, &limits, NULL, &p.c, &err));
    assert_int_equal(p.c.rows[0].verdict, RB_COMPARED_UNCLEAR);
    release(&p);
}

static void one_process_is_too_few(void **state) {
    (void)state;
    pair p = {.a = {0}};
    put_cell(&p.a, "onednn", before), put_cell(&p.b, "onednn", slower);
    last(&p.b)->sample_count = 2;
    compare(&p, NULL);
    assert_int_equal(p.c.rows[0].verdict, RB_COMPARED_TOO_FEW);
    assert_true(isnan(p.c.rows[0].p_adjusted) && p.c.rows[0].effect.ratio > 1.1);
    assert_string_equal(p.c.rows[0].interval, "");
    release(&p);
}

static void parity_comes_first(void **state) {
    (void)state;
    static const struct {
        rb_verdict a, b;
        rb_compared expected;
    } rows[] = {
        {RB_VERDICT_PASS, RB_VERDICT_FAIL, RB_COMPARED_WRONG},
        {RB_VERDICT_FAIL, RB_VERDICT_FAIL, RB_COMPARED_WRONG},
        {RB_VERDICT_PASS, RB_VERDICT_MARGINAL, RB_COMPARED_WRONG},
        {RB_VERDICT_PASS, RB_VERDICT_MISTRUSTED, RB_COMPARED_WRONG},
        {RB_VERDICT_PASS, RB_VERDICT_NONE, RB_COMPARED_WRONG},
        {RB_VERDICT_PASS, RB_VERDICT_CRASHED, RB_COMPARED_CRASHED},
        {RB_VERDICT_PASS, RB_VERDICT_TIMEOUT, RB_COMPARED_CRASHED},
        {RB_VERDICT_PASS, RB_VERDICT_UNSUPPORTED, RB_COMPARED_LOST},
        {RB_VERDICT_CRASHED, RB_VERDICT_UNSUPPORTED, RB_COMPARED_LOST},
        {RB_VERDICT_UNSUPPORTED, RB_VERDICT_UNSUPPORTED, RB_COMPARED_NOTHING},
        {RB_VERDICT_FAIL, RB_VERDICT_PASS, RB_COMPARED_NEW},
        {RB_VERDICT_UNSUPPORTED, RB_VERDICT_PASS, RB_COMPARED_NEW},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        pair p = {.a = {0}};
        put_cell(&p.a, "onednn", before), put_cell(&p.b, "onednn", before);
        last(&p.a)->verdict = rows[i].a;
        last(&p.b)->verdict = rows[i].b;
        compare(&p, NULL);
        assert_string_equal(rb_compared_name(p.c.rows[0].verdict),
                            rb_compared_name(rows[i].expected));
        assert_true(isnan(p.c.rows[0].effect.ratio));
        assert_int_equal(p.c.tested, 0);
        if (rows[i].a != rows[i].b)
            assert_contains(p.c.rows[0].parity, " -> ");
        for (int kind = 0; kind < RB_MEMORY_KINDS; kind++)
            assert_int_equal(p.c.rows[0].memory[kind].change, RB_MEMORY_UNKNOWN);
        release(&p);
    }
}

/* Cells without times are no tests, and do not make Holm stricter. */
static void only_tested_cells_count(void **state) {
    (void)state;
    pair p = {.a = {0}};
    put_cell(&p.a, "onednn", before), put_cell(&p.b, "onednn", slower);
    put_cell(&p.a, "wrong", before), put_cell(&p.b, "wrong", slower);
    last(&p.b)->verdict = RB_VERDICT_FAIL;
    compare(&p, NULL);
    assert_int_equal(p.c.tested, 1);
    assert_true(fabs(p.c.rows[0].p_adjusted - 2.0 / 252) < 1e-12);
    release(&p);
}

static void memory_is_exact_but_for_rss(void **state) {
    (void)state;
    pair p = {.a = {0}};
    put_cell(&p.a, "onednn", before), put_cell(&p.b, "onednn", before);
    rb_record *b = last(&p.b);
    b->activation_bytes += 1;
    b->scratch_bytes -= 1;
    b->packed_weight_bytes = -1;
    b->peak_rss_bytes += b->peak_rss_bytes / 25; /* 4 % of 5 */
    compare(&p, NULL);
    const rb_compared_memory *memory = p.c.rows[0].memory;
    assert_int_equal(memory[RB_MEMORY_WEIGHTS].change, RB_MEMORY_SAME);
    assert_int_equal(memory[RB_MEMORY_PACKED].change, RB_MEMORY_UNKNOWN);
    assert_int_equal(memory[RB_MEMORY_ACTIVATIONS].change, RB_MEMORY_GREW);
    assert_int_equal(memory[RB_MEMORY_SCRATCH].change, RB_MEMORY_SHRANK);
    assert_int_equal(memory[RB_MEMORY_PEAK_RSS].change, RB_MEMORY_SAME);
    assert_int_equal(rb_comparison_memory_count(&p.c, RB_MEMORY_GREW), 1);
    assert_int_equal(p.c.rows[0].verdict, RB_COMPARED_SAME); /* of the times */
    rb_comparison_release(&p.c);
    b->peak_rss_bytes += b->peak_rss_bytes / 25;
    compare(&p, NULL);
    assert_int_equal(p.c.rows[0].memory[RB_MEMORY_PEAK_RSS].change, RB_MEMORY_GREW);
    release(&p);
}

static void cells_of_one_file_are_listed(void **state) {
    (void)state;
    pair p = {.a = {0}};
    put_cell(&p.a, "gone", before), put_cell(&p.a, "onednn", before);
    put_cell(&p.b, "onednn", before), put_cell(&p.b, "wrong", before);
    last(&p.b)->verdict = RB_VERDICT_FAIL;
    compare(&p, NULL);
    assert_int_equal(p.c.common, 1);
    assert_int_equal(p.c.count, 3);
    assert_contains(p.c.rows[1].cell, "/gone/");
    assert_null(p.c.rows[1].b);
    assert_contains(p.c.rows[2].cell, "/wrong/");
    assert_null(p.c.rows[2].a);
    assert_int_equal(p.c.rows[2].verdict, RB_COMPARED_WRONG); /* wherever it is */
    release(&p);
}

static void refuse(pair *p, const char *part) {
    rb_error err = {""};
    assert_int_equal(rb_compare(&p->a, &p->b, &rb_compare_default_limits, NULL, &p->c, &err),
                     RB_ERR_NOT_COMPARABLE);
    assert_sentence(err);
    assert_contains(err.message, part);
    assert_null(p->c.rows);
}

static void other_work_is_refused(void **state) {
    (void)state;
    pair p = {.a = {0}};
    put_cell(&p.a, "onednn", before), put_cell(&p.b, "onednn", before);
    rb_record *b = last(&p.b);
    b->macs++;
    refuse(&p, "MACs");
    b->macs--;
    snprintf(b->weights_sha256, sizeof b->weights_sha256, "abcd");
    refuse(&p, "none in A, abcd in B");
    b->weights_sha256[0] = '\0';
    snprintf(b->preprocessing, sizeof b->preprocessing, "{}");
    refuse(&p, "preprocessing");
    b->preprocessing[0] = '\0';
    snprintf(b->engine, sizeof b->engine, "other");
    refuse(&p, "no cell is in both files");
    release(&p);
}

static void a_time_that_is_none_is_refused(void **state) {
    (void)state;
    pair p = {.a = {0}};
    put_cell(&p.a, "onednn", before), put_cell(&p.b, "onednn", before);
    rb_error err = {""};
    last(&p.b)->samples[3].real_ns = -1;
    assert_int_equal(rb_compare(&p.a, &p.b, &rb_compare_default_limits, NULL, &p.c, &err),
                     RB_ERR_INPUT);
    assert_contains(err.message, "B: resnet18/onednn");
    release(&p);
}

static void across_machines_there_are_ratios_only(void **state) {
    (void)state;
    pair p = {.a = {0}};
    put_cell(&p.a, "reference", slower), put_cell(&p.b, "reference", before);
    put_cell(&p.a, "onednn", before), put_cell(&p.b, "onednn", before);
    last(&p.b)->packed_weight_bytes *= 2;
    compare(&p, "reference");
    assert_int_equal(p.c.common, 1);
    const rb_compared_row *row = &p.c.rows[0];
    assert_int_equal(row->verdict, RB_COMPARED_RATIO);
    assert_true(isnan(row->a_ns) && isnan(row->b_ns));
    assert_true(fabs(row->a_over_base - 10.0799 / 12.0799) < 1e-3);
    assert_true(fabs(row->b_over_base - 1) < 1e-12);
    assert_true(fabs(row->effect.ratio - row->b_over_base / row->a_over_base) < 1e-12);
    assert_int_equal(row->memory[RB_MEMORY_PACKED].change, RB_MEMORY_UNKNOWN);
    release(&p);
}

static void refuse_base(pair *p, const char *part) {
    rb_error err = {""};
    assert_int_equal(rb_compare(&p->a, &p->b, &rb_compare_default_limits, "reference", &p->c, &err),
                     RB_ERR_NOT_COMPARABLE);
    assert_sentence(err);
    assert_contains(err.message, part);
}

static void across_machines_a_base_is_needed(void **state) {
    (void)state;
    pair p = {.a = {0}};
    put_cell(&p.a, "onednn", before), put_cell(&p.b, "onednn", before);
    refuse_base(&p, "A has no cell of the engine reference");
    put_cell(&p.a, "reference", before);
    refuse_base(&p, "B has no cell of the engine reference");
    /* There, but in another cell. */
    put_cell(&p.b, "reference", before);
    last(&p.b)->batch = 7;
    compare(&p, "reference");
    assert_int_equal(p.c.rows[0].verdict, RB_COMPARED_NOTHING);
    assert_true(isnan(p.c.rows[0].effect.ratio));
    assert_true(rb_comparison_idle(&p.c));
    release(&p);
}

static void a_base_that_is_not_right_has_a_row(void **state) {
    (void)state;
    pair p = {.a = {0}};
    put_cell(&p.a, "reference", before), put_cell(&p.b, "reference", before);
    last(&p.b)->verdict = RB_VERDICT_FAIL;
    put_cell(&p.a, "onednn", before), put_cell(&p.b, "onednn", before);
    compare(&p, "reference");
    assert_int_equal(p.c.common, 2);
    assert_int_equal(p.c.rows[0].verdict, RB_COMPARED_WRONG);
    assert_int_equal(p.c.rows[1].verdict, RB_COMPARED_NOTHING);
    assert_false(rb_comparison_idle(&p.c));
    release(&p);
}

static rb_report machine(const char *model, const char *tier, int seed) {
    return (rb_report){
        .context = json_pack("{s:s, s:s}", "cpu_model", model, "compiler", "12"),
        .plan = json_pack("{s:s, s:s, s:i}", "cpu_model", model, "tier", tier, "seed", seed)};
}

static void likeness(rb_report a, rb_report b, bool across, rb_status expected, const char *part) {
    rb_likeness found;
    rb_error err = {""};
    rb_likeness_find(&a, &b, &found);
    assert_int_equal(rb_likeness_check(&found, across, &err), expected);
    if (part) {
        assert_sentence(err);
        assert_contains(err.message, part);
    }
    rb_report_release(&a);
    rb_report_release(&b);
}

static void unlike_machines_are_named(void **state) {
    (void)state;
    likeness(machine("EPYC", "full", 1), machine("EPYC", "full", 1), false, RB_OK, NULL);
    likeness(machine("EPYC", "full", 1), machine("Xeon", "full", 1), false, RB_ERR_NOT_COMPARABLE,
             "cpu_model \"EPYC\" in A, \"Xeon\" in B");
    likeness(machine("EPYC", "full", 1), machine("Xeon", "full", 1), true, RB_OK, NULL);
    likeness(machine("EPYC", "full", 1), machine("Xeon", "quick", 2), true, RB_ERR_NOT_COMPARABLE,
             "tier \"full\" in A, \"quick\" in B; seed 1 in A, 2 in B");
    likeness(machine("EPYC", "full", 1), (rb_report){.context = json_object()}, false,
             RB_ERR_NOT_COMPARABLE, "tier \"full\" in A, nothing in B");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_give_verdicts),
        cmocka_unit_test(the_threshold_keeps_small_effects_quiet),
        cmocka_unit_test(one_process_is_too_few),
        cmocka_unit_test(parity_comes_first),
        cmocka_unit_test(only_tested_cells_count),
        cmocka_unit_test(memory_is_exact_but_for_rss),
        cmocka_unit_test(cells_of_one_file_are_listed),
        cmocka_unit_test(other_work_is_refused),
        cmocka_unit_test(a_time_that_is_none_is_refused),
        cmocka_unit_test(across_machines_there_are_ratios_only),
        cmocka_unit_test(across_machines_a_base_is_needed),
        cmocka_unit_test(a_base_that_is_not_right_has_a_row),
        cmocka_unit_test(unlike_machines_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
