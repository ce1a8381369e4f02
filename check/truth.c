#include "check/truth.h"

#include <math.h>
#include <stdlib.h>

#include "bench/remote_problem.h"
#include "model/graph_cost.h"
#include "resbench/fold.h"

#define OWN_SECONDS 900 /* for an answer */

rb_worker_options rb_own_worker(const rb_worker_options *options) {
    rb_worker_options own = *options;
    own.timeout_seconds = fmax(own.timeout_seconds, OWN_SECONDS);
    return own;
}

/* One call of the oracle. */
static rb_status ask(rb_worker *worker, const char *path, const rb_problem *problem,
                     const rb_operands *operands, int32_t threads, double *dst, rb_error *err) {
    const rb_case_problem spec = {.engine_path = path,
                                  .problem = *problem,
                                  .tensors = operands->tensors,
                                  .tensor_bytes = (size_t)rb_problem_tensor_elements(problem) *
                                                  sizeof *operands->tensors,
                                  .epsilon = operands->epsilon,
                                  .threads = threads};
    rb_remote_problem_facts facts;
    rb_status status = rb_remote_problem_open(worker, &spec, &facts, err);
    if (status == RB_OK)
        status = rb_remote_problem_input(worker, problem, operands->src, operands->addend, err);
    return status == RB_OK ? rb_remote_problem_run(worker, problem, &facts, dst, err) : status;
}

int64_t rb_problem_sum_length(const rb_problem *problem) {
    if (rb_op_has_weights(problem->op))
        return problem->ic * problem->kh * problem->kw;
    if (problem->op == RB_OP_AVGPOOL)
        return problem->kh * problem->kw;
    return problem->add ? 1 : 0;
}

/* |value|, and no smaller after the rounding that made it. */
static float absolute_up(float value) {
    return value == 0 ? 0 : nextafterf(fabsf(value), INFINITY);
}

/* What a batch norm's b' is made of, each part absolute: who rounds them one by one loses that
 * much, also where they cancel. */
static double bias_parts(const rb_problem *p, const float *bia, const float *bn, double epsilon,
                         int64_t o) {
    const double own = bia ? fabs((double)bia[o]) : 0;
    if (!bn)
        return own;
    const double weight = (double)bn[o], bias = (double)bn[p->oc + o];
    const double mean = (double)bn[2 * p->oc + o], var = (double)bn[3 * p->oc + o];
    return (own + fabs(mean)) * fabs(weight) / sqrt(var + epsilon) + fabs(bias);
}

/* |w'| and |b'| of a convolution or FC, as the problem without batch norm has them. */
static rb_status fold_absolute(const rb_problem *p, const rb_operands *operands, float *tensors,
                               rb_error *err) {
    const int64_t weights = p->oc * rb_problem_sum_length(p);
    const float *bia = p->bias ? operands->tensors + weights : NULL;
    const float *bn = p->bn ? operands->tensors + weights + (p->bias ? p->oc : 0) : NULL;
    const float *bound[RB_PROBLEM_TENSORS];
    const float *at = operands->tensors;
    rb_graph *graph;
    const rb_status status = rb_problem_graph_create(p, &graph, err);
    if (status != RB_OK)
        return status;
    for (int32_t t = 0; t < graph->tensor_count; t++) {
        bound[t] = at;
        at += rb_tensor_elements(&graph->tensors[t]);
    }
    const rb_weights all = {.size = sizeof all, .tensors = bound, .epsilon = &operands->epsilon};
    const bool biased = p->bias || p->bn;
    rb_fold(graph, &all, 0, tensors, NULL);
    rb_problem_graph_destroy(graph);
    for (int64_t o = 0; biased && o < p->oc; o++)
        tensors[weights + o] = (float)bias_parts(p, bia, bn, operands->epsilon, o);
    for (int64_t i = 0; i < weights + (biased ? p->oc : 0); i++)
        tensors[i] = absolute_up(tensors[i]);
    return RB_OK;
}

