/* Tables of the judge: they fit a terminal, no row that is wrong is left out, counts add up. */
#include "test_check_support.h"

#include "results/check_tables.h"
#include "results/grid.h"

static char *printed(const rb_check_rows *rows, bool every) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    rb_check_terminal(rows, every, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static char *printed_by(const rb_check_rows *rows,
                        void (*print)(const rb_check_rows *rows, FILE *out)) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    print(rows, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void markdown(const rb_check_rows *rows, FILE *out) {
    rb_check_markdown(rows, "A check", out);
}

static size_t occurrences(const char *text, const char *word) {
    size_t count = 0;
    for (; (text = strstr(text, word)); text += strlen(word))
        count++;
    return count;
}

static void the_terminal_table_fits_120_columns(void **state) {
    (void)state;
    rb_check_rows rows = all_verdicts();
    for (size_t i = 0; i < rows.count; i++) { /* the widest figures there can be */
        rows.items[i].figures.element_share = 99999;
        rows.items[i].figures.norm_share = INFINITY;
        rows.items[i].figures.rel_l2 = 1e-300;
        snprintf(rows.items[i].network, sizeof rows.items[i].network, "resnet110-cifar100-v1");
        rows.items[i].note[0] = '\0'; /* a sentence is as long as it is */
    }
    char *text = printed(&rows, true);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (strlen(line) > RB_TERMINAL_WIDTH)
            fail_msg("%zu columns: %s", strlen(line), line);
    free(text);
    rb_check_rows_release(&rows);
}

static void every_level_and_verdict_is_shown(void **state) {
    (void)state;
    rb_check_rows rows = all_verdicts();
    char *text = printed(&rows, false);
    for (int level = 0; level < RB_LEVEL_COUNT; level++)
        assert_contains(text, rb_check_level_name((rb_check_level)level));
    assert_contains(text, "1 PASS, 1 MARGINAL, 1 FAIL, 1 MISTRUSTED, 1 UNSUPPORTED, 1 CRASHED, "
                          "1 TIMEOUT");
    assert_int_equal(occurrences(text, ": FAIL: not what it should be"), RB_LEVEL_COUNT);
    free(text);
    rb_check_rows_release(&rows);
}

/* 200 rows that pass and one that does not: that one, the nearest ones, and how many are left. */
static void a_long_level_shows_what_matters(void **state) {
    (void)state;
    rb_check_rows rows = {0};
    for (int i = 0; i < 200; i++) {
        char name[32];
        snprintf(name, sizeof name, "ic%doc1", i + 1000);
        rb_check_row row = make_check_row(RB_LEVEL_OPERATION, name, RB_VERDICT_PASS);
        row.figures.element_share = (double)((i * 37) % 200) / 200; /* once each */
        put_check_row(&rows, row);
    }
    rb_check_row wrong = make_check_row(RB_LEVEL_OPERATION, "ic7oc7", RB_VERDICT_FAIL);
    wrong.figures.element_share = NAN;
    put_check_row(&rows, wrong);
    char *text = printed(&rows, false);
    assert_contains(text, "200 PASS, 1 FAIL");
    assert_contains(text, "\nic7oc7 ");
    assert_contains(text, "... 190 more rows");
    assert_int_equal(occurrences(text, "\nic1"), 10);
    for (int i = 0; i < 200; i++) {
        char name[32];
        snprintf(name, sizeof name, "\nic%doc1 ", i + 1000);
        assert_int_equal(strstr(text, name) != NULL, (i * 37) % 200 >= 190);
    }
    free(text);
    text = printed(&rows, true);
    assert_int_equal(occurrences(text, "\nic1"), 200);
    free(text);
    rb_check_rows_release(&rows);
}

static void the_summary_counts(void **state) {
    (void)state;
    char text[512];
    rb_check_rows rows = {0};
    rb_check_summary(&rows, "mine", text, sizeof text);
    assert_string_equal(text, "mine: 0 of 0 checks PASS");
    put_check_row(&rows, make_check_row(RB_LEVEL_EXACT, "a", RB_VERDICT_PASS));
    put_check_row(&rows, make_check_row(RB_LEVEL_OPERATION, "b", RB_VERDICT_PASS));
    rb_check_summary(&rows, "mine", text, sizeof text);
    assert_string_equal(text, "mine: 2 of 2 checks PASS (exact 1/1, operation 1/1); worst "
                              "operation 0.12 of its limit: b");
    rb_check_row worse = make_check_row(RB_LEVEL_OPERATION, "c", RB_VERDICT_FAIL);
    worse.figures.norm_share = 3;
    put_check_row(&rows, worse);
    put_check_row(&rows, make_check_row(RB_LEVEL_TASK, "d", RB_VERDICT_CRASHED));
    rb_check_summary(&rows, "mine", text, sizeof text);
    assert_string_equal(text, "mine: 2 of 4 checks PASS (exact 1/1, operation 1/2, task 0/1), "
                              "1 FAIL, 1 CRASHED; worst operation 3 of its limit: c");
    rb_check_summary(&rows, "mine", text, 20); /* cut, not overrun */
    assert_true(strlen(text) < 20);
    rb_check_rows_release(&rows);
}

static void unknown_figures_are_empty_in_csv(void **state) {
    (void)state;
    rb_check_rows rows = {0};
    rb_check_row row = make_check_row(RB_LEVEL_EXACT, "a, \"b\"", RB_VERDICT_CRASHED);
    row.figures = (rb_check_figures){.rel_l2 = NAN, .nmse = NAN, .max_abs = INFINITY};
    row.limit = NAN;
    put_check_row(&rows, row);
    char *text = printed_by(&rows, rb_check_csv);
    assert_contains(text, "\nexact,\"a, \"\"b\"\"\",");
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
    assert_int_equal(occurrences(text, "\n"), 2);
    free(text);
    rb_check_rows_release(&rows);
}

static size_t commas(const char *line) {
    size_t count = 0;
    for (; *line && *line != '\n'; line++)
        count += *line == ',';
    return count;
}

static void csv_has_every_key_once_and_a_field_for_each(void **state) {
    (void)state;
    rb_check_rows rows = {0};
    put_check_row(&rows, make_check_row(RB_LEVEL_CHAINED, "conv1", RB_VERDICT_PASS));
    char *text = printed_by(&rows, rb_check_csv), *rest = NULL;
    char *heading = strtok_r(text, "\n", &rest), *line = strtok_r(NULL, "\n", &rest);
    assert_contains(line, "3.3333333333333334e-08");
    const char *keys[64];
    size_t count = 0;
    for (char *key = strtok(heading, ","); key; key = strtok(NULL, ",")) {
        for (size_t other = 0; other < count; other++)
            assert_string_not_equal(key, keys[other]);
        assert_in_range(count, 0, 63);
        keys[count++] = key;
    }
    assert_int_equal(count, commas(line) + 1);
    free(text);
    rb_check_rows_release(&rows);
}

static void markdown_has_one_table_a_level(void **state) {
    (void)state;
    rb_check_rows rows = all_verdicts();
    snprintf(rows.items[2].note, sizeof rows.items[2].note, "a | b");
    char *text = printed_by(&rows, markdown);
    assert_int_equal(occurrences(text, "\n## "), RB_LEVEL_COUNT);
    size_t bars = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        if (line[0] == '#')
            bars = 0;
        if (line[0] != '|')
            continue;
        bars = bars ? bars : occurrences(line, "|");
        assert_int_equal(occurrences(line, "|"), bars);
    }
    free(text);
    rb_check_rows_release(&rows);
}

static void no_rows_make_empty_tables(void **state) {
    (void)state;
    const rb_check_rows rows = {0};
    char *text = printed(&rows, false);
    assert_string_equal(text, "");
    free(text);
    text = printed_by(&rows, markdown);
    assert_string_equal(text, "# A check\n");
    free(text);
    text = printed_by(&rows, rb_check_csv);
    assert_int_equal(occurrences(text, "\n"), 1);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_terminal_table_fits_120_columns),
        cmocka_unit_test(every_level_and_verdict_is_shown),
        cmocka_unit_test(a_long_level_shows_what_matters),
        cmocka_unit_test(the_summary_counts),
        cmocka_unit_test(unknown_figures_are_empty_in_csv),
        cmocka_unit_test(csv_has_every_key_once_and_a_field_for_each),
        cmocka_unit_test(markdown_has_one_table_a_level),
        cmocka_unit_test(no_rows_make_empty_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
