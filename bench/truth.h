/* What is right for one network and input: the oracle's logits, and how far off the plain
 * float32 reference is, which sets the limit for everybody else; and what float32 may lose at all
 * on these weights and images, which is the limit of the reference. */
#ifndef BENCH_TRUTH_H
#define BENCH_TRUTH_H

#include "bench/inputs.h"
#include "bench/parity.h"
#include "bench/remote_case.h"

typedef struct rb_truth {
    double *logits; /* (inputs->count, classes) of the float64 oracle */
    int64_t classes;
    double reference_rel_l2; /* worst image of the float32 reference */
    double jitter_rel_l2;    /* of the oracle, its weights moved by float32's roundings */
} rb_truth;

/* Runs oracle (thrice) and reference, each in a worker of its own; spec's engine and batch are not
 * looked at. The caller releases *truth. */
rb_status rb_truth_compute(const rb_worker_options *options, const rb_case_spec *spec,
                           const rb_inputs *inputs, rb_truth *truth, rb_error *err);
void rb_truth_release(rb_truth *truth);

#endif
