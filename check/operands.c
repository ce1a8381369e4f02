#include "check/operands.h"

#include <math.h>
#include <stdlib.h>

#include "loaders/synth.h"

#define EXACT_SUM 16777216 /* 2^24: every integer up to here is a float32 */
#define MOST_SOURCE 4095
#define MOST_POOLED 1000

const char *rb_fill_name(rb_fill fill) {
    static const char *const names[RB_FILL_COUNT] = {"integer", "seeded", "recorded"};
    return names[fill];
}

rb_status rb_operands_create(const rb_problem *problem, rb_operands *operands, rb_error *err) {
    const size_t tensors = (size_t)rb_problem_tensor_elements(problem);
    *operands =
        (rb_operands){.tensors = calloc(tensors + 1, sizeof(float)),
                      .src = calloc((size_t)rb_problem_src_elements(problem), sizeof(float)),
                      .epsilon = RB_SYNTH_EPSILON};
    if (problem->add)
        operands->addend = calloc((size_t)rb_problem_dst_elements(problem), sizeof(float));
    if (operands->tensors && operands->src && (operands->addend || !problem->add))
        return RB_OK;
    rb_operands_release(operands);
    return rb_fail(err, RB_ERR_MEMORY, "no memory for the operands of a problem");
}

void rb_operands_release(rb_operands *operands) {
    free(operands->tensors);
    free(operands->src);
    free(operands->addend);
    *operands = (rb_operands){0};
}

/* Integers of -most .. most, evenly. */
static void fill_integers(const char *name, uint64_t seed, int64_t count, int64_t most,
                          float *dst) {
    rb_synth_values(name, seed, count, dst);
    for (int64_t i = 0; i < count; i++) /* a value of [-1, 1) to one of 2 most + 1 steps */
        dst[i] = floorf((dst[i] + 1) * 0.5f * (float)(2 * most + 1)) - (float)most;
}

/* Integers of 1 .. most and their negatives, evenly: no product of such a weight is lost unseen. */
static void fill_weights(const char *name, uint64_t seed, int64_t count, int64_t most, float *dst) {
    rb_synth_values(name, seed, count, dst);
    for (int64_t i = 0; i < count; i++) {
        const float size = fminf(floorf(fabsf(dst[i]) * (float)most) + 1, (float)most);
        dst[i] = dst[i] < 0 ? -size : size;
    }
}

/* |wei| at most 3, so that the sources are as large as they can be: numbers of more than 8 or 11
 * bits show an engine that rounds its operands to bfloat16 or TF32. */
static rb_status fill_weighted(const rb_problem *p, uint64_t seed, rb_operands *o, rb_error *err) {
    const int64_t k = p->ic * p->kh * p->kw, weight = 3, rest = EXACT_SUM / 8;
    int64_t source = (EXACT_SUM - 2 * rest) / (k * weight);
    if (source < 1)
        return rb_fail(err, RB_ERR_UNSUPPORTED,
                       "no integers keep sums of %lld products within 2^24", (long long)k);
    source = source < MOST_SOURCE ? source : MOST_SOURCE;
    fill_weights("check.wei", seed, p->oc * k, weight, o->tensors);
    if (p->bias)
        fill_integers("check.bia", seed, p->oc, rest / 64, o->tensors + p->oc * k);
    if (p->add)
        fill_integers("check.addend", seed, rb_problem_dst_elements(p), rest / 64, o->addend);
    fill_integers("check.src", seed, rb_problem_src_elements(p), source, o->src);
    return RB_OK;
}

/* Multiples of the window's size: the quotient of their sum is an integer again. */
static rb_status fill_pooled(const rb_problem *p, uint64_t seed, rb_operands *o, rb_error *err) {
    const int64_t k = p->kh * p->kw;
    int64_t most = k <= 4096 ? EXACT_SUM / (k * k) : 0;
    if (most < 1)
        return rb_fail(err, RB_ERR_UNSUPPORTED, "no integers keep sums of %lld values within 2^24",
                       (long long)k);
    most = most < MOST_POOLED ? most : MOST_POOLED;
    fill_integers("check.src", seed, rb_problem_src_elements(p), most, o->src);
    for (int64_t i = 0; i < rb_problem_src_elements(p); i++)
        o->src[i] *= (float)k;
    return RB_OK;
}

/* Planes of every second channel are negative: padding that wins, shows. */
static void make_planes_negative(const rb_problem *p, rb_operands *o) {
    const int64_t plane = p->ih * p->iw;
    for (int64_t i = 0; i < rb_problem_src_elements(p); i++)
        if (i / plane % 2)
            o->src[i] = -1 - fabsf(o->src[i]);
}

