#include "bench/worker_stream.h"

#include <stdlib.h>

#include "bench/peak.h"

rb_status rb_worker_stream(rb_case *c, const rb_stream_images *set, const char *name,
                           int64_t batches, rb_message *answer, rb_error *err) {
    const size_t each = rb_case_dst_bytes(c) / (size_t)rb_case_facts_of(c).graph->batch;
    const size_t bytes = (size_t)set->count * each;
    rb_timing_sample sample = {0};
    if (set->count == 0)
        return rb_fail(err, RB_ERR_USAGE, "a stream needs images");
    void *logits = calloc(1, bytes);
    if (!logits)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for the logits of %lld images",
                       (long long)set->count);
    const double before_ns = rb_yardstick_ns();
    const rb_status status = rb_case_time_stream(c, name, set, batches, &sample, logits, err);
    if (status != RB_OK) {
        free(logits);
        return status;
    }
    json_object_set_new(answer->json, "real_ns", json_real(sample.real_ns));
    json_object_set_new(answer->json, "cpu_ns", json_real(sample.cpu_ns));
    json_object_set_new(answer->json, "yardstick_ns",
                        json_pack("[f, f]", before_ns, rb_yardstick_ns()));
    answer->blob = logits;
    answer->blob_bytes = bytes;
    return RB_OK;
}
