/* Speed-up, knee and cliff over threads, of series made by hand. */
#include "test_records.h"

#include <math.h>

#include "results/thread_scaling.h"

static bool near(double a, double b) {
    return fabs(a - b) <= 1e-9 * (fabs(b) > 1 ? fabs(b) : 1);
}

/* A cell at ms with an interval of +- percent. */
static void add(rb_record_list *list, int32_t threads, double ms, double percent) {
    rb_record r = make_record(&record_rows[2], "e", 1, ms, 1);
    r.threads = threads;
    r.latency_ns.median = ms * 1e6;
    r.latency_ns.low = ms * 1e6 * (1 - percent / 100);
    r.latency_ns.high = ms * 1e6 * (1 + percent / 100);
    put(list, r);
}

/* As the process was kept, on a machine of cores with two siblings, two NUMA nodes of them. */
static void on_machine(rb_record *r, int32_t cores, double quota) {
    r->processor_count = r->threads < 2 * cores ? r->threads : 2 * cores;
    r->cores = r->threads < cores ? r->threads : cores;
    r->numa_nodes = r->cores > cores / 2 ? 2 : 1;
    r->cpu_quota = quota;
}

/* The one line of a list. */
static rb_thread_scaling only_line(const rb_record_list *list) {
    size_t count;
    rb_thread_scaling *lines = rb_thread_scaling_compute(list, &count);
    assert_int_equal(count, 1);
    const rb_thread_scaling line = lines[0];
    free(lines);
    return line;
}

/* Amdahl's law with a tenth that is serial: Karp and Flatt's fraction is that, everywhere. */
static void amdahls_law_has_one_serial_fraction(void **state) {
    (void)state;
    rb_record_list list = {0};
    static const int32_t threads[] = {8, 1, 4, 2, 16}; /* in any order */
    for (size_t i = 0; i < COUNT(threads); i++)
        add(&list, threads[i], 100 * (0.1 + 0.9 / threads[i]), 1);
    const rb_thread_scaling line = only_line(&list);
    assert_int_equal(line.count, 5);
    for (size_t i = 0; i < line.count; i++) {
        const rb_thread_point *point = &line.points[i];
        const double p = 1 << i, speedup = 1 / (0.1 + 0.9 / p);
        assert_int_equal(point->record->threads, 1 << i);
        assert_true(near(point->speedup, speedup));
        assert_true(near(point->efficiency, speedup / p));
        if (i > 0)
            assert_true(near(point->serial_fraction, 0.1));
        else
            assert_true(isnan(point->serial_fraction) && isnan(point->marginal));
    }
    /* S = 1, 1.818, 3.077, 4.706, 6.4: steps of 0.818, 0.629, 0.407 and 0.212 of the ideal */
    assert_true(near(line.points[1].marginal, 1 / 0.55 - 1));
    assert_true(near(line.points[3].marginal, (1 / 0.2125 - 1 / 0.325) / 4));
    assert_int_equal(line.knee, 4);
    assert_int_equal(line.cliff, 0);
    rb_record_list_release(&list);
}

static void an_ideal_line_has_no_knee(void **state) {
    (void)state;
    rb_record_list list = {0};
    for (int32_t threads = 2; threads <= 8; threads += 2) /* not from one on */
        add(&list, threads, 100.0 / threads, 1);
    const rb_thread_scaling line = only_line(&list);
    assert_true(near(line.points[3].speedup, 4));
    assert_true(near(line.points[3].efficiency, 1));
    assert_true(near(line.points[3].serial_fraction, 0));
    assert_int_equal(line.knee, 0);
    assert_int_equal(line.cliff, 0);
    assert_string_equal(line.knee_reason, "");
    rb_record_list_release(&list);
}

/* A bad step that good ones follow is no knee: beyond the knee there is nothing good. */
static void the_knee_is_behind_the_last_good_step(void **state) {
    (void)state;
    static const struct {
        double speedup[5]; /* with 1, 2, 3, 4, 5 threads */
        int32_t knee;
    } cases[] = {
        {{1, 2, 3, 4, 5}, 0},          {{1, 1.5, 2, 2.5, 3}, 0}, /* exactly half is enough */
        {{1, 1.49, 1.9, 2.1, 2.2}, 1}, {{1, 2, 2.4, 2.5, 2.6}, 2}, {{1, 1.1, 2.1, 3.1, 3.2}, 4},
        {{1, 1.1, 1.2, 1.3, 2.3}, 0},  {{1, 2, 1.5, 2.1, 2.0}, 4}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        rb_record_list list = {0};
        for (int32_t t = 1; t <= 5; t++)
            add(&list, t, 64 / cases[i].speedup[t - 1], 90);
        const rb_thread_scaling line = only_line(&list);
        if (line.knee != cases[i].knee)
            fail_msg("case %zu: knee at %d instead of %d", i, line.knee, cases[i].knee);
        assert_int_equal(line.cliff, 0); /* intervals this wide overlap */
        rb_record_list_release(&list);
    }
}

