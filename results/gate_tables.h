/* What a gate says, as tables. */
#ifndef RESULTS_GATE_TABLES_H
#define RESULTS_GATE_TABLES_H

#include <stdio.h>

#include "results/gate_replay.h"
#include "results/gate_row.h"

typedef struct rb_gate_rows {
    rb_gate_row items[RB_GATE_MAX_ROWS];
    size_t count;
    size_t rounds; /* of a series */
    rb_gate_limits limits;
    bool broken_off; /* before every row had its verdict, but not before anything was measured */
} rb_gate_rows;

/* The worst of all rows; RB_GATE_PASSED of none. */
rb_gate_outcome rb_gate_rows_outcome(const rb_gate_rows *rows);

/* The table, why rows have not passed, and a sentence that says what was found. */
void rb_gate_terminal(const rb_gate_rows *rows, FILE *out);

/* The same for a comment under a pull request. */
void rb_gate_markdown(const rb_gate_rows *rows, const char *title, FILE *out);

/* A line for each slowdown that was replayed. */
void rb_gate_tally_terminal(const rb_gate_tally *tallies, size_t count, FILE *out);
void rb_gate_tally_markdown(const rb_gate_tally *tallies, size_t count, FILE *out);

#endif
