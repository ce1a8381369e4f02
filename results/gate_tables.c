#include "results/gate_tables.h"

#include <math.h>

#include "results/columns.h"
#include "results/grid.h"

#define TEXT(name, expression)                                                                     \
    static const char *name(const void *row) {                                                     \
        const rb_gate_row *r = row;                                                                \
        return expression;                                                                         \
    }
#define NUMBER(name, expression)                                                                   \
    static double name(const void *all, const void *row) {                                         \
        const rb_gate_row *r = row;                                                                \
        (void)all;                                                                                 \
        return expression;                                                                         \
    }

/* The series that the verdict rests on: the last one. */
static const rb_gate_series *last(const rb_gate_row *row) {
    static const rb_gate_series none = {
        .ratio = NAN, .low = NAN, .high = NAN, .p_slower = NAN, .p_detect = NAN};
    return row->series_count > 0 ? &row->series[row->series_count - 1] : &none;
}

static double percent(double ratio) {
    return 100 * (ratio - 1);
}

static double held(const rb_gate_half *half) {
    double bytes = 0;
    for (int kind = 0; kind < RB_MEMORY_KINDS; kind++)
        bytes += half->held.bytes[kind] > 0 ? (double)half->held.bytes[kind] : 0;
    return bytes / (1 << 20);
}

static double measured(const rb_gate_row *row, double value) {
    return row->series_count > 0 ? value : NAN;
}

TEXT(network, r->network)
TEXT(engine, r->engine)
TEXT(word, rb_gate_row_word(r))
NUMBER(batch, (double)r->batch)
NUMBER(threads, (double)r->threads)
NUMBER(height, (double)r->height)
NUMBER(width, (double)r->width)
NUMBER(base_ms, measured(r, r->base.ns * 1e-6))
NUMBER(head_ms, measured(r, r->head.ns * 1e-6))
NUMBER(slower_percent, percent(last(r)->ratio))
NUMBER(low_percent, percent(last(r)->low))
NUMBER(high_percent, percent(last(r)->high))
NUMBER(p, r->series_count > 0 ? r->p_adjusted[r->series_count - 1] : NAN)
NUMBER(series, (double)r->series_count)
NUMBER(base_mib, measured(r, held(&r->base)))
NUMBER(head_mib, measured(r, held(&r->head)))
NUMBER(grown_bytes, measured(r, (double)rb_gate_row_grown_bytes(r)))

#define T(key, title, digits, get)                                                                 \
    { key, title, 0, RB_FORMAT_TEXT, digits, RB_COLUMN_SUMMARY, get, NULL }
