#include "results/kernel_tables.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "results/benchmark_rows.h"
#include "results/grid.h"

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

static const rb_summary *hot(const rb_kernel_row *r) {
    return &r->times[RB_CACHES_HOT].ns;
}

static const rb_summary *cold(const rb_kernel_row *r) {
    return &r->times[RB_CACHES_COLD].ns;
}

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
static double speedup(const void *table, const rb_kernel_row *r, rb_caches caches) {
    const rb_kernel_row *baseline = rb_kernel_baseline(table, r);
    return baseline && r->verdict == RB_VERDICT_PASS
               ? baseline->times[caches].ns.median / r->times[caches].ns.median
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
ROW_NUMBER(hot_samples, (double)r->times[RB_CACHES_HOT].count)
ROW_NUMBER(hot_us, hot(r)->median * 1e-3)
ROW_NUMBER(hot_interval, percent_of_half(hot(r)->low, hot(r)->high, hot(r)->median))
ROW_NUMBER(hot_low_us, hot(r)->low * 1e-3)
ROW_NUMBER(hot_high_us, hot(r)->high * 1e-3)
ROW_NUMBER(hot_min_us, hot(r)->min * 1e-3)
ROW_NUMBER(hot_rate, (double)r->macs / hot(r)->median)
ROW_NUMBER(hot_peak, 100 * (double)r->macs / hot(r)->median / peak_of(all))
ROW_NUMBER(hot_speedup, speedup(all, r, RB_CACHES_HOT))
ROW_NUMBER(cold_samples, (double)r->times[RB_CACHES_COLD].count)
ROW_NUMBER(cold_us, cold(r)->median * 1e-3)
ROW_NUMBER(cold_interval, percent_of_half(cold(r)->low, cold(r)->high, cold(r)->median))
ROW_NUMBER(cold_low_us, cold(r)->low * 1e-3)
ROW_NUMBER(cold_high_us, cold(r)->high * 1e-3)
ROW_NUMBER(cold_min_us, cold(r)->min * 1e-3)
ROW_NUMBER(cold_rate, (double)r->macs / cold(r)->median)
ROW_NUMBER(cold_peak, 100 * (double)r->macs / cold(r)->median / peak_of(all))
ROW_NUMBER(cold_speedup, speedup(all, r, RB_CACHES_COLD))
ROW_NUMBER(yardstick_percent, 100 * (r->yardstick_spread - 1))

#define SUMMARY RB_COLUMN_SUMMARY
#define ROOM RB_COLUMN_WITH_ROOM
#define DETAIL RB_COLUMN_DETAIL

/* A column's section: of which state of the caches it tells, and whether a benchmark's row in JSON
 * has it as a counter. */
enum { OF_HOT = 1 << RB_CACHES_HOT, OF_COLD = 1 << RB_CACHES_COLD, OF_BOTH = OF_HOT | OF_COLD };

#define T(key, title, letters, summary, get)                                                       \
    { key, title, 0, RB_FORMAT_TEXT, letters, summary, get, NULL }
#define N(key, title, states, format, digits, summary, get)                                        \
    { key, title, states, RB_FORMAT_##format, digits, summary, NULL, get }

static const rb_column row_columns[] = {
    T("problem", "problem", 36, SUMMARY, problem),
    N("occurrences", "n", OF_BOTH, COUNT, 0, SUMMARY, occurrences),
    N("batch", "batch", OF_BOTH, COUNT, 0, DETAIL, batch),
    N("sum_length", "K", OF_BOTH, COUNT, 0, DETAIL, sum_length),
    N("mmacs", "MMACs", OF_BOTH, SIGNIFICANT, 4, SUMMARY, mmacs),
    T("engine", "engine", 12, SUMMARY, engine),
    T("engine_version", "version", 0, DETAIL, engine_version),
    N("threads", "threads", OF_BOTH, COUNT, 0, DETAIL, threads),
    T("parity", "parity", 0, SUMMARY, verdict),
    N("rel_l2", "rel. L2", OF_BOTH, SCIENTIFIC, 1, DETAIL, rel_l2),
    N("element_share", "elem/limit", OF_BOTH, SIGNIFICANT, 3, DETAIL, element_share),
    N("norm_share", "norm/limit", OF_BOTH, SIGNIFICANT, 3, DETAIL, norm_share),
    T("kernel", "kernel", 0, DETAIL, kernel),
    T("winograd", "Winograd", 0, DETAIL, winograd),
    N("hot_us", "hot us", 0, SIGNIFICANT, 4, SUMMARY, hot_us),
    N("hot_interval_percent", "+-95%", OF_HOT, FIXED, 1, SUMMARY, hot_interval),
    N("hot_low_us", "95% from us", OF_HOT, SIGNIFICANT, 4, DETAIL, hot_low_us),
    N("hot_high_us", "95% to us", OF_HOT, SIGNIFICANT, 4, DETAIL, hot_high_us),
    N("hot_min_us", "min us", OF_HOT, SIGNIFICANT, 4, DETAIL, hot_min_us),
    N("hot_samples", "samples", 0, COUNT, 0, DETAIL, hot_samples),
    N("hot_gmacs_per_second", "GMAC/s", OF_HOT, FIXED, 1, ROOM, hot_rate),
    N("hot_peak_percent", "%peak", OF_HOT, FIXED, 1, SUMMARY, hot_peak),
    N("hot_speedup_over_onednn", "x dnn", OF_HOT, FIXED, 2, SUMMARY, hot_speedup),
    N("cold_us", "cold us", 0, SIGNIFICANT, 4, SUMMARY, cold_us),
    N("cold_interval_percent", "cold +-95%", OF_COLD, FIXED, 1, DETAIL, cold_interval),
    N("cold_low_us", "95% from us", OF_COLD, SIGNIFICANT, 4, DETAIL, cold_low_us),
    N("cold_high_us", "95% to us", OF_COLD, SIGNIFICANT, 4, DETAIL, cold_high_us),
    N("cold_min_us", "cold min us", OF_COLD, SIGNIFICANT, 4, DETAIL, cold_min_us),
    N("cold_samples", "samples", 0, COUNT, 0, DETAIL, cold_samples),
    N("cold_gmacs_per_second", "cold GMAC/s", OF_COLD, FIXED, 1, DETAIL, cold_rate),
    N("cold_peak_percent", "cold %peak", OF_COLD, FIXED, 1, ROOM, cold_peak),
    N("cold_speedup_over_onednn", "x dnn", OF_COLD, FIXED, 2, SUMMARY, cold_speedup),
    N("yardstick_spread_percent", "yardstick +%", OF_BOTH, FIXED, 1, DETAIL, yardstick_percent),
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

#define SUM_TIMES(state, caches)                                                                   \
    SUM_NUMBER(sum_##state##_ms, r->times[caches].ns * 1e-6)                                       \
    SUM_NUMBER(sum_##state##_low_ms, r->times[caches].low * 1e-6)                                  \
    SUM_NUMBER(sum_##state##_high_ms, r->times[caches].high * 1e-6)                                \
    SUM_NUMBER(sum_##state##_interval,                                                             \
               percent_of_half(r->times[caches].low, r->times[caches].high, r->times[caches].ns))  \
    SUM_NUMBER(sum_##state##_peak, 100 * (double)r->macs / r->times[caches].ns / r->peak_gmacs)    \
    SUM_NUMBER(sum_##state##_baseline_ms, r->times[caches].baseline_ns * 1e-6)                     \
    SUM_NUMBER(sum_##state##_speedup, r->times[caches].baseline_ns / r->times[caches].own_ns)
SUM_TIMES(hot, RB_CACHES_HOT)
SUM_TIMES(cold, RB_CACHES_COLD)

static const rb_column sum_columns[] = {
    T("network", "network", 14, SUMMARY, sum_network),
    N("batch", "batch", 0, COUNT, 0, SUMMARY, sum_batch),
    T("engine", "engine", 12, SUMMARY, sum_engine),
    N("covered", "right", 0, COUNT, 0, SUMMARY, sum_covered),
    N("convolutions", "of", 0, COUNT, 0, SUMMARY, sum_all),
    N("shared_with_onednn", "shared", 0, COUNT, 0, DETAIL, sum_shared),
    N("gmacs", "GMACs", 0, FIXED, 3, SUMMARY, sum_gmacs),
    N("hot_ms", "hot ms", 0, SIGNIFICANT, 4, SUMMARY, sum_hot_ms),
    N("hot_interval_percent", "+-95%", 0, FIXED, 1, SUMMARY, sum_hot_interval),
    N("hot_low_ms", "95% from ms", 0, SIGNIFICANT, 4, DETAIL, sum_hot_low_ms),
    N("hot_high_ms", "95% to ms", 0, SIGNIFICANT, 4, DETAIL, sum_hot_high_ms),
    N("hot_peak_percent", "%peak", 0, FIXED, 1, SUMMARY, sum_hot_peak),
    N("hot_onednn_ms", "onednn ms", 0, SIGNIFICANT, 4, DETAIL, sum_hot_baseline_ms),
    N("hot_speedup_over_onednn", "x dnn", 0, FIXED, 2, SUMMARY, sum_hot_speedup),
    N("cold_ms", "cold ms", 0, SIGNIFICANT, 4, SUMMARY, sum_cold_ms),
    N("cold_interval_percent", "+-95%", 0, FIXED, 1, SUMMARY, sum_cold_interval),
    N("cold_low_ms", "95% from ms", 0, SIGNIFICANT, 4, DETAIL, sum_cold_low_ms),
    N("cold_high_ms", "95% to ms", 0, SIGNIFICANT, 4, DETAIL, sum_cold_high_ms),
    N("cold_peak_percent", "%peak", 0, FIXED, 1, SUMMARY, sum_cold_peak),
    N("cold_onednn_ms", "onednn ms", 0, SIGNIFICANT, 4, DETAIL, sum_cold_baseline_ms),
    N("cold_speedup_over_onednn", "x dnn", 0, FIXED, 2, SUMMARY, sum_cold_speedup),
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
    "Times are those of whole calls of one convolution, NCHW in and NCHW out: an engine with a "
    "layout of its own\n"
    "pays for reorders at both ends that it would not pay within a network. 'x dnn': how many "
    "times faster than onednn.\n";

static const char what_sums_hold[] =
    "Together, as often as the network has them (rows that are PASS alone; 'x dnn' over those that "
    "onednn has as well):\n";

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
    rb_grid grid = grid_of_sums(sums, count);
    grid.column_shown = rb_column_in_summary;
    if (count > 0) {
        fprintf(out, "\n%s", what_sums_hold);
        rb_grid_aligned(&grid, out);
    }
    free(sums);
    return RB_OK;
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
    fprintf(out, "# %s\n\nMeasured peak: %.1f GMAC/s. %s\n## Convolutions\n\n", title,
            table->peak_gmacs, what_times_hold);
    rb_grid_markdown(&rows.grid, out);
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

void rb_kernel_set_counters(const rb_kernel_table *table, const rb_kernel_row *row,
                            rb_caches caches, json_t *object) {
    for (size_t c = 0; c < ROW_COLUMNS; c++)
        if (row_columns[c].section >> caches & 1)
            rb_benchmark_set(object, row_columns[c].key, row_columns[c].number(table, row));
}

json_t *rb_kernel_sum_to_json(const rb_kernel_sum *sum) {
    json_t *object = json_object();
    for (size_t c = 0; c < SUM_COLUMNS; c++) {
        const rb_column *column = &sum_columns[c];
        if (column->text)
            json_object_set_new(object, column->key, json_string(column->text(sum)));
        else
            rb_benchmark_set(object, column->key, column->number(NULL, sum));
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
        const double times = total(row) > 0 ? total(row) : 1, ns = times * hot(row)->median;
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
