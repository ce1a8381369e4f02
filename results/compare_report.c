#include "results/compare_report.h"

#include <string.h>

#include "results/json_fields.h"
#include "results/junit.h"
#include "results/report_file.h"

static void set_text(json_t *object, const char *key, const char *text) {
    json_object_set_new(object, key, text ? json_string(text) : json_null());
}

static json_t *memory_to_json(const rb_compared_row *row) {
    json_t *all = json_object();
    for (int kind = 0; kind < RB_MEMORY_KINDS; kind++) {
        const rb_compared_memory *memory = &row->memory[kind];
        json_t *object = json_object();
        if (memory->a_bytes >= 0)
            json_object_set_new(object, "a_bytes", json_integer(memory->a_bytes));
        if (memory->b_bytes >= 0)
            json_object_set_new(object, "b_bytes", json_integer(memory->b_bytes));
        set_text(object, "change", rb_memory_change_name(memory->change));
        json_object_set_new(all, rb_memory_kind_name((rb_memory_kind)kind), object);
    }
    return all;
}

static json_t *row_to_json(const rb_compared_row *row) {
    json_t *object = json_object();
    set_text(object, "cell", row->cell);
    set_text(object, "verdict", rb_compared_name(row->verdict));
    set_text(object, "a_parity", row->a ? rb_verdict_name(row->a->verdict) : NULL);
    set_text(object, "b_parity", row->b ? rb_verdict_name(row->b->verdict) : NULL);
    set_text(object, "b_note", row->b ? row->b->note : NULL);
    json_object_set_new(object, "a_workers", json_integer((json_int_t)row->a_workers));
    json_object_set_new(object, "b_workers", json_integer((json_int_t)row->b_workers));
    json_object_set_new(object, "a_ns", rb_json_number(row->a_ns));
    json_object_set_new(object, "b_ns", rb_json_number(row->b_ns));
    json_object_set_new(object, "a_over_base", rb_json_number(row->a_over_base));
    json_object_set_new(object, "b_over_base", rb_json_number(row->b_over_base));
    json_object_set_new(object, "ratio", rb_json_number(row->effect.ratio));
    json_object_set_new(object, "ratio_low", rb_json_number(row->effect.low));
    json_object_set_new(object, "ratio_high", rb_json_number(row->effect.high));
    set_text(object, "test", rb_effect_test_name(row->effect.test));
    json_object_set_new(object, "p", rb_json_number(row->effect.p));
    json_object_set_new(object, "p_holm", rb_json_number(row->p_adjusted));
    json_object_set_new(object, "memory", memory_to_json(row));
    return object;
}

static json_t *differences_to_json(const rb_difference *differences, size_t count) {
    json_t *all = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *object = json_object();
        set_text(object, "member", differences[i].member);
        set_text(object, "a", differences[i].a);
        set_text(object, "b", differences[i].b);
        json_array_append_new(all, object);
    }
    return all;
}

static json_t *side_to_json(const char *path, const rb_report *report) {
    json_t *object = json_object();
    set_text(object, "path", path);
    json_object_set(object, "context", report->context);
    json_object_set(object, "plan", report->plan);
    return object;
}

static json_t *summary_to_json(const rb_comparison *c) {
    json_t *object = json_object();
    for (int v = 0; v < RB_COMPARED_COUNT; v++)
        if (rb_comparison_count(c, (rb_compared)v) > 0)
            json_object_set_new(object, rb_compared_name((rb_compared)v),
                                json_integer((json_int_t)rb_comparison_count(c, (rb_compared)v)));
    return object;
}

rb_status rb_compare_json_write(const char *path, const rb_compare_report *report, rb_error *err) {
    const rb_comparison *c = report->comparison;
    const rb_likeness *likeness = report->likeness;
    json_t *root = json_object(), *limits = json_object(), *rows = json_array();
    json_object_set_new(limits, "alpha", rb_json_number(c->limits.alpha));
    json_object_set_new(limits, "threshold", rb_json_number(c->limits.threshold));
    json_object_set_new(limits, "rss_tolerance", rb_json_number(c->limits.rss_tolerance));
    for (size_t i = 0; i < c->count; i++)
        json_array_append_new(rows, row_to_json(&c->rows[i]));
    json_object_set_new(root, "schema_version", json_integer(RB_COMPARE_SCHEMA));
    json_object_set_new(root, "a", side_to_json(report->a_path, report->a));
    json_object_set_new(root, "b", side_to_json(report->b_path, report->b));
    json_object_set_new(root, "limits", limits);
    set_text(root, "base", c->base);
    json_object_set_new(root, "machine_differences",
                        differences_to_json(likeness->machine, likeness->machine_count));
    json_object_set_new(root, "other_differences",
                        differences_to_json(likeness->shown, likeness->shown_count));
    json_object_set_new(root, "tested", json_integer((json_int_t)c->tested));
    json_object_set_new(root, "summary", summary_to_json(c));
    json_object_set_new(root, "rows", rows);
    return rb_report_json(NULL, path, root, JSON_INDENT(1), err);
}

