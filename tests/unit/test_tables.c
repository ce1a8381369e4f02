/* Tables: CSV by RFC 4180, Markdown that stays a table, a terminal of 120 columns. */
#include "test_records.h"

#include <math.h>

#include "results/tables.h"

#define MAX_LINES 400

/* Five depths, the reference and onednn (here with a name of 12 letters), batch 1 and 64, as two
 * slow cores would measure them. */
static rb_record_list realistic(void) {
    rb_record_list list = {0};
    for (size_t i = 0; i < COUNT(record_rows); i++)
        for (int64_t batch = 1; batch <= 64; batch *= 64)
            for (int engine = 0; engine < 2; engine++) {
                const double gmacs = (double)(record_rows[i].macs * batch) * 1e-9;
                rb_record r = make_record(&record_rows[i], engine ? "onednn-3.7.2" : "reference",
                                          batch, gmacs * (engine ? 8.123 : 487.9), 12);
                fill_in(&r, engine ? 3.1e-7 : 2.2e-7);
                put(&list, r);
            }
    return list;
}

/* What print writes; the caller frees it. */
static char *printed(const rb_record_list *list,
                     void (*print)(const rb_record_list *list, FILE *out)) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    print(list, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void markdown(const rb_record_list *list, FILE *out) {
    rb_table_markdown(list, "A run", out);
}

/* Cuts text into lines in place. */
static size_t split(char *text, char *lines[MAX_LINES]) {
    size_t count = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        assert_in_range(count, 0, MAX_LINES - 1);
        lines[count++] = line;
    }
    return count;
}

static void the_terminal_table_fits_120_columns(void **state) {
    (void)state;
    rb_record_list list = realistic();
    list.items[0].verdict = RB_VERDICT_UNSUPPORTED; /* the longest */
    char *lines[MAX_LINES], *text = printed(&list, rb_table_terminal);
    const size_t count = split(text, lines);
    assert_in_range(count, list.count + 1, MAX_LINES);
    for (size_t i = 0; i < count; i++)
        if (strlen(lines[i]) > RB_TERMINAL_WIDTH)
            fail_msg("%zu columns, %zu too many: %s", strlen(lines[i]),
                     strlen(lines[i]) - RB_TERMINAL_WIDTH, lines[i]);
    free(text);
    rb_record_list_release(&list);
}

/* Threads and size have columns when there are several; other columns make room for them. */
static void what_varies_has_a_column(void **state) {
    (void)state;
    rb_record_list list = realistic();
    char *text = printed(&list, rb_table_terminal);
    char heading[RB_TERMINAL_WIDTH + 1];
    snprintf(heading, sizeof heading, "%.*s", (int)strcspn(text, "\n"), text);
    free(text);
    assert_null(strstr(heading, "threads"));
    assert_null(strstr(heading, "size"));
    assert_contains(heading, "act MiB");
    for (size_t i = 0; i < list.count; i++) {
        list.items[i].verdict = RB_VERDICT_UNSUPPORTED; /* the longest */
        list.items[i].threads = i % 2 ? 128 : 1;
        list.items[i].height = i % 3 ? 1024 : 64;
        list.items[i].width = i % 3 ? 1024 : 64;
    }
    char *lines[MAX_LINES];
    text = printed(&list, rb_table_terminal);
    split(text, lines);
    assert_contains(lines[0], "  threads  size ");
    assert_contains(lines[2], "      128  1024x1024  ");
    assert_contains(lines[0], "  RSS MiB");
    assert_null(strstr(lines[0], "act MiB"));
    for (size_t i = 0; i <= list.count; i++)
        assert_in_range(strlen(lines[i]), 1, RB_TERMINAL_WIDTH);
    free(text);
    text = printed(&list, markdown); /* has room */
    assert_contains(text, "| threads | size |");
    assert_contains(text, "| act MiB ");
    free(text);
    rb_record_list_release(&list);
}

