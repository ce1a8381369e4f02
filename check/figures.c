#include "check/figures.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define UNIT_ROUNDOFF 0x1p-24 /* of float32 */
#define WINOGRAD_FACTOR 4

/* The float32 grid as integers, in order: neighbours differ by 1, -0 and +0 are the same. */
static int64_t grid_place(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const int64_t size = (int64_t)(bits & 0x7FFFFFFFu);
    return bits >> 31 ? -size : size;
}

typedef struct sums {
    double error, truth, magnitude; /* squares */
    int64_t zeros_found, zeros_true;
    bool found_varies, truth_varies;
    double worst_share, worst_error;
    int64_t worst;
} sums;

static double share_of(double error, double limit) {
    if (error == 0)
        return 0;
    return limit > 0 ? error / limit : INFINITY;
}

/* What products and results below the smallest normal number may lose when they are flushed. */
static double flushed(const rb_problem_truth *truth) {
    return truth->k ? (double)(truth->k + 2) * (double)FLT_MIN : 0;
}

/* The limit of one value whose magnitude is `magnitude`; 0 where nothing is summed. */
static double element_limit(const rb_problem_truth *truth, rb_algorithm algorithm,
                            double magnitude) {
    const double factor = algorithm == RB_ALGORITHM_WINOGRAD ? WINOGRAD_FACTOR : 1;
    if (truth->k == 0)
        return 0;
    return factor * (8 + sqrt((double)truth->k)) * UNIT_ROUNDOFF * magnitude + flushed(truth);
}

static double norm_limit(const rb_problem_truth *truth, rb_algorithm algorithm, const sums *s,
                         int64_t count) {
    const double factor = algorithm == RB_ALGORITHM_WINOGRAD ? WINOGRAD_FACTOR : 1;
    if (truth->k == 0)
        return 0;
    return factor * fmax(8, sqrt((double)truth->k)) * UNIT_ROUNDOFF * sqrt(s->magnitude) +
           sqrt((double)count) * flushed(truth);
}

static void add_finite(rb_check_figures *f, sums *s, int64_t i, double found, double expected,
                       double limit) {
    const double error = fabs(found - expected), share = share_of(error, limit);
    const double ulp = (double)llabs(grid_place((float)found) - grid_place((float)expected));
    s->error += error * error;
    f->differing += (float)found != (float)expected;
    f->max_abs = fmax(f->max_abs, error);
    f->max_ulp = fmax(f->max_ulp, ulp);
    if (s->worst < 0 || share > s->worst_share ||
        (share == s->worst_share && error > s->worst_error)) {
        s->worst = i;
        s->worst_share = share;
        s->worst_error = error;
    }
}

/* Planes of (n, c), for Winograd: its sums run in tiles, where a large value loses as much for its
 * small neighbours as for itself. */
static double largest(const double *magnitude, int64_t count) {
    double most = 0;
    for (int64_t i = 0; i < count; i++)
        most = fmax(most, magnitude[i]);
    return most;
}

static void place(const rb_problem *p, int64_t i, int64_t at[4]) {
    at[3] = i % p->ow;
    at[2] = i / p->ow % p->oh;
    at[1] = i / (p->ow * p->oh) % p->oc;
    at[0] = i / (p->ow * p->oh * p->oc);
}

static void finish(const rb_problem *p, const rb_problem_truth *truth, rb_algorithm algorithm,
                   const double *dst, const sums *s, int64_t first_bad, rb_check_figures *f) {
    const int64_t worst = first_bad >= 0 ? first_bad : s->worst;
    f->excess_zeros = s->zeros_found > s->zeros_true ? s->zeros_found - s->zeros_true : 0;
    f->constant = !s->found_varies && s->truth_varies;
    if (worst >= 0) {
        place(p, worst, f->worst);
        f->found = dst[worst];
        f->expected = truth->value[worst];
    }
    if (first_bad >= 0) {
        f->rel_l2 = f->nmse = f->max_abs = f->max_ulp = f->element_share = f->norm_share = NAN;
        return;
    }
    f->rel_l2 = share_of(sqrt(s->error), sqrt(s->truth));
    f->nmse = f->rel_l2 * f->rel_l2;
    f->element_share = s->worst_share;
    f->norm_share = share_of(sqrt(s->error), norm_limit(truth, algorithm, s, f->elements));
}

