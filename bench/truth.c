#include "bench/truth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/engine_loader.h"
#include "bench/jitter.h"

static rb_status run_engine(const rb_worker_options *options, const rb_case_spec *spec,
                            const char *engine, int32_t jitter, const rb_inputs *inputs,
                            double *logits, rb_error *err) {
    char path[RB_PATH_CAPACITY];
    rb_remote *remote;
    rb_error why;
    double run_ns;
    rb_case_spec own = *spec;
    rb_status status = rb_engine_find_own(engine, path, err);
    if (status != RB_OK)
        return status;
    own.engine_path = path;
    own.jitter = jitter;
    own.batch = 1; /* one image at a time takes the least memory */
    status = rb_remote_open(options, &own, &remote, &why);
    if (status == RB_OK)
        status =
            rb_remote_logits(remote, inputs->images, inputs->count, false, logits, &run_ns, &why);
    rb_remote_close(remote);
    /* What is wrong with a file is said by itself; what is wrong with an engine needs its name. */
    if (status == RB_ERR_INPUT || status == RB_ERR_INTERRUPTED)
        return rb_fail(err, status, "%s", why.message);
    if (status != RB_OK)
        return rb_fail(err, status, "%s on %s: %.900s", engine, spec->network, why.message);
    return RB_OK;
}

static double distance(const rb_truth *truth, const double *logits, int64_t images) {
    rb_parity parity = {0};
    rb_parity_add(&parity, truth->logits, logits, images, truth->classes, 0);
    return parity.worst_rel_l2;
}

rb_status rb_truth_compute(const rb_worker_options *options, const rb_case_spec *spec,
                           const rb_inputs *inputs, rb_truth *truth, rb_error *err) {
    const size_t count = (size_t)(inputs->count * spec->classes);
    double *others = calloc(count, sizeof *others);
    rb_status status = RB_OK;
    *truth = (rb_truth){.classes = spec->classes, .logits = calloc(count, sizeof(double))};
    if (!truth->logits || !others)
        status = rb_fail(err, RB_ERR_MEMORY, "no memory for the logits of %s", spec->network);
    if (status == RB_OK)
        status = run_engine(options, spec, "oracle", 0, inputs, truth->logits, err);
    for (int32_t way = 1; status == RB_OK && way <= RB_JITTERS; way++) {
        status = run_engine(options, spec, "oracle", way, inputs, others, err);
        if (status == RB_OK)
            truth->jitter_rel_l2 =
                fmax(truth->jitter_rel_l2, distance(truth, others, inputs->count));
    }
    if (status == RB_OK)
        status = run_engine(options, spec, "reference", 0, inputs, others, err);
    if (status == RB_OK)
        truth->reference_rel_l2 = distance(truth, others, inputs->count);
    else
        rb_truth_release(truth);
    free(others);
    return status;
}

void rb_truth_release(rb_truth *truth) {
    free(truth->logits);
    *truth = (rb_truth){0};
}
