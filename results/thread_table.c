#include "results/thread_table.h"

#include <stdlib.h>

#include "results/grid.h"
#include "results/json_fields.h"
#include "results/thread_scaling.h"

typedef struct row {
    const rb_thread_scaling *line;
    const rb_thread_point *point;
} row;

#define TEXT(name, expression)                                                                     \
    static const char *name(const void *of) {                                                      \
        const row *r = of;                                                                         \
        return expression;                                                                         \
    }
#define NUMBER(name, expression)                                                                   \
    static double name(const void *all, const void *of) {                                          \
        const row *r = of;                                                                         \
        (void)all;                                                                                 \
        return expression;                                                                         \
    }

static double half_width_percent(const rb_thread_point *point) {
    return 50 * (point->high_ms - point->low_ms) / point->latency_ms;
}

static const char *mark_of(const row *r) {
    const int32_t threads = r->point->record->threads;
    const bool knee = threads == r->line->knee, cliff = threads == r->line->cliff;
    return knee && cliff ? "knee, cliff" : knee ? "knee" : cliff ? "cliff" : "";
}

TEXT(network, r->line->record->network)
TEXT(engine, r->line->record->engine)
TEXT(mode, r->line->record->mode)
TEXT(mark, mark_of(r))
NUMBER(batch, (double)r->line->record->batch)
NUMBER(height, (double)r->line->record->height)
NUMBER(width, (double)r->line->record->width)
NUMBER(threads, (double)r->point->record->threads)
NUMBER(latency, r->point->latency_ms)
NUMBER(interval, half_width_percent(r->point))
NUMBER(speedup, r->point->speedup)
NUMBER(efficiency, 100 * r->point->efficiency)
NUMBER(marginal, 100 * r->point->marginal)
NUMBER(serial, 100 * r->point->serial_fraction)

