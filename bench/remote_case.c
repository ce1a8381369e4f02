#include "bench/remote_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bench/peer.h"

struct rb_remote {
    rb_worker *worker;
    rb_remote_facts facts;
    json_t *kernels, *algorithms, *executed_macs; /* of the nodes, as the worker has told them */
    bool output_f64;
    int64_t batch, classes;
    int64_t image_elements; /* channels x height x width */
};

/* FNV-1a over the names, each with its end, so that no two lists run together. */
static void hash_kernels(const json_t *kernels, rb_remote_facts *facts) {
    uint64_t hash = 0xCBF29CE484222325u;
    bool named = false;
    size_t index;
    json_t *kernel;
    json_array_foreach(kernels, index, kernel) {
        const char *name = json_string_value(kernel) ? json_string_value(kernel) : "";
        named = named || *name;
        facts->reorders += strstr(name, "reorder") != NULL;
        for (size_t i = 0; i <= strlen(name); i++)
            hash = (hash ^ (unsigned char)name[i]) * 0x100000001B3u;
    }
    if (named)
        snprintf(facts->kernel_plan, sizeof facts->kernel_plan, "%016llx",
                 (unsigned long long)hash);
}

static json_t *open_request(const rb_case_spec *spec) {
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:i, s:i, s:b, s:s}", "op", "open",
                     "engine_path", spec->engine_path, "network", spec->network, "weights",
                     spec->weights, "batch", (json_int_t)spec->batch, "height",
                     (json_int_t)spec->height, "width", (json_int_t)spec->width, "classes",
                     (json_int_t)spec->classes, "threads", spec->threads, "jitter", spec->jitter,
                     "verbose", spec->verbose, "settings", spec->settings ? spec->settings : "");
}

static rb_status garbage(rb_error *err) {
    return rb_fail(err, RB_ERR_ENGINE, "the worker's answer is garbage");
}

