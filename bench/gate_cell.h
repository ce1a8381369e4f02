/* A cell of a gate, ready for its rounds: weights, input and truth of one network and batch. */
#ifndef BENCH_GATE_CELL_H
#define BENCH_GATE_CELL_H

#include "bench/gate_round.h"
#include "bench/run_cells.h"
#include "results/gate_row.h"

typedef struct rb_gate_cell {
    rb_gate_job job;          /* sides are the caller's to set */
    rb_worker_options worker; /* kept to the cell's cores */
    char weights[RB_PATH_CAPACITY];
    rb_inputs inputs;
    rb_truth truth;
} rb_gate_cell;

/* The cells of a plan but for engines, in the order of its lists; sizes of 0 are the networks' own.
 * RB_ERR_USAGE when a gate would have more than RB_GATE_MAX_ROWS rows. */
rb_status rb_gate_groups(const rb_plan *plan, rb_cell_group groups[RB_GATE_MAX_ROWS], size_t *count,
                         rb_error *err);

/* The plan's weights, images, seed and worker options. job points into *cell, which must not move.
 * The caller closes it. */
rb_status rb_gate_cell_open(const rb_plan *plan, const rb_cell_group *group, rb_gate_cell *cell,
                            rb_error *err);
void rb_gate_cell_close(rb_gate_cell *cell);

/* What the logits of one side are worth, by the rule of `run`; why it is no PASS is in note. */
rb_verdict rb_gate_cell_judge(const rb_gate_cell *cell, const rb_gate_side *side, char *note,
                              size_t capacity);

#endif
