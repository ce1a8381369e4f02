/* A made-up accuracy job: engines, labels, and room for what they say of each image. */
#ifndef TEST_ACCURACY_SUPPORT_H
#define TEST_ACCURACY_SUPPORT_H

#include "test_support.h"

#include "results/accuracy.h"

#define JOB_MAX_IMAGES 64

static inline const char *job_name(void *ctx, int64_t image) {
    static char name[32];
    (void)ctx;
    snprintf(name, sizeof name, "photo %lld, \"x\"", (long long)image);
    return image % 2 ? name : "";
}

/* Engines called by names (a list that ends in NULL), none of which has done anything. Image i has
 * label i % classes, every fifth none. The caller releases it with job_release. */
static inline rb_accuracy make_job(const char *const *names, int64_t count, int64_t classes,
                                   int64_t batch) {
    static int32_t labels[JOB_MAX_IMAGES];
    rb_accuracy job = {.title = "A job",
                       .data = "set.h5",
                       .network = "resnet8",
                       .count = count,
                       .classes = classes,
                       .batch = batch,
                       .labels = labels,
                       .name = job_name,
                       .context = json_pack("{s:s}", "host_name", "box"),
                       .identity =
                           json_pack("{s:s, s:i}", "weights_sha256", "abc", "batch", (int)batch)};
    assert_true(count <= JOB_MAX_IMAGES);
    for (int64_t i = 0; i < count; i++)
        labels[i] = i % 5 == 4 ? -1 : (int32_t)(i % classes);
    for (; *names; names++)
        snprintf(job.engines[job.engine_count++].engine, sizeof job.engines[0].engine, "%s",
                 *names);
    assert_ok(rb_accuracy_allocate(&job, &err));
    return job;
}

static inline void job_release(rb_accuracy *job) {
    rb_accuracy_release(job);
    json_decref(job->context);
    json_decref(job->identity);
}

#endif
