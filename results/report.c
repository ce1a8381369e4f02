#include "results/report.h"
#include "results/json_fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/atomic_file.h"
#include "results/benchmark_rows.h"
#include "results/record_json.h"
#include "results/report_file.h"
#include "results/tables.h"
#include "results/thread_table.h"

/* The median row has all numeric columns. */
static rb_status append_rows(json_t *rows, const rb_record_list *records, size_t index,
                             rb_error *err) {
    const rb_record *record = &records->items[index];
    char name[256];
    json_t *median;
    rb_record_name(record, name, sizeof name);
    const rb_benchmark benchmark = {.name = name,
                                    .family = index,
                                    .samples = record->samples,
                                    .count = record->sample_count,
                                    .iterations = record->stretch_batches,
                                    .real_ns = &record->latency_ns};
    if (record->sample_count == 0) {
        rb_benchmark_append_error(rows, &benchmark, record->note);
        return RB_OK;
    }
    const rb_status status = rb_benchmark_append(rows, &benchmark, &median, err);
    if (status != RB_OK)
        return status;
    for (size_t c = 0; c < rb_column_count; c++)
        if (rb_columns[c].number && rb_columns[c].section != RB_SECTION_CELL)
            rb_json_set_known(median, rb_columns[c].key, rb_columns[c].number(records, record));
    json_object_set_new(median, "label", json_string(rb_verdict_name(record->verdict)));
    return RB_OK;
}

static json_t *point_to_json(const rb_scaling_point *point) {
    json_t *object = json_object();
    json_object_set_new(object, "network", json_string(point->record->network));
    rb_json_set_known(object, "gmacs", (double)point->record->macs * 1e-9);
    rb_json_set_known(object, "latency_ms", point->latency_ms);
    rb_json_set_known(object, "fitted_ms", point->fitted_ms);
    rb_json_set_known(object, "residual_percent", point->residual_percent);
    rb_json_set_known(object, "marginal_ms_per_block", point->marginal_ms_per_block);
    return object;
}

static json_t *scaling_to_json(const rb_record_list *records) {
    size_t count;
    rb_scaling *scalings = rb_scaling_compute(records, &count);
    json_t *all = json_array();
    for (size_t i = 0; i < count; i++) {
        const rb_scaling *s = &scalings[i];
        json_t *object = json_object(), *points = json_array();
        json_object_set_new(object, "engine", json_string(s->engine));
        json_object_set_new(object, "batch", json_integer(s->batch));
        json_object_set_new(object, "height", json_integer(s->height));
        json_object_set_new(object, "width", json_integer(s->width));
        json_object_set_new(object, "threads", json_integer(s->threads));
        json_object_set_new(object, "mode", json_string(s->mode));
        json_object_set_new(object, "scenario", json_string(s->scenario));
        rb_json_set_known(object, "fixed_ms", s->fixed_ms);
        rb_json_set_known(object, "ms_per_gmac", s->ms_per_gmac);
        rb_json_set_known(object, "r_squared", s->r_squared);
        for (size_t p = 0; p < s->count; p++)
            json_array_append_new(points, point_to_json(&s->points[p]));
        json_object_set_new(object, "points", points);
        json_array_append_new(all, object);
    }
    free(scalings);
    return all;
}

static rb_status write_json(const rb_report *report, rb_error *err) {
    rb_status status = RB_OK;
    json_t *root = json_object(), *rows = json_array(), *ours = json_object();
    json_t *records = json_array();
    for (size_t i = 0; status == RB_OK && i < report->records.count; i++) {
        const rb_record *record = &report->records.items[i];
        json_array_append_new(records, rb_record_to_json(record));
        status = append_rows(rows, &report->records, i, err);
    }
    json_object_set_new(ours, "schema_version", json_integer(RB_SCHEMA_VERSION));
    json_object_set(ours, "plan", report->plan);
    json_object_set_new(ours, "records", records);
    json_object_set_new(ours, "scaling", scaling_to_json(&report->records));
    json_object_set_new(ours, "thread_scaling", rb_thread_scaling_to_json(&report->records));
    json_object_set(root, "context", report->context);
    json_object_set_new(root, "benchmarks", rows);
    json_object_set_new(root, "resbench", ours);
    if (status == RB_OK)
        return rb_report_json(report->directory, RB_REPORT_JSON, root, JSON_INDENT(1), err);
    json_decref(root);
    return status;
}

static void print_grade(const json_t *context, FILE *out) {
    const char *grade = json_string_value(json_object_get(context, "grade"));
    size_t index;
    json_t *reason;
    if (!grade)
        return;
    fprintf(out, "\n## How far the times can be trusted: grade %s\n\n", grade);
    json_array_foreach(json_object_get(context, "grade_reasons"), index, reason)
        fprintf(out, "- %s\n", json_string_value(reason));
}

/* What the machine does not give: an object of reasons. */
static void print_missing(json_t *reasons, FILE *out) {
    const char *what;
    json_t *why;
    if (json_object_size(reasons) == 0)
        return;
    fputs("\n## Not measured\n\n", out);
    json_object_foreach(reasons, what, why)
        fprintf(out, "- %s: %s\n", what, json_string_value(why) ? json_string_value(why) : "?");
}

static void print_markdown(const void *ctx, FILE *out) {
    const rb_report *report = ctx;
    rb_table_markdown(&report->records, report->title, out);
    print_grade(report->context, out);
    print_missing(json_object_get(report->context, "not_measured"), out);
}