static void a_cliff_is_significant(void **state) {
    (void)state;
    static const struct {
        double ms[4], percent; /* with 1, 2, 3, 4 threads */
        int32_t cliff, best;
    } cases[] = {{{100, 60, 50, 40}, 1, 0, 0}, {{100, 60, 50, 55}, 1, 4, 3},
                 {{100, 60, 50, 55}, 6, 0, 0}, /* 52.99..47.01 and 51.7..58.3 overlap */
                 {{100, 60, 70, 80}, 1, 3, 2}, /* the first of them */
                 {{100, 60, 61, 66}, 2, 4, 2}, /* worse than the best, not than the one before */
                 {{100, 110, 60, 50}, 1, 2, 1}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        rb_record_list list = {0};
        for (int32_t t = 1; t <= 4; t++)
            add(&list, t, cases[i].ms[t - 1], cases[i].percent);
        const rb_thread_scaling line = only_line(&list);
        if (line.cliff != cases[i].cliff || line.cliff_best != cases[i].best)
            fail_msg("case %zu: cliff at %d after %d", i, line.cliff, line.cliff_best);
        if (line.cliff)
            assert_true(
                near(line.cliff_percent,
                     100 * (cases[i].ms[line.cliff - 1] / cases[i].ms[line.cliff_best - 1] - 1)));
        rb_record_list_release(&list);
    }
}

static void without_intervals_there_is_no_cliff(void **state) {
    (void)state;
    rb_record_list list = {0};
    add(&list, 1, 10, NAN);
    add(&list, 2, 100, NAN);
    const rb_thread_scaling line = only_line(&list);
    assert_int_equal(line.cliff, 0);
    assert_int_equal(line.knee, 1);
    rb_record_list_release(&list);
}

/* 8 cores, 4 in each of two nodes, 16 processors. */
static void the_topology_gives_a_reason(void **state) {
    (void)state;
    static const struct {
        int32_t from, to;
        double quota;
        const char *says;
    } cases[] = {{4, 5, NAN, "on 2 NUMA nodes instead of 1"},
                 {8, 12, NAN, "beyond the 8 physical cores: siblings share one (SMT)"},
                 {4, 12, NAN, "beyond the 8 physical cores: siblings share one (SMT)"},
                 {16, 17, NAN, "more threads than processors, of which there are 16"},
                 {2, 3, 2.5, "beyond the quota of 2.5 processors"},
                 {3, 4, 2.5, ""}, /* it lies before both */
                 {2, 3, NAN, ""},
                 {12, 16, NAN, ""}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        rb_record_list list = {0};
        add(&list, cases[i].from, 10, 1);
        add(&list, cases[i].to, 20, 1);
        for (size_t r = 0; r < 2; r++)
            on_machine(&list.items[r], 8, cases[i].quota);
        const rb_thread_scaling line = only_line(&list);
        assert_int_equal(line.knee, cases[i].from);
        assert_int_equal(line.cliff, cases[i].to);
        assert_string_equal(line.knee_reason, cases[i].says);
        assert_string_equal(line.cliff_reason, cases[i].says);
        rb_record_list_release(&list);
    }
}

/* Two lines, with a cell of another batch, size, mode, engine or verdict that joins neither. */
static void lines_are_kept_apart(void **state) {
    (void)state;
    rb_record_list list = {0};
    add(&list, 1, 100, 1);
    add(&list, 2, 50, 1);
    for (int32_t change = 0; change < 6; change++) {
        rb_record r = make_record(&record_rows[change == 0 ? 1 : 2], change == 1 ? "other" : "e",
                                  change == 2 ? 8 : 1, 70, 3);
        r.threads = 4;
        if (change == 3)
            r.height = 160;
        if (change == 4)
            snprintf(r.mode, sizeof r.mode, "cold");
        if (change == 5)
            r.verdict = RB_VERDICT_FAIL;
        put(&list, r);
    }
    for (int32_t threads = 1; threads <= 2; threads++) {
        rb_record r = make_record(&record_rows[0], "e", 1, 10, 3);
        r.threads = threads;
        put(&list, r);
    }
    size_t count;
    rb_thread_scaling *lines = rb_thread_scaling_compute(&list, &count);
    assert_int_equal(count, 2);
    assert_string_equal(lines[0].record->network, "resnet50");
    assert_int_equal(lines[0].count, 2);
    assert_true(near(lines[0].points[1].speedup, 2));
    assert_string_equal(lines[1].record->network, "resnet18");
    assert_int_equal(lines[1].count, 2);
    free(lines);
    rb_record_list_release(&list);
}

static void one_number_of_threads_is_no_line(void **state) {
    (void)state;
    rb_record_list list = {0};
    size_t count = 7;
    assert_null(rb_thread_scaling_compute(&list, &count));
    assert_int_equal(count, 0);
    add(&list, 2, 10, 1);
    assert_null(rb_thread_scaling_compute(&list, &count));
    assert_int_equal(count, 0);
    rb_record_list_release(&list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amdahls_law_has_one_serial_fraction),
        cmocka_unit_test(an_ideal_line_has_no_knee),
        cmocka_unit_test(the_knee_is_behind_the_last_good_step),
        cmocka_unit_test(a_cliff_is_significant),
        cmocka_unit_test(without_intervals_there_is_no_cliff),
        cmocka_unit_test(the_topology_gives_a_reason),
        cmocka_unit_test(lines_are_kept_apart),
        cmocka_unit_test(one_number_of_threads_is_no_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
