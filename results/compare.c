#include "results/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "results/grid.h"
#include "results/holm.h"

const rb_compare_limits rb_compare_default_limits = {
    .alpha = 0.05, .threshold = 0.05, .rss_tolerance = 0.05};

const char *rb_compared_name(rb_compared verdict) {
    static const char *const names[RB_COMPARED_COUNT] = {"SAME",    "FASTER", "SLOWER", "UNCLEAR",
                                                         "TOO FEW", "RATIO",  "WRONG",  "CRASHED",
                                                         "LOST",    "NEW",    "-"};
    return names[verdict];
}

const char *rb_memory_kind_name(rb_memory_kind kind) {
    static const char *const names[] = {"weights", "packed weights", "activations", "scratch",
                                        "peak RSS"};
    return names[kind];
}

const char *rb_memory_change_name(rb_memory_change change) {
    static const char *const names[] = {"-", "SAME", "GREW", "SHRANK"};
    return names[change];
}

static bool is_timed(const rb_record *record) {
    return record && record->verdict == RB_VERDICT_PASS && record->sample_count > 0;
}

/* What the results say by themselves; SAME: they are right, and times decide. */
static rb_compared judge_parity(const rb_record *a, const rb_record *b) {
    if (!b)
        return RB_COMPARED_NOTHING;
    switch (b->verdict) {
    case RB_VERDICT_PASS:
        break;
    case RB_VERDICT_CRASHED:
    case RB_VERDICT_TIMEOUT:
        return RB_COMPARED_CRASHED;
    case RB_VERDICT_UNSUPPORTED:
        return a && a->verdict != RB_VERDICT_UNSUPPORTED ? RB_COMPARED_LOST : RB_COMPARED_NOTHING;
    default: /* a comparison that did not take place is no success */
        return RB_COMPARED_WRONG;
    }
    if (!a || !is_timed(b))
        return RB_COMPARED_NOTHING;
    return is_timed(a) ? RB_COMPARED_SAME : RB_COMPARED_NEW;
}

static void describe_parity(rb_compared_row *row) {
    const char *a = row->a ? rb_verdict_name(row->a->verdict) : "";
    const char *b = row->b ? rb_verdict_name(row->b->verdict) : "";
    if (row->a && row->b && row->a->verdict != row->b->verdict)
        snprintf(row->parity, sizeof row->parity, "%s -> %s", a, b);
    else
        snprintf(row->parity, sizeof row->parity, "%s", row->a ? a : b);
}

static int64_t bytes_of(const rb_record *record, rb_memory_kind kind) {
    const int64_t bytes[RB_MEMORY_KINDS] = {record->weight_bytes, record->packed_weight_bytes,
                                            record->activation_bytes, record->scratch_bytes,
                                            record->peak_rss_bytes};
    return bytes[kind];
}

/* A record without a result has no memory either: what it took until then says nothing. Across
 * machines nothing is compared: how weights are packed is a machine's own matter. */
static void compare_memory(const rb_comparison *c, rb_compared_row *row) {
    for (int kind = 0; kind < RB_MEMORY_KINDS; kind++) {
        rb_compared_memory *memory = &row->memory[kind];
        *memory = (rb_compared_memory){-1, -1, RB_MEMORY_UNKNOWN};
        if (row->a)
            memory->a_bytes = bytes_of(row->a, (rb_memory_kind)kind);
        if (row->b)
            memory->b_bytes = bytes_of(row->b, (rb_memory_kind)kind);
        if (c->base || !is_timed(row->a) || !is_timed(row->b) || memory->a_bytes < 0 ||
            memory->b_bytes < 0)
            continue;
        const double room =
            kind == RB_MEMORY_PEAK_RSS ? c->limits.rss_tolerance * (double)memory->a_bytes : 0;
        const double more = (double)(memory->b_bytes - memory->a_bytes);
        memory->change = more > room    ? RB_MEMORY_GREW
                         : -more > room ? RB_MEMORY_SHRANK
                                        : RB_MEMORY_SAME;
    }
}

