#include "results/kernel_tables.h"
#include "results/json_fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "results/benchmark_rows.h"
#include "results/grid.h"
#include "results/roofline.h"

#define WIDE_PERCENT 10 /* either side of a median */

#define TEXT(name, type, expression)                                                               \
    static const char *name(const void *of) {                                                      \
        const type *r = of;                                                                        \
        return expression;                                                                         \
    }
#define NUMBER(name, type, expression)                                                             \
    static double name(const void *all, const void *of) {                                          \
        const type *r = of;                                                                        \
        (void)all;                                                                                 \
        return expression;                                                                         \
    }
#define ROW_TEXT(name, expression) TEXT(name, rb_kernel_row, expression)
#define ROW_NUMBER(name, expression) NUMBER(name, rb_kernel_row, expression)
#define SUM_NUMBER(name, expression) NUMBER(name, rb_kernel_sum, expression)

static double percent_of_half(double low, double high, double middle) {
    return 50 * (high - low) / middle;
}

static double peak_of(const void *table) {
    return ((const rb_kernel_table *)table)->peak_gmacs;
}

static int32_t total(const rb_kernel_row *r) {
    int32_t count = 0;
    for (size_t n = 0; n < RB_KERNEL_NETWORKS; n++)
        count += r->counts[n];
    return count;
}

/* How many times faster than the baseline; of a row that is right alone. */
static double speedup(const void *table, const rb_kernel_row *r, rb_span span) {
    const rb_kernel_row *baseline = rb_kernel_baseline(table, r);
    return baseline && r->verdict == RB_VERDICT_PASS
               ? baseline->times[span].ns.median / r->times[span].ns.median
               : NAN;
}

ROW_TEXT(problem, r->problem)
ROW_TEXT(engine, r->engine)
ROW_TEXT(engine_version, r->engine_version)
ROW_TEXT(kernel, r->kernel)
ROW_TEXT(winograd, r->winograd ? "yes" : "")
ROW_TEXT(verdict, rb_verdict_name(r->verdict))
ROW_TEXT(note, r->note)
ROW_NUMBER(batch, (double)r->batch)
ROW_NUMBER(threads, (double)r->threads)
ROW_NUMBER(sum_length, (double)r->k)
ROW_NUMBER(mmacs, (double)r->macs * 1e-6)
ROW_NUMBER(occurrences, (double)total(r))
ROW_NUMBER(rel_l2, r->rel_l2)
ROW_NUMBER(element_share, r->element_share)
ROW_NUMBER(norm_share, r->norm_share)