/* NaN where it is not told. */
static double number_of(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static void copy_text(const json_t *object, const char *key, char *text, size_t capacity) {
    const char *told = json_string_value(json_object_get(object, key));
    snprintf(text, capacity, "%s", told ? told : "");
    rb_text_clean(text);
}

static void take_facts(const json_t *json, rb_remote_facts *facts) {
    *facts = (rb_remote_facts){.load_ns = number_of(json, "load_ns"),
                               .open_ns = number_of(json, "open_ns"),
                               .call_overhead_ns = number_of(json, "call_overhead_ns")};
    copy_text(json, "version", facts->engine_version, sizeof facts->engine_version);
    copy_text(json, "settings", facts->settings, sizeof facts->settings);
    copy_text(json, "settings_tried", facts->settings_tried, sizeof facts->settings_tried);
}

rb_status rb_remote_open(const rb_worker_options *options, const rb_case_spec *spec,
                         rb_remote **opened, rb_error *err) {
    rb_message answer = {0};
    *opened = NULL;
    rb_remote *remote = calloc(1, sizeof *remote);
    if (!remote)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for a case");
    remote->batch = spec->batch;
    remote->classes = spec->classes;
    remote->image_elements = 3 * spec->height * spec->width;
    rb_worker_options own = *options;
    own.peer = rb_peer_is_script(spec->engine_path) ? spec->engine_path : NULL;
    rb_status status = rb_worker_start(&own, &remote->worker, err);
    if (status == RB_OK)
        status = rb_worker_call(remote->worker, open_request(spec), NULL, 0, &answer, err);
    if (status == RB_OK) {
        const json_t *json = answer.json;
        remote->output_f64 = json_is_true(json_object_get(json, "output_f64"));
        take_facts(json, &remote->facts);
        remote->kernels = json_incref(json_object_get(json, "kernels"));
        remote->algorithms = json_incref(json_object_get(json, "algorithms"));
        remote->executed_macs = json_incref(json_object_get(json, "executed_macs"));
        hash_kernels(remote->kernels, &remote->facts);
    }
    rb_message_release(&answer);
    if (status == RB_OK)
        *opened = remote;
    else
        rb_remote_close(remote);
    return status;
}

void rb_remote_close(rb_remote *remote) {
    if (!remote)
        return;
    rb_worker_stop(remote->worker);
    json_decref(remote->kernels);
    json_decref(remote->algorithms);
    json_decref(remote->executed_macs);
    free(remote);
}

const rb_remote_facts *rb_remote_facts_of(const rb_remote *remote) {
    return &remote->facts;
}

bool rb_remote_output_f64(const rb_remote *remote) {
    return remote->output_f64;
}

const char *rb_remote_kernel(const rb_remote *remote, int32_t node) {
    const char *kernel = json_string_value(json_array_get(remote->kernels, (size_t)node));
    return kernel ? kernel : "";
}

rb_algorithm rb_remote_algorithm(const rb_remote *remote, int32_t node) {
    return (rb_algorithm)json_integer_value(json_array_get(remote->algorithms, (size_t)node));
}

int64_t rb_remote_executed_macs(const rb_remote *remote, int32_t node) {
    const json_t *told = json_array_get(remote->executed_macs, (size_t)node);
    return json_is_integer(told) ? json_integer_value(told) : -1;
}

/* Copies one image's logits out of an answer's blob (batch, classes). */
static void take_logits(const rb_remote *remote, const rb_message *answer, int64_t from,
                        double *logits) {
    const int64_t first = from * remote->classes;
    for (int64_t i = 0; i < remote->classes; i++)
        logits[i] = remote->output_f64 ? ((const double *)answer->blob)[first + i]
                                       : (double)((const float *)answer->blob)[first + i];
}

static size_t logits_bytes(const rb_remote *remote, int64_t batches) {
    const size_t size = remote->output_f64 ? sizeof(double) : sizeof(float);
    return (size_t)(batches * remote->batch * remote->classes) * size;
}

static bool logits_fit(const rb_remote *remote, const rb_message *answer, int64_t batches) {
    return answer->blob_bytes == logits_bytes(remote, batches);
}

static rb_status set_input(rb_remote *remote, int index, const float *src, rb_error *err) {
    rb_message answer;
    const size_t bytes = (size_t)(remote->batch * remote->image_elements) * sizeof *src;
    const rb_status status =
        rb_worker_call(remote->worker, json_pack("{s:s, s:i}", "op", "input", "index", index), src,
                       bytes, &answer, err);
    rb_message_release(&answer);
    return status;
}

/* Where the b-th image of the batch that starts at `first` comes from. */
static int64_t image_of(const rb_remote *remote, int64_t first, int64_t b, int64_t images,
                        bool reversed) {
    return (first + (reversed ? remote->batch - 1 - b : b)) % images;
}

static rb_status run_batch(rb_remote *remote, const float *src, float *packed, int64_t first,
                           int64_t images, bool reversed, double *logits, double *run_ns,
                           rb_error *err) {
    rb_message answer;
    for (int64_t b = 0; b < remote->batch; b++)
        memcpy(packed + b * remote->image_elements,
               src + image_of(remote, first, b, images, reversed) * remote->image_elements,
               (size_t)remote->image_elements * sizeof *src);
    rb_status status = set_input(remote, 0, packed, err);
    if (status != RB_OK)
        return status;
    status = rb_worker_call(remote->worker, json_pack("{s:s}", "op", "run"), NULL, 0, &answer, err);
    if (status != RB_OK)
        return status;
    if (!logits_fit(remote, &answer, 1))
        status = garbage(err);
    for (int64_t b = 0; status == RB_OK && b < remote->batch; b++) {
        const int64_t image = image_of(remote, first, b, images, reversed);
        if (image >= first) /* not one of those that fill up the last batch */
            take_logits(remote, &answer, b, logits + image * remote->classes);
    }
    *run_ns = json_number_value(json_object_get(answer.json, "run_ns"));
    rb_message_release(&answer);
    return status;
}

rb_status rb_remote_logits(rb_remote *remote, const float *src, int64_t images, bool reversed,
                           double *logits, double *run_ns, rb_error *err) {
    rb_status status = RB_OK;
    float *packed = malloc((size_t)(remote->batch * remote->image_elements) * sizeof *packed);
    if (!packed)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for a batch");
    for (int64_t first = 0; status == RB_OK && first < images; first += remote->batch) {
        double ns = 0;
        status = run_batch(remote, src, packed, first, images, reversed, logits, &ns, err);
        if (first == 0)
            *run_ns = ns;
    }
    free(packed);
    return status;
}

static bool dims_are(const json_t *dims, const rb_graph *graph, const rb_node *node) {
    const int64_t expected[4] = {graph->batch, node->oc, node->oh, node->ow};
    for (size_t d = 0; d < 4; d++)
        if (json_integer_value(json_array_get(dims, d)) != expected[d])
            return false;
    return true;
}

rb_status rb_remote_tap(rb_remote *remote, const rb_graph *graph, const float *src, int32_t first,
                        int32_t count, double *values, rb_error *err) {
    rb_message answer = {0};
    rb_status status = set_input(remote, 0, src, err);
    if (status == RB_OK)
        status = rb_worker_call(
            remote->worker,
            json_pack("{s:s, s:i, s:i}", "op", "tap", "first", first, "count", count), NULL, 0,
            &answer, err);
    if (status != RB_OK)
        return status;
    const json_t *dims = json_object_get(answer.json, "dims");
    const size_t each = remote->output_f64 ? sizeof(double) : sizeof(float);
    size_t elements = 0;
    for (int32_t i = 0; status == RB_OK && i < count; i++) {
        const rb_node *node = &graph->nodes[first + i];
        elements += (size_t)(graph->batch * node->oc * node->oh * node->ow);
        if (!dims_are(json_array_get(dims, (size_t)i), graph, node))
            status = rb_fail(err, RB_ERR_ENGINE, "%s was not shown, or out of order or misshapen",
                             node->name);
    }
    if (status == RB_OK && answer.blob_bytes != elements * each)
        status = garbage(err);
    for (size_t i = 0; status == RB_OK && i < elements; i++)
        values[i] = remote->output_f64 ? ((const double *)answer.blob)[i]
                                       : (double)((const float *)answer.blob)[i];
    rb_message_release(&answer);
    return status;
}

/* Times of a clock that does not go back; a worker may be anybody's program (bench/peer.h). */
static bool are_times(const json_t *array, size_t count) {
    size_t index;
    json_t *value;
    json_array_foreach(array, index, value) {
        if (!json_is_number(value) || json_number_value(value) < 0)
            return false;
    }
    return json_array_size(array) == count;
}

static rb_status take_timing(const rb_remote *remote, const rb_message *answer,
                             const rb_timing_spec *spec, rb_remote_timing *timing, rb_error *err) {
    const json_t *real = json_object_get(answer->json, "real_ns");
    const json_t *cpu = json_object_get(answer->json, "cpu_ns");
    const json_t *yardstick = json_object_get(answer->json, "yardstick_ns");
    if (!are_times(real, spec->repetitions) || !are_times(cpu, spec->repetitions) ||
        !are_times(yardstick, 2) || !logits_fit(remote, answer, RB_CASE_INPUTS))
        return garbage(err);
    for (size_t i = 0; i < spec->repetitions; i++) {
        timing->samples[i].real_ns = round(json_number_value(json_array_get(real, i)));
        timing->samples[i].cpu_ns = round(json_number_value(json_array_get(cpu, i)));
    }
    for (size_t i = 0; i < 2; i++)
        timing->yardstick_ns[i] = json_number_value(json_array_get(yardstick, i));
    if (rb_json_fields_read(rb_call_counts_fields, rb_call_counts_field_count,
                            json_object_get(answer->json, "counts"), &timing->counts, err) != RB_OK)
        return garbage(err);
    for (int64_t n = 0; n < RB_CASE_INPUTS * remote->batch; n++)
        take_logits(remote, answer, n, timing->logits + n * remote->classes);
    return RB_OK;
}

static rb_status set_inputs(rb_remote *remote, const float *src, rb_error *err) {
    rb_status status = RB_OK;
    for (int i = 0; status == RB_OK && i < RB_CASE_INPUTS; i++)
        status = set_input(remote, i, src + i * remote->batch * remote->image_elements, err);
    return status;
}

rb_status rb_remote_time(rb_remote *remote, const rb_timing_spec *spec, const float *src,
                         double call_ns, rb_remote_timing *timing, rb_error *err) {
    rb_message answer = {0};
    rb_status status = set_inputs(remote, src, err);
    if (status != RB_OK)
        return status;
    json_t *request =
        json_pack("{s:s, s:s, s:I, s:f, s:b, s:f}", "op", "time", "name", spec->name, "repetitions",
                  (json_int_t)spec->repetitions, "warmup_seconds", spec->warmup_seconds, "cold",
                  spec->cold, "slowdown", spec->slowdown);
    status = rb_worker_call_for(remote->worker, rb_timing_patience_seconds(spec, call_ns), request,
                                NULL, 0, &answer, err);
    if (status == RB_OK)
        status = take_timing(remote, &answer, spec, timing, err);
    rb_message_release(&answer);
    return status;
}

rb_status rb_remote_profile_calls(rb_remote *remote, const rb_timing_spec *spec, const float *src,
                                  int32_t nodes, double call_ns, rb_worker_times *times,
                                  double *logits, rb_error *err) {
    rb_message answer = {0};
    rb_status status = set_inputs(remote, src, err);
    if (status != RB_OK)
        return status;
    status = rb_worker_call_for(remote->worker, rb_timing_patience_seconds(spec, call_ns),
                                rb_worker_profile_request(spec), NULL, 0, &answer, err);
    if (status == RB_OK)
        status = rb_worker_profile_read(&answer, spec->repetitions / 2, nodes,
                                        logits_bytes(remote, RB_CASE_INPUTS), times, err);
    for (int64_t n = 0; status == RB_OK && n < RB_CASE_INPUTS * remote->batch; n++)
        take_logits(remote, &answer, n, logits + n * remote->classes);
    rb_message_release(&answer);
    return status;
}

rb_status rb_remote_images(rb_remote *remote, const float *src, int64_t images, rb_error *err) {
    rb_message answer;
    const rb_status status =
        rb_worker_call(remote->worker, json_pack("{s:s}", "op", "images"), src,
                       (size_t)(images * remote->image_elements) * sizeof *src, &answer, err);
    rb_message_release(&answer);
    return status;
}

static rb_status take_stream(const rb_remote *remote, const rb_message *answer, int64_t images,
                             rb_remote_timing *timing, rb_error *err) {
    const json_t *yardstick = json_object_get(answer->json, "yardstick_ns");
    const size_t size = remote->output_f64 ? sizeof(double) : sizeof(float);
    if (!(number_of(answer->json, "real_ns") >= 0) || !(number_of(answer->json, "cpu_ns") >= 0) ||
        !are_times(yardstick, 2) || answer->blob_bytes != (size_t)(images * remote->classes) * size)
        return garbage(err);
    timing->samples->real_ns = round(json_number_value(json_object_get(answer->json, "real_ns")));
    timing->samples->cpu_ns = round(json_number_value(json_object_get(answer->json, "cpu_ns")));
    for (size_t i = 0; i < 2; i++)
        timing->yardstick_ns[i] = json_number_value(json_array_get(yardstick, i));
    for (int64_t n = 0; n < images; n++)
        take_logits(remote, answer, n, timing->logits + n * remote->classes);
    return RB_OK;
}

rb_status rb_remote_stream(rb_remote *remote, const char *name, int64_t batches, int64_t images,
                           double call_ns, rb_remote_timing *timing, rb_error *err) {
    rb_message answer = {0};
    const rb_timing_spec like = {.repetitions = (size_t)(2 * batches)}; /* the warm-up, too */
    json_t *request =
        json_pack("{s:s, s:s, s:I}", "op", "stream", "name", name, "batches", (json_int_t)batches);
    rb_status status = rb_worker_call_for(
        remote->worker, rb_timing_patience_seconds(&like, call_ns), request, NULL, 0, &answer, err);
    if (status == RB_OK)
        status = take_stream(remote, &answer, images, timing, err);
    rb_message_release(&answer);
    return status;
}

rb_status rb_remote_end(rb_remote *remote, rb_error *err) {
    rb_message answer;
    const rb_status status =
        rb_worker_call(remote->worker, json_pack("{s:s}", "op", "close"), NULL, 0, &answer, err);
    rb_message_release(&answer);
    return status;
}

rb_status rb_remote_account_of(rb_remote *remote, rb_remote_account *account, rb_error *err) {
    rb_message answer;
    rb_status status =
        rb_worker_call(remote->worker, json_pack("{s:s}", "op", "account"), NULL, 0, &answer, err);
    const json_t *bytes = json_object_get(answer.json, "bytes");
    if (status == RB_OK && json_array_size(bytes) != RB_MEMORY_KINDS)
        status = garbage(err);
    if (status == RB_OK) {
        for (size_t kind = 0; kind < RB_MEMORY_KINDS; kind++)
            account->held.bytes[kind] = json_integer_value(json_array_get(bytes, kind));
        account->peak_rss_bytes =
            json_integer_value(json_object_get(answer.json, "peak_rss_bytes"));
        account->start_rss_bytes =
            json_integer_value(json_object_get(answer.json, "start_rss_bytes"));
        account->resident_bytes =
            json_integer_value(json_object_get(answer.json, "resident_bytes"));
        if (rb_json_fields_read(rb_ledger_fields, rb_ledger_field_count, answer.json,
                                &account->ledger, err) != RB_OK)
            status = garbage(err);
    }
    rb_message_release(&answer);
    return status;
}
