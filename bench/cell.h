/* One row in the making: an engine in a group of cells, over several workers. */
#ifndef BENCH_CELL_H
#define BENCH_CELL_H

#include "bench/inputs.h"
#include "bench/plan.h"
#include "bench/remote_case.h"
#include "bench/run_cells.h"
#include "bench/truth.h"

#define RB_MAX_CELL_WORKERS 16

/* What the cells of one group share. */
typedef struct rb_cell_setting {
    const rb_plan *plan;
    rb_cell_group group;
    const rb_graph *graph;    /* at the group's size and batch */
    rb_placement placement;   /* of the group's threads */
    rb_worker_options worker; /* kept to it */
    const rb_inputs *inputs;
    const rb_truth *truth;
    const char *weights; /* path */
    const char *weights_sha256;
    bool synthetic;    /* weights: top-1 is not told */
    double peak_gmacs; /* at the group's threads */
    double harness_overhead_ns;
} rb_cell_setting;

typedef struct rb_cell {
    const rb_cell_setting *setting;
    const rb_plan_engine *engine;
    rb_latency_mode mode;
    rb_record record;
    rb_remote *remote;    /* the current worker, NULL between rounds */
    bool over;            /* no further worker: it has failed */
    int32_t worker, turn; /* the current ones */
    size_t opened;        /* workers that came as far as a first run */
    size_t sample_capacity;
    double load_ns[RB_MAX_CELL_WORKERS], open_ns[RB_MAX_CELL_WORKERS],
        first_run_ns[RB_MAX_CELL_WORKERS];
    double call_ns;  /* of the fastest call so far: decides how many fit into a turn */
    double pause_ns; /* between two calls, since caches are emptied there; 0: they are not */
    double yardstick_min_ns, yardstick_max_ns;
    rb_parity parity;   /* of all runs, timed ones included */
    int64_t top1_agree; /* of the worst pass over all images */
} rb_cell;

void rb_cell_init(rb_cell *cell, const rb_cell_setting *setting, const rb_plan_engine *engine,
                  rb_latency_mode mode);

/* The steps of one worker. A failure of the engine (crash, hang, wrong size, refusal) marks the
 * record and ends the cell with RB_OK; other statuses end the run. A cell that is over does
 * nothing. */
rb_status rb_cell_open(rb_cell *cell, rb_error *err);  /* load, open, first run, parity */
rb_status rb_cell_turn(rb_cell *cell, rb_error *err);  /* samples, and parity of the last call */
rb_status rb_cell_close(rb_cell *cell, rb_error *err); /* memory account; ends the worker */

/* Medians over workers, verdict, summary: the record is ready. Also releases the worker of a
 * cell that was broken off. The caller owns cell->record then. */
rb_status rb_cell_finish(rb_cell *cell, rb_error *err);

#endif
