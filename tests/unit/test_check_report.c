/* Files of the judge: JSON that comes back as it was, XML that is well formed whatever it quotes.
 */
#include "test_check_support.h"

#include <unistd.h>

#include "results/check_report.h"

static char path[256];

static int make_path(void **state) {
    (void)state;
    snprintf(path, sizeof path, "/tmp/resbench-check-report-%ld", (long)getpid());
    return 0;
}

static int remove_file(void **state) {
    (void)state;
    unlink(path);
    return 0;
}

static char *slurp(void) {
    char *text = calloc(1, 1 << 20);
    FILE *file = fopen(path, "r");
    assert_non_null(text);
    assert_non_null(file);
    assert_in_range(fread(text, 1, (1 << 20) - 1, file), 1, (1 << 20) - 2);
    fclose(file);
    return text;
}

static rb_check_report report_of(const rb_check_rows *rows) {
    return (rb_check_report){.engine = "mine", .version = "1.2", .rows = rows};
}

static char *junit(const rb_check_rows *rows) {
    const rb_check_report report = report_of(rows);
    assert_ok(rb_check_junit_write(path, &report, &err));
    return slurp();
}

static bool same(double a, double b) {
    return isnan(a) ? isnan(b) : a == b;
}

static void assert_same_figures(const rb_check_figures *a, const rb_check_figures *b) {
    assert_int_equal(a->elements, b->elements);
    assert_int_equal(a->non_finite, b->non_finite);
    assert_int_equal(a->differing, b->differing);
    assert_int_equal(a->excess_zeros, b->excess_zeros);
    assert_int_equal(a->constant, b->constant);
    assert_true(same(a->rel_l2, b->rel_l2));
    assert_true(same(a->nmse, b->nmse));
    assert_true(same(a->max_abs, b->max_abs));
    assert_true(same(a->max_ulp, b->max_ulp));
    assert_true(same(a->element_share, b->element_share));
    assert_true(same(a->norm_share, b->norm_share));
    assert_memory_equal(a->worst, b->worst, sizeof a->worst);
    assert_true(same(a->found, b->found));
    assert_true(same(a->expected, b->expected));
}

static void assert_same_row(const rb_check_row *a, const rb_check_row *b) {
    assert_int_equal(a->level, b->level);
    assert_int_equal(a->verdict, b->verdict);
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->network, b->network);
    assert_string_equal(a->input, b->input);
    assert_string_equal(a->why, b->why);
    assert_int_equal(a->k, b->k);
    assert_int_equal(a->multiplicity, b->multiplicity);
    assert_string_equal(a->kernel, b->kernel);
    assert_string_equal(a->note, b->note);
    assert_string_equal(a->again, b->again);
    assert_int_equal(a->seed, b->seed);
    assert_int_equal(a->batch, b->batch);
    assert_int_equal(a->threads, b->threads);
    assert_int_equal(a->other_threads, b->other_threads);
    assert_int_equal(a->winograd, b->winograd);
    assert_true(same(a->seconds, b->seconds));
    assert_true(same(a->limit, b->limit));
    assert_int_equal(a->images, b->images);
    assert_int_equal(a->top1_differ, b->top1_differ);
    assert_int_equal(a->near_ties, b->near_ties);
    assert_same_figures(&a->figures, &b->figures);
}

static void json_comes_back_as_it_was(void **state) {
    (void)state;
    rb_check_rows rows = all_verdicts(), again;
    rb_check_figures *unknown = &rows.items[1].figures;
    unknown->rel_l2 = unknown->found = unknown->max_ulp = unknown->norm_share = NAN;
    rows.items[1].limit = NAN;
    rows.items[2].winograd = rows.items[2].figures.constant = true;
    rows.items[2].seed = INT64_MAX;
    snprintf(rows.items[3].note, sizeof rows.items[3].note, "\"\u00e4\\ </x>");
    const rb_check_report report = report_of(&rows);
    assert_ok(rb_check_json_write(path, &report, &err));
    assert_ok(rb_check_json_read(path, &again, &err));
    assert_int_equal(again.count, rows.count);
    for (size_t i = 0; i < rows.count; i++)
        assert_same_row(&rows.items[i], &again.items[i]);
    rb_check_rows_release(&again);
    rb_check_rows_release(&rows);
}

static void json_says_what_was_checked(void **state) {
    (void)state;
    rb_check_rows rows = all_verdicts();
    rows.items[0].figures.rel_l2 = INFINITY;
    rb_check_report report = report_of(&rows);
    report.context = json_pack("{s:s}", "cpu_model", "some processor");
    report.plan = json_pack("{s:i}", "seed", 7);
    assert_ok(rb_check_json_write(path, &report, &err));
    json_t *root = json_load_file(path, 0, NULL);
    assert_non_null(root);
    assert_int_equal(json_integer_value(json_object_get(root, "schema_version")), RB_CHECK_SCHEMA);
    assert_string_equal(json_string_value(json_object_get(root, "engine")), "mine");
    assert_true(json_equal(json_object_get(root, "context"), report.context));
    assert_true(json_equal(json_object_get(root, "plan"), report.plan));
    const json_t *exact = json_object_get(json_object_get(root, "summary"), "exact");
    assert_int_equal(json_integer_value(json_object_get(exact, "FAIL")), 1);
    const json_t *row = json_array_get(json_object_get(root, "rows"), 0);
    assert_true(json_is_null(json_object_get(json_object_get(row, "figures"), "rel_l2")));
    json_decref(root);
    json_decref(report.context);
    json_decref(report.plan);
    rb_check_rows_release(&rows);
}

