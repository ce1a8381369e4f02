/* Problems of a real network: its nodes, on the activations that an engine has there. */
#ifndef CHECK_RECORDED_H
#define CHECK_RECORDED_H

#include "bench/case_source.h"
#include "bench/inputs.h"
#include "bench/remote_case.h"
#include "check/operands.h"

typedef struct rb_recording {
    rb_case_source source; /* graph and weights */
    double **values; /* [node_count]: a node's value, (batch, oc, oh, ow); NULL: not recorded */
    float *input;    /* (batch, channels, height, width) */
} rb_recording;

/* Graph, weights and the first `batch` images, no values yet. spec names network, weights and
 * shape; its engine is not looked at. On error nothing is held. */
rb_status rb_recording_begin(const rb_case_spec *spec, const rb_inputs *inputs,
                             rb_recording *recording, rb_error *err);

/* Records the values of the nodes first .. first + count - 1 of a case of the same graph. */
rb_status rb_recording_take(rb_recording *recording, rb_remote *remote, int32_t first,
                            int32_t count, rb_error *err);

/* Both for all nodes of the oracle, which runs once. */
rb_status rb_recording_make(const rb_worker_options *options, const rb_case_spec *spec,
                            const rb_inputs *inputs, rb_recording *recording, rb_error *err);
void rb_recording_forget(rb_recording *recording, int32_t node);
void rb_recording_release(rb_recording *recording);

/* The problem of a node, and what it is fed there: values rounded to float32. The values that the
 * node reads are recorded. */
rb_status rb_recording_problem(const rb_recording *recording, int32_t node, rb_problem *problem,
                               rb_operands *operands, rb_error *err);

#endif