/* The same operation on absolute values. */
static rb_status make_absolute(const rb_problem *p, const rb_operands *operands,
                               rb_problem *absolute, rb_operands *values, rb_error *err) {
    *absolute = *p;
    absolute->bias = p->bias || p->bn;
    absolute->bn = absolute->relu = false;
    rb_status status = rb_operands_create(absolute, values, err);
    if (status == RB_OK && rb_op_has_weights(p->op))
        status = fold_absolute(p, operands, values->tensors, err);
    if (status != RB_OK)
        return status;
    for (int64_t i = 0; i < rb_problem_src_elements(p); i++)
        values->src[i] = fabsf(operands->src[i]);
    for (int64_t i = 0; p->add && i < rb_problem_dst_elements(p); i++)
        values->addend[i] = fabsf(operands->addend[i]);
    return RB_OK;
}

/* values: of the problem on absolute values. */
static void write_start(const rb_problem *absolute, const rb_operands *values, double *start) {
    const float *bias =
        absolute->bias ? values->tensors + absolute->oc * rb_problem_sum_length(absolute) : NULL;
    const int64_t plane = absolute->oh * absolute->ow;
    for (int64_t i = 0; i < rb_problem_dst_elements(absolute); i++)
        start[i] = (bias ? (double)bias[i / plane % absolute->oc] : 0) +
                   (absolute->add ? (double)values->addend[i] : 0);
}

static rb_status ask_magnitude(rb_worker *worker, const char *path, const rb_problem *problem,
                               const rb_operands *operands, int32_t threads,
                               rb_problem_truth *truth, rb_error *err) {
    rb_problem absolute;
    rb_operands values;
    rb_status status = make_absolute(problem, operands, &absolute, &values, err);
    if (status == RB_OK)
        status = ask(worker, path, &absolute, &values, threads, truth->magnitude, err);
    if (status == RB_OK)
        write_start(&absolute, &values, truth->start);
    rb_operands_release(&values);
    return status;
}

/* An engine may do its sums in float32: there must be room for them, in any order. */
static rb_status check_range(const rb_problem *problem, const rb_problem_truth *truth,
                             rb_error *err) {
    char text[RB_PROBLEM_CAPACITY];
    rb_problem_format(problem, text);
    for (int64_t i = 0; i < rb_problem_dst_elements(problem); i++)
        if (!(fabs(truth->value[i]) < 0x1p127 && truth->magnitude[i] < 0x1p127))
            return rb_fail(err, RB_ERR_INPUT,
                           "the operands of %s make sums that are NaN or beyond float32", text);
    return RB_OK;
}

rb_status rb_problem_truth_compute(rb_worker *worker, const char *oracle_path,
                                   const rb_problem *problem, const rb_operands *operands,
                                   int32_t threads, rb_problem_truth *truth, rb_error *err) {
    const size_t count = (size_t)rb_problem_dst_elements(problem);
    *truth = (rb_problem_truth){.value = calloc(count, sizeof(double)),
                                .magnitude = calloc(count, sizeof(double)),
                                .start = calloc(count, sizeof(double)),
                                .k = rb_problem_sum_length(problem)};
    rb_status status = truth->value && truth->magnitude && truth->start
                           ? RB_OK
                           : rb_fail(err, RB_ERR_MEMORY, "no memory for the truth of a problem");
    if (status == RB_OK)
        status = ask(worker, oracle_path, problem, operands, threads, truth->value, err);
    if (status == RB_OK && truth->k > 0)
        status = ask_magnitude(worker, oracle_path, problem, operands, threads, truth, err);
    if (status == RB_OK)
        status = check_range(problem, truth, err);
    if (status != RB_OK)
        rb_problem_truth_release(truth);
    return status;
}

void rb_problem_truth_release(rb_problem_truth *truth) {
    free(truth->value);
    free(truth->magnitude);
    free(truth->start);
    *truth = (rb_problem_truth){0};
}
