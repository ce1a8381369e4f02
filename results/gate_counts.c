#include "results/gate_counts.h"

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "results/grid.h"
#include "results/json_fields.h"
#include "results/report_file.h"

#define FIELD(kind, name) RB_JSON_FIELD(rb_gate_count, kind, name)

static const rb_json_field fields[] = {
    FIELD(TEXT, network),           FIELD(TEXT, engine),         FIELD(INT64, batch),
    FIELD(INT64, height),           FIELD(INT64, width),         FIELD(TEXT, engine_version),
    FIELD(TEXT, kernel_plan),       FIELD(INT64, instructions),  FIELD(INT64, weight_bytes),
    FIELD(INT64, activation_bytes), FIELD(INT64, scratch_bytes),
};
static const size_t field_count = sizeof fields / sizeof fields[0];

rb_status rb_gate_counts_write(const char *path, const rb_gate_counts *counts, rb_error *err) {
    json_t *root = json_object(), *rows = json_array();
    for (size_t i = 0; i < counts->count; i++) {
        json_t *row = json_object();
        rb_json_fields_write(fields, field_count, &counts->items[i], row);
        json_array_append_new(rows, row);
    }
    json_object_set_new(root, "schema_version", json_integer(RB_COUNTS_SCHEMA));
    json_object_set_new(root, "tool", json_string(counts->tool));
    json_object_set_new(root, "rows", rows);
    return rb_report_json(NULL, path, root, JSON_INDENT(1), err);
}

static const rb_gate_count *find(const rb_gate_counts *counts, const rb_gate_count *cell) {
    for (size_t i = 0; i < counts->count; i++) {
        const rb_gate_count *other = &counts->items[i];
        if (strcmp(other->network, cell->network) == 0 &&
            strcmp(other->engine, cell->engine) == 0 && other->batch == cell->batch &&
            other->height == cell->height && other->width == cell->width)
            return other;
    }
    return NULL;
}

/* Texts of a file that end up on a terminal. */
static void clean(rb_gate_count *row) {
    rb_text_clean(row->network);
    rb_text_clean(row->engine);
    rb_text_clean(row->engine_version);
    rb_text_clean(row->kernel_plan);
}

static rb_status read_rows(const json_t *root, const char *path, rb_gate_counts *counts,
                           rb_error *err) {
    const json_t *rows = json_object_get(root, "rows");
    const char *tool = json_string_value(json_object_get(root, "tool"));
    if (json_integer_value(json_object_get(root, "schema_version")) != RB_COUNTS_SCHEMA || !tool ||
        !json_is_array(rows))
        return rb_fail(err, RB_ERR_INPUT,
                       "%s: is no baseline of counts: expected schema_version %d, tool and rows",
                       path, RB_COUNTS_SCHEMA);
    if (json_array_size(rows) > RB_GATE_MAX_ROWS)
        return rb_fail(err, RB_ERR_INPUT, "%s: has %zu rows, expected at most %d", path,
                       json_array_size(rows), RB_GATE_MAX_ROWS);
    snprintf(counts->tool, sizeof counts->tool, "%s", tool);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        rb_error why;
        const rb_status status = rb_json_fields_read(fields, field_count, json_array_get(rows, i),
                                                     &counts->items[i], &why);
        if (status != RB_OK)
            return rb_fail(err, status, "%s: row %zu: %.900s", path, i + 1, why.message);
        if (find(counts, &counts->items[i]))
            return rb_fail(err, RB_ERR_INPUT, "%s: row %zu is a cell that an earlier row has", path,
                           i + 1);
        clean(&counts->items[i]);
        if (counts->items[i].instructions < 1)
            return rb_fail(err, RB_ERR_INPUT, "%s: row %zu: instructions must be 1 or more", path,
                           i + 1);
        counts->count++;
    }
    return RB_OK;
}

rb_status rb_gate_counts_read(const char *path, rb_gate_counts *counts, rb_error *err) {
    json_t *root;
    *counts = (rb_gate_counts){0};
    rb_status status = rb_report_load_json(path, JSON_REJECT_DUPLICATES, &root, err);
    if (status == RB_OK)
        status = read_rows(root, path, counts, err);
    json_decref(root);
    return status;
}

static bool grew(int64_t base, int64_t head) {
    return base >= 0 && head > base;
}

static void judge(rb_gate_count_pair *pair, bool same_tool, double tolerance) {
    const rb_gate_count *base = pair->base, *head = pair->head;
    const double allowed = base ? (double)base->instructions * (1 + tolerance) : 0;
    const struct {
        bool is;
        rb_gate_outcome outcome;
        const char *word;
    } rules[] = {
        {head->instructions < 0, RB_GATE_BROKEN, "CRASHED"},
        {head->parity != RB_VERDICT_PASS, RB_GATE_INCORRECT, "WRONG"},
        {!base, RB_GATE_UNCOMPARED, "NEW"},
        {base && (!same_tool || strcmp(base->kernel_plan, head->kernel_plan) != 0),
         RB_GATE_UNCOMPARED, "OTHER"},
        {base && (grew(base->weight_bytes, head->weight_bytes) ||
                  grew(base->activation_bytes, head->activation_bytes) ||
                  grew(base->scratch_bytes, head->scratch_bytes)),
         RB_GATE_LOST, "GREW"},
        {base && (double)head->instructions > allowed, RB_GATE_LOST, "MORE"},
        {base && (double)head->instructions < (double)base->instructions * (1 - tolerance),
         RB_GATE_PASSED, "FEWER"},
        {true, RB_GATE_PASSED, "FINE"},
    };
    size_t r = 0;
    while (!rules[r].is)
        r++;
    pair->outcome = rules[r].outcome;
    pair->word = rules[r].word;
}

