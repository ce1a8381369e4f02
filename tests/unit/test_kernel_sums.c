/* Sums over convolutions, against figures computed by hand, and the tables of them. */
#include "test_support.h"

#include <math.h>

#include "results/grid.h"
#include "results/kernel_report.h"
#include "results/kernel_tables.h"

static void set_time(rb_kernel_row *row, rb_span span, double ns, double low, double high) {
    row->times[span].ns.median = ns;
    row->times[span].ns.low = low;
    row->times[span].ns.high = high;
}

/* The row of one engine: `times` occurrences in each network, and hot calls of hot_ns +- 9 %. */
static void add(rb_kernel_table *table, const char *problem, const char *engine, int64_t macs,
                const int32_t times[2], double hot_ns, rb_verdict verdict) {
    rb_kernel_row row;
    rb_kernel_row_init(&row);
    snprintf(row.problem, sizeof row.problem, "%s", problem);
    snprintf(row.engine, sizeof row.engine, "%s", engine);
    row.batch = 1;
    row.threads = 2;
    row.macs = macs;
    row.counts[0] = times[0];
    row.counts[1] = times[1];
    row.verdict = verdict;
    set_time(&row, RB_SPAN_HOT, hot_ns, 0.91 * hot_ns, 1.09 * hot_ns);
    set_time(&row, RB_SPAN_COLD, 2 * hot_ns, NAN, NAN);
    if (strcmp(engine, "mute") != 0) /* which does not tell the time of its node */
        set_time(&row, RB_SPAN_ALONE, hot_ns / 2, hot_ns / 4, hot_ns);
    assert_ok(rb_kernel_table_add(table, &row, &err));
}

static const int32_t in_both[] = {2, 3}, in_second[] = {0, 4}, in_none[] = {0, 0};

/* Network "a" has a 3x3 twice; network "b" has it three times, and a 1x1 four times. */
static rb_kernel_table make_table(void) {
    rb_kernel_table table = {
        .networks = {{"a", 2}, {"b", 7}}, .network_count = 2, .peak_gmacs = 50};
    add(&table, "3x3", "mine", 1000000, in_both, 40000, RB_VERDICT_PASS);
    add(&table, "3x3", "onednn", 1000000, in_both, 20000, RB_VERDICT_PASS);
    add(&table, "1x1", "mine", 500000, in_second, 10000, RB_VERDICT_FAIL);
    add(&table, "1x1", "onednn", 500000, in_second, 15000, RB_VERDICT_PASS);
    add(&table, "other", "mine", 700000, in_none, 5000, RB_VERDICT_PASS);
    return table;
}

static const rb_kernel_sum *find(const rb_kernel_sum *sums, size_t count, const char *network,
                                 const char *engine) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(sums[i].network->name, network) == 0 && strcmp(sums[i].engine, engine) == 0)
            return &sums[i];
    fail_msg("no sum of %s and %s", network, engine);
    return NULL;
}

static void assert_near(double found, double expected) {
    if (!(fabs(found - expected) <= 1e-9 * fabs(expected)))
        fail_msg("%.17g, expected %.17g", found, expected);
}

static void times_are_added_as_often_as_a_network_has_them(void **state) {
    (void)state;
    rb_kernel_table table = make_table();
    rb_kernel_sum *sums;
    size_t count;
    assert_ok(rb_kernel_sums(&table, &sums, &count, &err));
    assert_int_equal(count, 4);

    const rb_kernel_sum *sum = find(sums, count, "a", "mine");
    assert_int_equal(sum->covered, 2);
    assert_int_equal(sum->shared, 2);
    assert_int_equal(sum->macs, 2000000);
    assert_near(sum->times[RB_SPAN_HOT].ns, 80000);
    assert_near(sum->times[RB_SPAN_HOT].low, 72800);
    assert_near(sum->times[RB_SPAN_HOT].high, 87200);
    assert_near(sum->times[RB_SPAN_HOT].baseline_ns, 40000);
    assert_near(sum->times[RB_SPAN_COLD].ns, 160000);
    assert_true(isnan(sum->times[RB_SPAN_COLD].low)); /* no row has an interval */
    assert_near(sum->times[RB_SPAN_ALONE].ns, 40000);

    sum = find(sums, count, "b", "onednn"); /* 3 x 20000 + 4 x 15000 */
    assert_int_equal(sum->covered, 7);
    assert_int_equal(sum->macs, 5000000);
    assert_near(sum->times[RB_SPAN_HOT].ns, 120000);
    assert_near(sum->times[RB_SPAN_HOT].baseline_ns, 120000);
    free(sums);
    rb_kernel_table_release(&table);
}

