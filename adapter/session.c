#include "session.h"

#include <string.h>

#include "resbench/clock.h"

/* Who watches a run; fn and node_ns are NULL when nobody does. */
typedef struct rb_watcher {
    uint32_t stages;
    rb_tap_fn fn;
    void *ctx;
    float *plain;     /* room for the largest value in NCHW */
    int64_t *node_ns; /* [node_count] */
} rb_watcher;

/* What one call is given. */
typedef struct rb_call {
    const float *src, *addend;
    float *dst;
} rb_call;

static const float *source_at(const rb_session *s, const rb_call *call, int32_t place) {
    if (place == RB_NO_PLACE)
        return NULL;
    const rb_place *p = &s->plan.places[place];
    switch (p->home) {
    case RB_HOME_BUFFER:
        return s->buffers[p->slot];
    case RB_HOME_SRC:
        return call->src;
    case RB_HOME_ADDEND:
        return call->addend;
    case RB_HOME_DST:
        return call->dst;
    }
    return NULL;
}

static float *result_at(const rb_session *s, const rb_call *call, int32_t place) {
    const rb_place *p = &s->plan.places[place];
    return p->home == RB_HOME_DST ? call->dst : s->buffers[p->slot];
}

static rb_status run_step(const rb_session *s, const rb_call *call, const rb_step *step,
                          rb_error *err) {
    const rb_place *from = &s->plan.places[step->src], *to = &s->plan.places[step->dst];
    const rb_adapted *node = &s->nodes[step->node];
    const float *src = source_at(s, call, step->src), *add = source_at(s, call, step->add);
    float *dst = result_at(s, call, step->dst);
    rb_error why = {""};
    rb_status status;
    switch (step->kind) {
    case RB_STEP_REORDER:
        rb_layout_reorder(to->layout, dst, from->layout, src, from->shape, s->host->threads);
        return RB_OK;
    case RB_STEP_REFERENCE:
        return s->adapter->reference->run(node->reference, src, add, dst, err);
    default:
        status =
            s->adapter->kernel->run(node->convolution.prepared, src, add, dst, s->scratch, &why);
        return status == RB_OK ? RB_OK : rb_kernel_failed(node->label, status, &why, err);
    }
}

/* Padded channels that are not 0 spoil the next convolution: no fault that the values show. */
static rb_status check_padding(const rb_session *s, const rb_call *call, const rb_step *step,
                               rb_error *err) {
    const rb_place *to = &s->plan.places[step->dst];
    if (step->kind != RB_STEP_KERNEL ||
        rb_layout_padding_is_zero(to->layout, source_at(s, call, step->dst), to->shape))
        return RB_OK;
    return rb_fail(err, RB_ERR_ENGINE, "%s: the channels that pad dst to a whole block are not 0",
                   s->nodes[step->node].label);
}

static rb_status show(const rb_session *s, const rb_call *call, const rb_step *step,
                      const rb_watcher *watcher, rb_error *err) {
    const rb_place *to = &s->plan.places[step->dst];
    const float *values = source_at(s, call, step->dst);
    if (step->kind == RB_STEP_REORDER || !(watcher->stages & RB_STAGE_VALUE))
        return RB_OK;
    if (!rb_layout_same(to->layout, RB_LAYOUT_NCHW, to->shape)) {
        rb_layout_reorder(RB_LAYOUT_NCHW, watcher->plain, to->layout, values, to->shape,
                          s->host->threads);
        values = watcher->plain;
    }
    return watcher->fn(watcher->ctx, step->node, RB_STAGE_VALUE, s->nodes[step->node].dims, RB_F32,
                       values, err);
}

/* A reorder is part of the node that it is for, but not from and to what the caller has given. */
static bool is_of_the_call(const rb_session *s, const rb_step *step) {
    const rb_place *from = &s->plan.places[step->src], *to = &s->plan.places[step->dst];
    return step->kind == RB_STEP_REORDER &&
           (from->home == RB_HOME_SRC || from->home == RB_HOME_ADDEND || to->home == RB_HOME_DST);
}

