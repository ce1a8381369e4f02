/* The times of convolutions, engine beside engine: what `resbench kernels` measures. */
#ifndef CHECK_KERNELS_H
#define CHECK_KERNELS_H

#include "bench/plan.h"
#include "check/convolutions.h"

/* How long is measured. A round is a fresh process for each engine; engines take turns in the order
 * A B, B A within it. */
typedef struct rb_kernel_tier {
    const char *name;
    int32_t rounds, turns;
    double turn_seconds, warmup_seconds; /* of hot calls */
    size_t least_calls, cold_calls;      /* of a turn; least_calls is a multiple of 4 */
} rb_kernel_tier;

extern const rb_kernel_tier rb_kernel_tier_quick, rb_kernel_tier_normal;

typedef struct rb_kernel_plan {
    rb_plan_engine engines[RB_MAX_ENGINES]; /* the baseline among them */
    size_t engine_count;
    const rb_convolutions *convolutions;
    const rb_problem *problems; /* what is measured, in this order */
    size_t problem_count;
    const rb_kernel_tier *tier;
    char oracle_path[RB_PATH_CAPACITY];
    int32_t threads;
    uint64_t seed;
    bool verbose;
    rb_worker_options worker;
    /* Told when all engines are through with a problem, and of progress; done of all problems. A
     * status other than RB_OK ends the job. */
    rb_status (*on_problem)(void *ctx, const rb_kernel_table *table, rb_error *err);
    void (*on_progress)(void *ctx, double share, const char *what);
    void *ctx;
} rb_kernel_plan;

/* Adds a row to the table for each problem and engine. Values are judged at the level operation
 * (docs/design.md, "Right") on both inputs, before and after timed calls; an engine that fails
 * costs its row. table->networks and peak_gmacs are filled in. Any other failure is returned, and
 * the table has what was finished until then. */
rb_status rb_kernels_measure(const rb_kernel_plan *plan, rb_kernel_table *table, rb_error *err);

#endif
