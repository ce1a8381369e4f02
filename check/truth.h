/* What is right for one problem, and how far off an engine may be. */
#ifndef CHECK_TRUTH_H
#define CHECK_TRUTH_H

#include "bench/worker_client.h"
#include "check/operands.h"

typedef struct rb_problem_truth {
    double *value;     /* (batch, oc, oh, ow): the float64 oracle's */
    double *magnitude; /* S of docs/design.md, "Right"; 0 where nothing is summed */
    double *start; /* the part of S that is no product, |b'| + |addend|: a sum may begin with it */
    /* Length of a sum: ic kh kw, kh kw of an average pool, 1 where an addition is all there is, 0
     * where a value is only chosen. */
    int64_t k;
} rb_problem_truth;

/* For oracle and reference, which nobody has to prove: --timeout is a limit for the engine. */
rb_worker_options rb_own_worker(const rb_worker_options *options);

/* Asks the oracle in the worker, at the path of its shared object: for the values, and for the
 * magnitudes as the same operation on absolute values, batch norm folded in double. RB_ERR_INPUT
 * where a sum may leave float32's range. */
rb_status rb_problem_truth_compute(rb_worker *worker, const char *oracle_path,
                                   const rb_problem *problem, const rb_operands *operands,
                                   int32_t threads, rb_problem_truth *truth, rb_error *err);
void rb_problem_truth_release(rb_problem_truth *truth);

#endif