#define N(key, title, format, digits, use, get)                                                    \
    { key, title, 0, RB_FORMAT_##format, digits, RB_COLUMN_##use, NULL, get }

static const rb_column columns[] = {
    T("verdict", "verdict", 0, word),
    T("network", "network", 0, network),
    T("engine", "engine", 0, engine),
    N("batch", "batch", COUNT, 0, SUMMARY, batch),
    N("threads", "threads", COUNT, 0, IF_VARIED, threads),
    N("height", "height", COUNT, 0, IF_VARIED, height),
    N("width", "width", COUNT, 0, IF_VARIED, width),
    N("base_ms", "base ms", SIGNIFICANT, 4, SUMMARY, base_ms),
    N("head_ms", "head ms", SIGNIFICANT, 4, SUMMARY, head_ms),
    N("slower_percent", "slower %", FIXED, 2, SUMMARY, slower_percent),
    N("low_percent", "from", FIXED, 2, SUMMARY, low_percent),
    N("high_percent", "to", FIXED, 2, SUMMARY, high_percent),
    N("p", "p", SIGNIFICANT, 2, SUMMARY, p),
    N("series", "series", COUNT, 0, SUMMARY, series),
    N("base_mib", "base MiB", FIXED, 2, SUMMARY, base_mib),
    N("head_mib", "head MiB", FIXED, 2, SUMMARY, head_mib),
    N("grown_bytes", "grown bytes", COUNT, 0, WITH_ROOM, grown_bytes),
};

static rb_grid grid_of(const rb_gate_rows *rows) {
    return (rb_grid){.rows = rows->items,
                     .row_bytes = sizeof rows->items[0],
                     .row_count = rows->count,
                     .columns = columns,
                     .column_count = sizeof columns / sizeof columns[0],
                     .column_shown = rb_column_in_summary};
}

rb_gate_outcome rb_gate_rows_outcome(const rb_gate_rows *rows) {
    rb_gate_outcome worst = RB_GATE_PASSED;
    for (size_t i = 0; i < rows->count; i++) {
        const rb_gate_outcome outcome = rb_gate_row_outcome(&rows->items[i]);
        worst = outcome > worst ? outcome : worst;
    }
    return worst;
}

static void print_notes(const rb_gate_rows *rows, const char *before, FILE *out) {
    char name[256];
    for (size_t i = 0; i < rows->count; i++)
        if (rows->items[i].note[0]) {
            rb_gate_row_name(&rows->items[i], name, sizeof name);
            fprintf(out, "%s%s: %s\n", before, name, rows->items[i].note);
        }
}

static void print_sentence(const rb_gate_rows *rows, FILE *out) {
    static const char *const sentences[RB_GATE_OUTCOME_COUNT] = {
        "Head is not slower and takes no more memory.",
        "This machine is too noisy to tell: a slowdown is neither shown nor excluded.",
        "Base does not work everywhere: there is nothing to compare with.",
        "Head has lost: it is slower, or takes more memory.",
        "Head does not run everywhere.",
        "Head computes something else.",
    };
    const rb_gate_limits *limits = &rows->limits;
    fputs(rows->broken_off ? "The gate was broken off: rows that are OPEN have no verdict."
                           : sentences[rb_gate_rows_outcome(rows)],
          out);
    fprintf(out,
            " An alarm needs more than %g %%, twice; what is fine excludes %g %%. Series of %zu "
            "rounds, a pair of fresh processes each; level %g.\n",
            100 * limits->tolerance, 100 * limits->detect, rows->rounds, limits->alpha);
}

void rb_gate_terminal(const rb_gate_rows *rows, FILE *out) {
    const rb_grid grid = grid_of(rows);
    rb_grid_aligned(&grid, out);
    print_notes(rows, "", out);
    fputc('\n', out);
    print_sentence(rows, out);
}

void rb_gate_markdown(const rb_gate_rows *rows, const char *title, FILE *out) {
    const rb_grid grid = grid_of(rows);
    fprintf(out, "### %s\n\n", title);
    print_sentence(rows, out);
    fputc('\n', out);
    rb_grid_markdown(&grid, out);
    fputc('\n', out);
    print_notes(rows, "- ", out);
}

#define TALLY(name, expression)                                                                    \
    static double name(const void *all, const void *row) {                                         \
        const rb_gate_tally *t = row;                                                              \
        (void)all;                                                                                 \
        return expression;                                                                         \
    }

TALLY(injected, 100 * t->slowdown)
TALLY(found, percent(t->ratio))
TALLY(half_width, 100 * t->half_width)
TALLY(gates, (double)t->gates)
TALLY(fine, (double)t->fine)
TALLY(noisy, (double)t->noisy)
TALLY(slower, (double)t->slower)
TALLY(reruns, (double)t->reruns)
TALLY(longest, t->longest_s)

static const rb_column tally_columns[] = {
    N("injected_percent", "injected %", SIGNIFICANT, 3, SUMMARY, injected),
    N("gates", "gates", COUNT, 0, SUMMARY, gates),
    N("fine", "fine", COUNT, 0, SUMMARY, fine),
    N("noisy", "noisy", COUNT, 0, SUMMARY, noisy),
    N("slower", "slower", COUNT, 0, SUMMARY, slower),
    N("reruns", "rerun", COUNT, 0, SUMMARY, reruns),
    N("found_percent", "found %", FIXED, 2, SUMMARY, found),
    N("half_width_percent", "+-", FIXED, 2, SUMMARY, half_width),
    N("longest_s", "longest s", FIXED, 1, SUMMARY, longest),
};

static rb_grid tally_grid(const rb_gate_tally *tallies, size_t count) {
    return (rb_grid){.rows = tallies,
                     .row_bytes = sizeof *tallies,
                     .row_count = count,
                     .columns = tally_columns,
                     .column_count = sizeof tally_columns / sizeof tally_columns[0]};
}

void rb_gate_tally_terminal(const rb_gate_tally *tallies, size_t count, FILE *out) {
    const rb_grid grid = tally_grid(tallies, count);
    rb_grid_aligned(&grid, out);
}

void rb_gate_tally_markdown(const rb_gate_tally *tallies, size_t count, FILE *out) {
    const rb_grid grid = tally_grid(tallies, count);
    rb_grid_markdown(&grid, out);
}
