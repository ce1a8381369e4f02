#include "check/truth.h"

#include <math.h>
#include <stdlib.h>

#include "bench/remote_problem.h"

/* Up, so that a magnitude is never too small. */
static float round_up(double value) {
    const float rounded = (float)value;
    return (double)rounded < value ? nextafterf(rounded, INFINITY) : rounded;
}

/* Tensors in the order of the problem's graph; NULL where it has none. */
typedef struct tensors {
    const float *wei, *bia, *weight, *bias, *mean, *var;
} tensors;

static tensors tensors_of(const rb_problem *p, const rb_operands *operands) {
    const bool weighted = p->op == RB_OP_CONV || p->op == RB_OP_FC;
    const float *at = operands->tensors;
    tensors t = {0};
    t.wei = weighted ? at : NULL;
    at += weighted ? p->oc * p->ic * p->kh * p->kw : 0;
    t.bia = p->bias ? at : NULL;
    at += p->bias ? p->oc : 0;
    if (p->bn) {
        t.weight = at;
        t.bias = at + p->oc;
        t.mean = at + 2 * p->oc;
        t.var = at + 3 * p->oc;
    }
    return t;
}

/* |w'| (oc, terms) and the parts of b', each absolute: who does not fold rounds them one by one. */
static void fold(const rb_problem *p, const rb_operands *operands, float *dst) {
    const tensors t = tensors_of(p, operands);
    const int64_t terms = p->ic * p->kh * p->kw;
    float *bia = dst + (t.wei ? p->oc * terms : 0);
    for (int64_t c = 0; c < p->oc; c++) {
        const double by =
            p->bn ? fabs((double)t.weight[c]) / sqrt((double)t.var[c] + operands->epsilon) : 1;
        for (int64_t i = 0; t.wei && i < terms; i++)
            dst[c * terms + i] = round_up(by * fabs((double)t.wei[c * terms + i]));
        double sum = p->bias ? by * fabs((double)t.bia[c]) : 0;
        if (p->bn)
            sum += by * fabs((double)t.mean[c]) + fabs((double)t.bias[c]);
        if (p->bias || p->bn)
            bia[c] = round_up(sum);
    }
}

/* The problem and operands whose value is S. */
static rb_status make_absolute(const rb_problem *p, const rb_operands *operands, rb_problem *of,
                               rb_operands *absolute, rb_error *err) {
    *of = *p;
    of->bias = p->bias || p->bn;
    of->bn = of->relu = false;
    const rb_status status = rb_operands_create(of, absolute, err);
    if (status != RB_OK)
        return status;
    fold(p, operands, absolute->tensors);
    for (int64_t i = 0; i < rb_problem_src_elements(p); i++)
        absolute->src[i] = fabsf(operands->src[i]);
    for (int64_t i = 0; p->add && i < rb_problem_dst_elements(p); i++)
        absolute->addend[i] = fabsf(operands->addend[i]);
    return RB_OK;
}

static rb_status evaluate(rb_worker *worker, const char *oracle_path, const rb_problem *p,
                          const rb_operands *operands, int32_t threads, double *values,
                          rb_error *err) {
    const rb_case_problem spec = {.engine_path = oracle_path,
                                  .problem = *p,
                                  .tensors = operands->tensors,
                                  .tensor_bytes =
                                      (size_t)rb_problem_tensor_elements(p) * sizeof(float),
                                  .epsilon = operands->epsilon,
                                  .threads = threads};
    rb_remote_problem_facts facts;
    rb_status status = rb_remote_problem_open(worker, &spec, &facts, err);
    if (status == RB_OK)
        status = rb_remote_problem_input(worker, p, operands->src, operands->addend, err);
    if (status == RB_OK)
        status = rb_remote_problem_run(worker, p, &facts, values, err);
    return status;
}

static int64_t terms_of(const rb_problem *p) {
    const bool sums = p->op == RB_OP_CONV || p->op == RB_OP_FC || p->op == RB_OP_AVGPOOL;
    const int64_t channels = p->op == RB_OP_AVGPOOL ? 1 : p->ic;
    return sums ? channels * p->kh * p->kw : p->add; /* the addition alone rounds */
}

static rb_status check_finite(const rb_problem *p, const double *magnitude, rb_error *err) {
    char text[RB_PROBLEM_CAPACITY];
    rb_problem_format(p, text);
    for (int64_t i = 0; i < rb_problem_dst_elements(p); i++)
        if (!(magnitude[i] < 0x1p127))
            return rb_fail(err, RB_ERR_INPUT, "the operands of %s are too large for float32", text);
    return RB_OK;
}

rb_status rb_problem_truth_compute(rb_worker *worker, const char *oracle_path, const rb_problem *p,
                                   const rb_operands *operands, int32_t threads,
                                   rb_problem_truth *truth, rb_error *err) {
    const size_t count = (size_t)rb_problem_dst_elements(p);
    rb_problem of;
    rb_operands absolute = {0};
    *truth = (rb_problem_truth){.value = malloc(count * sizeof(double)),
                                .magnitude = malloc(count * sizeof(double)),
                                .k = terms_of(p)};
    rb_status status = truth->value && truth->magnitude
                           ? make_absolute(p, operands, &of, &absolute, err)
                           : rb_fail(err, RB_ERR_MEMORY, "no memory for the truth of a problem");
    if (status == RB_OK)
        status = evaluate(worker, oracle_path, p, operands, threads, truth->value, err);
    if (status == RB_OK)
        status = evaluate(worker, oracle_path, &of, &absolute, threads, truth->magnitude, err);
    rb_operands_release(&absolute);
    if (status == RB_OK)
        status = check_finite(p, truth->magnitude, err);
    if (status != RB_OK)
        rb_problem_truth_release(truth);
    return status;
}

void rb_problem_truth_release(rb_problem_truth *truth) {
    free(truth->value);
    free(truth->magnitude);
    *truth = (rb_problem_truth){0};
}
