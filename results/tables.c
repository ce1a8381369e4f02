#include "results/tables.h"

#include <math.h>
#include <string.h>

#define MAX_COLUMNS 64
#define MAX_LINES 64 /* scaling lines: engine x batch */

typedef bool (*column_filter)(const rb_column *column, rb_section section);

static bool in_summary(const rb_column *column, rb_section section) {
    (void)section;
    return column->summary;
}

static bool in_section(const rb_column *column, rb_section section) {
    return column->section == RB_SECTION_CELL || column->section == section;
}

static size_t choose(column_filter filter, rb_section section, const rb_column **chosen) {
    size_t count = 0;
    for (size_t c = 0; c < rb_column_count && count < MAX_COLUMNS; c++)
        if (filter(&rb_columns[c], section))
            chosen[count++] = &rb_columns[c];
    return count;
}

/* Some columns of some records, as a grid. */
typedef struct view {
    const rb_record_list *records;
    const rb_column *columns[MAX_COLUMNS];
} view;

static const char *view_title(const void *ctx, size_t column) {
    const view *v = ctx;
    return v->columns[column]->title;
}

static bool view_is_text(const void *ctx, size_t column) {
    const view *v = ctx;
    return v->columns[column]->format == RB_FORMAT_TEXT;
}

static void view_cell(const void *ctx, size_t row, size_t column, char text[RB_CELL_CAPACITY]) {
    const view *v = ctx;
    rb_column_format(v->columns[column], v->records, &v->records->items[row], text);
}

static void print_view(const rb_record_list *records, column_filter filter, rb_section section,
                       void (*print)(const rb_grid *grid, FILE *out), FILE *out) {
    view v = {.records = records};
    const rb_grid grid = {.rows = records->count,
                          .columns = choose(filter, section, v.columns),
                          .title = view_title,
                          .is_text = view_is_text,
                          .cell = view_cell,
                          .ctx = &v};
    print(&grid, out);
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
    static rb_scaling lines[MAX_LINES];
    const size_t count = rb_scaling_compute(records, lines, MAX_LINES);
    for (size_t i = 0; i < count; i++) {
        const rb_scaling *s = &lines[i];
        if (s->count < 2)
            continue;
        fprintf(out, "\n%s, %lldx%lld, batch %lld, %d threads: ", s->engine, (long long)s->height,
                (long long)s->width, (long long)s->batch, s->threads);
        if (s->fitted)
            fprintf(out, "latency = %.3g ms + %.3g ms/GMAC (R2 %.4f)\n", s->fixed_ms,
                    s->ms_per_gmac, s->r_squared);
        else
            fprintf(out, "too few depths for a fit\n");
        print_scaling_heading(out);
        for (size_t p = 0; p < s->count; p++)
            print_scaling_point(&s->points[p], out);
    }
}

/* Two depths of one engine and batch are the least that print_scaling shows. */
static bool has_scaling(const rb_record_list *records) {
    static rb_scaling lines[MAX_LINES];
    const size_t count = rb_scaling_compute(records, lines, MAX_LINES);
    for (size_t i = 0; i < count; i++)
        if (lines[i].count >= 2)
            return true;
    return false;
}

void rb_table_terminal(const rb_record_list *records, FILE *out) {
    print_view(records, in_summary, RB_SECTION_CELL, rb_grid_aligned, out);
    print_notes(records, out);
    print_scaling(records, out);
}

void rb_table_markdown(const rb_record_list *records, const char *title, FILE *out) {
    fprintf(out, "# %s\n\n", title);
    print_view(records, in_summary, RB_SECTION_CELL, rb_grid_markdown, out);
    for (int section = RB_SECTION_PARITY; section < RB_SECTION_COUNT; section++) {
        fprintf(out, "\n## %s\n\n", rb_section_titles[section]);
        print_view(records, in_section, (rb_section)section, rb_grid_markdown, out);
    }
    if (has_scaling(records)) {
        fputs("\n## Depth scaling\n\n```", out);
        print_scaling(records, out);
        fputs("```\n", out);
    }
}

void rb_table_csv(const rb_record_list *records, FILE *out) {
    for (size_t c = 0; c < rb_column_count; c++)
        fprintf(out, "%s%s", c ? "," : "", rb_columns[c].key);
    fputc('\n', out);
    for (size_t i = 0; i < records->count; i++) {
        for (size_t c = 0; c < rb_column_count; c++) {
            const rb_column *column = &rb_columns[c];
            if (c)
                fputc(',', out);
            if (column->text) {
                rb_csv_text(column->text(&records->items[i]), out);
            } else {
                const double value = column->number(records, &records->items[i]);
                if (isfinite(value))
                    fprintf(out, "%.17g", value);
            }
        }
        fputc('\n', out);
    }
}
