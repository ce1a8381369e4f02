/* The problems of the plan's networks, each on the activations that the oracle has there. */
#ifndef CHECK_RECORDED_EACH_H
#define CHECK_RECORDED_EACH_H

#include "check/check.h"

typedef struct rb_recorded_visitor {
    /* A network is about to be recorded, which takes `work` (rb_problem_work). */
    void (*begin)(void *ctx, const char *network, double work);
    /* where: "network/node". A status other than RB_OK ends the visit and is returned by it. */
    rb_status (*visit)(void *ctx, const char *where, const rb_problem *problem,
                       const rb_operands *operands, rb_error *err);
    /* One of plan->problems that no network has; a status as above. */
    rb_status (*absent)(void *ctx, const rb_problem *problem, rb_error *err);
    void *ctx;
} rb_recorded_visitor;

/* Visits every problem that is another than those before, network after network, in execution
 * order; with plan->problems those alone. RB_ERR_INPUT when weights or images cannot be used. */
rb_status rb_recorded_each(const rb_check_plan *plan, const rb_recorded_visitor *visitor,
                           rb_error *err);

/* What all of it takes, beginnings included, about. */
double rb_recorded_work(const rb_check_plan *plan);

#endif