static void rows_above_the_peak_are_told(void **state) {
    (void)state;
    rb_record_list list = realistic();
    char *text = printed(&list, rb_table_terminal);
    assert_null(strstr(text, "measured peak"));
    free(text);
    list.items[0].peak_gmacs = 1e-3;
    list.items[1].peak_gmacs = 1e-3;
    list.items[1].verdict = RB_VERDICT_FAIL; /* its time means nothing */
    text = printed(&list, rb_table_terminal);
    assert_contains(text, "\n1 row is above 100 % of the measured peak");
    free(text);
    text = printed(&list, markdown);
    assert_contains(text, "\n1 row is above 100 % of the measured peak");
    free(text);
    list.items[2].peak_gmacs = 1e-3;
    text = printed(&list, rb_table_terminal);
    assert_contains(text, "\n2 rows are above 100 % of the measured peak");
    free(text);
    rb_record_list_release(&list);
}

static void long_names_are_cut_between_characters(void **state) {
    (void)state;
    rb_record_list list = {0};
    put(&list,
        make_record(&record_rows[0], "\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4", 1, 10, 1));
    char *text = printed(&list, rb_table_terminal);
    assert_contains(text, " \u00e4\u00e4\u00e4\u00e4\u00e4~ ");
    free(text);
    rb_record_list_release(&list);
}

/* Heading and rows of the table, and of every scaling, are equally long. */
static void terminal_columns_stand_under_each_other(void **state) {
    (void)state;
    rb_record_list list = realistic();
    put(&list, make_record(&record_rows[0], "two", 1, 10, 1)); /* too few for a fit */
    put(&list, make_record(&record_rows[1], "two", 1, 20, 1));
    char *lines[MAX_LINES], *text = printed(&list, rb_table_terminal);
    const size_t count = split(text, lines);
    size_t width = strlen(lines[0]);
    for (size_t i = 1; i < count; i++)
        if (strstr(lines[i], "  network ") == lines[i])
            width = strlen(lines[i]);
        else if (!strstr(lines[i], ", batch ") && strlen(lines[i]) != width)
            fail_msg("%zu columns instead of %zu: %s", strlen(lines[i]), width, lines[i]);
    free(text);
    rb_record_list_release(&list);
}

/* -1 stands for unknown in a record, and nowhere else. */
static void unknown_memory_is_a_dash(void **state) {
    (void)state;
    rb_record_list list = {0};
    for (size_t i = 0; i < 2; i++) /* too few for residuals, which may be -0.0 */
        put(&list, make_record(&record_rows[i], "stranger", 1, 10 * (double)i + 10, 1));
    char *text = printed(&list, rb_table_terminal);
    if (strstr(text, "-0.0"))
        fail_msg("unknown bytes are printed as -0.0:\n%s", text);
    free(text);
    text = printed(&list, rb_table_csv);
    assert_null(strstr(text, "-1"));
    assert_null(strstr(text, "nan"));
    free(text);
    rb_record_list_release(&list);
}

static const char *const nasty[] = {"plain",       "a, b", "say \"no\"", "two\nlines", "a\r\nb",
                                    "| bar | two", "\"",   "\"\",\"\"",  " blanks ",   "",
                                    "`code` <b>",  "\\|",  "trailing,",  ",",          "'"};

static rb_record_list with_nasty_notes(void) {
    rb_record_list list = {0};
    for (size_t i = 0; i < COUNT(nasty); i++) {
        rb_record r = make_record(&record_rows[0], "e", (int64_t)i + 1, 1, 0);
        r.verdict = RB_VERDICT_FAIL;
        snprintf(r.note, sizeof r.note, "%s", nasty[i]);
        put(&list, r);
    }
    return list;
}

