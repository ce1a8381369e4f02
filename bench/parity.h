/* Right or wrong: pure functions of logits. docs/design.md, "Right", gives the rules. */
#ifndef BENCH_PARITY_H
#define BENCH_PARITY_H

#include <stdbool.h>
#include <stdint.h>

#include "results/record.h"

/* What has been compared so far; start from {0}. */
typedef struct rb_parity {
    int64_t images;
    double worst_rel_l2; /* over images: |engine - oracle|_2 / |oracle|_2 */
    int64_t worst_image;
    double max_abs_error;
    int64_t top1_agree;
    int64_t non_finite;   /* logits that are NaN or infinite, on either side */
    int64_t constant;     /* images whose logits are all the same, while the oracle's are not */
    int64_t excess_zeros; /* images with far more zeros than the oracle has */
} rb_parity;

/* Adds `images` images; oracle and logits are (images, classes). first_image numbers the
 * first of them in messages. */
void rb_parity_add(rb_parity *parity, const double *oracle, const double *logits, int64_t images,
                   int64_t classes, int64_t first_image);

/* Largest relative L2 error that an engine may have: max(4 x the float32 reference's own
 * worst image on the same input, 8 u), u = 2^-24. */
double rb_parity_limit(double reference_rel_l2);

/* The same for the float32 reference itself: what the oracle's logits move when its weights move as
 * far as float32 sums move them (bench/jitter.h), at least 8 u and at most 1e-3: weights that lose
 * more must not make room for an engine that is wrong. */
double rb_parity_reference_limit(double jitter_rel_l2);

/* The limit of all but the reference, beside a reference with that error and limit of its own. A
 * reference beyond its limit, or of which nothing is known (NaN), does not widen it: then it is the
 * reference's. */
double rb_parity_limit_beside(double reference_rel_l2, double reference_limit);

/* The verdict, and in note why it is not PASS. */
rb_verdict rb_parity_judge(const rb_parity *parity, double limit, char *note, size_t capacity);

#endif
