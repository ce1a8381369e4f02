/* Problems of a real network: its nodes, on the activations that the oracle has there. */
#ifndef CHECK_RECORDED_H
#define CHECK_RECORDED_H

#include "bench/inputs.h"
#include "bench/remote_case.h"
#include "check/operands.h"

typedef struct rb_recording {
    rb_graph *graph;
    double **values; /* [node_count]: the oracle's value of each node, (batch, oc, oh, ow) */
    float *input;    /* (batch, channels, height, width) */
    float **tensors; /* [tensor_count]: the weights */
    double epsilon;
} rb_recording;

/* Runs the oracle once on the first `batch` images. spec names network, weights and shape; its
 * engine is not looked at. */
rb_status rb_recording_make(const rb_worker_options *options, const rb_case_spec *spec,
                            const rb_inputs *inputs, rb_recording *recording, rb_error *err);
void rb_recording_release(rb_recording *recording);

/* The problem of a node, and what it is fed there: values rounded to float32. */
rb_status rb_recording_problem(const rb_recording *recording, int32_t node, rb_problem *problem,
                               rb_operands *operands, rb_error *err);

#endif
