#include "bench/case_stream.h"

#include <stdlib.h>
#include <string.h>

#include "bench/machine.h"

typedef struct stream {
    rb_case *open_case;
    const rb_stream_images *set;
    int64_t batch, batches;
    size_t image_bytes, logit_bytes; /* of one image */
    unsigned char *logits;
    size_t stretches; /* so far, the warm-up's included */
} stream;

static int64_t batch_of(const rb_case *c) {
    return rb_case_facts_of(c).graph->batch;
}

rb_status rb_stream_images_create(const rb_case *c, const void *images, size_t bytes,
                                  rb_stream_images *set, rb_error *err) {
    const int64_t batch = batch_of(c);
    const size_t each = rb_case_src_bytes(c) / (size_t)batch, front = (size_t)(batch - 1) * each;
    *set = (rb_stream_images){.count = (int64_t)(bytes / each)};
    if (bytes % each != 0 || set->count <= batch)
        return rb_fail(err, RB_ERR_USAGE,
                       "a set of %zu bytes, expected more than %lld images of %zu", bytes,
                       (long long)batch, each);
    const rb_status status =
        rb_machine_check_memory("the set of images", (double)bytes + (double)front, err);
    if (status != RB_OK)
        return status;
    set->images = malloc(bytes + front);
    if (!set->images)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for %lld images", (long long)set->count);
    memcpy(set->images, images, bytes);
    memcpy((char *)set->images + bytes, images, front);
    return RB_OK;
}

void rb_stream_images_release(rb_stream_images *set) {
    free(set->images);
    *set = (rb_stream_images){0};
}

static int64_t batches_of_set(const stream *s) {
    return (s->set->count + s->batch - 1) / s->batch;
}

static void take_logits(const stream *s, int64_t first, const void *dst) {
    for (int64_t b = 0; b < s->batch; b++)
        memcpy(s->logits + (size_t)((first + b) % s->set->count) * s->logit_bytes,
               (const char *)dst + (size_t)b * s->logit_bytes, s->logit_bytes);
}

/* A stretch; the first one, which warms up, is one way through the set. */
static rb_status call(void *ctx, const rb_engine *engine, rb_session *session, const float *src,
                      const float *addend, void *dst, rb_error *err) {
    const stream *s = ctx;
    const int64_t batches = s->stretches ? s->batches : batches_of_set(s);
    const int input = (int)(s->stretches % RB_CASE_INPUTS); /* whose buffer is src */
    rb_status status = RB_OK;
    for (int64_t k = 0; status == RB_OK && k < batches; k++) {
        const int64_t first = k * s->batch % s->set->count;
        status = rb_case_set_input(s->open_case, input,
                                   (const char *)s->set->images + (size_t)first * s->image_bytes,
                                   (size_t)s->batch * s->image_bytes, err);
        if (status == RB_OK)
            status = engine->run(session, src, addend, dst, err);
        if (status == RB_OK)
            take_logits(s, first, dst);
    }
    return status;
}

static void after(void *ctx, int input, const void *dst) {
    stream *s = ctx;
    (void)input, (void)dst;
    s->stretches++;
}

rb_status rb_case_time_stream(rb_case *c, const char *name, const rb_stream_images *set,
                              int64_t batches, rb_timing_sample *sample, void *logits,
                              rb_error *err) {
    stream s = {
        .open_case = c, .set = set, .batch = batch_of(c), .batches = batches, .logits = logits};
    const void *dst[RB_CASE_INPUTS];
    const rb_timing_spec spec = {.name = name, .repetitions = 1};
    s.image_bytes = rb_case_src_bytes(c) / (size_t)s.batch;
    s.logit_bytes = rb_case_dst_bytes(c) / (size_t)s.batch;
    if (batches < batches_of_set(&s))
        return rb_fail(err, RB_ERR_USAGE, "%lld batches, expected the %lld of a whole set or more",
                       (long long)batches, (long long)batches_of_set(&s));
    const rb_status status = rb_case_time_calls(
        c, &spec, &(rb_case_calls){.call = call, .after = after, .ctx = &s, .sets_inputs = true},
        sample, dst, err);
    if (status == RB_OK) {
        sample->real_ns /= (double)batches;
        sample->cpu_ns /= (double)batches;
    }
    return status;
}
