#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "results/columns.h"
#include "results/compare_report.h"
#include "results/grid.h"

/* IN_PARTS is a cell's name on a terminal, WHOLE the same in Markdown. */
enum { OF_BOTH, ONE_MACHINE, ACROSS, IN_PARTS, WHOLE };

#define TEXT(name, expression)                                                                     \
    static const char *name(const void *row) {                                                     \
        const rb_compared_row *r = row;                                                            \
        return expression;                                                                         \
    }
#define NUMBER(name, expression)                                                                   \
    static double name(const void *all, const void *row) {                                         \
        const rb_compared_row *r = row;                                                            \
        (void)all;                                                                                 \
        return expression;                                                                         \
    }

TEXT(cell, r->cell)
TEXT(network, r->a->network)
TEXT(engine, r->a->engine)
TEXT(mode, r->a->mode)
NUMBER(batch, (double)r->a->batch)
NUMBER(threads, (double)r->a->threads)
NUMBER(height, (double)r->a->height)
NUMBER(width, (double)r->a->width)
NUMBER(a_ms, r->a_ns * 1e-6)
NUMBER(b_ms, r->b_ns * 1e-6)
NUMBER(a_over_base, r->a_over_base)
NUMBER(b_over_base, r->b_over_base)
NUMBER(ratio, r->effect.ratio)
TEXT(interval, r->interval)
TEXT(p_text, r->p_text)
TEXT(parity, r->parity)
TEXT(verdict, rb_compared_name(r->verdict))

