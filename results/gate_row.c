#include "results/gate_row.h"

#include <stdio.h>

#include "results/holm.h"

void rb_gate_row_name(const rb_gate_row *row, char *name, size_t capacity) {
    snprintf(name, capacity, "%s/%s/batch:%lld/threads:%d/size:%lldx%lld", row->network,
             row->engine, (long long)row->batch, row->threads, (long long)row->height,
             (long long)row->width);
}

void rb_gate_rows_judge(const rb_gate_limits *limits, rb_gate_row *rows, size_t row_count,
                        size_t count) {
    double p[RB_GATE_MAX_ROWS] = {0}, adjusted[RB_GATE_MAX_ROWS];
    rb_gate_row *tested[RB_GATE_MAX_ROWS];
    size_t tests = 0;
    for (size_t i = 0; i < row_count; i++) {
        if (rows[i].series_count != count || rows[i].base_failed || rows[i].head_failed)
            continue;
        rb_gate_series_judge(limits, &rows[i].series[count - 1]);
        p[tests] = rows[i].series[count - 1].p_slower;
        tested[tests++] = &rows[i];
    }
    rb_holm(p, tests, adjusted);
    for (size_t t = 0; t < tests; t++) {
        rb_gate_row *row = tested[t];
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

const char *rb_gate_row_word(const rb_gate_row *row) {
    const rb_gate_outcome outcome = rb_gate_row_outcome(row);
    static const char *const words[RB_GATE_OUTCOME_COUNT] = {"FINE", "NOISY",   "UNCOMPARED",
                                                             "LOST", "CRASHED", "WRONG"};
    if (outcome != RB_GATE_LOST)
        return words[outcome];
    return row->verdict == RB_GATE_SLOWER ? "SLOWER" : "GREW";
}