/* A wrong 1x1 is in no sum, and no advantage over who computes it. */
static void what_is_wrong_counts_for_nothing(void **state) {
    (void)state;
    rb_kernel_table table = make_table();
    rb_kernel_sum *sums;
    size_t count;
    assert_ok(rb_kernel_sums(&table, &sums, &count, &err));
    const rb_kernel_sum *sum = find(sums, count, "b", "mine");
    assert_int_equal(sum->covered, 3);
    assert_int_equal(sum->network->convolutions, 7);
    assert_near(sum->times[RB_SPAN_HOT].ns, 120000);
    assert_near(sum->times[RB_SPAN_HOT].own_ns, 120000);
    assert_near(sum->times[RB_SPAN_HOT].baseline_ns, 60000);
    free(sums);

    table.rows[1].verdict = RB_VERDICT_CRASHED; /* the baseline's 3x3 */
    assert_ok(rb_kernel_sums(&table, &sums, &count, &err));
    sum = find(sums, count, "b", "mine");
    assert_int_equal(sum->covered, 3);
    assert_int_equal(sum->shared, 0);
    assert_near(sum->times[RB_SPAN_HOT].ns, 120000);
    assert_true(isnan(sum->times[RB_SPAN_HOT].baseline_ns));
    sum = find(sums, count, "a", "onednn");
    assert_int_equal(sum->covered, 0);
    assert_true(isnan(sum->times[RB_SPAN_HOT].ns));
    free(sums);
    rb_kernel_table_release(&table);
}

/* An engine that does not tell the time of one node has no sum of times alone. */
static void an_unknown_time_makes_the_sum_unknown(void **state) {
    (void)state;
    rb_kernel_table table = make_table();
    add(&table, "3x3", "mute", 1000000, in_both, 30000, RB_VERDICT_PASS);
    rb_kernel_sum *sums;
    size_t count;
    assert_ok(rb_kernel_sums(&table, &sums, &count, &err));
    const rb_kernel_sum *sum = find(sums, count, "a", "mute");
    assert_true(isnan(sum->times[RB_SPAN_ALONE].ns));
    assert_near(sum->times[RB_SPAN_HOT].ns, 60000);
    free(sums);
    rb_kernel_table_release(&table);
}

/* 5 x 40000 of the 3x3 and 4 x 15000 of the 1x1, before 5000 of what no network has. */
static void sorting_keeps_problems_together(void **state) {
    (void)state;
    rb_kernel_table table = {.networks = {{"a", 2}, {"b", 7}}, .network_count = 2};
    add(&table, "other", "mine", 1, in_none, 5000, RB_VERDICT_PASS);
    add(&table, "1x1", "mine", 1, in_second, 10000, RB_VERDICT_PASS);
    add(&table, "1x1", "onednn", 1, in_second, 15000, RB_VERDICT_PASS);
    add(&table, "3x3", "mine", 1, in_both, 40000, RB_VERDICT_PASS);
    add(&table, "3x3", "onednn", 1, in_both, 20000, RB_VERDICT_PASS);
    assert_ok(rb_kernel_table_sort(&table, &err));
    static const char *const expected[][2] = {
        {"3x3", "mine"}, {"3x3", "onednn"}, {"1x1", "mine"}, {"1x1", "onednn"}, {"other", "mine"}};
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_string_equal(table.rows[i].problem, expected[i][0]);
        assert_string_equal(table.rows[i].engine, expected[i][1]);
    }
    rb_kernel_table_release(&table);
}

static void the_terminal_table_fits_120_columns(void **state) {
    (void)state;
    rb_kernel_table table = {.networks = {{"resnet152", 155}}, .network_count = 1, .peak_gmacs = 9};
    static const int32_t often[] = {36, 0};
    add(&table, "mb64ic1024ih14oc2048oh7kh1sh2+bn+add+relu", "onednn-3.7.2", 123456789012, often,
        98765432101, RB_VERDICT_UNSUPPORTED);
    add(&table, "mb64ic1024ih14oc2048oh7kh1sh2+bn+add+relu", "onednn", 123456789012, often,
        98765432101, RB_VERDICT_PASS);
    char *text = NULL;
    size_t size = 0, lines = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_ok(rb_kernel_terminal(&table, out, &err));
    assert_int_equal(fclose(out), 0);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++)
        if (strlen(line) > RB_TERMINAL_WIDTH)
            fail_msg("%zu columns: %s", strlen(line), line);
    assert_true(lines >= 6);
    free(text);
    rb_kernel_table_release(&table);
}