static rb_status differ(const char *cell, const char *what, const char *a, const char *b,
                        rb_error *err) {
    return rb_fail(err, RB_ERR_NOT_COMPARABLE, "%s: %s differ: %.300s in A, %.300s in B", cell,
                   what, a[0] ? a : "none", b[0] ? b : "none");
}

/* One name, but other work: nothing else tells of it. */
static rb_status check_same_work(const char *cell, const rb_record *a, const rb_record *b,
                                 rb_error *err) {
    char a_text[64], b_text[64];
    if (strcmp(a->weights_sha256, b->weights_sha256) != 0)
        return differ(cell, "the weights (SHA-256)", a->weights_sha256, b->weights_sha256, err);
    if (strcmp(a->preprocessing, b->preprocessing) != 0)
        return differ(cell, "the images' preprocessing", a->preprocessing, b->preprocessing, err);
    snprintf(a_text, sizeof a_text, "%lld", (long long)a->macs);
    snprintf(b_text, sizeof b_text, "%lld", (long long)b->macs);
    return strcmp(a_text, b_text) == 0 ? RB_OK : differ(cell, "the MACs", a_text, b_text, err);
}

static rb_compared judge_times(const rb_compare_limits *limits, const rb_compared_row *row) {
    const rb_effect *effect = &row->effect;
    const double most = 1 + limits->threshold;
    if (effect->test == RB_TEST_NONE)
        return RB_COMPARED_TOO_FEW;
    const bool significant = row->p_adjusted <= limits->alpha;
    if (significant && effect->ratio > most && effect->low > 1)
        return RB_COMPARED_SLOWER;
    if (significant && effect->ratio < 1 / most && effect->high < 1)
        return RB_COMPARED_FASTER;
    if (effect->low >= 1 / most && effect->high <= most)
        return RB_COMPARED_SAME;
    return RB_COMPARED_UNCLEAR;
}

static rb_status workers_of(const char *side, const rb_compared_row *row, const rb_record *record,
                            rb_workers *workers, rb_error *err) {
    rb_error why;
    const rb_status status = rb_workers_of(record, workers, &why);
    return status == RB_OK ? RB_OK
                           : rb_fail(err, status, "%s: %s: %.600s", side, row->cell, why.message);
}

/* The record of another engine in the cell of this one. */
static const rb_record *find_base(const rb_report *report, const rb_record *record,
                                  const char *engine) {
    char name[256];
    rb_record wanted = *record;
    snprintf(wanted.engine, sizeof wanted.engine, "%s", engine);
    rb_record_name(&wanted, name, sizeof name);
    return rb_record_list_find(&report->records, name);
}

static rb_status compare_times(rb_compared_row *row, double level, rb_error *err) {
    rb_workers a, b;
    rb_status status = workers_of("A", row, row->a, &a, err);
    if (status == RB_OK)
        status = workers_of("B", row, row->b, &b, err);
    if (status != RB_OK)
        return status;
    row->a_workers = a.count;
    row->b_workers = b.count;
    row->a_ns = rb_workers_ns(&a);
    row->b_ns = rb_workers_ns(&b);
    rb_effect_compute(&a, &b, level, &row->effect);
    return RB_OK;
}

