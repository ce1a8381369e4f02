/* Throughput: a set of images goes through a case, batch after batch, without a pause. */
#ifndef BENCH_CASE_STREAM_H
#define BENCH_CASE_STREAM_H

#include "bench/case.h"

typedef struct rb_stream_images {
    int64_t count; /* images, more than a batch */
    float *images; /* (count + batch - 1, channels, height, width): the first ones again behind the
                    * last, so that a batch that begins anywhere lies in one piece */
} rb_stream_images;

/* Takes a copy of count images for a case's batches. The caller releases *set. */
rb_status rb_stream_images_create(const rb_case *c, const void *images, size_t bytes,
                                  rb_stream_images *set, rb_error *err);
void rb_stream_images_release(rb_stream_images *set);

/* Batch k is the images k * batch, ... of the set, which begins again where it ends: batches are
 * always full. One stretch of `batches` batches is timed as a whole, from before the first image is
 * copied into the case's input until the last logits are copied out; it follows a warm-up of one
 * way through the set. *sample is the time of a batch, the mean. logits has room for those of
 * every image of the set, as the last batch with it has left them. RB_ERR_USAGE when there are
 * fewer batches than the set has; otherwise as rb_case_time. */
rb_status rb_case_time_stream(rb_case *c, const char *name, const rb_stream_images *set,
                              int64_t batches, rb_timing_sample *sample, void *logits,
                              rb_error *err);

#endif