rb_check_figures rb_figures_compare(const rb_problem *p, const rb_problem_truth *truth,
                                    rb_algorithm algorithm, const double *dst) {
    const int64_t count = rb_problem_dst_elements(p), plane = p->oh * p->ow;
    rb_check_figures f = {.elements = count};
    sums s = {.worst = -1, .worst_share = -1};
    int64_t first_bad = -1;
    double plane_most = 0;
    for (int64_t i = 0; i < count; i++) {
        const double expected = truth->value[i], magnitude = truth->magnitude[i];
        if (algorithm == RB_ALGORITHM_WINOGRAD && i % plane == 0)
            plane_most = largest(truth->magnitude + i, plane);
        s.truth += expected * expected;
        s.magnitude += magnitude * magnitude;
        s.zeros_true += (float)expected == 0;
        s.zeros_found += dst[i] == 0;
        s.found_varies |= dst[i] != dst[0];
        s.truth_varies |= expected != truth->value[0];
        if (isfinite(dst[i])) {
            const double limit = element_limit(
                truth, algorithm, algorithm == RB_ALGORITHM_WINOGRAD ? plane_most : magnitude);
            add_finite(&f, &s, i, dst[i], expected, limit);
            continue;
        }
        first_bad = first_bad < 0 ? i : first_bad;
        f.non_finite++;
        f.differing++;
    }
    finish(p, truth, algorithm, dst, &s, first_bad, &f);
    return f;
}

static rb_verdict say(rb_verdict verdict, const rb_check_figures *f, const char *what, char *note,
                      size_t capacity) {
    snprintf(note, capacity, "%s; at (n %lld, c %lld, h %lld, w %lld) %.9g, expected %.9g", what,
             (long long)f->worst[0], (long long)f->worst[1], (long long)f->worst[2],
             (long long)f->worst[3], f->found, f->expected);
    return verdict;
}

/* What is wrong whatever the limits are. */
static rb_verdict judge_road(const rb_check_figures *f, char *note, size_t capacity) {
    char what[160];
    note[0] = '\0';
    if (f->elements < 1) {
        snprintf(note, capacity, "nothing was compared");
        return RB_VERDICT_MISTRUSTED;
    }
    if (f->non_finite > 0) {
        snprintf(what, sizeof what, "%lld of %lld values are NaN, infinite or unwritten",
                 (long long)f->non_finite, (long long)f->elements);
        return say(RB_VERDICT_FAIL, f, what, note, capacity);
    }
    if (f->constant)
        return say(RB_VERDICT_MISTRUSTED, f, "all values are the same", note, capacity);
    if (f->excess_zeros > 2 && f->excess_zeros > f->elements / 2) {
        snprintf(what, sizeof what, "%lld of %lld values are zero that are not",
                 (long long)f->excess_zeros, (long long)f->elements);
        return say(RB_VERDICT_MISTRUSTED, f, what, note, capacity);
    }
    return RB_VERDICT_NONE;
}

rb_verdict rb_figures_judge_exact(const rb_check_figures *f, char *note, size_t capacity) {
    char what[160];
    const rb_verdict road = judge_road(f, note, capacity);
    if (road != RB_VERDICT_NONE)
        return road;
    if (f->differing == 0)
        return RB_VERDICT_PASS;
    snprintf(what, sizeof what, "%lld of %lld values differ, the most by %.3g",
             (long long)f->differing, (long long)f->elements, f->max_abs);
    return say(RB_VERDICT_FAIL, f, what, note, capacity);
}

rb_verdict rb_figures_judge_operation(const rb_check_figures *f, char *note, size_t capacity) {
    char what[160];
    const rb_verdict road = judge_road(f, note, capacity);
    if (road != RB_VERDICT_NONE)
        return road;
    if (f->element_share <= 1 && f->norm_share <= 1)
        return RB_VERDICT_PASS;
    snprintf(what, sizeof what,
             "the worst value is %.3g times its limit, the norm of the error %.3g times",
             f->element_share, f->norm_share);
    const bool marginal = f->element_share <= 2 && f->norm_share <= 2;
    return say(marginal ? RB_VERDICT_MARGINAL : RB_VERDICT_FAIL, f, what, note, capacity);
}
