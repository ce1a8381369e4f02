#include "bench/worker_profile.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static json_t *numbers(const double *values, size_t count) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_real(values[i]));
    return array;
}

static rb_status answer_blob(const rb_case *c, const rb_case_profile *profile, size_t calls,
                             rb_message *answer, rb_error *err) {
    const size_t each = rb_case_dst_bytes(c), logits = RB_CASE_INPUTS * each;
    const size_t nodes = (size_t)rb_case_facts_of(c).graph->node_count;
    const size_t times = calls * nodes * sizeof *profile->node_ns;
    answer->blob = malloc(logits + times);
    if (!answer->blob)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for an answer");
    for (size_t i = 0; i < RB_CASE_INPUTS; i++)
        memcpy((char *)answer->blob + i * each, profile->dst[i], each);
    memcpy((char *)answer->blob + logits, profile->node_ns, times);
    answer->blob_bytes = logits + times;
    return RB_OK;
}

rb_status rb_worker_profile(rb_case *c, const rb_timing_spec *spec, rb_message *answer,
                            rb_error *err) {
    const size_t calls = spec->repetitions / 2;
    const size_t nodes = (size_t)rb_case_facts_of(c).graph->node_count;
    rb_case_profile profile = {.plain_ns = calloc(calls + 1, sizeof(double)),
                               .profiled_ns = calloc(calls + 1, sizeof(double)),
                               .node_ns = calloc(calls + 1, nodes * sizeof(int64_t))};
    rb_status status = profile.plain_ns && profile.profiled_ns && profile.node_ns
                           ? rb_case_profile_calls(c, spec, &profile, err)
                           : rb_fail(err, RB_ERR_MEMORY, "no memory for %zu calls", calls);
    if (status == RB_OK) {
        rb_text_clean(profile.untrue);
        json_object_set_new(answer->json, "plain_ns", numbers(profile.plain_ns, calls));
        json_object_set_new(answer->json, "profiled_ns", numbers(profile.profiled_ns, calls));
        json_object_set_new(answer->json, "cpu_ns", json_real(profile.cpu_ns));
        json_object_set_new(answer->json, "untrue", json_string(profile.untrue));
        status = answer_blob(c, &profile, calls, answer, err);
    }
    free(profile.plain_ns);
    free(profile.profiled_ns);
    free(profile.node_ns);
    return status;
}

json_t *rb_worker_profile_request(const rb_timing_spec *spec) {
    return json_pack("{s:s, s:I, s:f, s:b}", "op", "profile", "repetitions",
                     (json_int_t)spec->repetitions, "warmup_seconds", spec->warmup_seconds, "cold",
                     spec->cold);
}

rb_status rb_worker_profile_read(const rb_message *answer, size_t calls, int32_t nodes,
                                 size_t logits_bytes, rb_worker_times *times, rb_error *err) {
    const json_t *plain = json_object_get(answer->json, "plain_ns");
    const json_t *profiled = json_object_get(answer->json, "profiled_ns");
    const char *untrue = json_string_value(json_object_get(answer->json, "untrue"));
    const size_t bytes = calls * (size_t)nodes * sizeof *times->node_ns;
    if (json_array_size(plain) != calls || json_array_size(profiled) != calls || !untrue ||
        answer->blob_bytes != logits_bytes + bytes)
        return rb_fail(err, RB_ERR_ENGINE, "the worker's answer is garbage");
    for (size_t i = 0; i < calls; i++) {
        times->plain_ns[i] = json_number_value(json_array_get(plain, i));
        times->profiled_ns[i] = json_number_value(json_array_get(profiled, i));
    }
    times->cpu_ns = json_number_value(json_object_get(answer->json, "cpu_ns"));
    memcpy(times->node_ns, (const char *)answer->blob + logits_bytes, bytes);
    snprintf(times->untrue, sizeof times->untrue, "%s", untrue);
    return RB_OK;
}
