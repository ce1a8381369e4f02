#include "bench/gate_round.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rb_status blame(rb_gate_side *side, rb_status status, rb_error *err) {
    if (status == RB_ERR_INTERRUPTED)
        return status;
    rb_error why = *err;
    side->failed = true;
    return rb_fail(err, status, "%s: %.900s", side->label, why.message);
}

/* Side number i of a slice or of opening: there and back again. */
static size_t turn_of(const rb_gate_job *job, size_t slice, size_t i) {
    return slice % 2 ? job->side_count - 1 - i : i;
}

static rb_status open_side(const rb_gate_job *job, rb_gate_side *side, rb_remote **remote,
                           rb_error *err) {
    rb_case_spec spec = job->spec;
    spec.engine_path = side->engine_path;
    const rb_status status = rb_remote_open(job->worker, &spec, remote, err);
    if (status != RB_OK)
        return status;
    const rb_remote_facts *facts = rb_remote_facts_of(*remote);
    snprintf(side->engine_version, sizeof side->engine_version, "%s", facts->engine_version);
    snprintf(side->kernel_plan, sizeof side->kernel_plan, "%s", facts->kernel_plan);
    return RB_OK;
}

/* The first RB_CASE_INPUTS batches of the images; the last one is filled up from the front. */
static int64_t image_of(const rb_gate_job *job, int64_t n) {
    return n % job->inputs->count;
}

static float *pack_inputs(const rb_gate_job *job) {
    const int64_t elements = 3 * job->spec.height * job->spec.width;
    const int64_t images = RB_CASE_INPUTS * job->spec.batch;
    float *src = malloc((size_t)(images * elements) * sizeof *src);
    for (int64_t n = 0; src && n < images; n++)
        memcpy(src + n * elements, job->inputs->images + image_of(job, n) * elements,
               (size_t)elements * sizeof *src);
    return src;
}

static rb_status time_slice(const rb_gate_job *job, rb_gate_side *side, rb_remote *remote,
                            const float *src, double *logits, double *ns, double *yardstick_ns,
                            rb_error *err) {
    rb_sample samples[RB_GATE_MAX_CALLS];
    const rb_truth *truth = job->truth;
    rb_remote_timing timing = {.samples = samples, .logits = logits};
    const rb_timing_spec spec = {
        .name = side->label, .repetitions = job->calls, .slowdown = side->slowdown};
    const rb_status status = rb_remote_time(remote, &spec, src, 0, &timing, err);
    if (status != RB_OK)
        return status;
    for (size_t i = 0; i < job->calls; i++)
        ns[i] = samples[i].real_ns;
    *yardstick_ns = timing.yardstick_ns[0];
    for (int64_t n = 0; n < RB_CASE_INPUTS * job->spec.batch; n++)
        rb_parity_add(&side->parity, truth->logits + image_of(job, n) * truth->classes,
                      logits + n * truth->classes, 1, truth->classes, image_of(job, n));
    return RB_OK;
}

static rb_status end_side(rb_gate_side *side, rb_remote *remote, rb_error *err) {
    rb_remote_account account;
    const rb_status status = rb_remote_account_of(remote, &account, err);
    if (status != RB_OK)
        return status;
    side->held = account.held;
    if (account.peak_rss_bytes > side->peak_rss_bytes)
        side->peak_rss_bytes = account.peak_rss_bytes;
    return rb_remote_end(remote, err);
}

static rb_status run_round(const rb_gate_job *job, size_t round, rb_remote **remotes,
                           const float *src, double *logits, rb_gate_times *times, rb_error *err) {
    rb_status status = RB_OK;
    for (size_t i = 0; i < job->side_count; i++) {
        const size_t s = turn_of(job, round, i);
        status = open_side(job, &job->sides[s], &remotes[s], err);
        if (status != RB_OK)
            return blame(&job->sides[s], status, err);
    }
    for (size_t slice = 0; slice < RB_GATE_SLICES; slice++)
        for (size_t i = 0; i < job->side_count; i++) {
            const size_t s = turn_of(job, round + slice, i);
            status =
                time_slice(job, &job->sides[s], remotes[s], src, logits,
                           &times->ns[s][slice * job->calls], &times->yardstick_ns[s][slice], err);
            if (status != RB_OK)
                return blame(&job->sides[s], status, err);
        }
    for (size_t s = 0; s < job->side_count; s++) {
        status = end_side(&job->sides[s], remotes[s], err);
        if (status != RB_OK)
            return blame(&job->sides[s], status, err);
    }
    return RB_OK;
}

rb_status rb_gate_round_measure(const rb_gate_job *job, size_t round, rb_gate_times *times,
                                rb_error *err) {
    rb_remote *remotes[RB_GATE_MAX_SIDES] = {NULL};
    float *src = pack_inputs(job);
    double *logits =
        malloc((size_t)(RB_CASE_INPUTS * job->spec.batch * job->truth->classes) * sizeof *logits);
    const rb_status status = src && logits ? run_round(job, round, remotes, src, logits, times, err)
                                           : rb_fail(err, RB_ERR_MEMORY, "no memory for a batch");
    for (size_t s = 0; s < job->side_count; s++)
        rb_remote_close(remotes[s]);
    free(src);
    free(logits);
    return status;
}