void rb_gate_counts_compare(const rb_gate_counts *base, const rb_gate_counts *head,
                            double tolerance, rb_gate_count_pair *pairs) {
    for (size_t i = 0; i < head->count; i++) {
        pairs[i] =
            (rb_gate_count_pair){.base = find(base, &head->items[i]), .head = &head->items[i]};
        judge(&pairs[i], strcmp(base->tool, head->tool) == 0, tolerance);
    }
}

#define TEXT(name, expression)                                                                     \
    static const char *name(const void *row) {                                                     \
        const rb_gate_count_pair *p = row;                                                         \
        return expression;                                                                         \
    }
#define NUMBER(name, expression)                                                                   \
    static double name(const void *all, const void *row) {                                         \
        const rb_gate_count_pair *p = row;                                                         \
        (void)all;                                                                                 \
        return expression;                                                                         \
    }

static double known(int64_t value) {
    return value < 0 ? NAN : (double)value;
}

static double mebibytes(const rb_gate_count *count) {
    double bytes = 0;
    bytes += count->weight_bytes > 0 ? (double)count->weight_bytes : 0;
    bytes += count->activation_bytes > 0 ? (double)count->activation_bytes : 0;
    bytes += count->scratch_bytes > 0 ? (double)count->scratch_bytes : 0;
    return count->instructions < 0 ? NAN : bytes / (1 << 20);
}

static double added_percent(const rb_gate_count_pair *p) {
    if (!p->base || p->head->instructions < 0)
        return NAN;
    return 100 * ((double)p->head->instructions / (double)p->base->instructions - 1);
}

TEXT(word, p->word)
TEXT(network, p->head->network)
TEXT(engine, p->head->engine)
NUMBER(batch, (double)p->head->batch)
NUMBER(height, (double)p->head->height)
NUMBER(width, (double)p->head->width)
NUMBER(base_instructions, p->base ? known(p->base->instructions) : NAN)
NUMBER(head_instructions, known(p->head->instructions))
NUMBER(added, added_percent(p))
NUMBER(base_mib, p->base ? mebibytes(p->base) : NAN)
NUMBER(head_mib, mebibytes(p->head))

#define T(key, title, get)                                                                         \
    { key, title, 0, RB_FORMAT_TEXT, 0, RB_COLUMN_SUMMARY, get, NULL }
#define N(key, title, format, digits, use, get)                                                    \
    { key, title, 0, RB_FORMAT_##format, digits, RB_COLUMN_##use, NULL, get }

static const rb_column columns[] = {
    T("verdict", "verdict", word),
    T("network", "network", network),
    T("engine", "engine", engine),
    N("batch", "batch", COUNT, 0, SUMMARY, batch),
    N("height", "height", COUNT, 0, IF_VARIED, height),
    N("width", "width", COUNT, 0, IF_VARIED, width),
    N("base_instructions", "base instr.", COUNT, 0, SUMMARY, base_instructions),
    N("head_instructions", "head instr.", COUNT, 0, SUMMARY, head_instructions),
    N("added_percent", "added %", FIXED, 3, SUMMARY, added),
    N("base_mib", "base MiB", FIXED, 3, SUMMARY, base_mib),
    N("head_mib", "head MiB", FIXED, 3, SUMMARY, head_mib),
};

static rb_grid grid_of(const rb_gate_count_pair *pairs, size_t count) {
    return (rb_grid){.rows = pairs,
                     .row_bytes = sizeof *pairs,
                     .row_count = count,
                     .columns = columns,
                     .column_count = sizeof columns / sizeof columns[0],
                     .column_shown = rb_column_in_summary};
}

static void print_notes(const rb_gate_count_pair *pairs, size_t count, FILE *out) {
    for (size_t i = 0; i < count; i++) {
        const rb_gate_count *head = pairs[i].head;
        if (head->note[0])
            fprintf(out, "%s/%s: %s\n", head->network, head->engine, head->note);
        else if (strcmp(pairs[i].word, "OTHER") == 0)
            fprintf(out,
                    "%s/%s: other kernels or another valgrind than the baseline's (plans %s and "
                    "%s): make a new baseline\n",
                    head->network, head->engine, pairs[i].base->kernel_plan, head->kernel_plan);
        else if (strcmp(pairs[i].word, "FEWER") == 0)
            fprintf(out, "%s/%s: fewer than the baseline's: --update keeps the gain\n",
                    head->network, head->engine);
    }
}

void rb_gate_counts_terminal(const rb_gate_count_pair *pairs, size_t count, FILE *out) {
    const rb_grid grid = grid_of(pairs, count);
    rb_grid_aligned(&grid, out);
    print_notes(pairs, count, out);
}

void rb_gate_counts_markdown(const rb_gate_count_pair *pairs, size_t count, FILE *out) {
    const rb_grid grid = grid_of(pairs, count);
    fputs("### resbench gate: instructions and bytes against the baseline\n\n", out);
    rb_grid_markdown(&grid, out);
    fputc('\n', out);
    print_notes(pairs, count, out);
}
