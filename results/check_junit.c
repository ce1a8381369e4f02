#include <string.h>

#include "results/check_report.h"
#include "results/check_tables.h"
#include "results/junit.h"
#include "results/report_file.h"

typedef enum outcome { PASSED, FAILED, ERROR, SKIPPED, OUTCOME_COUNT } outcome;

static outcome outcome_of(rb_verdict verdict) {
    switch (verdict) {
    case RB_VERDICT_PASS:
        return PASSED;
    case RB_VERDICT_CRASHED:
    case RB_VERDICT_TIMEOUT:
        return ERROR;
    case RB_VERDICT_UNSUPPORTED:
        return SKIPPED;
    default: /* a comparison that did not take place is no success */
        return FAILED;
    }
}

static void put_verdict(const rb_check_row *row, FILE *out) {
    static const char *const elements[OUTCOME_COUNT] = {"", "failure", "error", "skipped"};
    const outcome what = outcome_of(row->verdict);
    const char *element = elements[what];
    if (what == PASSED)
        return;
    fprintf(out, "      <%s", element);
    if (what != SKIPPED) /* which has no type in the schema */
        rb_junit_attribute("type", rb_verdict_name(row->verdict), out);
    rb_junit_attribute("message", row->note[0] ? row->note : rb_verdict_name(row->verdict), out);
    if (what == SKIPPED || !row->again[0]) {
        fputs("/>\n", out);
        return;
    }
    fputs(">again: ", out);
    rb_junit_text(row->again, out);
    fprintf(out, "</%s>\n", element);
}

static void put_case(const rb_check_report *report, const rb_check_row *row, FILE *out) {
    char text[RB_JUNIT_TEXT];
    snprintf(text, sizeof text, "%s.%s", report->engine, rb_check_level_name(row->level));
    fputs("    <testcase", out);
    rb_junit_attribute("classname", text, out);
    snprintf(text, sizeof text, "%s%s%s %s", row->network, row->network[0] ? " " : "", row->name,
             row->input);
    rb_junit_attribute("name", text, out);
    fprintf(out, " time=\"%.3f\"", row->seconds > 0 ? row->seconds : 0);
    if (row->verdict == RB_VERDICT_PASS) {
        fputs("/>\n", out);
        return;
    }
    fputs(">\n", out);
    put_verdict(row, out);
    fputs("    </testcase>\n", out);
}

static void put_sums(const rb_check_rows *rows, rb_check_level level, FILE *out) {
    const rb_check_counts counts = rb_check_count(rows, level);
    size_t of[OUTCOME_COUNT] = {0};
    double seconds = 0;
    for (int v = 0; v < RB_VERDICT_COUNT; v++)
        of[outcome_of((rb_verdict)v)] += counts.of[v];
    for (size_t i = 0; i < rows->count; i++)
        if ((level == RB_LEVEL_COUNT || rows->items[i].level == level) &&
            rows->items[i].seconds > 0)
            seconds += rows->items[i].seconds;
    fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"%.3f\"",
            counts.rows, of[FAILED], of[ERROR], of[SKIPPED], seconds);
}

static void print(const void *ctx, FILE *out) {
    const rb_check_report *report = ctx;
    const rb_check_rows *rows = report->rows;
    char name[RB_JUNIT_TEXT];
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", out);
    snprintf(name, sizeof name, "resbench check %s", report->engine);
    rb_junit_attribute("name", name, out);
    put_sums(rows, RB_LEVEL_COUNT, out);
    fputs(">\n", out);
    for (int level = 0; level < RB_LEVEL_COUNT; level++) {
        if (rb_check_count(rows, (rb_check_level)level).rows == 0)
            continue;
        fputs("  <testsuite", out);
        rb_junit_attribute("name", rb_check_level_name((rb_check_level)level), out);
        put_sums(rows, (rb_check_level)level, out);
        fputs(">\n", out);
        for (size_t i = 0; i < rows->count; i++)
            if (rows->items[i].level == (rb_check_level)level)
                put_case(report, &rows->items[i], out);
        fputs("  </testsuite>\n", out);
    }
    fputs("</testsuites>\n", out);
}

rb_status rb_check_junit_write(const char *path, const rb_check_report *report, rb_error *err) {
    return rb_report_print(NULL, path, print, report, err);
}