/* Of hot times of +- 9 % none is wide; one of +- 20 % is. */
static void wide_intervals_are_told(void **state) {
    (void)state;
    rb_kernel_table table = make_table();
    for (int wide = 0; wide < 2; wide++) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        assert_non_null(out);
        if (wide)
            set_time(&table.rows[2], RB_SPAN_HOT, 10000, 8000, 12000);
        assert_ok(rb_kernel_terminal(&table, out, &err));
        assert_int_equal(fclose(out), 0);
        if (wide)
            assert_contains(text, "intervals of 1 of 5 hot times are wider than +-10 %");
        else
            assert_null(strstr(text, "wider"));
        free(text);
    }
    rb_kernel_table_release(&table);
}

/* The fastest right row is at 280 GMAC/s; a wrong one at 500 is no speed. */
static void a_row_above_the_peak_is_told(void **state) {
    (void)state;
    rb_kernel_table table = make_table();
    set_time(&table.rows[2], RB_SPAN_ALONE, 1000, 900, 1100);
    for (int beaten = 0; beaten < 2; beaten++) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        assert_non_null(out);
        table.peak_gmacs = beaten ? 279 : 281;
        assert_ok(rb_kernel_terminal(&table, out, &err));
        assert_int_equal(fclose(out), 0);
        assert_contains(text, beaten ? "of 279.0 GMAC/s" : "of 281.0 GMAC/s");
        assert_true((strstr(text, "1 row is above 100 % of the measured peak") != NULL) ==
                    (beaten == 1));
        free(text);
    }
    rb_kernel_table_release(&table);
}

/* Benchmarks of what was timed, and an error in place of those that were not. */
static void json_has_the_schema_of_google_benchmark(void **state) {
    rb_kernel_table table = make_table();
    const rb_sample samples[] = {{0, 0, 1000, 900}, {0, 0, 3000, 900}, {1, 0, 2000, 900}};
    rb_kernel_time *time = &table.rows[0].times[RB_SPAN_HOT];
    time->samples = malloc(sizeof samples);
    assert_non_null(time->samples);
    memcpy(time->samples, samples, sizeof samples);
    time->count = COUNT(samples);
    assert_ok(rb_kernel_row_summarize(&table.rows[0], &err));
    json_t *context = json_pack("{s:s}", "date", "today"), *plan = json_object();
    const rb_kernel_report report = {
        .directory = *state, .title = "t", .context = context, .plan = plan, .table = &table};
    assert_ok(rb_kernel_report_write(&report, &err));
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/" RB_KERNEL_JSON, (const char *)*state);
    json_t *root = json_load_file(path, 0, NULL), *row;
    assert_non_null(root);
    size_t index, iterations = 0, medians = 0, errors = 0;
    json_array_foreach(json_object_get(root, "benchmarks"), index, row) {
        const char *aggregate = json_string_value(json_object_get(row, "aggregate_name"));
        if (json_object_get(row, "error_occurred"))
            errors++;
        else if (!aggregate)
            iterations++;
        else if (strcmp(aggregate, "median") == 0) {
            medians++;
            assert_string_equal(json_string_value(json_object_get(row, "run_name")),
                                "3x3/mine/threads:2/hot");
            assert_near(json_number_value(json_object_get(row, "real_time")), 0.002);
            /* a million in 2000 ns, of a peak of 50 GMAC/s */
            assert_near(json_number_value(json_object_get(row, "hot_gmacs_per_second")), 500);
            assert_near(json_number_value(json_object_get(row, "hot_peak_percent")), 1000);
            assert_null(json_object_get(row, "cold_us"));
        }
    }
    assert_int_equal(iterations, 3);
    assert_int_equal(medians, 1);
    assert_int_equal(errors, 2 * table.count - 1); /* hot and cold of each row */
    json_decref(root);
    json_decref(context);
    json_decref(plan);
    rb_kernel_table_release(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_added_as_often_as_a_network_has_them),
        cmocka_unit_test(what_is_wrong_counts_for_nothing),
        cmocka_unit_test(an_unknown_time_makes_the_sum_unknown),
        cmocka_unit_test(sorting_keeps_problems_together),
        cmocka_unit_test(the_terminal_table_fits_120_columns),
        cmocka_unit_test(wide_intervals_are_told),
        cmocka_unit_test(a_row_above_the_peak_is_told),
        cmocka_unit_test(json_has_the_schema_of_google_benchmark),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