#define ROW_TIMES(name, span)                                                                      \
    ROW_NUMBER(name##_us, r->times[span].ns.median * 1e-3)                                         \
    ROW_NUMBER(name##_interval, percent_of_half(r->times[span].ns.low, r->times[span].ns.high,     \
                                                r->times[span].ns.median))                         \
    ROW_NUMBER(name##_low_us, r->times[span].ns.low * 1e-3)                                        \
    ROW_NUMBER(name##_high_us, r->times[span].ns.high * 1e-3)                                      \
    ROW_NUMBER(name##_min_us, r->times[span].ns.min * 1e-3)                                        \
    ROW_NUMBER(name##_samples, (double)r->times[span].count)                                       \
    ROW_NUMBER(name##_rate, (double)r->macs / r->times[span].ns.median)                            \
    ROW_NUMBER(name##_peak, 100 * (double)r->macs / r->times[span].ns.median / peak_of(all))       \
    ROW_NUMBER(name##_speedup, speedup(all, r, span))
ROW_TIMES(alone, RB_SPAN_ALONE)
ROW_TIMES(hot, RB_SPAN_HOT)
ROW_TIMES(cold, RB_SPAN_COLD)

#define SUMMARY RB_COLUMN_SUMMARY
#define ROOM RB_COLUMN_WITH_ROOM
#define DETAIL RB_COLUMN_DETAIL

/* A column's section: the spans it tells of, as bits. */
enum {
    ALONE = 1 << RB_SPAN_ALONE,
    HOT = 1 << RB_SPAN_HOT,
    COLD = 1 << RB_SPAN_COLD,
    EVERY = ALONE | HOT | COLD
};

#define T(key, title, letters, summary, get)                                                       \
    { key, title, 0, RB_FORMAT_TEXT, letters, summary, get, NULL }
#define N(key, title, spans, format, digits, summary, get)                                         \
    { key, title, spans, RB_FORMAT_##format, digits, summary, NULL, get }

#define TIMES(name, span, use_us, use_interval, use_peak, use_speedup)                             \
    N(#name "_us", #name " us", span, SIGNIFICANT, 4, use_us, name##_us),                          \
        N(#name "_interval_percent", "+-95%", span, FIXED, 1, use_interval, name##_interval),      \
        N(#name "_low_us", "95% from us", span, SIGNIFICANT, 4, DETAIL, name##_low_us),            \
        N(#name "_high_us", "95% to us", span, SIGNIFICANT, 4, DETAIL, name##_high_us),            \
        N(#name "_min_us", "min us", span, SIGNIFICANT, 4, DETAIL, name##_min_us),                 \
        N(#name "_samples", "samples", span, COUNT, 0, DETAIL, name##_samples),                    \
        N(#name "_gmacs_per_second", "GMAC/s", span, FIXED, 1, DETAIL, name##_rate),               \
        N(#name "_peak_percent", "%peak", span, FIXED, 1, use_peak, name##_peak),                  \
        N(#name "_speedup_over_onednn", "x dnn", span, FIXED, 2, use_speedup, name##_speedup)

static const rb_column row_columns[] = {
    T("problem", "problem", 36, SUMMARY, problem),
    N("occurrences", "n", EVERY, COUNT, 0, SUMMARY, occurrences),
    N("batch", "batch", EVERY, COUNT, 0, DETAIL, batch),
    N("sum_length", "K", EVERY, COUNT, 0, DETAIL, sum_length),
    N("mmacs", "MMACs", EVERY, SIGNIFICANT, 4, ROOM, mmacs),
    T("engine", "engine", 12, SUMMARY, engine),
    T("engine_version", "version", 0, DETAIL, engine_version),
    N("threads", "threads", EVERY, COUNT, 0, DETAIL, threads),
    T("parity", "parity", 0, SUMMARY, verdict),
    N("rel_l2", "rel. L2", EVERY, SCIENTIFIC, 1, DETAIL, rel_l2),
    N("element_share", "elem/limit", EVERY, SIGNIFICANT, 3, DETAIL, element_share),
    N("norm_share", "norm/limit", EVERY, SIGNIFICANT, 3, DETAIL, norm_share),
    T("kernel", "kernel", 0, DETAIL, kernel),
    T("winograd", "Winograd", 0, DETAIL, winograd),
    TIMES(alone, ALONE, SUMMARY, ROOM, SUMMARY, SUMMARY),
    TIMES(hot, HOT, SUMMARY, DETAIL, DETAIL, ROOM),
    TIMES(cold, COLD, SUMMARY, DETAIL, DETAIL, SUMMARY),
    T("note", "note", 0, DETAIL, note),
};
#define ROW_COLUMNS (sizeof row_columns / sizeof row_columns[0])

/* How often the network of this number has the convolution; 0 shows as nothing. */
#define OCCURRENCES(n)                                                                             \
    static double occurrences_##n(const void *all, const void *of) {                               \
        const int32_t count = ((const rb_kernel_row *)of)->counts[n];                              \
        (void)all;                                                                                 \
        return count > 0 ? (double)count : NAN;                                                    \
    }
OCCURRENCES(0)
OCCURRENCES(1)
OCCURRENCES(2)
OCCURRENCES(3)
OCCURRENCES(4)
OCCURRENCES(5)
OCCURRENCES(6)
OCCURRENCES(7)
OCCURRENCES(8)
OCCURRENCES(9)
OCCURRENCES(10)
OCCURRENCES(11)
OCCURRENCES(12)
OCCURRENCES(13)
OCCURRENCES(14)
OCCURRENCES(15)
static double (*const occurrences_in[RB_KERNEL_NETWORKS])(const void *, const void *) = {
    occurrences_0,  occurrences_1,  occurrences_2,  occurrences_3, occurrences_4,  occurrences_5,
    occurrences_6,  occurrences_7,  occurrences_8,  occurrences_9, occurrences_10, occurrences_11,
    occurrences_12, occurrences_13, occurrences_14, occurrences_15};

TEXT(sum_network, rb_kernel_sum, r->network->name)
TEXT(sum_engine, rb_kernel_sum, r->engine)
SUM_NUMBER(sum_batch, (double)r->batch)
SUM_NUMBER(sum_covered, r->covered)
SUM_NUMBER(sum_all, r->network->convolutions)
SUM_NUMBER(sum_shared, r->shared)
SUM_NUMBER(sum_gmacs, (double)r->macs * 1e-9)

#define SUM_TIMES(name, span)                                                                      \
    SUM_NUMBER(sum_##name##_ms, r->times[span].ns * 1e-6)                                          \
    SUM_NUMBER(sum_##name##_low_ms, r->times[span].low * 1e-6)                                     \
    SUM_NUMBER(sum_##name##_high_ms, r->times[span].high * 1e-6)                                   \
    SUM_NUMBER(sum_##name##_interval,                                                              \
               percent_of_half(r->times[span].low, r->times[span].high, r->times[span].ns))        \
    SUM_NUMBER(sum_##name##_peak, 100 * (double)r->macs / r->times[span].ns / r->peak_gmacs)       \
    SUM_NUMBER(sum_##name##_baseline_ms, r->times[span].baseline_ns * 1e-6)                        \
    SUM_NUMBER(sum_##name##_speedup, r->times[span].baseline_ns / r->times[span].own_ns)
SUM_TIMES(alone, RB_SPAN_ALONE)
SUM_TIMES(hot, RB_SPAN_HOT)
SUM_TIMES(cold, RB_SPAN_COLD)

#define SUMS(name, use_interval, use_peak)                                                         \
    N(#name "_ms", #name " ms", 0, SIGNIFICANT, 4, SUMMARY, sum_##name##_ms),                      \
        N(#name "_interval_percent", "+-95%", 0, FIXED, 1, use_interval, sum_##name##_interval),   \
        N(#name "_low_ms", "95% from ms", 0, SIGNIFICANT, 4, DETAIL, sum_##name##_low_ms),         \
        N(#name "_high_ms", "95% to ms", 0, SIGNIFICANT, 4, DETAIL, sum_##name##_high_ms),         \
        N(#name "_peak_percent", "%peak", 0, FIXED, 1, use_peak, sum_##name##_peak),               \
        N(#name "_onednn_ms", "onednn ms", 0, SIGNIFICANT, 4, DETAIL, sum_##name##_baseline_ms),   \
        N(#name "_speedup_over_onednn", "x dnn", 0, FIXED, 2, SUMMARY, sum_##name##_speedup)

static const rb_column sum_columns[] = {
    T("network", "network", 14, SUMMARY, sum_network),
    N("batch", "batch", 0, COUNT, 0, SUMMARY, sum_batch),
    T("engine", "engine", 12, SUMMARY, sum_engine),
    N("covered", "right", 0, COUNT, 0, SUMMARY, sum_covered),
    N("convolutions", "of", 0, COUNT, 0, SUMMARY, sum_all),
    N("shared_with_onednn", "shared", 0, COUNT, 0, DETAIL, sum_shared),
    N("gmacs", "GMACs", 0, FIXED, 3, SUMMARY, sum_gmacs),
    SUMS(alone, SUMMARY, SUMMARY),
    SUMS(hot, ROOM, DETAIL),
    SUMS(cold, ROOM, DETAIL),
};
#define SUM_COLUMNS (sizeof sum_columns / sizeof sum_columns[0])

/* Of the rows, with a column for each network behind the number of all occurrences. */
typedef struct row_grid {
    rb_column columns[ROW_COLUMNS + RB_KERNEL_NETWORKS];
    rb_grid grid;
} row_grid;

static void make_row_grid(const rb_kernel_table *table, row_grid *made) {
    const size_t before = 2, networks = table->network_count;
    memcpy(made->columns, row_columns, before * sizeof *row_columns);
    for (size_t n = 0; n < networks; n++)
        made->columns[before + n] = (rb_column){.key = table->networks[n].name,
                                                .title = table->networks[n].name,
                                                .format = RB_FORMAT_COUNT,
                                                .number = occurrences_in[n]};
    memcpy(made->columns + before + networks, row_columns + before,
           (ROW_COLUMNS - before) * sizeof *row_columns);
    made->grid = (rb_grid){.rows = table->rows,
                           .row_bytes = sizeof *table->rows,
                           .row_count = table->count,
                           .all = table,
                           .columns = made->columns,
                           .column_count = ROW_COLUMNS + networks};
}

static rb_grid grid_of_sums(const rb_kernel_sum *sums, size_t count) {
    return (rb_grid){.rows = sums,
                     .row_bytes = sizeof *sums,
                     .row_count = count,
                     .columns = sum_columns,
                     .column_count = SUM_COLUMNS};
}

static const char what_times_hold[] =
    "alone: the convolution by itself, where the engine tells it, in repeated calls; hot: those "
    "calls as a whole,\nNCHW in and out, with reorders that a network would not need; cold: whole "
    "calls, caches emptied before each.\nn: how often the networks have it, all together; x dnn: "
    "how many times faster than onednn.\n";

static const char what_sums_hold[] =
    "Together, as often as the network has them (only rows that are PASS; 'x dnn' over those that "
    "onednn has as well):\n";

/* Of right rows: what a wrong one has left out is no speed. */
static int64_t rows_above_peak(const rb_kernel_table *table) {
    int64_t above = 0;
    for (size_t i = 0; i < table->count; i++) {
        const rb_kernel_row *r = &table->rows[i];
        above += r->verdict == RB_VERDICT_PASS &&
                 (alone_peak(table, r) > 100 || hot_peak(table, r) > 100);
    }
    return above;
}

static void print_peak(const rb_kernel_table *table, FILE *out) {
    fprintf(out, "%%peak: nominal multiply-adds a second, of %.1f GMAC/s, measured in registers.\n",
            table->peak_gmacs);
    rb_roofline_print_above(rows_above_peak(table), out);
}

/* A machine that others use as well shows in the intervals. */
static void print_noise(const rb_kernel_table *table, FILE *out) {
    size_t wide = 0, known = 0;
    for (size_t i = 0; i < table->count; i++) {
        const double percent = hot_interval(table, &table->rows[i]);
        known += isfinite(percent) ? 1 : 0;
        wide += percent > WIDE_PERCENT;
    }
    if (wide > 0)
        fprintf(out,
                "The 95 %% intervals of %zu of %zu hot times are wider than +-%d %%: the machine "
                "is busy, or the turns are too short.\n",
                wide, known, WIDE_PERCENT);
}

rb_status rb_kernel_terminal(const rb_kernel_table *table, FILE *out, rb_error *err) {
    row_grid rows;
    rb_kernel_sum *sums;
    size_t count;
    const rb_status status = rb_kernel_sums(table, &sums, &count, err);
    if (status != RB_OK)
        return status;
    make_row_grid(table, &rows);
    rows.grid.column_shown = rb_column_in_summary;
    rb_grid_aligned(&rows.grid, out);
    for (size_t i = 0; i < table->count; i++)
        if (table->rows[i].note[0])
            fprintf(out, "%s %s: %s: %s\n", table->rows[i].problem, table->rows[i].engine,
                    rb_verdict_name(table->rows[i].verdict), table->rows[i].note);
    fputs(what_times_hold, out);
    print_peak(table, out);
    print_noise(table, out);
    rb_grid grid = grid_of_sums(sums, count);
    grid.column_shown = rb_column_in_summary;
    if (count > 0) {
        fprintf(out, "\n%s", what_sums_hold);
        rb_grid_aligned(&grid, out);
    }
    free(sums);
    return RB_OK;
}

/* Of one span alone, and what names the row. */
static bool of_span(const rb_grid *grid, const rb_column *column) {
    return column->section == grid->section || strcmp(column->key, "problem") == 0 ||
           strcmp(column->key, "engine") == 0;
}

static bool of_no_span(const rb_grid *grid, const rb_column *column) {
    (void)grid;
    return column->section == 0 || column->section == EVERY;
}

rb_status rb_kernel_markdown(const rb_kernel_table *table, const char *title, FILE *out,
                             rb_error *err) {
    row_grid rows;
    rb_kernel_sum *sums;
    size_t count;
    const rb_status status = rb_kernel_sums(table, &sums, &count, err);
    if (status != RB_OK)
        return status;
    make_row_grid(table, &rows);
    fprintf(out, "# %s\n\n%s", title, what_times_hold);
    print_peak(table, out);
    fprintf(out, "\n## Convolutions\n\n");
    rows.grid.column_shown = of_no_span;
    rb_grid_markdown(&rows.grid, out);
    for (int span = 0; span < RB_SPAN_COUNT; span++) {
        fprintf(out, "\n## Times: %s\n\n", rb_span_name((rb_span)span));
        rows.grid.section = 1 << span;
        rows.grid.column_shown = of_span;
        rb_grid_markdown(&rows.grid, out);
    }
    const rb_grid grid = grid_of_sums(sums, count);
    fprintf(out, "\n## Networks\n\n%s\n", what_sums_hold);
    rb_grid_markdown(&grid, out);
    free(sums);
    return RB_OK;
}

void rb_kernel_csv(const rb_kernel_table *table, FILE *out) {
    row_grid rows;
    make_row_grid(table, &rows);
    rb_grid_csv(&rows.grid, out);
}

void rb_kernel_set_counters(const rb_kernel_table *table, const rb_kernel_row *row, rb_span span,
                            json_t *object) {
    for (size_t c = 0; c < ROW_COLUMNS; c++)
        if (row_columns[c].section >> span & 1)
            rb_json_set_known(object, row_columns[c].key, row_columns[c].number(table, row));
}

json_t *rb_kernel_sum_to_json(const rb_kernel_sum *sum) {
    json_t *object = json_object();
    for (size_t c = 0; c < SUM_COLUMNS; c++) {
        const rb_column *column = &sum_columns[c];
        if (column->text)
            json_object_set_new(object, column->key, json_string(column->text(sum)));
        else
            rb_json_set_known(object, column->key, column->number(NULL, sum));
    }
    return object;
}

/* The rows of one problem. */
typedef struct group {
    size_t first, count;
    double ns;
} group;

static int by_time(const void *a, const void *b) {
    const group *x = a, *y = b;
    if (x->ns != y->ns)
        return x->ns < y->ns ? 1 : -1;
    return (x->first > y->first) - (x->first < y->first);
}

static size_t make_groups(const rb_kernel_table *table, group *groups) {
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        const rb_kernel_row *row = &table->rows[i];
        const double times = total(row) > 0 ? total(row) : 1,
                     ns = times * row->times[RB_SPAN_HOT].ns.median;
        if (i == 0 || strcmp(row->problem, row[-1].problem) != 0)
            groups[count++] = (group){.first = i};
        group *last = &groups[count - 1];
        last->count++;
        if (ns > last->ns)
            last->ns = ns;
    }
    return count;
}

rb_status rb_kernel_table_sort(rb_kernel_table *table, rb_error *err) {
    group *groups = calloc(table->count + 1, sizeof *groups);
    rb_kernel_row *rows = calloc(table->count + 1, sizeof *rows);
    size_t written = 0;
    if (groups && rows) {
        const size_t count = make_groups(table, groups);
        qsort(groups, count, sizeof *groups, by_time);
        for (size_t g = 0; g < count; g++) {
            memcpy(rows + written, table->rows + groups[g].first, groups[g].count * sizeof *rows);
            written += groups[g].count;
        }
        memcpy(table->rows, rows, table->count * sizeof *rows);
    }
    const bool done = groups && rows;
    free(groups);
    free(rows);
    return done ? RB_OK : rb_fail(err, RB_ERR_MEMORY, "no memory to sort %zu rows", table->count);
}