static rb_status compare_ratios(const rb_report *reports[2], const char *base, rb_compared_row *row,
                                rb_error *err) {
    rb_workers w[4];
    const rb_record *records[4] = {row->a, find_base(reports[0], row->a, base), row->b,
                                   find_base(reports[1], row->b, base)};
    rb_status status = RB_OK;
    if (!is_timed(records[1]) || !is_timed(records[3])) {
        row->verdict = RB_COMPARED_NOTHING;
        return RB_OK;
    }
    for (int i = 0; status == RB_OK && i < 4; i++)
        status = workers_of(i < 2 ? "A" : "B", row, records[i], &w[i], err);
    if (status != RB_OK)
        return status;
    row->a_workers = w[0].count;
    row->b_workers = w[2].count;
    row->a_over_base = rb_workers_ns(&w[0]) / rb_workers_ns(&w[1]);
    row->b_over_base = rb_workers_ns(&w[2]) / rb_workers_ns(&w[3]);
    rb_effect_of_ratios(&w[0], &w[1], &w[2], &w[3], &row->effect);
    row->verdict = RB_COMPARED_RATIO;
    return RB_OK;
}

static rb_compared_row *add_row(rb_comparison *c, const rb_record *a, const rb_record *b) {
    rb_compared_row *row = &c->rows[c->count++];
    *row = (rb_compared_row){.a = a,
                             .b = b,
                             .a_ns = NAN,
                             .b_ns = NAN,
                             .a_over_base = NAN,
                             .b_over_base = NAN,
                             .effect = {.ratio = NAN, .low = NAN, .high = NAN, .p = NAN},
                             .p_adjusted = NAN};
    rb_record_name(a ? a : b, row->cell, sizeof row->cell);
    describe_parity(row);
    row->verdict = judge_parity(a, b);
    compare_memory(c, row);
    return row;
}

/* In relation to itself the base says nothing. Where it is not right, or alone, it has a row as any
 * other engine. */
static bool is_idle(const rb_comparison *c, const rb_record *a, const rb_record *b) {
    return c->base && is_timed(a) && is_timed(b) && strcmp(a->engine, c->base) == 0;
}

static rb_status check_base(const char *side, const rb_record_list *records, const char *base,
                            rb_error *err) {
    for (size_t i = 0; i < records->count; i++)
        if (strcmp(records->items[i].engine, base) == 0)
            return RB_OK;
    return rb_fail(err, RB_ERR_NOT_COMPARABLE,
                   "%s has no cell of the engine %.64s, which the others are to be put in relation "
                   "to (--base)",
                   side, base);
}

static void add_alone(rb_comparison *c, const rb_record_list *here, const rb_record_list *there,
                      bool of_a) {
    char name[256];
    for (size_t i = 0; i < here->count; i++) {
        const rb_record *record = &here->items[i];
        rb_record_name(record, name, sizeof name);
        if (!rb_record_list_find(there, name))
            add_row(c, of_a ? record : NULL, of_a ? NULL : record);
    }
}

static rb_status join(const rb_report *a, const rb_report *b, rb_comparison *c, rb_error *err) {
    char name[256];
    rb_status status = RB_OK;
    c->rows = calloc(a->records.count + b->records.count + 1, sizeof *c->rows);
    if (!c->rows)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for %zu cells",
                       a->records.count + b->records.count);
    for (size_t i = 0; status == RB_OK && i < a->records.count; i++) {
        const rb_record *record = &a->records.items[i];
        rb_record_name(record, name, sizeof name);
        const rb_record *other = rb_record_list_find(&b->records, name);
        if (!other)
            continue;
        status = check_same_work(name, record, other, err);
        if (status == RB_OK && !is_idle(c, record, other))
            add_row(c, record, other);
    }
    c->common = c->count;
    if (status == RB_OK && c->common == 0)
        status = rb_fail(err, RB_ERR_NOT_COMPARABLE, "no cell%s%s is in both files",
                         c->base ? " but those of " : "", c->base ? c->base : "");
    add_alone(c, &a->records, &b->records, true);
    add_alone(c, &b->records, &a->records, false);
    return status;
}

