#include <math.h>
#include <string.h>

#include "bench/case_parts.h"
#include "bench/evict.h"

void rb_case_set_meter(rb_case *c, rb_meter *meter) {
    c->meter = meter;
}

rb_status rb_case_call_engine(void *ctx, const rb_engine *engine, rb_session *session,
                              const float *src, const float *addend, void *dst, rb_error *err) {
    (void)ctx;
    return engine->run(session, src, addend, dst, err);
}

static double logit(const rb_case *c, size_t i) {
    return c->engine->output_dtype == RB_F64 ? ((const double *)c->dst)[i]
                                             : (double)((const float *)c->dst)[i];
}

static void before_timed_call(void *ctx) {
    rb_case *c = ctx;
    rb_case_poison(c);
    if (c->evictor)
        rb_evictor_run(c->evictor);
    if (c->meter)
        rb_meter_call_begins(c->meter);
}

static rb_status timed_call(void *ctx, rb_error *err) {
    rb_case *c = ctx;
    return rb_case_status_of_engine(c->calls->call(c->calls->ctx, c->engine, c->session,
                                                   c->src[c->timed_calls % RB_CASE_INPUTS],
                                                   c->addend, c->dst, err));
}

/* Between two calls the caches may be emptied, which takes energy that is not the calls'. */
static void start_timed_calls(void *ctx) {
    rb_case *c = ctx;
    if (c->meter)
        rb_meter_start(c->meter, !c->evictor);
}

static void after_timed_call(void *ctx) {
    rb_case *c = ctx;
    if (c->meter)
        rb_meter_call_ends(c->meter);
    for (size_t i = 0; i < rb_case_logits_count(c); i++)
        c->non_finite += isfinite(logit(c, i)) ? 0 : 1;
    memcpy(c->last[c->timed_calls % RB_CASE_INPUTS], c->dst, rb_case_dst_bytes(c));
    if (c->calls->after)
        c->calls->after(c->calls->ctx, (int)(c->timed_calls % RB_CASE_INPUTS), c->dst);
    c->timed_calls++;
}

rb_status rb_case_time_calls(rb_case *c, const rb_timing_spec *spec, const rb_case_calls *calls,
                             rb_timing_sample *samples, const void *dst[RB_CASE_INPUTS],
                             rb_error *err) {
    const rb_timing_body body = {.start = start_timed_calls,
                                 .before = before_timed_call,
                                 .call = timed_call,
                                 .after = after_timed_call,
                                 .ctx = c};
    const int inputs = calls->sets_inputs ? 0 : RB_CASE_INPUTS;
    const rb_case_given before = rb_case_given_now(c, inputs);
    c->calls = calls;
    c->timed_calls = 0;
    c->non_finite = 0;
    for (int i = 0; i < RB_CASE_INPUTS; i++)
        dst[i] = c->last[i];
    rb_status status = spec->cold ? rb_evictor_create(&c->evictor, err) : RB_OK;
    if (status == RB_OK)
        status = rb_timing_run(spec, &body, samples, err);
    rb_evictor_destroy(c->evictor);
    c->evictor = NULL;
    c->calls = NULL;
    if (status == RB_OK)
        status = rb_case_check_given(c, &before, inputs, err);
    if (status == RB_OK)
        status = rb_case_check_allocations(c, &before, err);
    if (status == RB_OK && c->non_finite > 0)
        status = rb_fail(err, RB_ERR_ENGINE,
                         "timed calls of engine %s left %zu logits NaN, infinite or unwritten",
                         c->engine->name, c->non_finite);
    return status;
}

rb_status rb_case_time(rb_case *c, const rb_timing_spec *spec, rb_timing_sample *samples,
                       const void *dst[RB_CASE_INPUTS], rb_error *err) {
    return rb_case_time_calls(c, spec, &(rb_case_calls){.call = rb_case_call_engine}, samples, dst,
                              err);
}
