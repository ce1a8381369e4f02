#include "results/tables.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "results/percentile_table.h"
#include "results/roofline.h"
#include "results/thread_table.h"

static bool in_section(const rb_grid *grid, const rb_column *column) {
    return column->section == RB_SECTION_CELL || column->section == grid->section;
}

static rb_grid grid_of(const rb_record_list *records) {
    return (rb_grid){.rows = records->items,
                     .row_bytes = sizeof *records->items,
                     .row_count = records->count,
                     .all = records,
                     .columns = rb_columns,
                     .column_count = rb_column_count};
}

static rb_grid summary_of(const rb_record_list *records) {
    rb_grid grid = grid_of(records);
    grid.column_shown = rb_column_in_summary;
    return grid;
}

static void print_notes(const rb_record_list *records, FILE *out) {
    char name[256];
    for (size_t i = 0; i < records->count; i++)
        if (records->items[i].note[0]) {
            rb_record_name(&records->items[i], name, sizeof name);
            fprintf(out, "%s: %s: %s\n", name, rb_verdict_name(records->items[i].verdict),
                    records->items[i].note);
        }
}

/* Of the row where it weighs most. */
static void print_overhead(const rb_record_list *records, FILE *out) {
    const rb_record *most = NULL;
    double share = 0;
    for (size_t i = 0; i < records->count; i++) {
        const rb_record *r = &records->items[i];
        const double own = r->harness_overhead_ns / rb_record_batch_ns(r);
        if (own > share) {
            share = own;
            most = r;
        }
    }
    if (most)
        fprintf(out, "\nharness overhead: %.3g us per call, %.2g %% of a call of %s %s\n",
                most->harness_overhead_ns * 1e-3, 100 * share, most->network, most->engine);
}

static void print_above_peak(const rb_record_list *records, FILE *out) {
    int64_t above = 0;
    for (size_t i = 0; i < records->count; i++) {
        const rb_record *r = &records->items[i];
        above += r->verdict == RB_VERDICT_PASS && r->peak_gmacs > 0 &&
                 (double)r->macs / rb_record_batch_ns(r) > r->peak_gmacs;
    }
    rb_roofline_print_above(above, out);
}

/* Right-aligned, "-" where there is no value. */
static void print_number(FILE *out, int width, int digits, double value) {
    if (isnan(value))
        fprintf(out, " %*s", width, "-");
    else
        fprintf(out, " %*.*f", width, digits, value);
}

static void print_scaling_heading(FILE *out) {
    fprintf(out, "  %-12s %8s %10s %10s %10s %10s %10s %10s\n", "network", "GMACs", "median ms",
            "fit ms", "residual %", "ms/block", "act MiB", "RSS MiB");
}

static void print_scaling_point(const rb_scaling_point *point, FILE *out) {
    const rb_record *r = point->record;
    fprintf(out, "  %-12s", r->network);
    print_number(out, 8, 3, (double)r->macs * 1e-9);
    print_number(out, 10, 2, point->latency_ms);
    print_number(out, 10, 2, point->fitted_ms);
    print_number(out, 10, 1, point->residual_percent);
    print_number(out, 10, 2, point->marginal_ms_per_block);
    print_number(out, 10, 1, rb_mebibytes(r->activation_bytes));
    print_number(out, 10, 1, rb_mebibytes(r->peak_rss_bytes));
    fputc('\n', out);
}

static void print_scaling(const rb_record_list *records, FILE *out) {
    size_t count;
    rb_scaling *lines = rb_scaling_compute(records, &count);
    for (size_t i = 0; i < count; i++) {
        const rb_scaling *s = &lines[i];
        if (s->count < 2)
            continue;
        fprintf(out, "\n%s, %lldx%lld, batch %lld, %d threads%s: ", s->engine, (long long)s->height,
                (long long)s->width, (long long)s->batch, s->threads,
                strcmp(s->mode, "cold") == 0 ? ", cold caches" : "");
        if (s->fitted)
            fprintf(out, "latency = %.3g ms + %.3g ms/GMAC (R2 %.4f)\n", s->fixed_ms,
                    s->ms_per_gmac, s->r_squared);
        else
            fprintf(out, "too few depths for a fit\n");
        print_scaling_heading(out);
        for (size_t p = 0; p < s->count; p++)
            print_scaling_point(&s->points[p], out);
    }
    free(lines);
}

/* Two depths of one engine and batch are the least that print_scaling shows. */
static bool has_scaling(const rb_record_list *records) {
    size_t count;
    bool any = false;
    rb_scaling *lines = rb_scaling_compute(records, &count);
    for (size_t i = 0; i < count; i++)
        any = any || lines[i].count >= 2;
    free(lines);
    return any;
}

void rb_table_terminal(const rb_record_list *records, FILE *out) {
    const rb_grid grid = summary_of(records);
    rb_grid_aligned(&grid, out);
    print_notes(records, out);
    print_overhead(records, out);
    print_above_peak(records, out);
    rb_thread_table_terminal(records, out);
    if (rb_percentile_table_wanted(records)) {
        fputc('\n', out);
        rb_percentile_table(records, rb_grid_aligned, out);
    }
    print_scaling(records, out);
}

void rb_table_markdown(const rb_record_list *records, const char *title, FILE *out) {
    rb_grid grid = summary_of(records);
    fprintf(out, "# %s\n\n", title);
    rb_grid_markdown(&grid, out);
    print_overhead(records, out);
    print_above_peak(records, out);
    grid.column_shown = in_section;
    for (grid.section = RB_SECTION_PARITY; grid.section < RB_SECTION_COUNT; grid.section++) {
        fprintf(out, "\n## %s\n\n", rb_section_titles[grid.section]);
        rb_grid_markdown(&grid, out);
        if (rb_section_notes[grid.section])
            fprintf(out, "\n%s\n", rb_section_notes[grid.section]);
    }
    if (rb_percentile_table_wanted(records)) {
        fputs("\n## Single-stream percentiles\n\n", out);
        rb_percentile_table(records, rb_grid_markdown, out);
    }
    rb_thread_table_markdown(records, out);
    if (has_scaling(records)) {
        fputs("\n## Depth scaling\n\n```", out);
        print_scaling(records, out);
        fputs("```\n", out);
    }
}

void rb_table_csv(const rb_record_list *records, FILE *out) {
    const rb_grid grid = grid_of(records);
    rb_grid_csv(&grid, out);
}
