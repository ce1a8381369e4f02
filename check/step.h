/* One node of a network as an operation of its own: against what is right for its operands. */
#ifndef CHECK_STEP_H
#define CHECK_STEP_H

#include "base/atomic_file.h"
#include "bench/remote_problem.h"
#include "check/figures.h"
#include "check/recorded.h"

typedef struct rb_step_bench {
    rb_worker_options options;
    rb_worker *oracle; /* a worker for what is right */
    char oracle_path[RB_PATH_CAPACITY];
    const char *engine_path;
    int32_t threads;
    bool verbose;
} rb_step_bench;

rb_status rb_step_begin(const rb_worker_options *options, const char *engine_path, int32_t threads,
                        bool verbose, rb_step_bench *bench, rb_error *err);
void rb_step_end(rb_step_bench *bench);

/* verdict and share of one comparison, at level operation. */
typedef struct rb_step {
    rb_verdict verdict; /* NONE: the operands are not finite */
    double share; /* of the limit; infinite for any error where there is no sum; NaN: not known */
    int64_t non_finite;
    char kernel[96]; /* of the engine alone */
    char note[512];  /* why it is no PASS */
} rb_step;

/* Holds a node's recorded value to what is right for its recorded operands. */
rb_status rb_step_recorded(rb_step_bench *bench, const rb_recording *recording, int32_t node,
                           rb_algorithm algorithm, rb_step *step, rb_error *err);

/* Runs a node alone, on its recorded operands. What the engine fails at is told in *step. */
rb_status rb_step_alone(rb_step_bench *bench, const rb_recording *recording, int32_t node,
                        rb_step *step, rb_error *err);

typedef struct rb_step_inherited {
    double rel_l2;   /* by which the right value moves with the operands, worst image */
    int32_t carrier; /* the operand that moves it more: src or add, values of the graph */
} rb_step_inherited;

/* How much of a node's error comes with its operands. right has the right values of them, found the
 * engine's, which are finite. */
rb_status rb_step_inherit(rb_step_bench *bench, const rb_recording *right,
                          const rb_recording *found, int32_t node, rb_step_inherited *inherited,
                          rb_error *err);

#endif
