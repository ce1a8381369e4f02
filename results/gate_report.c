#include "results/gate_report.h"

#include "results/json_fields.h"
#include "results/junit.h"
#include "results/report_file.h"

#define ROW(kind, name) RB_JSON_FIELD(rb_gate_row, kind, name)

static const rb_json_field row_fields[] = {
    ROW(TEXT, network), ROW(TEXT, engine),   ROW(INT64, batch), ROW(INT64, height),
    ROW(INT64, width),  ROW(INT32, threads), ROW(TEXT, note),
};

#define HALF(kind, name) RB_JSON_FIELD(rb_gate_half, kind, name)

static const rb_json_field half_fields[] = {
    HALF(TEXT, engine_version),
    HALF(TEXT, kernel_plan),
    HALF(DOUBLE, ns),
    HALF(COUNT, peak_rss_bytes),
};

static json_t *half_to_json(const rb_gate_half *half) {
    static const char *const kinds[RB_MEMORY_KINDS] = {"weight_bytes", "activation_bytes",
                                                       "scratch_bytes"};
    json_t *object = json_object();
    rb_json_fields_write(half_fields, sizeof half_fields / sizeof half_fields[0], half, object);
    for (int kind = 0; kind < RB_MEMORY_KINDS; kind++)
        json_object_set_new(object, kinds[kind],
                            half->held.bytes[kind] < 0 ? json_null()
                                                       : json_integer(half->held.bytes[kind]));
    return object;
}

static json_t *series_to_json(const rb_gate_row *row, size_t index) {
    const rb_gate_series *series = &row->series[index];
    json_t *object = json_object(), *ratios = json_array();
    for (size_t r = 0; r < series->rounds; r++)
        json_array_append_new(ratios, rb_json_number(series->log_ratio[r]));
    json_object_set_new(object, "log_ratio", ratios);
    json_object_set_new(object, "ratio", rb_json_number(series->ratio));
    json_object_set_new(object, "low", rb_json_number(series->low));
    json_object_set_new(object, "high", rb_json_number(series->high));
    json_object_set_new(object, "p_slower", rb_json_number(series->p_slower));
    json_object_set_new(object, "p_adjusted", rb_json_number(row->p_adjusted[index]));
    json_object_set_new(object, "p_detect", rb_json_number(series->p_detect));
    json_object_set_new(object, "said", json_string(rb_gate_verdict_name(row->said[index])));
    return object;
}

static json_t *row_to_json(const rb_gate_row *row) {
    json_t *object = json_object(), *all = json_array();
    json_object_set_new(object, "verdict", json_string(rb_gate_row_word(row)));
    rb_json_fields_write(row_fields, sizeof row_fields / sizeof row_fields[0], row, object);
    json_object_set_new(object, "parity", json_string(rb_verdict_name(row->parity)));
    json_object_set_new(object, "grown_bytes", json_integer(rb_gate_row_grown_bytes(row)));
    json_object_set_new(object, "base", half_to_json(&row->base));
    json_object_set_new(object, "head", half_to_json(&row->head));
    for (size_t s = 0; s < row->series_count; s++)
        json_array_append_new(all, series_to_json(row, s));
    json_object_set_new(object, "series", all);
    return object;
}

rb_status rb_gate_json_write(const char *path, const rb_gate_report *report, rb_error *err) {
    const rb_gate_limits *limits = &report->rows->limits;
    json_t *root = json_object(), *rows = json_array();
    for (size_t i = 0; i < report->rows->count; i++)
        json_array_append_new(rows, row_to_json(&report->rows->items[i]));
    json_object_set_new(root, "schema_version", json_integer(RB_GATE_SCHEMA));
    json_object_set(root, "context", report->context);
    json_object_set_new(root, "base", json_string(report->base));
    json_object_set_new(root, "head", json_string(report->head));
    json_object_set_new(root, "limits",
                        json_pack("{s:f, s:f, s:f}", "tolerance", limits->tolerance, "detect",
                                  limits->detect, "alpha", limits->alpha));
    json_object_set_new(root, "rounds", json_integer((json_int_t)report->rows->rounds));
    json_object_set_new(
        root, "outcome",
        json_string(report->rows->broken_off
                        ? "BROKEN_OFF"
                        : rb_gate_outcome_name(rb_gate_rows_outcome(report->rows))));
    json_object_set_new(root, "rows", rows);
    return rb_report_json(NULL, path, root, JSON_INDENT(1), err);
}

/* The element within a testcase; NULL: it has passed. */
static const char *junit_element(rb_gate_outcome outcome) {
    static const char *const elements[RB_GATE_OUTCOME_COUNT] = {
        [RB_GATE_PASSED] = NULL,    [RB_GATE_UNSURE] = "skipped", [RB_GATE_UNCOMPARED] = "skipped",
        [RB_GATE_LOST] = "failure", [RB_GATE_BROKEN] = "error",   [RB_GATE_INCORRECT] = "failure"};
    return elements[outcome];
}

static void print_testcase(const rb_gate_row *row, FILE *out) {
    char text[RB_JUNIT_TEXT];
    const char *element = junit_element(rb_gate_row_outcome(row));
    rb_gate_row_name(row, text, sizeof text);
    fputs("  <testcase classname=\"gate\"", out);
    rb_junit_attribute("name", text, out);
    fputs(element ? ">\n" : "/>\n", out);
    if (!element)
        return;
    const rb_gate_series *last = row->series_count ? &row->series[row->series_count - 1] : NULL;
    int length = snprintf(text, sizeof text, "%s", rb_gate_row_word(row));
    if (last)
        length += snprintf(text + length, sizeof text - (size_t)length,
                           ": head / base %.4f (%.4f to %.4f), %lld bytes more", last->ratio,
                           last->low, last->high, (long long)rb_gate_row_grown_bytes(row));
    if (row->note[0])
        snprintf(text + length, sizeof text - (size_t)length, ": %s", row->note);
    fprintf(out, "    <%s", element);
    rb_junit_attribute("message", text, out);
    fputs("/>\n  </testcase>\n", out);
}

static void print_junit(const void *ctx, FILE *out) {
    const rb_gate_rows *rows = ((const rb_gate_report *)ctx)->rows;
    size_t skipped = 0, failures = 0, errors = 0;
    for (size_t i = 0; i < rows->count; i++) {
        const rb_gate_outcome outcome = rb_gate_row_outcome(&rows->items[i]);
        skipped += outcome == RB_GATE_UNSURE || outcome == RB_GATE_UNCOMPARED;
        failures += outcome == RB_GATE_LOST || outcome == RB_GATE_INCORRECT;
        errors += outcome == RB_GATE_BROKEN;
    }
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"resbench gate\" "
            "tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\">\n",
            rows->count, failures, errors, skipped);
    for (size_t i = 0; i < rows->count; i++)
        print_testcase(&rows->items[i], out);
    fputs("</testsuite>\n", out);
}

rb_status rb_gate_junit_write(const char *path, const rb_gate_report *report, rb_error *err) {
    return rb_report_print(NULL, path, print_junit, report, err);
}

static void print_markdown(const void *ctx, FILE *out) {
    const rb_gate_report *report = ctx;
    const char *model = json_string_value(json_object_get(report->context, "cpu_model"));
    char title[256];
    snprintf(title, sizeof title, "resbench gate: head against base, on %.100s",
             model ? model : "an unknown processor");
    rb_gate_markdown(report->rows, title, out);
}

rb_status rb_gate_markdown_write(const char *path, const rb_gate_report *report, rb_error *err) {
    return rb_report_print(NULL, path, print_markdown, report, err);
}