/* One field of RFC 4180, unquoted into field; returns what ended it: ',' or '\n'. */
static int next_field(const char **at, char field[512]) {
    size_t used = 0;
    const bool quoted = **at == '"';
    for (*at += quoted; **at; (*at)++) {
        if (quoted && (*at)[0] == '"' && (*at)[1] == '"')
            (*at)++;
        else if (quoted ? **at == '"' : **at == ',' || **at == '\n')
            break;
        else
            assert_true(quoted || **at != '"');
        field[used++] = **at;
    }
    field[used] = '\0';
    *at += quoted;
    const int end = *(*at)++;
    assert_true(end == ',' || end == '\n');
    return end;
}

static void csv_is_rfc4180(void **state) {
    (void)state;
    rb_record_list list = with_nasty_notes();
    char *text = printed(&list, rb_table_csv), field[512];
    const char *at = text;
    size_t note = 0, columns = 0;
    for (size_t line = 0; line <= list.count; line++)
        for (size_t c = 0;; c++) {
            const int end = next_field(&at, field);
            if (line == 0 && strcmp(field, "note") == 0)
                note = c;
            else if (line > 0 && c == note)
                assert_string_equal(field, list.items[line - 1].note);
            if (end == '\n') {
                columns = line ? columns : c;
                assert_int_equal(c, columns);
                break;
            }
        }
    assert_int_equal(*at, '\0');
    assert_int_equal(columns + 1, rb_column_count);
    assert_string_equal(list.items[1].note, nasty[1]);
    assert_string_equal(list.items[3].note, "two lines");
    free(text);
    rb_record_list_release(&list);
}

/* Numbers in full precision, empty where there is none, and the key of a column only once. */
static void csv_numbers_are_exact(void **state) {
    (void)state;
    rb_record_list list = {0};
    rb_record r = make_record(&record_rows[2], "e", 1, 100.0 / 3, 12);
    fill_in(&r, 1.0 / 3e7);
    put(&list, r);
    char *text = printed(&list, rb_table_csv), field[512], heading[128][512];
    const char *at = text;
    size_t columns = 0;
    while (next_field(&at, heading[columns++]) == ',')
        assert_in_range(columns, 0, COUNT(heading) - 1);
    for (size_t c = 0; c < columns; c++) {
        next_field(&at, field);
        if (strcmp(heading[c], "rel_l2") == 0)
            assert_true(strtod(field, NULL) == 1.0 / 3e7);
        if (strcmp(heading[c], "median_ms") == 0)
            assert_true(fabs(strtod(field, NULL) - 100.0 / 3 * 1.0055) < 1e-12);
        if (strcmp(heading[c], "p99_ms") == 0 || strcmp(heading[c], "top1_agree") == 0)
            assert_string_equal(field, "");
        for (size_t other = 0; other < c; other++)
            assert_string_not_equal(heading[c], heading[other]);
    }
    free(text);
    rb_record_list_release(&list);
}

static size_t bars(const char *line) {
    size_t count = 0;
    for (; *line; line++)
        count += *line == '|';
    return count;
}

static bool is_section_note(const char *line) {
    for (size_t s = 0; s < RB_SECTION_COUNT; s++)
        if (rb_section_notes[s] && strcmp(line, rb_section_notes[s]) == 0)
            return true;
    return false;
}

/* Every line of a table has as many bars as its heading, whatever a note says. A scaling section
 * stands at the end where there is something to scale. */
static void check_markdown(const rb_record_list *list, bool scaling_expected) {
    char *lines[MAX_LINES], *text = printed(list, markdown);
    const size_t count = split(text, lines);
    size_t columns = 0, rows = 0, tables = 0;
    bool scaling = false;
    for (size_t i = 0; i < count && !scaling; i++) {
        scaling = strcmp(lines[i], "## Depth scaling") == 0;
        if (lines[i][0] == '#') {
            assert_true(tables == 0 || rows == list->count + 2); /* heading, rule, records */
            columns = rows = 0;
            continue;
        }
        if (is_section_note(lines[i]))
            continue;
        if (lines[i][0] != '|')
            fail_msg("no line of a table: %s", lines[i]);
        tables += columns == 0;
        columns = columns ? columns : bars(lines[i]);
        if (bars(lines[i]) != columns)
            fail_msg("%zu bars instead of %zu: %s", bars(lines[i]), columns, lines[i]);
        rows++;
    }
    assert_true(scaling == scaling_expected);
    assert_true(scaling || tables == 0 || rows == list->count + 2);
    assert_int_equal(tables, RB_SECTION_COUNT);
    free(text);
}

