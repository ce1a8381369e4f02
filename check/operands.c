#include "check/operands.h"

#include <math.h>
#include <stdlib.h>

#include "loaders/synth.h"

#define MOST_EXACT 16777216  /* 2^24: float32 has every integer up to here */
#define MOST_ADDED (1 << 21) /* of a bias and of an addend, each */
#define MOST_WEIGHT 4        /* of an integer weight */
#define MOST_SOURCE 4095 /* of an integer source: 12 bits, one more than float16 and TF32 have */
#define BOTH_SIGNS_CHANNELS 4 /* sources of so few channels are an image, not behind a ReLU */

const char *rb_fill_name(rb_fill fill) {
    static const char *const names[RB_FILL_COUNT] = {"integer", "seeded", "recorded"};
    return names[fill];
}

rb_status rb_operands_create(const rb_problem *p, rb_operands *operands, rb_error *err) {
    const size_t tensors = (size_t)rb_problem_tensor_elements(p);
    const size_t src = (size_t)rb_problem_src_elements(p), dst = (size_t)rb_problem_dst_elements(p);
    *operands = (rb_operands){.epsilon = RB_SYNTH_EPSILON};
    operands->tensors = calloc(tensors ? tensors : 1, sizeof(float));
    operands->src = calloc(src, sizeof(float));
    operands->addend = p->add ? calloc(dst, sizeof(float)) : NULL;
    if (operands->tensors && operands->src && (operands->addend || !p->add))
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

static bool has_weights(const rb_problem *p) {
    return p->op == RB_OP_CONV || p->op == RB_OP_FC;
}

static int64_t terms_of(const rb_problem *p) {
    return p->ic * p->kh * p->kw;
}

/* v in [-1, 1) -> an integer of -most .. -1, 1 .. most. */
static float whole(float v, int64_t most) {
    const double size = 1 + floor(fabs((double)v) * (double)most);
    const double bounded = size > (double)most ? (double)most : size;
    return (float)(v < 0 ? -bounded : bounded);
}

static void fill_whole(const char *name, uint64_t seed, int64_t count, int64_t most, int64_t unit,
                       float *dst) {
    rb_synth_values(name, seed, count, dst);
    for (int64_t i = 0; i < count; i++)
        dst[i] = whole(dst[i], most) * (float)unit;
}

/* Channels 0, 3, 6 ... of a max-pool have negative values alone, so that a padding of zeros that
 * wins is seen. */
static void make_negative(const rb_problem *p, float *src) {
    const int64_t plane = p->ih * p->iw;
    for (int64_t i = 0; i < rb_problem_src_elements(p); i++)
        if (i / plane % p->ic % 3 == 0)
            src[i] = -fabsf(src[i]) - (src[i] == 0 ? 1.0f : 0.0f);
}

/* The largest source such that a whole sum stays exact, and the step between sources. */
static int64_t most_source(const rb_problem *p, int64_t *unit) {
    const int64_t left = MOST_EXACT - 2 * MOST_ADDED;
    int64_t most = MOST_SOURCE;
    *unit = p->op == RB_OP_AVGPOOL ? p->kh * p->kw : 1;
    if (p->op == RB_OP_AVGPOOL)
        most = left / *unit / *unit;
    else if (has_weights(p))
        most = left / MOST_WEIGHT / terms_of(p);
    return most < MOST_SOURCE ? most : MOST_SOURCE;
}

/* About the spread of the sums, so that what is added matters and ReLU cuts about half. */
static int64_t most_added(const rb_problem *p, int64_t source) {
    const double spread = has_weights(p)
                              ? sqrt((double)terms_of(p)) * MOST_WEIGHT * (double)source / 3
                              : (double)source;
    return spread < 1 ? 1 : spread < MOST_ADDED ? (int64_t)spread : MOST_ADDED;
}

rb_status rb_operands_integer(const rb_problem *p, uint64_t seed, rb_operands *operands,
                              rb_error *err) {
    int64_t unit;
    const int64_t source = most_source(p, &unit), added = most_added(p, source);
    *operands = (rb_operands){0};
    if (p->bn)
        return rb_fail(err, RB_ERR_UNSUPPORTED, "batch norm does not keep integers");
    if (source < 1)
        return rb_fail(err, RB_ERR_UNSUPPORTED,
                       "sums of %lld terms do not stay below 2^24 with integers of both signs",
                       (long long)terms_of(p));
    const rb_status status = rb_operands_create(p, operands, err);
    if (status != RB_OK)
        return status;
    fill_whole("src", seed, rb_problem_src_elements(p), source, unit, operands->src);
    if (p->op == RB_OP_MAXPOOL)
        make_negative(p, operands->src);
    const int64_t weights = has_weights(p) ? p->oc * terms_of(p) : 0;
    fill_whole("wei", seed, weights, MOST_WEIGHT, 1, operands->tensors);
    if (p->bias)
        fill_whole("bia", seed, p->oc, added, 1, operands->tensors + weights);
    if (p->add)
        fill_whole("addend", seed, rb_problem_dst_elements(p), added, 1, operands->addend);
    return RB_OK;
}

static void scale(const char *name, uint64_t seed, int64_t count, double offset, double by,
                  float *dst) {
    rb_synth_values(name, seed, count, dst);
    for (int64_t i = 0; i < count; i++)
        dst[i] = (float)(offset + by * (double)dst[i]);
}

static bool is_corner(const rb_problem *p, int64_t i) {
    const int64_t h = i / p->iw % p->ih, w = i % p->iw;
    return (h == 0 || h == p->ih - 1) && (w == 0 || w == p->iw - 1);
}

/* Behind a ReLU: about half is 0, but no corner of a plane. An image, and what FC reads: none. */
static void fill_source(const rb_problem *p, uint64_t seed, float *src) {
    const int64_t count = rb_problem_src_elements(p);
    const bool pooled = p->op == RB_OP_FC;
    scale("src", seed, count, pooled ? 1 : 0, pooled ? 1 : 2, src);
    if (pooled || p->ic <= BOTH_SIGNS_CHANNELS)
        return;
    for (int64_t i = 0; i < count; i++)
        if (src[i] < 0)
            src[i] = is_corner(p, i) ? -src[i] : 0.0f;
}

/* gamma of both signs and some near 0; variances over two decades. */
static void fill_batch_norm(int64_t oc, uint64_t seed, float *dst) {
    float *weight = dst, *bias = dst + oc, *mean = dst + 2 * oc, *var = dst + 3 * oc;
    scale("bn_weight", seed, oc, 1, 0.5, weight);
    scale("bn_bias", seed, oc, 0, 0.5, bias);
    scale("bn_mean", seed, oc, 0.5, 0.5, mean);
    scale("bn_var", seed, oc, 1.5, 0.5, var);
    for (int64_t c = 0; c < oc; c++) {
        var[c] = ldexpf(var[c], (int)(c % 7) - 5);
        if (c % 8 == 3)
            weight[c] = -weight[c];
        if (c % 8 == 5)
            weight[c] = ldexpf(weight[c], -10);
    }
}

rb_status rb_operands_seeded(const rb_problem *p, uint64_t seed, rb_operands *operands,
                             rb_error *err) {
    const rb_status status = rb_operands_create(p, operands, err);
    if (status != RB_OK)
        return status;
    fill_source(p, seed, operands->src);
    if (p->op == RB_OP_MAXPOOL)
        make_negative(p, operands->src);
    float *at = operands->tensors;
    if (has_weights(p)) {
        scale("wei", seed, p->oc * terms_of(p), 0, sqrt(6.0 / (double)terms_of(p)), at);
        at += p->oc * terms_of(p);
    }
    if (p->bias) {
        scale("bia", seed, p->oc, 0, 0.5, at);
        at += p->oc;
    }
    if (p->bn)
        fill_batch_norm(p->oc, seed, at);
    if (p->add)
        scale("addend", seed, rb_problem_dst_elements(p), 0, 2, operands->addend);
    return RB_OK;
}