static void refuse(const char *text, const char *sentence) {
    rb_check_rows rows;
    rb_error err;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(rb_check_json_read(path, &rows, &err), RB_ERR_INPUT);
    assert_contains(err.message, sentence);
    assert_int_equal(rows.count, 0);
    assert_null(rows.items);
}

static void damaged_json_is_refused(void **state) {
    (void)state;
    refuse("{", "line 1");
    refuse("{}", "schema version 0, expected 1");
    refuse("{\"schema_version\": 2, \"rows\": []}", "schema version 2, expected 1");
    refuse("{\"schema_version\": 1}", "member rows is missing");
    refuse("{\"schema_version\": 1, \"rows\": [{}]}", "row 0: member level is missing");
    refuse("{\"schema_version\": 1, \"rows\": [{\"level\": \"exact\", \"verdict\": \"GOOD\"}]}",
           "row 0: member verdict is missing or invalid");
    refuse("{\"schema_version\": 1, \"rows\": [{\"level\": \"exact\", \"verdict\": \"PASS\"}]}",
           "row 0: member name is missing or invalid");
}

static void junit_counts_by_outcome(void **state) {
    (void)state;
    rb_check_rows rows = all_verdicts();
    char *text = junit(&rows);
    assert_contains(text, "<testsuites name=\"resbench check mine\" tests=\"40\" failures=\"20\" "
                          "errors=\"10\" skipped=\"5\" time=\"10.000\">");
    for (int level = 0; level < RB_LEVEL_COUNT; level++) {
        char suite[160];
        snprintf(suite, sizeof suite,
                 "<testsuite name=\"%s\" tests=\"8\" failures=\"4\" errors=\"2\" skipped=\"1\" "
                 "time=\"2.000\">",
                 rb_check_level_name((rb_check_level)level));
        assert_contains(text, suite);
    }
    assert_contains(text, "<failure type=\"FAIL\" message=\"not what it should be\">again: "
                          "resbench check e --problem mb3ic256");
    assert_contains(text, "<failure type=\"MISTRUSTED\"");
    assert_contains(text, "<failure type=\"MARGINAL\"");
    assert_contains(text, "<error type=\"CRASHED\"");
    assert_contains(text, "<error type=\"TIMEOUT\"");
    assert_contains(text, "<skipped message=\"not what it should be\"/>");
    free(text);
    rb_check_rows_release(&rows);
}

static void junit_without_rows_is_a_document(void **state) {
    (void)state;
    const rb_check_rows rows = {0};
    char *text = junit(&rows);
    assert_string_equal(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                              "<testsuites name=\"resbench check mine\" tests=\"0\" "
                              "failures=\"0\" errors=\"0\" skipped=\"0\" time=\"0.000\">\n"
                              "</testsuites>\n");
    free(text);
}

/* Neither markup nor a character that XML 1.0 does not know gets through; rows are not cleaned
 * here by rb_check_rows_add. */
static void hostile_texts_stay_texts(void **state) {
    (void)state;
    rb_check_row row = make_check_row(RB_LEVEL_EXACT, "a\"/><b x='&amp;", RB_VERDICT_FAIL);
    snprintf(row.note, sizeof row.note,
             "]]>\x01\x1b[31m\r\n\xff\xc3 \xef\xbf\xbe\xef\xbf\xbf "
             "\xed\xa0\x80 \u00e9 \U0001F600 <![CDATA[");
    row.seconds = NAN;
    const rb_check_rows rows = {.items = &row, .count = 1, .capacity = 1};
    char *text = junit(&rows);
    assert_contains(text, "name=\"a&quot;/&gt;&lt;b x=&apos;&amp;amp; seeded\" time=\"0.000\"");
    assert_contains(text, "message=\"]]&gt;  [31m  ?? ?? ??? \u00e9 \U0001F600 &lt;![CDATA[\"");
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        assert_true(*at >= 0x20 || *at == '\n');
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_comes_back_as_it_was),
        cmocka_unit_test(json_says_what_was_checked),
        cmocka_unit_test(damaged_json_is_refused),
        cmocka_unit_test(junit_counts_by_outcome),
        cmocka_unit_test(junit_without_rows_is_a_document),
        cmocka_unit_test(hostile_texts_stay_texts),
    };
    return cmocka_run_group_tests(tests, make_path, remove_file);
}