static rb_status execute(rb_session *s, const rb_call *call, const rb_watcher *watcher,
                         rb_error *err) {
    const bool careful = watcher->fn || s->node_count == 1; /* a problem, or nobody's time */
    int64_t since = rb_now_ns();
    rb_status status = RB_OK;
    for (int32_t i = 0; status == RB_OK && i < s->plan.step_count; i++) {
        const rb_step *step = &s->plan.steps[i];
        status = run_step(s, call, step, err);
        const int64_t now = rb_now_ns();
        s->spent_ns[step->kind] += now - since;
        if (watcher->node_ns && !is_of_the_call(s, step))
            watcher->node_ns[step->node] += now - since;
        since = now;
        if (status == RB_OK && careful)
            status = check_padding(s, call, step, err);
        if (status == RB_OK && watcher->fn)
            status = show(s, call, step, watcher, err);
    }
    s->runs++;
    return status;
}

rb_status rb_adapter_run(rb_session *s, const float *src, const float *addend, void *dst,
                         rb_error *err) {
    return execute(s, &(rb_call){src, addend, dst}, &(rb_watcher){0}, err);
}

rb_status rb_adapter_profile(rb_session *s, const float *src, const float *addend, void *dst,
                             int64_t *node_ns, rb_error *err) {
    memset(node_ns, 0, (size_t)s->node_count * sizeof *node_ns);
    return execute(s, &(rb_call){src, addend, dst}, &(rb_watcher){.node_ns = node_ns}, err);
}

rb_status rb_adapter_tap(rb_session *s, const float *src, const float *addend, void *dst,
                         uint32_t stages, rb_tap_fn fn, void *ctx, rb_error *err) {
    int64_t largest = 0;
    for (int32_t i = 0; i < s->plan.place_count; i++) {
        const int64_t count = rb_layout_elements(RB_LAYOUT_NCHW, s->plan.places[i].shape);
        largest = count > largest ? count : largest;
    }
    const rb_host *host = s->host;
    rb_watcher watcher = {
        .stages = stages,
        .fn = fn,
        .ctx = ctx,
        .plain = host->alloc(host->ctx, RB_MEMORY_SCRATCH, (size_t)largest * sizeof(float))};
    if (!watcher.plain)
        return rb_fail(err, RB_ERR_MEMORY, "the host has no memory to show values");
    const rb_status status = execute(s, &(rb_call){src, addend, dst}, &watcher, err);
    host->release(host->ctx, watcher.plain);
    return status;
}

/* Where the time of a run goes: for who tunes a plug-in. */
static void log_times(const rb_session *s) {
    char line[256];
    double ms[RB_STEP_KINDS], all = 0;
    for (int kind = 0; kind < RB_STEP_KINDS; kind++)
        all += ms[kind] = (double)s->spent_ns[kind] * 1e-6 / (double)s->runs;
    snprintf(line, sizeof line,
             "kernel plug-in %.40s: %lld runs of %.3f ms: %.3f ms in its kernels, %.3f ms in the "
             "reference, %.3f ms in reorders",
             s->adapter->kernel->name, (long long)s->runs, all, ms[RB_STEP_KERNEL],
             ms[RB_STEP_REFERENCE], ms[RB_STEP_REORDER]);
    s->host->log(s->host->ctx, line);
}

void rb_adapter_close(rb_session *s) {
    if (!s)
        return;
    const rb_host *host = s->host;
    rb_account *account = s->account;
    if (s->runs > 0 && s->node_count > 1)
        log_times(s);
    for (int32_t i = 0; s->nodes && i < s->node_count; i++) {
        rb_convolution_release(s->adapter->kernel, host, &s->nodes[i].convolution);
        s->adapter->reference->close(s->nodes[i].reference);
    }
    for (int32_t i = 0; s->buffers && i < s->plan.slot_count; i++)
        host->release(host->ctx, s->buffers[i]);
    void *rest[] = {s->scratch, s->buffers, s->plan.slots, s->plan.steps, s->plan.places,
                    s->nodes,   s};
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++)
        host->release(host->ctx, rest[i]);
    rb_account_destroy(account);
}