#define T(key, title, section, digits, use, get)                                                   \
    { key, title, section, RB_FORMAT_TEXT, digits, RB_COLUMN_##use, get, NULL }
#define N(key, title, section, format, digits, use, get)                                           \
    { key, title, section, RB_FORMAT_##format, digits, RB_COLUMN_##use, NULL, get }

static const rb_column columns[] = {
    T("cell", "cell", WHOLE, 0, DETAIL, cell),
    T("network", "network", IN_PARTS, 0, SUMMARY, network),
    T("engine", "engine", IN_PARTS, 0, SUMMARY, engine),
    N("batch", "batch", IN_PARTS, COUNT, 0, IF_VARIED, batch),
    N("threads", "thr", IN_PARTS, COUNT, 0, IF_VARIED, threads),
    N("height", "h", IN_PARTS, COUNT, 0, IF_VARIED, height),
    N("width", "w", IN_PARTS, COUNT, 0, IF_VARIED, width),
    T("mode", "mode", IN_PARTS, 0, IF_VARIED, mode),
    N("a_ms", "A ms", ONE_MACHINE, SIGNIFICANT, 4, SUMMARY, a_ms),
    N("b_ms", "B ms", ONE_MACHINE, SIGNIFICANT, 4, SUMMARY, b_ms),
    N("a_over_base", "A/base", ACROSS, SIGNIFICANT, 4, SUMMARY, a_over_base),
    N("b_over_base", "B/base", ACROSS, SIGNIFICANT, 4, SUMMARY, b_over_base),
    N("ratio", "B/A", OF_BOTH, SIGNIFICANT, 4, SUMMARY, ratio),
    T("interval", "95%", OF_BOTH, 16, SUMMARY, interval),
    T("p_holm", "p Holm", ONE_MACHINE, 0, SUMMARY, p_text),
    T("parity", "parity", OF_BOTH, 24, SUMMARY, parity),
    T("verdict", "verdict", OF_BOTH, 0, SUMMARY, verdict),
};

static bool has_figures(const rb_grid *grid, const rb_column *column) {
    return column->section == OF_BOTH || column->section == grid->section;
}

static bool on_terminal(const rb_grid *grid, const rb_column *column) {
    return (column->section == IN_PARTS || has_figures(grid, column)) &&
           rb_column_in_summary(grid, column);
}

static bool in_markdown(const rb_grid *grid, const rb_column *column) {
    return column->section == WHOLE || has_figures(grid, column);
}

/* The cells of both files; those of one alone are told in words. */
static rb_grid grid_of(const rb_comparison *c) {
    return (rb_grid){.rows = c->rows,
                     .row_bytes = sizeof *c->rows,
                     .row_count = c->common,
                     .all = c,
                     .columns = columns,
                     .column_count = sizeof columns / sizeof columns[0],
                     .section = c->base ? ACROSS : ONE_MACHINE};
}

void rb_compared_memory_describe(const rb_compared_memory *memory, rb_memory_kind kind, char *text,
                                 size_t capacity) {
    snprintf(text, capacity, "%s %s: %.3f -> %.3f MiB (%+lld bytes)", rb_memory_kind_name(kind),
             rb_memory_change_name(memory->change), rb_mebibytes(memory->a_bytes),
             rb_mebibytes(memory->b_bytes), (long long)(memory->b_bytes - memory->a_bytes));
}

void rb_compared_describe(const rb_comparison *comparison, const rb_compared_row *row, char *text,
                          size_t capacity) {
    if (row->verdict == RB_COMPARED_WRONG || row->verdict == RB_COMPARED_CRASHED ||
        row->verdict == RB_COMPARED_LOST)
        snprintf(text, capacity, "parity %s%s%s", row->parity, row->b->note[0] ? ": " : "",
                 row->b->note);
    else if (!row->a || !row->b)
        snprintf(text, capacity, "only in %s, parity %s", row->a ? "A" : "B", row->parity);
    else if (isnan(row->effect.ratio))
        snprintf(text, capacity, "parity %s; times not compared", row->parity);
    else if (row->effect.test == RB_TEST_NONE)
        snprintf(text, capacity, "B/A %.3f; %zu against %zu processes tell no interval",
                 row->effect.ratio, row->a_workers, row->b_workers);
    else if (comparison->base)
        snprintf(text, capacity, "ratio of ratios %.3f (95 %% %s)", row->effect.ratio,
                 row->interval);
    else
        snprintf(text, capacity, "B/A %.3f (95 %% %s), p %s after Holm over %zu cells",
                 row->effect.ratio, row->interval, row->p_text, comparison->tested);
}

/* One line behind a mark: "" on a terminal, "- " in Markdown. Texts of any origin are in it. */
__attribute__((format(printf, 3, 4))) static void print_line(const char *mark, FILE *out,
                                                             const char *format, ...) {
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    rb_text_clean(text);
    fputs(mark, out);
    if (mark[0])
        rb_markdown_text(text, out);
    else
        fputs(text, out);
    fputc('\n', out);
}

/* What is said under the table. */
static void print_memory(const rb_comparison *c, const char *mark, FILE *out) {
    char text[256];
    for (size_t i = 0; i < c->common; i++)
        for (int kind = 0; kind < RB_MEMORY_KINDS; kind++) {
            const rb_compared_memory *memory = &c->rows[i].memory[kind];
            if (memory->change != RB_MEMORY_GREW && memory->change != RB_MEMORY_SHRANK)
                continue;
            rb_compared_memory_describe(memory, (rb_memory_kind)kind, text, sizeof text);
            print_line(mark, out, "%s: %s", c->rows[i].cell, text);
        }
}

static void print_alone(const rb_compared_row *row, const char *mark, FILE *out) {
    const rb_record *record = row->a ? row->a : row->b;
    print_line(mark, out, "only in %s: %s (%s%s%s)", row->a ? "A" : "B", row->cell, row->parity,
               record->note[0] ? ": " : "", record->note);
}

static void print_notes(const rb_comparison *c, const char *mark, FILE *out) {
    for (size_t i = 0; i < c->common; i++) {
        const rb_compared_row *row = &c->rows[i];
        if (row->b->verdict != RB_VERDICT_PASS && row->b->note[0])
            print_line(mark, out, "%s: B: %s: %s", row->cell, rb_verdict_name(row->b->verdict),
                       row->b->note);
    }
    for (size_t i = c->common; i < c->count; i++)
        print_alone(&c->rows[i], mark, out);
}

static bool is_first_of_engine(const rb_comparison *c, size_t index) {
    for (size_t i = 0; i < index; i++)
        if (strcmp(c->rows[i].a->engine, c->rows[index].a->engine) == 0)
            return false;
    return true;
}

static void print_engines(const rb_comparison *c, const char *mark, FILE *out) {
    for (size_t i = 0; i < c->common; i++) {
        const rb_record *a = c->rows[i].a, *b = c->rows[i].b;
        if (!is_first_of_engine(c, i))
            continue;
        if (strcmp(a->engine_version, b->engine_version) != 0)
            print_line(mark, out, "engine %s: %s in A, %s in B", a->engine, a->engine_version,
                       b->engine_version);
        else if (strcmp(a->engine_sha256, b->engine_sha256) != 0)
            print_line(mark, out, "engine %s: the same version, but another file in B", a->engine);
    }
}

static void print_differences(const rb_difference *differences, size_t count, const char *mark,
                              FILE *out) {
    for (size_t i = 0; i < count; i++)
        print_line(mark, out, "%s: %s in A, %s in B", differences[i].member, differences[i].a,
                   differences[i].b);
}

static bool is_first_of_threads(const rb_comparison *c, size_t index) {
    for (size_t i = 0; i < index; i++)
        if (c->rows[i].a->threads == c->rows[index].a->threads)
            return false;
    return true;
}

/* Two files are two occasions: the machine's own speed is the same, or explains a ratio. */
static void print_peaks(const rb_comparison *c, const char *mark, FILE *out) {
    const double most = 1 + c->limits.threshold;
    for (size_t i = 0; !c->base && i < c->common; i++) {
        const double a = c->rows[i].a->peak_gmacs, b = c->rows[i].b->peak_gmacs;
        if (is_first_of_threads(c, i) && a > 0 && b > 0 && (a / b > most || b / a > most))
            print_line(mark, out,
                       "the machine's own peak with %d thread%s: %.1f GMAC/s in A, %.1f in B "
                       "(%+.0f %%); the ratios have this in them",
                       c->rows[i].a->threads, c->rows[i].a->threads == 1 ? "" : "s", a, b,
                       100 * (b / a - 1));
    }
}

static size_t count_test(const rb_comparison *c, rb_effect_test test) {
    size_t count = 0;
    for (size_t i = 0; i < c->common; i++)
        count += !isnan(c->rows[i].effect.ratio) && c->rows[i].effect.test == test;
    return count;
}

/* Right and timed in both files, but without a base to be put in relation to. */
static size_t count_without_base(const rb_comparison *c) {
    size_t count = 0;
    for (size_t i = 0; i < c->common; i++) {
        const rb_record *a = c->rows[i].a, *b = c->rows[i].b;
        count +=
            c->rows[i].verdict == RB_COMPARED_NOTHING && a->sample_count > 0 && b->sample_count > 0;
    }
    return count;
}

/* What the figures mean. */
static void print_method(const rb_comparison *c, const char *mark, FILE *out) {
    if (c->base) {
        print_line(mark, out,
                   "ratios of ratios only; A/base, B/base: time over that of %s in the same file",
                   c->base);
        if (count_without_base(c) > 0)
            print_line(mark, out, "%zu cells have no right and timed result of %s in both files",
                       count_without_base(c), c->base);
        return;
    }
    print_line(mark, out,
               "threshold %g %%, level %g after Holm over %zu cells; times: geometric mean of the "
               "processes' medians",
               100 * c->limits.threshold, c->limits.alpha, c->tested);
    if (count_test(c, RB_TEST_WELCH) > 0)
        print_line(
            mark, out,
            "p: Welch's test in %zu cells, which takes processes to differ log-normally; more of "
            "them (--full) allow the exact one",
            count_test(c, RB_TEST_WELCH));
    if (count_test(c, RB_TEST_NONE) > 0)
        print_line(mark, out, "TOO FEW: a single process in one of the files tells no interval");
    if (rb_comparison_count(c, RB_COMPARED_UNCLEAR) > 0)
        print_line(
            mark, out,
            "UNCLEAR: neither a difference beyond the threshold is shown nor its absence; more "
            "tell --full, 'resbench gate'");
}

/* How often each verdict is among rows first to end - 1. */
static void print_verdicts(const rb_comparison *c, size_t first, size_t end, FILE *out) {
    const char *comma = " ";
    for (int v = 0; v < RB_COMPARED_COUNT; v++) {
        size_t count = 0;
        for (size_t i = first; i < end; i++)
            count += c->rows[i].verdict == (rb_compared)v;
        if (count > 0) {
            fprintf(out, "%s%zu %s", comma, count,
                    v == RB_COMPARED_NOTHING ? "not compared" : rb_compared_name((rb_compared)v));
            comma = ", ";
        }
    }
}

static void print_summary(const rb_comparison *c, FILE *out) {
    fprintf(out, "%zu cell%s in both files:", c->common, c->common == 1 ? "" : "s");
    print_verdicts(c, 0, c->common, out);
    if (c->count > c->common) {
        fprintf(out, "; %zu in one alone:", c->count - c->common);
        print_verdicts(c, c->common, c->count, out);
    }
    const size_t grew = rb_comparison_memory_count(c, RB_MEMORY_GREW);
    if (grew > 0)
        fprintf(out, "; memory grew in %zu figure%s", grew, grew == 1 ? "" : "s");
}

static void print_below(const rb_compare_report *report, const char *mark, FILE *out) {
    const rb_comparison *c = report->comparison;
    const rb_likeness *likeness = report->likeness;
    print_memory(c, mark, out);
    print_notes(c, mark, out);
    print_engines(c, mark, out);
    print_differences(likeness->machine, likeness->machine_count, mark, out);
    print_differences(likeness->shown, likeness->shown_count, mark, out);
    print_peaks(c, mark, out);
    print_method(c, mark, out);
}

static void print_side(const char *mark, const char *side, const char *path,
                       const rb_report *report, FILE *out) {
    const char *date = json_string_value(json_object_get(report->context, "date"));
    const char *model = json_string_value(json_object_get(report->context, "cpu_model"));
    print_line(mark, out, "%s: %s, %.60s, %.40s", side, path, model ? model : "unknown processor",
               date ? date : "no date");
}

void rb_compare_terminal(const rb_compare_report *report, FILE *out) {
    rb_grid grid = grid_of(report->comparison);
    grid.column_shown = on_terminal;
    print_side("", "A", report->a_path, report->a, out);
    print_side("", "B", report->b_path, report->b, out);
    fputc('\n', out);
    rb_grid_aligned(&grid, out);
    fputc('\n', out);
    print_below(report, "", out);
    print_summary(report->comparison, out);
    fputc('\n', out);
}

void rb_compare_markdown(const rb_compare_report *report, FILE *out) {
    rb_grid grid = grid_of(report->comparison);
    grid.column_shown = in_markdown;
    fputs("### resbench compare\n\n**", out);
    print_summary(report->comparison, out);
    fputs("**\n\n", out);
    rb_grid_markdown(&grid, out);
    fputs("\n<details><summary>Files, memory, method</summary>\n\n", out);
    print_side("- ", "A", report->a_path, report->a, out);
    print_side("- ", "B", report->b_path, report->b, out);
    print_below(report, "- ", out);
    fputs("\n</details>\n", out);
}
