#include "bench/parity.h"

#include <math.h>

#define UNIT_ROUNDOFF 0x1p-24 /* of float32 */
#define MOST_REL_L2 1e-3      /* some hundred times what real networks lose */

static int64_t argmax(const double *values, int64_t count) {
    int64_t best = 0;
    for (int64_t i = 1; i < count; i++)
        if (values[i] > values[best])
            best = i;
    return best;
}

static int64_t count_zeros(const double *values, int64_t count) {
    int64_t zeros = 0;
    for (int64_t i = 0; i < count; i++)
        zeros += values[i] == 0;
    return zeros;
}

static bool is_constant(const double *values, int64_t count) {
    for (int64_t i = 1; i < count; i++)
        if (values[i] != values[0])
            return false;
    return count > 1;
}

static void add_image(rb_parity *parity, const double *oracle, const double *logits,
                      int64_t classes, int64_t image) {
    double error = 0, norm = 0;
    for (int64_t i = 0; i < classes; i++) {
        if (!isfinite(logits[i]) || !isfinite(oracle[i])) {
            parity->non_finite++;
            continue;
        }
        const double difference = logits[i] - oracle[i];
        error += difference * difference;
        norm += oracle[i] * oracle[i];
        if (fabs(difference) > parity->max_abs_error)
            parity->max_abs_error = fabs(difference);
    }
    const double rel_l2 = norm > 0 ? sqrt(error / norm) : sqrt(error);
    if (parity->images == 0 ||
        (!isnan(parity->worst_rel_l2) && !(rel_l2 <= parity->worst_rel_l2))) {
        parity->worst_rel_l2 = rel_l2;
        parity->worst_image = image;
    }
    parity->top1_agree += argmax(oracle, classes) == argmax(logits, classes);
    parity->constant += is_constant(logits, classes) && !is_constant(oracle, classes);
    parity->excess_zeros +=
        count_zeros(logits, classes) > count_zeros(oracle, classes) + classes / 4;
    parity->images++;
}

void rb_parity_add(rb_parity *parity, const double *oracle, const double *logits, int64_t images,
                   int64_t classes, int64_t first_image) {
    for (int64_t n = 0; n < images; n++)
        add_image(parity, oracle + n * classes, logits + n * classes, classes, first_image + n);
}

double rb_parity_limit(double reference_rel_l2) {
    return isfinite(reference_rel_l2) ? fmax(4 * reference_rel_l2, 8 * UNIT_ROUNDOFF)
                                      : 8 * UNIT_ROUNDOFF;
}

double rb_parity_reference_limit(double jitter_rel_l2) {
    return isfinite(jitter_rel_l2) ? fmin(fmax(jitter_rel_l2, 8 * UNIT_ROUNDOFF), MOST_REL_L2)
                                   : 8 * UNIT_ROUNDOFF;
}

double rb_parity_limit_beside(double reference_rel_l2, double reference_limit) {
    return rb_parity_limit(reference_rel_l2 <= reference_limit ? reference_rel_l2
                                                               : reference_limit / 4);
}

rb_verdict rb_parity_judge(const rb_parity *parity, double limit, char *note, size_t capacity) {
    note[0] = '\0';
    if (parity->images == 0) {
        snprintf(note, capacity, "no image was compared");
        return RB_VERDICT_MISTRUSTED;
    }
    if (parity->non_finite > 0) {
        snprintf(note, capacity, "%lld logits are NaN or infinite", (long long)parity->non_finite);
        return RB_VERDICT_FAIL;
    }
    if (!(parity->worst_rel_l2 <= limit)) {
        snprintf(note, capacity, "relative L2 error %.2e of image %lld, limit %.2e",
                 parity->worst_rel_l2, (long long)parity->worst_image, limit);
        return parity->worst_rel_l2 <= 2 * limit ? RB_VERDICT_MARGINAL : RB_VERDICT_FAIL;
    }
    if (parity->constant > 0 || parity->excess_zeros > 0) {
        snprintf(note, capacity, "%lld images have constant logits, %lld far too many zeros",
                 (long long)parity->constant, (long long)parity->excess_zeros);
        return RB_VERDICT_MISTRUSTED;
    }
    return RB_VERDICT_PASS;
}