static void print_csv(const void *ctx, FILE *out) {
    const rb_report *report = ctx;
    rb_table_csv(&report->records, out);
}

rb_status rb_report_write(const rb_report *report, rb_error *err) {
    rb_status status = write_json(report, err);
    if (status == RB_OK)
        status =
            rb_report_print(report->directory, RB_REPORT_MARKDOWN, print_markdown, report, err);
    if (status == RB_OK)
        status = rb_report_print(report->directory, RB_REPORT_CSV, print_csv, report, err);
    return status;
}

/* Whole nanoseconds again, so that rows can be read and written any number of times. */
static double time_of(const json_t *object, const char *key) {
    return round(json_number_value(json_object_get(object, key)) * RB_BENCHMARK_NS_PER_UNIT);
}

/* Appends the iteration rows called name to the record's samples. The name is the one that the file
 * gives its record: what stands in a name has grown over time. */
static rb_status read_samples(const json_t *rows, const char *name, rb_record *record,
                              rb_error *err) {
    size_t index;
    json_t *object;
    record->samples = calloc(json_array_size(rows) + 1, sizeof *record->samples);
    if (!record->samples)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for the samples of %s", name);
    json_array_foreach(rows, index, object) {
        const char *row_name = json_string_value(json_object_get(object, "name"));
        const char *type = json_string_value(json_object_get(object, "run_type"));
        if (!row_name || !type || strcmp(row_name, name) != 0 || strcmp(type, "iteration") != 0 ||
            json_is_true(json_object_get(object, "error_occurred")))
            continue;
        record->samples[record->sample_count++] = (rb_sample){
            .worker = (int32_t)json_integer_value(json_object_get(object, "worker")),
            .turn = (int32_t)json_integer_value(json_object_get(object, "turn")),
            .real_ns = time_of(object, "real_time"),
            .cpu_ns = time_of(object, "cpu_time"),
        };
    }
    return rb_record_summarize(record, err);
}

/* The second of two of one name would take the place of the first, and the samples of both. */
static rb_status put_new(rb_record_list *records, rb_record *record, const char *path,
                         rb_error *err) {
    char name[256];
    const size_t before = records->count;
    rb_record_name(record, name, sizeof name);
    const rb_status status = rb_record_list_put(records, record, err);
    if (status != RB_OK || records->count > before)
        return status;
    return rb_fail(err, RB_ERR_INPUT, "%s: the cell %s is there twice", path, name);
}

static rb_status read_records(const json_t *root, const char *path, rb_record_list *records,
                              rb_error *err) {
    size_t index;
    json_t *object;
    rb_error why;
    json_array_foreach(json_object_get(json_object_get(root, "resbench"), "records"), index,
                       object) {
        rb_record record;
        const char *name = json_string_value(json_object_get(object, "name"));
        rb_status status = rb_record_from_json(object, &record, &why);
        if (status == RB_OK && !name)
            status = rb_fail(&why, RB_ERR_INPUT, "record %zu has no name", index);
        if (status != RB_OK)
            return rb_fail(err, status, "%s: %.900s", path, why.message);
        status = read_samples(json_object_get(root, "benchmarks"), name, &record, err);
        if (status == RB_OK)
            status = put_new(records, &record, path, err);
        rb_record_release(&record);
        if (status != RB_OK)
            return status;
    }
    return RB_OK;
}

static rb_status check_schema(const json_t *root, const char *path, rb_error *err) {
    const json_t *ours = json_object_get(root, "resbench");
    const json_t *version = json_object_get(ours, "schema_version");
    if (!json_is_array(json_object_get(ours, "records")) || !json_is_integer(version))
        return rb_fail(err, RB_ERR_INPUT, "%s: not the results of 'resbench run': no records in it",
                       path);
    if (json_integer_value(version) != RB_SCHEMA_VERSION)
        return rb_fail(err, RB_ERR_INPUT,
                       "%s: schema version %lld, expected %d: another version of resbench wrote it "
                       "(context.resbench_version); measure again, or read it with that one",
                       path, (long long)json_integer_value(version), RB_SCHEMA_VERSION);
    return RB_OK;
}

rb_status rb_report_load(const char *given, rb_report *report, rb_error *err) {
    char path[RB_PATH_CAPACITY];
    json_t *root;
    *report = (rb_report){.directory = given};
    rb_status status = rb_report_find(given, RB_REPORT_JSON, path, err);
    if (status == RB_OK)
        status = rb_report_load_json(path, 0, &root, err);
    if (status != RB_OK)
        return status;
    status = check_schema(root, path, err);
    if (status == RB_OK)
        status = read_records(root, path, &report->records, err);
    report->plan = json_incref(json_object_get(json_object_get(root, "resbench"), "plan"));
    report->context = json_incref(json_object_get(root, "context"));
    if (status != RB_OK)
        rb_report_release(report);
    json_decref(root);
    return status;
}

void rb_report_release(rb_report *report) {
    json_decref(report->plan);
    json_decref(report->context);
    rb_record_list_release(&report->records);
    *report = (rb_report){0};
}

rb_status rb_report_read(const char *directory, json_t **plan, rb_record_list *records,
                         rb_error *err) {
    rb_report report;
    const rb_status status = rb_report_load(directory, &report, err);
    *plan = report.plan;
    *records = report.records;
    json_decref(report.context);
    return status;
}
