/* What bench/case.c shares with case_time.c and case_memory.c: nobody else looks into a case. */
#ifndef BENCH_CASE_PARTS_H
#define BENCH_CASE_PARTS_H

#include "bench/case.h"
#include "bench/case_source.h"
#include "bench/evict.h"
#include "bench/host_memory.h"

struct rb_case {
    const rb_engine *engine;
    rb_case_source source;
    rb_host_memory *host;
    rb_session *session;
    float *src[RB_CASE_INPUTS]; /* (batch, channels, height, width), guarded */
    float *addend;              /* (batch, oc, oh, ow), guarded; NULL where no node reads it */
    void *dst;                  /* (batch, classes) of engine->output_dtype, guarded */
    void *last[RB_CASE_INPUTS]; /* while timing: the logits of the last call on each input */
    const rb_case_calls *calls; /* while timing */
    rb_evictor *evictor;        /* while timing with cold caches; else NULL */
    rb_meter *meter;            /* of timed calls; may be NULL */
    size_t timed_calls;
    size_t non_finite; /* logits of timed calls that are NaN, infinite or unwritten */
    double open_ns;
    uint64_t weights_before; /* fingerprint of what the engine was given */
    rb_memory_marks marks;
};

/* What an engine may say of itself; every other status would speak for somebody else. */
rb_status rb_case_status_of_engine(rb_status status);

bool rb_case_keeps_weights(const rb_case *c);

size_t rb_case_logits_count(const rb_case *c);

/* Fills the logits with NaN: no engine may pass with what an earlier call has left. */
void rb_case_poison(rb_case *c);

/* Of inputs, addend and logits. */
double rb_case_buffer_bytes(const rb_case *c);

/* What calls must leave as it is: fingerprints of the first `inputs` inputs and of the addend, and
 * the number of the host's allocations. */
typedef struct rb_case_given {
    uint64_t src[RB_CASE_INPUTS], addend;
    size_t allocations;
} rb_case_given;

rb_case_given rb_case_given_now(const rb_case *c, int inputs);

/* RB_ERR_ENGINE where inputs, addend or weights have changed, or bytes past the ends of a buffer.
 */
rb_status rb_case_check_given(const rb_case *c, const rb_case_given *before, int inputs,
                              rb_error *err);
rb_status rb_case_check_allocations(const rb_case *c, const rb_case_given *before, rb_error *err);

#endif
