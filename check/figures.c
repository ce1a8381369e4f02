#include "check/figures.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define UNIT_ROUNDOFF 0x1p-24 /* of float32 */
#define WINOGRAD_FACTOR 4
/* Deviations of the largest element: a Gaussian is beyond 6 of them once in 5e8 draws. */
#define ELEMENT_DEVIATIONS 6

/* The float32 grid as integers, in order: neighbours differ by 1, and -0 is +0. */
static int64_t grid_place(double value) {
    const float rounded = (float)value;
    uint32_t bits;
    memcpy(&bits, &rounded, sizeof bits);
    const int64_t size = (int64_t)(bits & 0x7FFFFFFFu);
    return bits >> 31 ? -size : size;
}

static double share_of(double error, double limit) {
    if (error == 0)
        return 0;
    return limit > 0 ? error / limit : INFINITY;
}

static double largest(const double *values, int64_t count) {
    double most = 0;
    for (int64_t i = 0; i < count; i++)
        most = fmax(most, values[i]);
    return most;
}

static void place(const rb_problem *p, int64_t index, const double *truth, const double *dst,
                  rb_check_figures *figures) {
    const int64_t plane = p->oh * p->ow, image = p->oc * plane;
    figures->worst[0] = index / image;
    figures->worst[1] = index % image / plane;
    figures->worst[2] = index % plane / p->ow;
    figures->worst[3] = index % p->ow;
    figures->found = dst[index];
    figures->expected = truth[index];
}

static bool is_constant(const double *values, int64_t count) {
    for (int64_t i = 1; i < count; i++)
        if (!(values[i] == values[0]))
            return false;
    return true;
}

/* What grows while the elements are gone through. */
typedef struct rb_sums {
    double error, truth, magnitude; /* of squares */
    int64_t worst;                  /* the element with the largest share, or the first NaN */
} rb_sums;

static void add_element(double expected, double found, double limit, int64_t index,
                        rb_check_figures *f, rb_sums *sums) {
    if (!isfinite(found)) {
        if (f->non_finite++ == 0)
            sums->worst = index;
        f->differing++;
        return;
    }
    const double error = fabs(found - expected);
    const double share = share_of(error, limit);
    f->differing += error != 0;
    f->excess_zeros += found == 0 && expected != 0;
    f->max_abs = fmax(f->max_abs, error);
    f->max_ulp = fmax(f->max_ulp, (double)llabs(grid_place(found) - grid_place(expected)));
    sums->error += error * error;
    sums->truth += expected * expected;
    if (share > f->element_share) {
        f->element_share = share;
        if (f->non_finite == 0)
            sums->worst = index;
    }
}

rb_check_figures rb_figures_compare(const rb_problem *problem, const rb_problem_truth *truth,
                                    rb_algorithm algorithm, const double *dst) {
    const bool winograd = algorithm == RB_ALGORITHM_WINOGRAD;
    const double root = sqrt((double)truth->k);
    const double unit = truth->k == 0 ? 0
                        : winograd    ? WINOGRAD_FACTOR * UNIT_ROUNDOFF
                                      : UNIT_ROUNDOFF;
    /* Where a sum begins with what is no product, all its K roundings are of that size, each
     * uniform within u of it. */
    const double tail = (ELEMENT_DEVIATIONS / sqrt(3) - 1) * root;
    const int64_t count = rb_problem_dst_elements(problem), plane = problem->oh * problem->ow;
    rb_check_figures f = {.elements = count};
    rb_sums sums = {0};
    const double flushed = truth->k ? (double)(truth->k + 2) * (double)FLT_MIN : 0;
    double most = 0;
    for (int64_t i = 0; i < count; i++) {
        const double magnitude = truth->magnitude[i];
        if (winograd && i % plane == 0)
            most = largest(truth->magnitude + i, plane);
        sums.magnitude += magnitude * magnitude;
        add_element(truth->value[i], dst[i],
                    unit * ((8 + root) * (winograd ? most : magnitude) + tail * truth->start[i]) +
                        flushed,
                    i, &f, &sums);
    }
    f.rel_l2 = share_of(sqrt(sums.error), sqrt(sums.truth));
    f.nmse = f.rel_l2 * f.rel_l2;
    f.norm_share = share_of(sqrt(sums.error), unit * fmax(8, root) * sqrt(sums.magnitude) +
                                                  sqrt((double)count) * flushed);
    if (f.non_finite > 0)
        f.rel_l2 = f.nmse = f.max_abs = f.max_ulp = f.element_share = f.norm_share = NAN;
    f.constant = count > 1 && is_constant(dst, count) && !is_constant(truth->value, count);
    place(problem, sums.worst, truth->value, dst, &f);
    return f;
}

static void write_place(const rb_check_figures *f, char *text, size_t capacity) {
    snprintf(text, capacity, "at (%lld, %lld, %lld, %lld) found %.9g, expected %.9g",
             (long long)f->worst[0], (long long)f->worst[1], (long long)f->worst[2],
             (long long)f->worst[3], f->found, f->expected);
}

/* What is wrong at every level; RB_VERDICT_NONE: nothing. */
static rb_verdict judge_common(const rb_check_figures *f, const char *where, char *note,
                               size_t capacity) {
    note[0] = '\0';
    if (f->elements == 0) {
        snprintf(note, capacity, "nothing was compared");
        return RB_VERDICT_MISTRUSTED;
    }
    if (f->non_finite == 0)
        return RB_VERDICT_NONE;
    snprintf(note, capacity, "%lld of %lld values are NaN, infinite or unwritten; first %s",
             (long long)f->non_finite, (long long)f->elements, where);
    return RB_VERDICT_FAIL;
}

/* Errors that are small although nothing was computed. */
static rb_verdict judge_trust(const rb_check_figures *f, char *note, size_t capacity) {
    if (!f->constant && f->excess_zeros <= f->elements / 4)
        return RB_VERDICT_PASS;
    snprintf(note, capacity, "%s; %lld zeros where there are none",
             f->constant ? "all values are the same" : "far too many zeros",
             (long long)f->excess_zeros);
    return RB_VERDICT_MISTRUSTED;
}

rb_verdict rb_figures_judge_exact(const rb_check_figures *f, char *note, size_t capacity) {
    char where[128];
    write_place(f, where, sizeof where);
    const rb_verdict common = judge_common(f, where, note, capacity);
    if (common != RB_VERDICT_NONE)
        return common;
    if (f->differing == 0)
        return RB_VERDICT_PASS;
    snprintf(note, capacity, "%lld of %lld integers differ; worst %s", (long long)f->differing,
             (long long)f->elements, where);
    return RB_VERDICT_FAIL;
}

rb_verdict rb_figures_judge_operation(const rb_check_figures *f, char *note, size_t capacity) {
    char where[128];
    write_place(f, where, sizeof where);
    const rb_verdict common = judge_common(f, where, note, capacity);
    if (common != RB_VERDICT_NONE)
        return common;
    if (f->element_share <= 1 && f->norm_share <= 1)
        return judge_trust(f, note, capacity);
    const double share = fmax(f->element_share, f->norm_share);
    snprintf(note, capacity, "%s is %.3g times its limit; worst %s",
             f->element_share >= f->norm_share ? "an element's error" : "the norm of the error",
             share, where);
    return f->element_share <= 2 && f->norm_share <= 2 ? RB_VERDICT_MARGINAL : RB_VERDICT_FAIL;
}
