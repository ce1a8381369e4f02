#include "results/gate_row.h"

#include <stdio.h>

#include "results/holm.h"

void rb_gate_row_name(const rb_gate_row *row, char *name, size_t capacity) {
    snprintf(name, capacity, "%s/%s/batch:%lld/threads:%d/size:%lldx%lld", row->network,
             row->engine, (long long)row->batch, row->threads, (long long)row->height,
             (long long)row->width);
}

bool rb_gate_row_is_open(const rb_gate_row *row) {
    return row->verdict == RB_GATE_MORE && !row->base_failed && !row->head_failed &&
           (row->parity == RB_VERDICT_PASS || row->series_count == 0);
}

void rb_gate_rows_judge(const rb_gate_limits *limits, rb_gate_row *rows, size_t row_count,
                        size_t count) {
    double p[RB_GATE_MAX_ROWS] = {0}, adjusted[RB_GATE_MAX_ROWS];
    rb_gate_row *tested[RB_GATE_MAX_ROWS];
    size_t tests = 0;
    for (size_t i = 0; i < row_count; i++) {
        const bool has = rows[i].series_count == count;
        if (rows[i].base_failed || rows[i].head_failed || (!has && !rb_gate_row_is_open(&rows[i])))
            continue;
        p[tests] = has ? rows[i].series[count - 1].p_slower : 1;
        tested[tests++] = has ? &rows[i] : NULL;
    }
    rb_holm(p, tests, adjusted);
    for (size_t t = 0; t < tests; t++) {
        rb_gate_row *row = tested[t];
        if (!row)
            continue;
        row->p_adjusted[count - 1] = adjusted[t];
        row->said[count - 1] = rb_gate_series_verdict(limits, &row->series[count - 1], adjusted[t]);
        row->verdict = rb_gate_verdict_of(row->said, count);
    }
}

int64_t rb_gate_row_grown_bytes(const rb_gate_row *row) {
    int64_t grown = 0;
    for (int kind = 0; kind < RB_MEMORY_KINDS; kind++) {
        const int64_t base = row->base.held.bytes[kind], head = row->head.held.bytes[kind];
        if (base >= 0 && head > base)
            grown += head - base;
    }
    return grown;
}

rb_gate_outcome rb_gate_row_outcome(const rb_gate_row *row) {
    if (row->parity != RB_VERDICT_PASS && row->parity != RB_VERDICT_NONE)
        return RB_GATE_INCORRECT;
    if (row->head_failed)
        return RB_GATE_BROKEN;
    if (row->base_failed)
        return RB_GATE_UNCOMPARED;
    if (row->verdict == RB_GATE_SLOWER || rb_gate_row_grown_bytes(row) > 0)
        return RB_GATE_LOST;
    return row->verdict == RB_GATE_FINE ? RB_GATE_PASSED : RB_GATE_UNSURE;
}

const char *rb_gate_outcome_name(rb_gate_outcome outcome) {
    static const char *const names[RB_GATE_OUTCOME_COUNT] = {"FINE", "NOISY",   "UNCOMPARED",
                                                             "LOST", "CRASHED", "WRONG"};
    return names[outcome];
}

const char *rb_gate_row_word(const rb_gate_row *row) {
    const rb_gate_outcome outcome = rb_gate_row_outcome(row);
    if (outcome == RB_GATE_UNSURE && row->verdict == RB_GATE_MORE)
        return "OPEN";
    if (outcome == RB_GATE_LOST)
        return row->verdict == RB_GATE_SLOWER ? "SLOWER" : "GREW";
    return rb_gate_outcome_name(outcome);
}
