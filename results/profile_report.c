#include "results/profile_report.h"
#include "results/json_fields.h"

#include <math.h>
#include <stdlib.h>

#include "results/profile_tables.h"
#include "results/report_file.h"

static json_t *line_json(const rb_profile *profile, const rb_profile_line *line) {
    json_t *object = json_object();
    size_t count;
    const rb_column *columns = rb_profile_columns(&count);
    for (size_t i = 0; i < count; i++) {
        const rb_column *column = &columns[i];
        if (column->text) {
            json_object_set_new(object, column->key, json_string(column->text(line)));
            continue;
        }
        const double value = column->number(profile, line);
        json_object_set_new(object, column->key,
                            column->format == RB_FORMAT_COUNT && isfinite(value)
                                ? json_integer((json_int_t)value)
                                : rb_json_number(value));
    }
    return object;
}

static json_t *lines_json(const rb_profile *profile, const rb_profile_line *lines, size_t count) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, line_json(profile, &lines[i]));
    return array;
}

static json_t *groups_json(const rb_profile *profile, const rb_profile_engine *engine,
                           rb_profile_key key) {
    rb_profile_line *lines = calloc((size_t)profile->node_count + 1, sizeof *lines);
    if (!lines)
        return NULL;
    const size_t count = rb_profile_groups(engine, profile->node_count, key, lines);
    json_t *array = lines_json(profile, lines, count);
    free(lines);
    return array;
}

static json_t *engine_json(const rb_profile *profile, const rb_profile_engine *engine) {
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
        "s:o}",
        "engine", engine->name, "engine_version", engine->version, "engine_sha256", engine->sha256,
        "verdict", rb_verdict_name(engine->verdict), "note", engine->note, "rel_l2",
        rb_json_number(engine->rel_l2), "rel_l2_limit", rb_json_number(engine->rel_l2_limit),
        "images", (json_int_t)engine->images, "workers", (json_int_t)engine->workers, "calls",
        (json_int_t)engine->calls, "call_ms", rb_json_number(engine->call_ns * 1e-6), "profiled_ms",
        rb_json_number(engine->profiled_ns * 1e-6), "nodes_ms",
        rb_json_number(engine->nodes_ns * 1e-6), "unaccounted_ms",
        rb_json_number(rb_profile_remainder_ns(engine) * 1e-6), "profiling_cost_percent",
        rb_json_number(100 * engine->cost), "nodes",
        lines_json(profile, engine->nodes, (size_t)profile->node_count), "by_op",
        groups_json(profile, engine, RB_PROFILE_BY_OP), "by_stage",
        groups_json(profile, engine, RB_PROFILE_BY_STAGE));
}

static json_t *profile_json(const rb_profile *p, const json_t *context) {
    json_t *engines = json_array();
    for (size_t e = 0; e < p->engine_count; e++)
        if (json_array_append_new(engines, engine_json(p, &p->engines[e])) != 0) {
            json_decref(engines);
            return NULL;
        }
    return json_pack("{s:{s:i, s:s, s:O?, s:s, s:s, s:s, s:I, s:I, s:I, s:i, s:b, s:b, s:o, s:s, "
                     "s:o, s:o}}",
                     "profile", "schema_version", RB_PROFILE_SCHEMA, "resbench", RB_VERSION,
                     "context", context, "network", p->network, "weights_sha256", p->weights_sha256,
                     "input", p->input, "batch", (json_int_t)p->batch, "height",
                     (json_int_t)p->height, "width", (json_int_t)p->width, "threads", p->threads,
                     "alone", p->alone, "complete", p->complete, "peak_gmacs_per_second",
                     rb_json_number(p->roof.peak_gmacs), "peak_isa", p->peak_isa,
                     "memory_bytes_per_ns", rb_json_number(p->roof.bandwidth), "engines", engines);
}

typedef struct titled {
    const rb_profile *profile;
    const char *title;
} titled;

static void print_markdown(const void *ctx, FILE *out) {
    const titled *t = ctx;
    rb_profile_markdown(t->profile, t->title, out);
}

static void print_csv(const void *ctx, FILE *out) {
    rb_profile_csv(ctx, out);
}

rb_status rb_profile_write(const rb_profile *profile, const json_t *context, const char *directory,
                           const char *title, rb_error *err) {
    rb_status status = rb_report_json(directory, RB_PROFILE_JSON, profile_json(profile, context),
                                      JSON_INDENT(1), err);
    if (status == RB_OK)
        status = rb_report_print(directory, RB_PROFILE_MARKDOWN, print_markdown,
                                 &(titled){profile, title}, err);
    if (status == RB_OK)
        status = rb_report_print(directory, RB_PROFILE_CSV, print_csv, profile, err);
    return status;
}
