/* Two builds against each other, cell by cell. */
#ifndef BENCH_GATE_RUNNER_H
#define BENCH_GATE_RUNNER_H

#include "bench/plan.h"
#include "results/gate_tables.h"

typedef struct rb_gate_plan {
    rb_plan plan; /* networks, batches, threads, weights, images, worker; its engines are head's */
    char base_paths[RB_MAX_ENGINES][RB_PATH_CAPACITY]; /* base's, in the same order */
    rb_gate_limits limits;
    size_t rounds; /* of a series; 0: what the number of cells needs */
} rb_gate_plan;

/* Measures every cell, judges all of them, and measures those again that are not decided. An
 * engine's failure costs its row. After any other failure, and after an interrupt, rows->broken_off
 * says that there are rows that stand. RB_ERR_USAGE when the rounds are too few for an alarm. */
rb_status rb_gate_run(const rb_gate_plan *plan, rb_gate_rows *rows, rb_error *err);

#endif
