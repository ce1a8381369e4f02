#include "results/accuracy_tables.h"

#include <math.h>
#include <string.h>

#include "results/grid.h"

#define TERMINAL_DIFFERENCES 10

/* An engine with its sums: what a column is a view of. */
typedef struct row {
    const rb_accuracy_engine *engine;
    rb_accuracy_sums sums;
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

/* NaN where there is nothing to count. */
static double counted(int64_t of, int64_t value) {
    return of > 0 ? (double)value : NAN;
}

static double low_percent(int64_t right, int64_t all) {
    double low, high;
    rb_wilson(right, all, &low, &high);
    return 100 * low;
}

static double high_percent(int64_t right, int64_t all) {
    double low, high;
    rb_wilson(right, all, &low, &high);
    return 100 * high;
}

TEXT(engine, r->engine->engine)
TEXT(version, r->engine->version)
TEXT(verdict, rb_verdict_name(r->engine->verdict))
TEXT(note, r->engine->note)
NUMBER(images, (double)r->engine->done)
NUMBER(labelled, (double)r->sums.labelled)
NUMBER(top1_right, counted(r->sums.labelled, r->sums.top1_right))
NUMBER(top1, 100 * (double)r->sums.top1_right / (double)r->sums.labelled)
NUMBER(top1_low, low_percent(r->sums.top1_right, r->sums.labelled))
NUMBER(top1_high, high_percent(r->sums.top1_right, r->sums.labelled))
NUMBER(top5_right, counted(r->sums.labelled, r->sums.top5_right))
NUMBER(top5, 100 * (double)r->sums.top5_right / (double)r->sums.labelled)
NUMBER(top5_low, low_percent(r->sums.top5_right, r->sums.labelled))
NUMBER(top5_high, high_percent(r->sums.top5_right, r->sums.labelled))
NUMBER(images_per_second, r->sums.images_per_second)
NUMBER(differ, counted(r->sums.compared, r->sums.differ))
NUMBER(outside, counted(r->sums.compared, r->sums.outside))
NUMBER(near_ties, counted(r->sums.compared, r->sums.near_ties))
NUMBER(max_abs_error, r->sums.max_abs_error)
NUMBER(rel_l2, r->sums.rel_l2)
NUMBER(rel_l2_limit, r->engine->rel_l2_limit)

#define T(key, title, use, get)                                                                    \
    { key, title, 0, RB_FORMAT_TEXT, 0, RB_COLUMN_##use, get, NULL }
#define N(key, title, format, digits, use, get)                                                    \
    { key, title, 0, RB_FORMAT_##format, digits, RB_COLUMN_##use, NULL, get }

static const rb_column columns[] = {
    T("engine", "engine", SUMMARY, engine),
    T("parity", "parity", SUMMARY, verdict),
    N("images", "images", COUNT, 0, SUMMARY, images),
    N("labelled", "labelled", COUNT, 0, DETAIL, labelled),
    N("top1_right", "right", COUNT, 0, SUMMARY, top1_right),
    N("top1_percent", "top-1 %", FIXED, 2, SUMMARY, top1),
    N("top1_low_percent", "from", FIXED, 2, SUMMARY, top1_low),
    N("top1_high_percent", "to", FIXED, 2, SUMMARY, top1_high),
    N("top5_right", "top-5 right", COUNT, 0, DETAIL, top5_right),
    N("top5_percent", "top-5 %", FIXED, 2, SUMMARY, top5),
    N("top5_low_percent", "from", FIXED, 2, DETAIL, top5_low),
    N("top5_high_percent", "to", FIXED, 2, DETAIL, top5_high),
    N("images_per_second", "img/s", SIGNIFICANT, 4, SUMMARY, images_per_second),
    N("differ", "differ", COUNT, 0, SUMMARY, differ),
    N("differ_outside_rule", "outside", COUNT, 0, DETAIL, outside),
    N("near_ties", "near ties", COUNT, 0, SUMMARY, near_ties),
    N("max_abs_error", "max error", SCIENTIFIC, 1, DETAIL, max_abs_error),
    N("rel_l2", "rel. L2", SCIENTIFIC, 1, SUMMARY, rel_l2),
    N("rel_l2_limit", "limit", SCIENTIFIC, 1, SUMMARY, rel_l2_limit),
    T("engine_version", "version", DETAIL, version),
    T("note", "note", DETAIL, note),
};
static const size_t column_count = sizeof columns / sizeof columns[0];

static void sum_rows(const rb_accuracy *accuracy, row rows[RB_ACCURACY_MAX_ENGINES]) {
    for (size_t e = 0; e < accuracy->engine_count; e++)
        rows[e] = (row){.engine = &accuracy->engines[e],
                        .sums = rb_accuracy_sum(accuracy, &accuracy->engines[e])};
}

static void print_engines(const rb_accuracy *accuracy, bool summary,
                          void (*print)(const rb_grid *grid, FILE *out), FILE *out) {
    row rows[RB_ACCURACY_MAX_ENGINES];
    sum_rows(accuracy, rows);
    const rb_grid grid = {.rows = rows,
                          .row_bytes = sizeof *rows,
                          .row_count = accuracy->engine_count,
                          .columns = columns,
                          .column_count = column_count,
                          .column_shown = summary ? rb_column_in_summary : NULL};
    print(&grid, out);
}

static void print_pairs(const rb_accuracy *accuracy, const char *bullet, FILE *out) {
    for (size_t a = 0; a < accuracy->engine_count; a++)
        for (size_t b = a + 1; b < accuracy->engine_count; b++) {
            int64_t images, same;
            rb_accuracy_agreement(&accuracy->engines[a], &accuracy->engines[b], &images, &same);
            if (images == 0)
                continue;
            fprintf(out, "%s%s and %s: the same top-1 on %lld of %lld images\n", bullet,
                    accuracy->engines[a].engine, accuracy->engines[b].engine, (long long)same,
                    (long long)images);
        }
}

/* One image on which an engine and the oracle differ. */
static void print_difference(const rb_accuracy *accuracy, const rb_accuracy_engine *engine,
                             int64_t i, double limit, const char *bullet, FILE *out) {
    const rb_accuracy_image *truth = &rb_accuracy_oracle(accuracy)->images[i];
    const rb_accuracy_image *image = &engine->images[i];
    const int64_t number = accuracy->first + i;
    const char *name = accuracy->name(accuracy->name_ctx, number);
    fprintf(out, "%simage %lld%s%s%s: oracle %d (%.9g)", bullet, (long long)number,
            *name ? " (" : "", name, *name ? ")" : "", truth->top1, truth->score);
    if (image->top1 < 0)
        fprintf(out, ", %s: not finite", engine->engine);
    else
        fprintf(out, ", %s %d (%.9g, the oracle's %.9g)", engine->engine, image->top1, image->score,
                image->oracle_score);
    fprintf(out, "; margin %.2e, limit %.2e: %s\n", truth->margin, limit,
            rb_accuracy_may_differ(truth, limit) ? "within the rule" : "outside the rule");
}

/* At most `most` of one engine; how many there were. */
static int64_t print_differences(const rb_accuracy *accuracy, const rb_accuracy_engine *engine,
                                 int64_t most, const char *bullet, FILE *out) {
    const rb_accuracy_engine *oracle = rb_accuracy_oracle(accuracy);
    const double limit = rb_accuracy_sum(accuracy, engine).margin_limit;
    int64_t found = 0;
    for (int64_t i = 0; i < engine->done && i < oracle->done; i++)
        if (rb_accuracy_differs(&oracle->images[i], &engine->images[i]) && found++ < most)
            print_difference(accuracy, engine, i, limit, bullet, out);
    return found;
}

static void print_notes(const rb_accuracy *accuracy, const char *bullet, FILE *out) {
    for (size_t e = 0; e < accuracy->engine_count; e++)
        if (accuracy->engines[e].note[0]) {
            const rb_verdict verdict = accuracy->engines[e].verdict;
            fprintf(out, "%s%s: %s%s%s\n", bullet, accuracy->engines[e].engine,
                    verdict == RB_VERDICT_NONE ? "" : rb_verdict_name(verdict),
                    verdict == RB_VERDICT_NONE ? "" : ": ", accuracy->engines[e].note);
        }
    if (rb_accuracy_is_part(accuracy))
        fprintf(out,
                "%snote: a part of the images, not judged: 'resbench merge' judges all parts "
                "together\n",
                bullet);
    for (size_t n = 0; n < accuracy->note_count; n++)
        fprintf(out, "%snote: %s\n", bullet, accuracy->notes[n]);
}

void rb_accuracy_terminal(const rb_accuracy *accuracy, FILE *out) {
    print_engines(accuracy, true, rb_grid_aligned, out);
    fputs("from, to: Wilson's 95 % interval of top-1; img/s: calls alone, the first included\n\n",
          out);
    print_pairs(accuracy, "", out);
    print_notes(accuracy, "", out);
    for (size_t e = 0; rb_accuracy_oracle(accuracy) && e < accuracy->engine_count; e++) {
        const int64_t found =
            print_differences(accuracy, &accuracy->engines[e], TERMINAL_DIFFERENCES, "", out);
        if (found > TERMINAL_DIFFERENCES)
            fprintf(out, "%s: %lld more images differ; accuracy.md names them\n",
                    accuracy->engines[e].engine, (long long)(found - TERMINAL_DIFFERENCES));
    }
}

void rb_accuracy_markdown(const rb_accuracy *accuracy, FILE *out) {
    fprintf(out, "# %s\n\n", accuracy->title);
    print_engines(accuracy, false, rb_grid_markdown, out);
    fputs("\n`from` and `to` are Wilson's 95 % interval; img/s are the engine's calls alone, the "
          "first included.\n\n",
          out);
    print_notes(accuracy, "- ", out);
    if (accuracy->engine_count > 1) {
        fputs("\n## Agreement\n\n", out);
        print_pairs(accuracy, "- ", out);
    }
    if (!rb_accuracy_oracle(accuracy))
        return;
    fputs("\n## Images on which an engine and the oracle differ\n\n", out);
    int64_t found = 0;
    for (size_t e = 0; e < accuracy->engine_count; e++)
        found += print_differences(accuracy, &accuracy->engines[e], INT64_MAX, "- ", out);
    if (found == 0)
        fputs("None.\n", out);
}

void rb_accuracy_csv(const rb_accuracy *accuracy, FILE *out) {
    print_engines(accuracy, false, rb_grid_csv, out);
}

json_t *rb_accuracy_row(const rb_accuracy *accuracy, size_t engine) {
    const row r = {.engine = &accuracy->engines[engine],
                   .sums = rb_accuracy_sum(accuracy, &accuracy->engines[engine])};
    json_t *object = json_object();
    for (size_t c = 0; c < column_count; c++) {
        const double value = columns[c].number ? columns[c].number(NULL, &r) : NAN;
        json_t *member = columns[c].text                        ? json_string(columns[c].text(&r))
                         : !isfinite(value)                     ? json_null()
                         : columns[c].format == RB_FORMAT_COUNT ? json_integer((json_int_t)value)
                                                                : json_real(value);
        json_object_set_new(object, columns[c].key, member);
    }
    return object;
}
