#include "results/kernel_report.h"

#include <stdlib.h>

#include "results/benchmark_rows.h"
#include "results/json_fields.h"
#include "results/kernel_tables.h"
#include "results/report_file.h"

#define FIELD(kind, name) RB_JSON_FIELD(rb_kernel_row, kind, name)

static const rb_json_field row_fields[] = {
    FIELD(TEXT, problem),      FIELD(INT64, batch),
    FIELD(INT64, k),           FIELD(INT64, macs),
    FIELD(TEXT, engine),       FIELD(TEXT, engine_version),
    FIELD(TEXT, kernel),       FIELD(TEXT, engine_sha256),
    FIELD(BOOL, winograd),     FIELD(INT32, threads),
    FIELD(TEXT, note),         FIELD(DOUBLE, rel_l2),
    FIELD(DOUBLE, norm_share), FIELD(DOUBLE, element_share),
};
static const size_t row_field_count = sizeof row_fields / sizeof row_fields[0];

static json_t *row_to_json(const rb_kernel_table *table, const rb_kernel_row *row) {
    json_t *object = json_object(), *counts = json_object();
    rb_json_fields_write(row_fields, row_field_count, row, object);
    json_object_set_new(object, "verdict", json_string(rb_verdict_name(row->verdict)));
    for (size_t n = 0; n < table->network_count; n++)
        json_object_set_new(counts, table->networks[n].name, json_integer(row->counts[n]));
    json_object_set_new(object, "occurrences", counts);
    for (int c = 0; c < RB_SPAN_COUNT; c++) {
        const rb_kernel_time *time = &row->times[c];
        json_t *told = json_object();
        json_object_set_new(told, "samples", json_integer((json_int_t)time->count));
        rb_json_set_known(told, "median_ns", time->ns.median);
        rb_json_set_known(told, "low_ns", time->ns.low);
        rb_json_set_known(told, "high_ns", time->ns.high);
        rb_json_set_known(told, "min_ns", time->ns.min);
        json_object_set_new(object, rb_span_name((rb_span)c), told);
    }
    return object;
}

static rb_status append_benchmark(json_t *rows, const rb_kernel_table *table, size_t index,
                                  rb_span span, rb_error *err) {
    const rb_kernel_row *row = &table->rows[index];
    const rb_kernel_time *time = &row->times[span];
    char name[300];
    json_t *median;
    rb_kernel_row_name(row, span, name, sizeof name);
    const rb_benchmark benchmark = {.name = name,
                                    .family = index * RB_SPAN_COUNT + (size_t)span,
                                    .samples = time->samples,
                                    .count = time->count,
                                    .real_ns = &time->ns};
    if (time->count == 0 && span == RB_SPAN_ALONE)
        return RB_OK;
    if (time->count == 0) {
        rb_benchmark_append_error(rows, &benchmark, row->note);
        return RB_OK;
    }
    const rb_status status = rb_benchmark_append(rows, &benchmark, &median, err);
    if (status != RB_OK)
        return status;
    rb_kernel_set_counters(table, row, span, median);
    json_object_set_new(median, "label", json_string(rb_verdict_name(row->verdict)));
    return RB_OK;
}

static rb_status add_sums(const rb_kernel_table *table, json_t *ours, rb_error *err) {
    rb_kernel_sum *sums;
    size_t count;
    const rb_status status = rb_kernel_sums(table, &sums, &count, err);
    if (status != RB_OK)
        return status;
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, rb_kernel_sum_to_json(&sums[i]));
    json_object_set_new(ours, "sums", array);
    free(sums);
    return RB_OK;
}

static rb_status write_json(const rb_kernel_report *report, rb_error *err) {
    const rb_kernel_table *table = report->table;
    json_t *root = json_object(), *benchmarks = json_array(), *ours = json_object();
    json_t *networks = json_array(), *rows = json_array();
    for (size_t n = 0; n < table->network_count; n++)
        json_array_append_new(networks, json_pack("{s:s, s:i}", "name", table->networks[n].name,
                                                  "convolutions", table->networks[n].convolutions));
    json_object_set_new(ours, "kind", json_string("kernels"));
    json_object_set_new(ours, "schema_version", json_integer(RB_KERNEL_SCHEMA));
    json_object_set(ours, "plan", report->plan);
    json_object_set_new(ours, "networks", networks);
    json_object_set_new(ours, "rows", rows);
    json_object_set(root, "context", report->context);
    json_object_set_new(root, "benchmarks", benchmarks);
    json_object_set_new(root, "resbench", ours);
    rb_status status = add_sums(table, ours, err);
    for (size_t i = 0; i < table->count; i++) {
        json_array_append_new(rows, row_to_json(table, &table->rows[i]));
        for (int c = 0; status == RB_OK && c < RB_SPAN_COUNT; c++)
            status = append_benchmark(benchmarks, table, i, (rb_span)c, err);
    }
    if (status == RB_OK)
        return rb_report_json(report->directory, RB_KERNEL_JSON, root, JSON_INDENT(1), err);
    json_decref(root);
    return status;
}

/* What Markdown is made of, and whether it could be. */
typedef struct markdown {
    const rb_kernel_report *report;
    rb_status *status;
    rb_error *err;
} markdown;

static void print_markdown(const void *ctx, FILE *out) {
    const markdown *m = ctx;
    *m->status = rb_kernel_markdown(m->report->table, m->report->title, out, m->err);
}

static void print_csv(const void *ctx, FILE *out) {
    rb_kernel_csv(ctx, out);
}

rb_status rb_kernel_report_write(const rb_kernel_report *report, rb_error *err) {
    rb_status status = write_json(report, err), printed = RB_OK;
    const markdown m = {.report = report, .status = &printed, .err = err};
    if (status == RB_OK)
        status = rb_report_print(report->directory, RB_KERNEL_MARKDOWN, print_markdown, &m, err);
    if (status == RB_OK)
        status = printed;
    if (status == RB_OK)
        status = rb_report_print(report->directory, RB_KERNEL_CSV, print_csv, report->table, err);
    return status;
}