static void markdown_tables_are_whole(void **state) {
    (void)state;
    rb_record_list list = realistic();
    snprintf(list.items[3].note, sizeof list.items[3].note, "a | b || c, with `bars`|");
    check_markdown(&list, true);
    rb_record_list_release(&list);
}

/* A note is one sentence by contract, but an engine writes it. */
static void markdown_tables_survive_any_note(void **state) {
    (void)state;
    rb_record_list list = with_nasty_notes();
    check_markdown(&list, false);
    rb_record_list_release(&list);
}

static void no_records_make_empty_tables(void **state) {
    (void)state;
    rb_record_list list = {0};
    char *lines[MAX_LINES], *text = printed(&list, rb_table_csv);
    assert_int_equal(split(text, lines), 1);
    free(text);
    text = printed(&list, rb_table_terminal);
    assert_int_equal(split(text, lines), 1);
    free(text);
    check_markdown(&list, false);
}

static void every_verdict_has_a_name_of_its_own(void **state) {
    (void)state;
    for (int v = 0; v < RB_VERDICT_COUNT; v++) {
        rb_verdict parsed = RB_VERDICT_COUNT;
        assert_true(rb_verdict_parse(rb_verdict_name((rb_verdict)v), &parsed));
        assert_int_equal(parsed, v);
    }
    rb_verdict parsed = RB_VERDICT_FAIL;
    assert_false(rb_verdict_parse("pass", &parsed));
    assert_false(rb_verdict_parse("", &parsed));
    assert_int_equal(parsed, RB_VERDICT_FAIL);
}

static void a_record_replaces_one_of_its_name(void **state) {
    (void)state;
    rb_record_list list = {0};
    char name[256];
    put(&list, make_record(&record_rows[2], "e", 1, 10, 3));
    put(&list, make_record(&record_rows[2], "e", 8, 10, 3));
    put(&list, make_record(&record_rows[2], "e", 1, 20, 5));
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[0].sample_count, 5);
    rb_record_name(&list.items[0], name, sizeof name);
    assert_string_equal(name, "resnet50/e/batch:1/threads:2/size:224x224");
    assert_ptr_equal(rb_record_list_find(&list, name), &list.items[0]);
    assert_null(rb_record_list_find(&list, "resnet50/e/batch:2/threads:2/size:224x224"));
    for (int64_t batch = 100; batch < 140; batch++) /* grows */
        put(&list, make_record(&record_rows[0], "e", batch, 1, 1));
    assert_int_equal(list.count, 42);
    rb_record_list_release(&list);
    assert_int_equal(list.count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_terminal_table_fits_120_columns),
        cmocka_unit_test(rows_above_the_peak_are_told),
        cmocka_unit_test(long_names_are_cut_between_characters),
        cmocka_unit_test(what_varies_has_a_column),
        cmocka_unit_test(terminal_columns_stand_under_each_other),
        cmocka_unit_test(unknown_memory_is_a_dash),
        cmocka_unit_test(csv_is_rfc4180),
        cmocka_unit_test(csv_numbers_are_exact),
        cmocka_unit_test(markdown_tables_are_whole),
        cmocka_unit_test(markdown_tables_survive_any_note),
        cmocka_unit_test(no_records_make_empty_tables),
        cmocka_unit_test(every_verdict_has_a_name_of_its_own),
        cmocka_unit_test(a_record_replaces_one_of_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
