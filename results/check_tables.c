#include "results/check_tables.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "results/grid.h"

#define WHOLE_TABLE 60 /* a level with more rows is abridged on a terminal */
#define MOST_NEAREST 10
#define MOST_WRONG 40

/* Levels that a column belongs to, as bits. */
enum {
    OPERATIONS = 1 << RB_LEVEL_EXACT | 1 << RB_LEVEL_OPERATION,
    CHAINED = 1 << RB_LEVEL_CHAINED,
    LOGITS = 1 << RB_LEVEL_NETWORK,
    TASK = 1 << RB_LEVEL_TASK,
    NETWORKS = CHAINED | LOGITS | TASK,
    VALUES = OPERATIONS | CHAINED | LOGITS,
    ALL = OPERATIONS | NETWORKS
};

#define TEXT(name, expression)                                                                     \
    static const char *name(const void *of) {                                                      \
        const rb_check_row *r = of;                                                                \
        return expression;                                                                         \
    }
#define NUMBER(name, expression)                                                                   \
    static double name(const void *all, const void *of) {                                          \
        const rb_check_row *r = of;                                                                \
        (void)all;                                                                                 \
        return expression;                                                                         \
    }

/* NaN where nothing was compared, so that the figure is not known. */
static double counted(const rb_check_row *r, int64_t value) {
    return r->figures.elements > 0 ? (double)value : NAN;
}

TEXT(level, rb_check_level_name(r->level))
TEXT(name, r->name)
TEXT(network, r->network)
TEXT(input, r->input)
TEXT(kernel, r->kernel)
TEXT(winograd, r->winograd ? "yes" : "")
TEXT(verdict, rb_verdict_name(r->verdict))
TEXT(note, r->note)
TEXT(again, r->again)
TEXT(constant, r->figures.constant ? "yes" : "")
NUMBER(seed, (double)r->seed)
NUMBER(batch, (double)r->batch)
NUMBER(threads, (double)r->threads)
NUMBER(other_threads, r->other_threads > 0 ? (double)r->other_threads : NAN)
NUMBER(seconds, r->seconds)
NUMBER(elements, counted(r, r->figures.elements))
NUMBER(non_finite, counted(r, r->figures.non_finite))
NUMBER(differing, counted(r, r->figures.differing))
NUMBER(excess_zeros, counted(r, r->figures.excess_zeros))
NUMBER(rel_l2, r->figures.rel_l2)
NUMBER(limit, r->limit)
NUMBER(limit_share, r->figures.rel_l2 / r->limit)
NUMBER(nmse, r->figures.nmse)
NUMBER(max_abs, r->figures.max_abs)
NUMBER(max_ulp, r->figures.max_ulp)
NUMBER(element_share, r->figures.element_share)
NUMBER(norm_share, r->figures.norm_share)
NUMBER(worst_n, counted(r, r->figures.worst[0]))
NUMBER(worst_c, counted(r, r->figures.worst[1]))
NUMBER(worst_h, counted(r, r->figures.worst[2]))
NUMBER(worst_w, counted(r, r->figures.worst[3]))
NUMBER(found, r->figures.found)
NUMBER(expected, r->figures.expected)
NUMBER(images, r->images > 0 ? (double)r->images : NAN)
NUMBER(top1_differ, r->images > 0 && r->top1_differ >= 0 ? (double)r->top1_differ : NAN)
NUMBER(near_ties, r->images > 0 ? (double)r->near_ties : NAN)