rb_status rb_operands_integer(const rb_problem *problem, uint64_t seed, rb_operands *operands,
                              rb_error *err) {
    *operands = (rb_operands){0};
    if (problem->bn)
        return rb_fail(err, RB_ERR_UNSUPPORTED,
                       "batch norm divides: no integers stay integers with +bn");
    rb_status status = rb_operands_create(problem, operands, err);
    if (status != RB_OK)
        return status;
    switch (problem->op) {
    case RB_OP_CONV:
    case RB_OP_FC:
        status = fill_weighted(problem, seed, operands, err);
        break;
    case RB_OP_AVGPOOL:
        status = fill_pooled(problem, seed, operands, err);
        break;
    case RB_OP_MAXPOOL:
    case RB_OP_SHORTCUT:
        fill_integers("check.src", seed, rb_problem_src_elements(problem), EXACT_SUM / 2,
                      operands->src);
        break;
    }
    if (status == RB_OK && problem->op == RB_OP_MAXPOOL)
        make_planes_negative(problem, operands);
    if (status == RB_OK && problem->add && !rb_op_has_weights(problem->op))
        fill_integers("check.addend", seed, rb_problem_dst_elements(problem), MOST_POOLED,
                      operands->addend);
    if (status != RB_OK)
        rb_operands_release(operands);
    return status;
}

/* offset + by v, in double, rounded once. */
static void fill_real(const char *name, uint64_t seed, int64_t count, double offset, double by,
                      float *dst) {
    rb_synth_values(name, seed, count, dst);
    for (int64_t i = 0; i < count; i++)
        dst[i] = (float)(offset + by * (double)dst[i]);
}

/* gamma of both signs, every eighth near 0; var over two decades. */
static void fill_batch_norm(const rb_problem *p, uint64_t seed, float *at) {
    float *weight = at, *bias = at + p->oc, *mean = at + 2 * p->oc, *var = at + 3 * p->oc;
    fill_real("check.bn_weight", seed, p->oc, 0, 1.5, weight);
    fill_real("check.bn_bias", seed, p->oc, 0, 0.5, bias);
    fill_real("check.bn_mean", seed, p->oc, 0.25, 1, mean);
    fill_real("check.bn_var", seed, p->oc, 1.5, 0.5, var);
    for (int64_t o = 0; o < p->oc; o++) {
        var[o] = ldexpf(var[o], (int)(o % 7) - 4);
        if (o % 8 == 7)
            weight[o] = ldexpf(weight[o], -10);
    }
}

static bool is_corner(const rb_problem *p, int64_t element) {
    const int64_t w = element % p->iw, h = element / p->iw % p->ih;
    return (h == 0 || h == p->ih - 1) && (w == 0 || w == p->iw - 1);
}

/* An image of both signs, or values as behind a ReLU, a third of them 0 but none in a corner. */
static void fill_source(const rb_problem *p, uint64_t seed, float *src) {
    const bool image = p->ic <= 3;
    const int64_t count = rb_problem_src_elements(p);
    fill_real("check.src", seed, count, image ? 0 : 0.5, image ? 2 : 1.5, src);
    for (int64_t i = 0; !image && i < count; i++)
        if (src[i] < 0)
            src[i] = is_corner(p, i) ? -src[i] : 0;
}

rb_status rb_operands_seeded(const rb_problem *problem, uint64_t seed, rb_operands *operands,
                             rb_error *err) {
    const rb_problem *p = problem;
    const rb_status status = rb_operands_create(p, operands, err);
    if (status != RB_OK)
        return status;
    const int64_t k = p->ic * p->kh * p->kw;
    float *at = operands->tensors;
    if (rb_op_has_weights(p->op)) { /* v has the spread 1 / sqrt(3) */
        fill_real("check.wei", seed, p->oc * k, 0, sqrt(6.0 / (double)k), at);
        at += p->oc * k;
    }
    if (p->bias) {
        fill_real("check.bia", seed, p->oc, 0, 1, at);
        at += p->oc;
    }
    if (p->bn)
        fill_batch_norm(p, seed, at);
    fill_source(p, seed, operands->src);
    if (p->op == RB_OP_MAXPOOL)
        make_planes_negative(p, operands);
    if (p->add)
        fill_real("check.addend", seed, rb_problem_dst_elements(p), 0, 2, operands->addend);
    return RB_OK;
}
