#include "results/percentile_table.h"

#include <stdlib.h>
#include <string.h>

typedef struct line {
    const rb_record *record;
    size_t index; /* of the percentile */
} line;

#define TEXT(name, expression)                                                                     \
    static const char *name(const void *row) {                                                     \
        const line *l = row;                                                                       \
        return expression;                                                                         \
    }
#define NUMBER(name, expression)                                                                   \
    static double name(const void *all, const void *row) {                                         \
        const line *l = row;                                                                       \
        (void)all;                                                                                 \
        return expression;                                                                         \
    }

static const rb_percentile *percentile_of(const line *l) {
    return &l->record->latency_ns.percentiles[l->index];
}

TEXT(network, l->record->network)
TEXT(engine, l->record->engine)
TEXT(mode, l->record->mode)
TEXT(name, rb_percentile_names[l->index])
NUMBER(threads, (double)l->record->threads)
NUMBER(calls, (double)l->record->sample_count)
NUMBER(value_ms, percentile_of(l)->value * 1e-6)
NUMBER(low_ms, percentile_of(l)->low * 1e-6)
NUMBER(high_ms, percentile_of(l)->high * 1e-6)
NUMBER(needs, (double)rb_percentile_least(rb_percentile_shares[l->index]))

#define T(title, use, get)                                                                         \
    { title, title, 0, RB_FORMAT_TEXT, 0, RB_COLUMN_##use, get, NULL }
#define N(title, format, use, get)                                                                 \
    { title, title, 0, RB_FORMAT_##format, 4, RB_COLUMN_##use, NULL, get }

static const rb_column columns[] = {
    T("network", SUMMARY, network),
    T("engine", SUMMARY, engine),
    N("threads", COUNT, IF_VARIED, threads),
    T("mode", IF_VARIED, mode),
    T("percentile", SUMMARY, name),
    N("ms", SIGNIFICANT, SUMMARY, value_ms),
    N("95% from", SIGNIFICANT, SUMMARY, low_ms),
    N("95% to", SIGNIFICANT, SUMMARY, high_ms),
    N("calls", COUNT, SUMMARY, calls),
    N("needs", COUNT, SUMMARY, needs),
};

static bool is_wanted(const rb_record *record) {
    return record->sample_count > 0 && strcmp(record->scenario, "single-stream") == 0;
}

bool rb_percentile_table_wanted(const rb_record_list *records) {
    for (size_t i = 0; i < records->count; i++)
        if (is_wanted(&records->items[i]))
            return true;
    return false;
}

void rb_percentile_table(const rb_record_list *records,
                         void (*print)(const rb_grid *grid, FILE *out), FILE *out) {
    size_t count = 0;
    line *lines = calloc(records->count * RB_PERCENTILES + 1, sizeof *lines);
    if (!lines)
        return;
    for (size_t i = 0; i < records->count; i++)
        for (size_t p = 0; is_wanted(&records->items[i]) && p < RB_PERCENTILES; p++)
            lines[count++] = (line){&records->items[i], p};
    const rb_grid grid = {.rows = lines,
                          .row_bytes = sizeof *lines,
                          .row_count = count,
                          .columns = columns,
                          .column_count = sizeof columns / sizeof columns[0],
                          .column_shown = rb_column_in_summary};
    print(&grid, out);
    free(lines);
}
