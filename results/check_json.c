#include <string.h>

#include "results/check_report.h"
#include "results/check_tables.h"
#include "results/json_fields.h"
#include "results/report_file.h"

#define ROW(kind, name) RB_JSON_FIELD(rb_check_row, kind, name)

static const rb_json_field row_fields[] = {
    ROW(TEXT, name),    ROW(TEXT, network),      ROW(TEXT, input),          ROW(UINT64, seed),
    ROW(INT64, batch),  ROW(INT32, threads),     ROW(INT32, other_threads), ROW(TEXT, kernel),
    ROW(TEXT, why),     ROW(INT64, k),           ROW(INT64, multiplicity),  ROW(BOOL, winograd),
    ROW(TEXT, note),    ROW(TEXT, again),        ROW(DOUBLE, seconds),      ROW(DOUBLE, limit),
    ROW(INT64, images), ROW(INT64, top1_differ), ROW(INT64, near_ties),
};
static const size_t row_field_count = sizeof row_fields / sizeof row_fields[0];

#define FIGURE(kind, name) RB_JSON_FIELD(rb_check_figures, kind, name)

static const rb_json_field figure_fields[] = {
    FIGURE(INT64, elements),       FIGURE(INT64, non_finite),  FIGURE(INT64, differing),
    FIGURE(INT64, excess_zeros),   FIGURE(BOOL, constant),     FIGURE(DOUBLE, rel_l2),
    FIGURE(DOUBLE, nmse),          FIGURE(DOUBLE, max_abs),    FIGURE(DOUBLE, max_ulp),
    FIGURE(DOUBLE, element_share), FIGURE(DOUBLE, norm_share), FIGURE(DOUBLE, found),
    FIGURE(DOUBLE, expected),
};
static const size_t figure_field_count = sizeof figure_fields / sizeof figure_fields[0];

static json_t *row_to_json(const rb_check_row *row) {
    json_t *object = json_object(), *figures = json_object(), *worst = json_array();
    json_object_set_new(object, "level", json_string(rb_check_level_name(row->level)));
    json_object_set_new(object, "verdict", json_string(rb_verdict_name(row->verdict)));
    rb_json_fields_write(row_fields, row_field_count, row, object);
    rb_json_fields_write(figure_fields, figure_field_count, &row->figures, figures);
    for (size_t d = 0; d < 4; d++)
        json_array_append_new(worst, json_integer(row->figures.worst[d]));
    json_object_set_new(figures, "worst", worst);
    json_object_set_new(object, "figures", figures);
    return object;
}

static json_t *summary_to_json(const rb_check_rows *rows) {
    json_t *summary = json_object();
    for (int level = 0; level < RB_LEVEL_COUNT; level++) {
        const rb_check_counts counts = rb_check_count(rows, (rb_check_level)level);
        json_t *of = json_object();
        for (int v = 0; v < RB_VERDICT_COUNT; v++)
            if (counts.of[v] > 0)
                json_object_set_new(of, rb_verdict_name((rb_verdict)v),
                                    json_integer((json_int_t)counts.of[v]));
        if (counts.rows > 0)
            json_object_set(summary, rb_check_level_name((rb_check_level)level), of);
        json_decref(of);
    }
    return summary;
}

rb_status rb_check_json_write(const char *path, const rb_check_report *report, rb_error *err) {
    json_t *root = json_object(), *rows = json_array();
    for (size_t i = 0; i < report->rows->count; i++)
        json_array_append_new(rows, row_to_json(&report->rows->items[i]));
    json_object_set_new(root, "schema_version", json_integer(RB_CHECK_SCHEMA));
    json_object_set_new(root, "engine", json_string(report->engine));
    json_object_set_new(root, "engine_version", json_string(report->version));
    json_object_set(root, "context", report->context);
    json_object_set(root, "plan", report->plan);
    json_object_set_new(root, "summary", summary_to_json(report->rows));
    json_object_set_new(root, "rows", rows);
    return rb_report_json(NULL, path, root, JSON_INDENT(1), err);
}

static rb_status row_from_json(const json_t *object, rb_check_row *row, rb_error *err) {
    const char *level = json_string_value(json_object_get(object, "level"));
    const char *verdict = json_string_value(json_object_get(object, "verdict"));
    const json_t *figures = json_object_get(object, "figures");
    const json_t *worst = json_object_get(figures, "worst");
    *row = (rb_check_row){0};
    if (!level || !rb_check_level_parse(level, &row->level))
        return rb_fail(err, RB_ERR_INPUT, "member level is missing or invalid");
    if (!verdict || !rb_verdict_parse(verdict, &row->verdict))
        return rb_fail(err, RB_ERR_INPUT, "member verdict is missing or invalid");
    rb_status status = rb_json_fields_read(row_fields, row_field_count, object, row, err);
    if (status == RB_OK)
        status =
            rb_json_fields_read(figure_fields, figure_field_count, figures, &row->figures, err);
    for (size_t d = 0; status == RB_OK && d < 4; d++) {
        const json_t *index = json_array_get(worst, d);
        if (!json_is_integer(index) || json_array_size(worst) != 4)
            return rb_fail(err, RB_ERR_INPUT, "member worst is missing or invalid");
        row->figures.worst[d] = json_integer_value(index);
    }
    return status;
}

static rb_status read_rows(const char *path, const json_t *root, rb_check_rows *rows,
                           rb_error *err) {
    const json_t *array = json_object_get(root, "rows");
    const json_t *version = json_object_get(root, "schema_version");
    rb_error why;
    if (!json_is_integer(version) || json_integer_value(version) != RB_CHECK_SCHEMA)
        return rb_fail(err, RB_ERR_INPUT, "%s: schema version %lld, expected %d", path,
                       (long long)json_integer_value(version), RB_CHECK_SCHEMA);
    if (!json_is_array(array))
        return rb_fail(err, RB_ERR_INPUT, "%s: member rows is missing or invalid", path);
    for (size_t i = 0; i < json_array_size(array); i++) {
        rb_check_row row;
        rb_status status = row_from_json(json_array_get(array, i), &row, &why);
        if (status == RB_OK)
            status = rb_check_rows_add(rows, &row, &why);
        if (status != RB_OK)
            return rb_fail(err, status, "%s: row %zu: %.200s", path, i, why.message);
    }
    return RB_OK;
}

rb_status rb_check_json_read(const char *path, rb_check_rows *rows, rb_error *err) {
    json_t *root;
    *rows = (rb_check_rows){0};
    rb_status status = rb_report_load_json(path, 0, &root, err);
    if (status == RB_OK)
        status = read_rows(path, root, rows, err);
    if (status != RB_OK)
        rb_check_rows_release(rows);
    json_decref(root);
    return status;
}
