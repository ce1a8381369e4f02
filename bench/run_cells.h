/* The cells of a plan, and which of them stand already. */
#ifndef BENCH_RUN_CELLS_H
#define BENCH_RUN_CELLS_H

#include "bench/plan.h"
#include "results/record.h"

/* What the rows of one group share: they differ in engine and mode alone. */
typedef struct rb_cell_group {
    const rb_network *network;
    rb_plan_size size;
    int64_t batch;
    int32_t threads;
} rb_cell_group;

/* A row of a group that is to be measured. */
typedef struct rb_pending_row {
    const rb_plan_engine *engine;
    rb_latency_mode mode;
} rb_pending_row;

#define RB_MAX_PENDING (RB_MAX_ENGINES * RB_LATENCY_MODES)

/* The rows that a group lacks: all but those that were measured in full, right, and with the same
 * engine file. Returns how many there are. */
size_t rb_cell_group_pending(const rb_plan *plan, const rb_record_list *records,
                             const rb_cell_group *group, rb_pending_row pending[RB_MAX_PENDING]);

/* Work of one row of a group, for the progress line. */
double rb_cell_group_work(const rb_cell_group *group);

#endif
