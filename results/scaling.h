/* How latency and memory grow with depth. */
#ifndef RESULTS_SCALING_H
#define RESULTS_SCALING_H

#include "results/record.h"

#define RB_MAX_SCALING_POINTS 32

typedef struct rb_scaling_point {
    const rb_record *record;
    double latency_ms;       /* median */
    double fitted_ms;        /* by the line below */
    double residual_percent; /* (latency - fitted) / latency */
    /* Against the next shallower network of the same block kind: added ms per added block;
     * NaN for the first of its kind. */
    double marginal_ms_per_block;
} rb_scaling_point;

/* One line latency = fixed_ms + ms_per_gmac * GMACs for one engine, batch, input size and mode,
 * least squares over depths: a GMAC on planes of 32x32 costs another time than one on 224x224. With
 * fewer than three depths there is no fit (fitted == false). */
typedef struct rb_scaling {
    char engine[64];
    int64_t batch;
    int64_t height, width; /* of the input */
    int32_t threads;
    char mode[8], scenario[16];
    bool fitted;
    double fixed_ms, ms_per_gmac;
    double r_squared;
    size_t count;
    rb_scaling_point points[RB_MAX_SCALING_POINTS]; /* by GMACs */
} rb_scaling;

/* One entry per engine, batch, input size, threads and mode that has timed records with the verdict
 * PASS, in the order of the records. The caller frees it; NULL, with *count 0, when there is none
 * or no memory. Records must outlive the result. */
rb_scaling *rb_scaling_compute(const rb_record_list *records, size_t *count);

#endif