static rb_status adjust(rb_comparison *c, rb_error *err) {
    double *p = malloc((2 * c->common + 1) * sizeof *p), *adjusted = p + c->common;
    size_t count = 0;
    if (!p)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for %zu cells", c->common);
    for (size_t i = 0; i < c->common; i++)
        if (c->rows[i].effect.test != RB_TEST_NONE)
            p[count++] = c->rows[i].effect.p;
    rb_holm(p, count, adjusted);
    count = 0;
    for (size_t i = 0; i < c->common; i++)
        if (c->rows[i].effect.test != RB_TEST_NONE)
            c->rows[i].p_adjusted = adjusted[count++];
    free(p);
    return RB_OK;
}

static void describe_effect(rb_compared_row *row) {
    char low[RB_CELL_CAPACITY], high[RB_CELL_CAPACITY];
    if (!isnan(row->effect.low)) {
        rb_number_format(RB_FORMAT_SIGNIFICANT, 4, row->effect.low, low);
        rb_number_format(RB_FORMAT_SIGNIFICANT, 4, row->effect.high, high);
        snprintf(row->interval, sizeof row->interval, "%.14s..%.14s", low, high);
    }
    if (row->p_adjusted < 0.001)
        snprintf(row->p_text, sizeof row->p_text, "<0.001");
    else if (!isnan(row->p_adjusted))
        snprintf(row->p_text, sizeof row->p_text, "%.3f", row->p_adjusted);
}

/* Every cell that can be tested counts for Holm, so that the smallest level is known before. */
static rb_status compare_rows(const rb_report *a, const rb_report *b, rb_comparison *c,
                              rb_error *err) {
    const rb_report *reports[] = {a, b};
    rb_status status = RB_OK;
    for (size_t i = 0; i < c->common; i++)
        c->tested += c->rows[i].verdict == RB_COMPARED_SAME;
    for (size_t i = 0; status == RB_OK && i < c->common; i++) {
        rb_compared_row *row = &c->rows[i];
        if (row->verdict != RB_COMPARED_SAME)
            continue;
        status = c->base ? compare_ratios(reports, c->base, row, err)
                         : compare_times(row, c->limits.alpha / (double)c->tested, err);
    }
    if (status == RB_OK && !c->base)
        status = adjust(c, err);
    for (size_t i = 0; status == RB_OK && i < c->common; i++) {
        if (c->rows[i].verdict == RB_COMPARED_SAME)
            c->rows[i].verdict = judge_times(&c->limits, &c->rows[i]);
        describe_effect(&c->rows[i]);
    }
    return status;
}

rb_status rb_compare(const rb_report *a, const rb_report *b, const rb_compare_limits *limits,
                     const char *base, rb_comparison *comparison, rb_error *err) {
    *comparison = (rb_comparison){.limits = *limits, .base = base};
    rb_status status = base ? check_base("A", &a->records, base, err) : RB_OK;
    if (status == RB_OK && base)
        status = check_base("B", &b->records, base, err);
    if (status == RB_OK)
        status = join(a, b, comparison, err);
    if (status == RB_OK)
        status = compare_rows(a, b, comparison, err);
    if (status != RB_OK)
        rb_comparison_release(comparison);
    return status;
}

void rb_comparison_release(rb_comparison *comparison) {
    free(comparison->rows);
    *comparison = (rb_comparison){0};
}

size_t rb_comparison_count(const rb_comparison *comparison, rb_compared verdict) {
    size_t count = 0;
    for (size_t i = 0; i < comparison->count; i++)
        count += comparison->rows[i].verdict == verdict;
    return count;
}

size_t rb_comparison_memory_count(const rb_comparison *comparison, rb_memory_change change) {
    size_t count = 0;
    for (size_t i = 0; i < comparison->count; i++)
        for (int kind = 0; kind < RB_MEMORY_KINDS; kind++)
            count += comparison->rows[i].memory[kind].change == change;
    return count;
}

bool rb_comparison_idle(const rb_comparison *comparison) {
    for (size_t i = 0; i < comparison->common; i++)
        if (comparison->rows[i].verdict != RB_COMPARED_NOTHING)
            return false;
    return true;
}