#define T(key, title, use, get)                                                                    \
    { key, title, 0, RB_FORMAT_TEXT, 0, RB_COLUMN_##use, get, NULL }
#define N(key, title, format, digits, use, get)                                                    \
    { key, title, 0, RB_FORMAT_##format, digits, RB_COLUMN_##use, NULL, get }

static const rb_column columns[] = {
    T("network", "network", SUMMARY, network),
    T("engine", "engine", SUMMARY, engine),
    N("batch", "batch", COUNT, 0, IF_VARIED, batch),
    N("height", "height", COUNT, 0, IF_VARIED, height),
    N("width", "width", COUNT, 0, IF_VARIED, width),
    T("mode", "mode", IF_VARIED, mode),
    N("threads", "threads", COUNT, 0, SUMMARY, threads),
    N("latency_ms", "lat. ms", SIGNIFICANT, 4, SUMMARY, latency),
    N("interval_percent", "+-95%", FIXED, 1, SUMMARY, interval),
    N("speedup", "speed-up", FIXED, 2, SUMMARY, speedup),
    N("efficiency_percent", "efficiency %", FIXED, 1, SUMMARY, efficiency),
    N("marginal_percent", "of added %", FIXED, 1, SUMMARY, marginal),
    N("serial_percent", "serial %", FIXED, 1, SUMMARY, serial),
    T("mark", "", SUMMARY, mark),
};

static void print_grid(const rb_thread_scaling *lines, size_t count,
                       void (*print)(const rb_grid *grid, FILE *out), FILE *out) {
    size_t rows = 0;
    for (size_t i = 0; i < count; i++)
        rows += lines[i].count;
    row *all = malloc(rows * sizeof *all);
    if (!all)
        return;
    for (size_t i = 0, at = 0; i < count; i++)
        for (size_t p = 0; p < lines[i].count; p++)
            all[at++] = (row){&lines[i], &lines[i].points[p]};
    const rb_grid grid = {.rows = all,
                          .row_bytes = sizeof *all,
                          .row_count = rows,
                          .columns = columns,
                          .column_count = sizeof columns / sizeof columns[0],
                          .column_shown = rb_column_in_summary};
    print(&grid, out);
    free(all);
}

static void print_name(const rb_record *record, const char *bullet, FILE *out) {
    fprintf(out, "%s%s, %s, batch %lld, %lldx%lld%s%s: ", bullet, record->network, record->engine,
            (long long)record->batch, (long long)record->height, (long long)record->width,
            record->mode[0] == 's' ? "" : ", ", record->mode[0] == 's' ? "" : record->mode);
}

static void print_sentence(const rb_thread_scaling *line, const char *bullet, FILE *out) {
    const int32_t most = line->points[line->count - 1].record->threads;
    print_name(line->record, bullet, out);
    if (line->knee)
        fprintf(out, "knee at %d%s%s%s", line->knee, line->knee_reason[0] ? " (next: " : "",
                line->knee_reason, line->knee_reason[0] ? ")" : "");
    else
        fprintf(out, "no knee up to %d", most);
    if (line->cliff)
        fprintf(out, ";\n  cliff at %d, %.1f %% slower than with %d%s%s", line->cliff,
                line->cliff_percent, line->cliff_best, line->cliff_reason[0] ? ": " : "",
                line->cliff_reason);
    fputc('\n', out);
}

static const char explanation[] =
    "Threads: efficiency is the speed-up over its ideal; of added, what the threads added since "
    "the row\nbefore give of that; serial, the fraction by Karp and Flatt. Knee: beyond it, added "
    "threads give less\nthan half. Cliff: slower than with fewer threads, and the intervals do "
    "not overlap.\n";

static void print_table(const rb_record_list *records, const char *heading, const char *bullet,
                        void (*print)(const rb_grid *grid, FILE *out), FILE *out) {
    size_t count;
    rb_thread_scaling *lines = rb_thread_scaling_compute(records, &count);
    if (count > 0) {
        fprintf(out, "%s", heading);
        print_grid(lines, count, print, out);
        fputc('\n', out);
        for (size_t i = 0; i < count; i++)
            print_sentence(&lines[i], bullet, out);
        fprintf(out, "%s%s", bullet[0] ? "\n" : "", explanation);
    }
    free(lines);
}

void rb_thread_table_terminal(const rb_record_list *records, FILE *out) {
    print_table(records, "\n", "", rb_grid_aligned, out);
}

void rb_thread_table_markdown(const rb_record_list *records, FILE *out) {
    print_table(records, "\n## Thread scaling\n\n", "- ", rb_grid_markdown, out);
}

static json_t *point_to_json(const rb_thread_point *point) {
    json_t *object = json_object();
    json_object_set_new(object, "threads", json_integer(point->record->threads));
    rb_json_set_known(object, "latency_ms", point->latency_ms);
    rb_json_set_known(object, "low_ms", point->low_ms);
    rb_json_set_known(object, "high_ms", point->high_ms);
    rb_json_set_known(object, "speedup", point->speedup);
    rb_json_set_known(object, "efficiency", point->efficiency);
    rb_json_set_known(object, "marginal", point->marginal);
    rb_json_set_known(object, "serial_fraction", point->serial_fraction);
    return object;
}

/* {"threads": 4, "reason": "..."}; null where there is none. */
static json_t *place_to_json(int32_t threads, const char *reason) {
    return threads ? json_pack("{s:i, s:s}", "threads", threads, "reason", reason) : json_null();
}

static json_t *line_to_json(const rb_thread_scaling *line) {
    const rb_record *record = line->record;
    json_t *points = json_array();
    for (size_t p = 0; p < line->count; p++)
        json_array_append_new(points, point_to_json(&line->points[p]));
    json_t *cliff = place_to_json(line->cliff, line->cliff_reason);
    if (line->cliff) {
        json_object_set_new(cliff, "against_threads", json_integer(line->cliff_best));
        json_object_set_new(cliff, "slower_percent", json_real(line->cliff_percent));
    }
    return json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:o, s:o, s:o}", "network", record->network, "engine",
        record->engine, "batch", (json_int_t)record->batch, "height", (json_int_t)record->height,
        "width", (json_int_t)record->width, "mode", record->mode, "scenario", record->scenario,
        "knee", place_to_json(line->knee, line->knee_reason), "cliff", cliff, "points", points);
}

json_t *rb_thread_scaling_to_json(const rb_record_list *records) {
    size_t count;
    json_t *all = json_array();
    rb_thread_scaling *lines = rb_thread_scaling_compute(records, &count);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(all, line_to_json(&lines[i]));
    free(lines);
    return all;
}
