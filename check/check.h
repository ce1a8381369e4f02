/* The judge: one engine against the float64 oracle, level by level (docs/design.md, "Right"). */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include "bench/plan.h"
#include "check/operands.h"
#include "results/check_record.h"

typedef struct rb_check_plan {
    rb_plan_engine engine;
    char oracle_path[RB_PATH_CAPACITY], reference_path[RB_PATH_CAPACITY];
    bool levels[RB_LEVEL_COUNT];
    bool inputs[RB_FILL_COUNT];
    const rb_problem *problems; /* these alone; NULL: the list of check/problem_list.h */
    size_t problem_count;
    bool quick;     /* fewer problems */
    bool conv_only; /* the engine is a kernel plug-in: other operations are not its own */
    const rb_network *networks[RB_MAX_NETWORKS]; /* of chained, network, task and of recordings */
    size_t network_count;
    int64_t batch;         /* of chained and network */
    int64_t height, width; /* 0: the networks' own */
    const char *weights;   /* file, directory, or NULL: synthetic */
    const char *images;    /* directory of photographs, or NULL: synthetic input */
    const char *data;      /* labelled data set of task, or NULL */
    int64_t limit;         /* images of it; 0: all */
    int32_t threads;
    uint64_t seed;
    bool verbose;
    rb_worker_options worker;
    /* Told of every row as it is finished, and of progress: share of the work done, 0..1. */
    void (*on_row)(void *ctx, const rb_check_row *row);
    void (*on_progress)(void *ctx, double share, const char *what);
    void *ctx;
} rb_check_plan;

/* exact and operation: problem by problem (check/problems.c). An engine that fails costs its row;
 * any other status than RB_OK ends the check, rows has what was done until then. */
rb_status rb_check_problems(const rb_check_plan *plan, rb_check_rows *rows, rb_error *err);

/* chained, network and task (check/networks.c); errors as above. */
rb_status rb_check_networks(const rb_check_plan *plan, rb_check_rows *rows, rb_error *err);

#endif