#define T(key, title, levels, letters, use, get)                                                   \
    { key, title, levels, RB_FORMAT_TEXT, letters, RB_COLUMN_##use, get, NULL }
#define N(key, title, levels, format, digits, use, get)                                            \
    { key, title, levels, RB_FORMAT_##format, digits, RB_COLUMN_##use, NULL, get }

static const rb_column columns[] = {
    T("level", "level", 0, 0, DETAIL, level),
    T("name", "problem", OPERATIONS, 32, SUMMARY, name),
    T("network", "network", OPERATIONS, 0, DETAIL, network),
    T("network", "network", CHAINED, 12, SUMMARY, network),
    T("name", "node", CHAINED, 24, SUMMARY, name),
    T("name", "network", LOGITS | TASK, 16, SUMMARY, name),
    T("input", "input", ALL & ~CHAINED, 10, SUMMARY, input),
    T("input", "input", CHAINED, 10, DETAIL, input),
    N("seed", "seed", ALL, COUNT, 0, DETAIL, seed),
    N("batch", "batch", NETWORKS, COUNT, 0, SUMMARY, batch),
    N("threads", "thr", ALL & ~CHAINED, COUNT, 0, SUMMARY, threads),
    N("threads", "thr", CHAINED, COUNT, 0, DETAIL, threads),
    N("other_threads", "also", OPERATIONS, COUNT, 0, DETAIL, other_threads),
    T("kernel", "kernel", OPERATIONS, 16, SUMMARY, kernel),
    T("kernel", "kernel plan", LOGITS, 0, DETAIL, kernel),
    T("winograd", "Winograd", OPERATIONS, 0, DETAIL, winograd),
    T("verdict", "verdict", ALL, 0, SUMMARY, verdict),
    N("images", "images", LOGITS | TASK, COUNT, 0, SUMMARY, images),
    N("top1_differ", "differ", LOGITS | TASK, COUNT, 0, SUMMARY, top1_differ),
    N("near_ties", "near ties", TASK, COUNT, 0, SUMMARY, near_ties),
    N("rel_l2", "rel. L2", ALL, SCIENTIFIC, 1, SUMMARY, rel_l2),
    N("limit", "limit", NETWORKS, SCIENTIFIC, 1, SUMMARY, limit),
    N("limit_share", "of limit", NETWORKS, SIGNIFICANT, 3, SUMMARY, limit_share),
    N("max_abs", "max abs", ALL, SCIENTIFIC, 1, SUMMARY, max_abs),
    N("element_share", "elem/limit", OPERATIONS, SIGNIFICANT, 3, SUMMARY, element_share),
    N("norm_share", "norm/limit", OPERATIONS, SIGNIFICANT, 3, SUMMARY, norm_share),
    N("max_ulp", "ULP", OPERATIONS, SIGNIFICANT, 3, DETAIL, max_ulp),
    N("nmse", "NMSE", VALUES, SCIENTIFIC, 1, DETAIL, nmse),
    N("elements", "elements", VALUES, COUNT, 0, DETAIL, elements),
    N("differing", "not equal", OPERATIONS, COUNT, 0, DETAIL, differing),
    N("non_finite", "not finite", VALUES, COUNT, 0, DETAIL, non_finite),
    N("excess_zeros", "excess zeros", OPERATIONS, COUNT, 0, DETAIL, excess_zeros),
    T("constant", "constant", OPERATIONS, 0, DETAIL, constant),
    N("worst_n", "worst n", OPERATIONS, COUNT, 0, DETAIL, worst_n),
    N("worst_c", "c", OPERATIONS, COUNT, 0, DETAIL, worst_c),
    N("worst_h", "h", OPERATIONS, COUNT, 0, DETAIL, worst_h),
    N("worst_w", "w", OPERATIONS, COUNT, 0, DETAIL, worst_w),
    N("found", "found", OPERATIONS, SCIENTIFIC, 8, DETAIL, found),
    N("expected", "expected", OPERATIONS, SCIENTIFIC, 8, DETAIL, expected),
    N("seconds", "s", ALL, FIXED, 3, DETAIL, seconds),
    T("note", "note", ALL, 0, DETAIL, note),
    T("again", "again", ALL, 0, DETAIL, again),
};
static const size_t column_count = sizeof columns / sizeof columns[0];

static bool of_level(const rb_grid *grid, const rb_column *column) {
    return (column->section >> grid->section & 1) != 0;
}

static bool of_level_in_summary(const rb_grid *grid, const rb_column *column) {
    return rb_column_in_summary(grid, column) && of_level(grid, column);
}

/* Every key once. */
static bool in_csv(const rb_grid *grid, const rb_column *column) {
    (void)grid;
    for (const rb_column *before = columns; before < column; before++)
        if (strcmp(before->key, column->key) == 0)
            return false;
    return true;
}

static rb_grid grid_of(const rb_check_rows *rows) {
    return (rb_grid){.rows = rows->items,
                     .row_bytes = sizeof *rows->items,
                     .row_count = rows->count,
                     .columns = columns,
                     .column_count = column_count};
}

rb_check_counts rb_check_count(const rb_check_rows *rows, rb_check_level level) {
    rb_check_counts counts = {0};
    for (size_t i = 0; i < rows->count; i++)
        if (level == RB_LEVEL_COUNT || rows->items[i].level == level) {
            counts.rows++;
            counts.of[rows->items[i].verdict]++;
        }
    return counts;
}

/* How much of its limit a row takes up; -1 where nobody knows. */
static double share_of(const rb_check_row *row) {
    const rb_check_figures *f = &row->figures;
    double share = row->level == RB_LEVEL_EXACT ? NAN : f->rel_l2 / row->limit;
    if (row->level == RB_LEVEL_OPERATION)
        share = fmax(f->element_share, f->norm_share);
    return isnan(share) ? -1 : share;
}

static const rb_check_row *nearest(const rb_check_rows *rows, rb_check_level level) {
    const rb_check_row *found = NULL;
    for (size_t i = 0; i < rows->count; i++)
        if (rows->items[i].level == level && share_of(&rows->items[i]) >= 0 &&
            !(found && share_of(found) >= share_of(&rows->items[i])))
            found = &rows->items[i];
    return found;
}

static void add_counts(const rb_check_counts *counts, bool with_pass, FILE *out) {
    const char *separator = "";
    for (int v = 0; v < RB_VERDICT_COUNT; v++)
        if (counts->of[v] > 0 && (with_pass || v != RB_VERDICT_PASS)) {
            fprintf(out, "%s%zu %s", separator, counts->of[v], rb_verdict_name((rb_verdict)v));
            separator = ", ";
        }
}

void rb_check_summary(const rb_check_rows *rows, const char *engine, char *text, size_t capacity) {
    const rb_check_counts all = rb_check_count(rows, RB_LEVEL_COUNT);
    const rb_check_row *worst = nearest(rows, RB_LEVEL_OPERATION);
    const char *separator = " (";
    text[0] = '\0';
    FILE *out = fmemopen(text, capacity, "w");
    if (!out)
        return;
    fprintf(out, "%s: %zu of %zu checks PASS", engine, all.of[RB_VERDICT_PASS], all.rows);
    for (int l = 0; l < RB_LEVEL_COUNT; l++) {
        const rb_check_counts counts = rb_check_count(rows, (rb_check_level)l);
        if (counts.rows == 0)
            continue;
        fprintf(out, "%s%s %zu/%zu", separator, rb_check_level_name((rb_check_level)l),
                counts.of[RB_VERDICT_PASS], counts.rows);
        separator = ", ";
    }
    if (all.rows > 0)
        fputc(')', out);
    if (all.rows > all.of[RB_VERDICT_PASS])
        fputs(", ", out);
    add_counts(&all, false, out);
    if (worst)
        fprintf(out, "; worst operation %.2g of its limit: %s", share_of(worst), worst->name);
    fclose(out);
}

static bool *choose_rows(const rb_check_rows *rows, rb_check_level level, bool every) {
    const rb_check_counts counts = rb_check_count(rows, level);
    const bool whole = every || counts.rows <= WHOLE_TABLE;
    bool *shown = calloc(rows->count + 1, sizeof *shown);
    size_t wrong = 0;
    for (size_t i = 0; shown && i < rows->count; i++)
        shown[i] = rows->items[i].level == level &&
                   (whole || (rows->items[i].verdict != RB_VERDICT_PASS && wrong++ < MOST_WRONG));
    for (int n = 0; shown && !whole && n < MOST_NEAREST; n++) {
        size_t best = rows->count;
        for (size_t i = 0; i < rows->count; i++)
            if (rows->items[i].level == level && !shown[i] &&
                rows->items[i].verdict == RB_VERDICT_PASS && share_of(&rows->items[i]) >= 0 &&
                (best == rows->count || share_of(&rows->items[i]) > share_of(&rows->items[best])))
                best = i;
        if (best < rows->count)
            shown[best] = true;
    }
    return shown;
}

static void print_level(const rb_check_rows *rows, rb_check_level level, bool every, FILE *out) {
    const rb_check_counts counts = rb_check_count(rows, level);
    bool *shown = choose_rows(rows, level, every);
    rb_grid grid = grid_of(rows);
    size_t left = counts.rows;
    for (size_t i = 0; shown && i < rows->count; i++)
        left -= shown[i];
    fprintf(out, "%s: ", rb_check_level_name(level));
    add_counts(&counts, true, out);
    fputc('\n', out);
    grid.row_shown = shown;
    grid.section = (int)level;
    grid.column_shown = of_level_in_summary;
    if (shown && left < counts.rows)
        rb_grid_aligned(&grid, out);
    if (left > 0)
        fprintf(out, "%s%zu more rows; those nearest to their limit are shown\n",
                left < counts.rows ? "... " : "", left);
    for (size_t i = 0; shown && i < rows->count; i++)
        if (shown[i] && rows->items[i].verdict != RB_VERDICT_PASS && rows->items[i].note[0])
            fprintf(out, "%s%s%s: %s: %s\n", rows->items[i].network,
                    rows->items[i].network[0] ? " " : "", rows->items[i].name,
                    rb_verdict_name(rows->items[i].verdict), rows->items[i].note);
    fputc('\n', out);
    free(shown);
}

void rb_check_terminal(const rb_check_rows *rows, bool every, FILE *out) {
    for (int level = 0; level < RB_LEVEL_COUNT; level++)
        if (rb_check_count(rows, (rb_check_level)level).rows > 0)
            print_level(rows, (rb_check_level)level, every, out);
}

void rb_check_markdown(const rb_check_rows *rows, const char *title, FILE *out) {
    fprintf(out, "# %s\n", title);
    for (int level = 0; level < RB_LEVEL_COUNT; level++) {
        const rb_check_counts counts = rb_check_count(rows, (rb_check_level)level);
        bool *shown = counts.rows > 0 ? choose_rows(rows, (rb_check_level)level, true) : NULL;
        rb_grid grid = grid_of(rows);
        grid.row_shown = shown;
        grid.section = level;
        grid.column_shown = of_level;
        if (shown) {
            fprintf(out, "\n## %s\n\n", rb_check_level_name((rb_check_level)level));
            add_counts(&counts, true, out);
            fputs("\n\n", out);
            rb_grid_markdown(&grid, out);
        }
        free(shown);
    }
}

void rb_check_csv(const rb_check_rows *rows, FILE *out) {
    rb_grid grid = grid_of(rows);
    grid.column_shown = in_csv;
    rb_grid_csv(&grid, out);
}
