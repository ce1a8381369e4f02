/* One engine at one convolution, beside the others. */
#ifndef CHECK_CONTESTANT_H
#define CHECK_CONTESTANT_H

#include "bench/remote_problem.h"
#include "check/kernels.h"
#include "check/truth.h"

typedef struct rb_kernel_input {
    rb_operands operands;
    rb_problem_truth truth;
} rb_kernel_input;

typedef struct rb_contestant {
    const rb_kernel_plan *plan;
    const rb_plan_engine *engine;
    const rb_problem *problem;
    const rb_kernel_input *inputs; /* [RB_CASE_INPUTS] */
    rb_kernel_row row;
    rb_worker *worker; /* NULL between rounds, and when it is over */
    rb_remote_problem_facts facts;
    int32_t round;                  /* -1 before the first */
    double call_ns;                 /* the shortest known */
    size_t capacity[RB_SPAN_COUNT]; /* of the row's samples */
    bool over;                      /* the engine has failed: nothing more is asked */
} rb_contestant;

/* A fresh worker and session; one call on each input, which is judged. A failure of the engine's is
 * the row's verdict and ends its part; any other is returned. So below. */
rb_status rb_contestant_open(rb_contestant *contestant, rb_error *err);

/* Hot calls, then cold ones; the last values of each are judged. */
rb_status rb_contestant_turn(rb_contestant *contestant, int32_t turn, rb_error *err);

void rb_contestant_close(rb_contestant *contestant);

#endif