static void print_markdown(const void *ctx, FILE *out) {
    rb_compare_markdown(ctx, out);
}

rb_status rb_compare_markdown_write(const char *path, const rb_compare_report *report,
                                    rb_error *err) {
    return rb_report_print(NULL, path, print_markdown, report, err);
}

typedef struct junit_job {
    const rb_compare_report *report;
    bool strict;
} junit_job;

typedef enum outcome { PASSED, FAILED, ERROR, SKIPPED, OUTCOME_COUNT } outcome;

static bool memory_grew(const rb_compared_row *row) {
    for (int kind = 0; kind < RB_MEMORY_KINDS; kind++)
        if (row->memory[kind].change == RB_MEMORY_GREW)
            return true;
    return false;
}

static outcome outcome_of(const rb_compared_row *row, bool strict) {
    switch (row->verdict) {
    case RB_COMPARED_CRASHED:
        return ERROR;
    case RB_COMPARED_SLOWER:
    case RB_COMPARED_WRONG:
    case RB_COMPARED_LOST:
        return FAILED;
    default:
        break;
    }
    if (memory_grew(row))
        return FAILED;
    switch (row->verdict) {
    case RB_COMPARED_UNCLEAR:
    case RB_COMPARED_TOO_FEW:
        return strict ? FAILED : SKIPPED;
    case RB_COMPARED_NOTHING:
        return SKIPPED;
    default:
        return PASSED;
    }
}

static void describe(const rb_comparison *c, const rb_compared_row *row, char *text,
                     size_t capacity) {
    rb_compared_describe(c, row, text, capacity);
    for (int kind = 0; kind < RB_MEMORY_KINDS; kind++) {
        const size_t used = strlen(text);
        if (row->memory[kind].change != RB_MEMORY_GREW || used + 3 > capacity)
            continue;
        strcpy(text + used, "; ");
        rb_compared_memory_describe(&row->memory[kind], (rb_memory_kind)kind, text + used + 2,
                                    capacity - used - 2);
    }
}

static void print_case(const junit_job *job, const rb_compared_row *row, FILE *out) {
    static const char *const elements[OUTCOME_COUNT] = {"", "failure", "error", "skipped"};
    const outcome what = outcome_of(row, job->strict);
    char text[RB_JUNIT_TEXT];
    fputs("    <testcase classname=\"resbench.compare\"", out);
    rb_junit_attribute("name", row->cell, out);
    fputs(" time=\"0\"", out);
    if (what == PASSED) {
        fputs("/>\n", out);
        return;
    }
    describe(job->report->comparison, row, text, sizeof text);
    fprintf(out, ">\n      <%s", elements[what]);
    if (what != SKIPPED) /* which has no type in the schema */
        rb_junit_attribute("type", rb_compared_name(row->verdict), out);
    rb_junit_attribute("message", text, out);
    fputs("/>\n    </testcase>\n", out);
}

static void print_junit(const void *ctx, FILE *out) {
    const junit_job *job = ctx;
    const rb_comparison *c = job->report->comparison;
    size_t of[OUTCOME_COUNT] = {0};
    char sums[160];
    for (size_t i = 0; i < c->count; i++)
        of[outcome_of(&c->rows[i], job->strict)]++;
    snprintf(sums, sizeof sums,
             " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"0\"", c->count,
             of[FAILED], of[ERROR], of[SKIPPED]);
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"resbench compare\"%s>\n"
            "  <testsuite name=\"compare\"%s>\n",
            sums, sums);
    for (size_t i = 0; i < c->count; i++)
        print_case(job, &c->rows[i], out);
    fputs("  </testsuite>\n</testsuites>\n", out);
}

rb_status rb_compare_junit_write(const char *path, const rb_compare_report *report, bool strict,
                                 rb_error *err) {
    const junit_job job = {report, strict};
    return rb_report_print(NULL, path, print_junit, &job, err);
}
