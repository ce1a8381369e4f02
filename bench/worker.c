#include "bench/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "bench/engine_loader.h"
#include "bench/fault.h"
#include "bench/loaded_libraries.h"
#include "bench/peak.h"
#include "bench/process_memory.h"
#include "bench/worker_profile.h"
#include "bench/worker_stream.h"
#include "bench/worker_tap.h"

#define MAX_THREADS 65536

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static int64_t int_of(const json_t *object, const char *key) {
    return json_integer_value(json_object_get(object, key));
}

/* A number of least..most. */
static rb_status small_int(const json_t *object, const char *key, int32_t least, int32_t most,
                           int32_t *value, rb_error *err) {
    const json_t *told = json_object_get(object, key);
    const json_int_t number = json_integer_value(told);
    if (!json_is_integer(told) || number < least || number > most)
        return rb_fail(err, RB_ERR_USAGE, "'%s' must be a whole number of %d..%d", key, least,
                       most);
    *value = (int32_t)number;
    return RB_OK;
}

/* Engines write some of these; what they write must not break the conversation. */
static json_t *clean_text(const char *text) {
    char clean[256];
    snprintf(clean, sizeof clean, "%s", text);
    rb_text_clean(clean);
    return json_string(clean);
}

static rb_status answer_logits(const rb_case *c, const void *const *logits, size_t count,
                               rb_message *answer, rb_error *err) {
    const size_t each = rb_case_dst_bytes(c), bytes = count * each;
    answer->blob =
        aligned_alloc(RB_ALIGNMENT, (bytes + RB_ALIGNMENT - 1) / RB_ALIGNMENT * RB_ALIGNMENT);
    if (!answer->blob)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for an answer");
    for (size_t i = 0; i < count; i++)
        memcpy((char *)answer->blob + i * each, logits[i], each);
    answer->blob_bytes = bytes;
    return RB_OK;
}

static rb_status op_describe(rb_worker_state *state, const rb_message *request, rb_message *answer,
                             rb_error *err) {
    const rb_engine *engine;
    (void)state;
    json_t *before = rb_loaded_libraries();
    const rb_status status = rb_engine_load(text_of(request->json, "engine_path"), &engine, err);
    json_t *after = rb_loaded_libraries();
    json_object_set_new(answer->json, "libraries", rb_libraries_beyond(after, before));
    json_decref(before);
    json_decref(after);
    if (status != RB_OK)
        return status;
    json_object_set_new(answer->json, "name", clean_text(engine->name));
    json_object_set_new(answer->json, "version", clean_text(engine->version));
    json_object_set_new(answer->json, "description", clean_text(engine->description));
    json_object_set_new(answer->json, "conv_only",
                        json_boolean(engine->flags & RB_ENGINE_CONV_ONLY));
    return RB_OK;
}

static rb_status open_network(const rb_message *request, rb_case **opened, rb_error *err) {
    const json_t *json = request->json;
    rb_case_spec spec = {.engine_path = text_of(json, "engine_path"),
                         .network = text_of(json, "network"),
                         .weights = text_of(json, "weights"),
                         .batch = int_of(json, "batch"),
                         .height = int_of(json, "height"),
                         .width = int_of(json, "width"),
                         .classes = int_of(json, "classes"),
                         .verbose = json_is_true(json_object_get(json, "verbose"))};
    rb_status status = small_int(json, "threads", 1, MAX_THREADS, &spec.threads, err);
    if (status == RB_OK)
        status = small_int(json, "jitter", 0, INT32_MAX, &spec.jitter, err);
    return status == RB_OK ? rb_case_open(&spec, opened, err) : status;
}

static rb_status open_problem(const rb_message *request, rb_case **opened, rb_error *err) {
    const json_t *json = request->json;
    rb_case_problem spec = {.engine_path = text_of(json, "engine_path"),
                            .tensors = request->blob,
                            .tensor_bytes = request->blob_bytes,
                            .epsilon = json_number_value(json_object_get(json, "epsilon")),
                            .verbose = json_is_true(json_object_get(json, "verbose"))};
    int32_t guard = RB_GUARD_BYTES;
    rb_status status = small_int(json, "threads", 1, MAX_THREADS, &spec.threads, err);
    if (status == RB_OK)
        status = small_int(json, "guard", 0, RB_GUARD_COUNT - 1, &guard, err);
    if (status == RB_OK)
        status = rb_problem_parse(text_of(json, "problem"), &spec.problem, err);
    spec.guard = (rb_guard)guard;
    return status == RB_OK ? rb_case_open_problem(&spec, opened, err) : status;
}

/* What the engine says of each node. */
static rb_status answer_nodes(const rb_case *c, rb_message *answer, rb_error *err) {
    const rb_case_facts facts = rb_case_facts_of(c);
    json_t *kernels = json_array(), *algorithms = json_array(), *executed = json_array();
    json_object_set_new(answer->json, "kernels", kernels);
    json_object_set_new(answer->json, "executed_macs", executed);
    json_object_set_new(answer->json, "algorithms", algorithms);
    for (int32_t i = 0; i < facts.graph->node_count; i++) {
        const rb_algorithm algorithm = rb_case_algorithm(c, i);
        if (algorithm != RB_ALGORITHM_DIRECT && algorithm != RB_ALGORITHM_WINOGRAD)
            return rb_fail(err, RB_ERR_ENGINE,
                           "engine %s declares algorithm %d of %s, which is "
                           "none",
                           facts.engine->name, (int)algorithm, facts.graph->nodes[i].name);
        json_array_append_new(kernels, clean_text(rb_case_kernel(c, i)));
        json_array_append_new(algorithms, json_integer(algorithm));
        json_array_append_new(executed, json_integer(rb_case_executed_macs(c, i)));
    }
    return RB_OK;
}

static void close_case(rb_worker_state *state) {
    rb_stream_images_release(&state->images);
    rb_case_close(state->open_case);
    state->open_case = NULL;
}

static rb_status op_open(rb_worker_state *state, const rb_message *request, rb_message *answer,
                         rb_error *err) {
    close_case(state);
    rb_status status = json_object_get(request->json, "problem")
                           ? open_problem(request, &state->open_case, err)
                           : open_network(request, &state->open_case, err);
    if (status == RB_OK)
        status = answer_nodes(state->open_case, answer, err);
    if (status != RB_OK) {
        close_case(state);
        return status;
    }
    rb_case_set_meter(state->open_case, state->meter);
    const rb_case_facts facts = rb_case_facts_of(state->open_case);
    json_object_set_new(answer->json, "version", clean_text(facts.engine->version));
    json_object_set_new(answer->json, "output_f64",
                        json_boolean(facts.engine->output_dtype == RB_F64));
    json_object_set_new(answer->json, "load_ns", json_real(facts.load_ns));
    json_object_set_new(answer->json, "open_ns", json_real(facts.open_ns));
    return RB_OK;
}

static rb_status op_input(rb_worker_state *state, const rb_message *request, rb_message *answer,
                          rb_error *err) {
    (void)answer;
    int32_t index = 0;
    const rb_status status = small_int(request->json, "index", 0, RB_CASE_INPUTS - 1, &index, err);
    return status == RB_OK
               ? rb_case_set_input(state->open_case, index, request->blob, request->blob_bytes, err)
               : status;
}

static rb_status op_addend(rb_worker_state *state, const rb_message *request, rb_message *answer,
                           rb_error *err) {
    (void)answer;
    return rb_case_set_addend(state->open_case, request->blob, request->blob_bytes, err);
}

static rb_status op_run(rb_worker_state *state, const rb_message *request, rb_message *answer,
                        rb_error *err) {
    const void *logits;
    double run_ns;
    (void)request;
    const rb_status status = rb_case_run(state->open_case, &logits, &run_ns, err);
    if (status != RB_OK)
        return status;
    json_object_set_new(answer->json, "run_ns", json_real(run_ns));
    return answer_logits(state->open_case, &logits, 1, answer, err);
}

static rb_status op_tap(rb_worker_state *state, const rb_message *request, rb_message *answer,
                        rb_error *err) {
    return rb_worker_tap(state->open_case, int_of(request->json, "first"),
                         int_of(request->json, "count"), answer, err);
}

/* Of the turn that has just ended. */
static json_t *counts_of(const rb_meter *meter) {
    rb_call_counts counts;
    json_t *object = json_object();
    rb_call_counts_init(&counts);
    if (meter)
        counts = rb_meter_counts(meter);
    rb_json_fields_write(rb_call_counts_fields, rb_call_counts_field_count, &counts, object);
    return object;
}

static rb_status op_time(rb_worker_state *state, const rb_message *request, rb_message *answer,
                         rb_error *err) {
    const int64_t repetitions = int_of(request->json, "repetitions");
    const rb_timing_spec spec = {
        .name = text_of(request->json, "name"),
        .repetitions = (size_t)repetitions,
        .warmup_seconds = json_number_value(json_object_get(request->json, "warmup_seconds")),
        .slowdown = json_number_value(json_object_get(request->json, "slowdown")),
        .cold = json_is_true(json_object_get(request->json, "cold"))};
    const void *logits[RB_CASE_INPUTS];
    if (repetitions < 1 || repetitions > 1000000)
        return rb_fail(err, RB_ERR_USAGE, "repetitions must lie in 1..1000000, not %lld",
                       (long long)repetitions);
    rb_timing_sample *samples = calloc(spec.repetitions, sizeof *samples);
    if (!samples)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for %zu samples", spec.repetitions);
    json_t *yardstick = json_array(), *real = json_array(), *cpu = json_array();
    json_array_append_new(yardstick, json_real(rb_yardstick_ns()));
    rb_status status = rb_case_time(state->open_case, &spec, samples, logits, err);
    json_object_set_new(answer->json, "counts", counts_of(state->meter));
    json_array_append_new(yardstick, json_real(rb_yardstick_ns()));
    for (size_t i = 0; status == RB_OK && i < spec.repetitions; i++) {
        json_array_append_new(real, json_real(samples[i].real_ns));
        json_array_append_new(cpu, json_real(samples[i].cpu_ns));
    }
    free(samples);
    json_object_set_new(answer->json, "real_ns", real);
    json_object_set_new(answer->json, "cpu_ns", cpu);
    json_object_set_new(answer->json, "yardstick_ns", yardstick);
    return status == RB_OK ? answer_logits(state->open_case, logits, RB_CASE_INPUTS, answer, err)
                           : status;
}

static rb_status op_images(rb_worker_state *state, const rb_message *request, rb_message *answer,
                           rb_error *err) {
    (void)answer;
    rb_stream_images_release(&state->images);
    return rb_stream_images_create(state->open_case, request->blob, request->blob_bytes,
                                   &state->images, err);
}

static rb_status op_stream(rb_worker_state *state, const rb_message *request, rb_message *answer,
                           rb_error *err) {
    return rb_worker_stream(state->open_case, &state->images, text_of(request->json, "name"),
                            int_of(request->json, "batches"), answer, err);
}

static rb_status op_profile(rb_worker_state *state, const rb_message *request, rb_message *answer,
                            rb_error *err) {
    int32_t repetitions = 0;
    const rb_status status = small_int(request->json, "repetitions", 4, 1000000, &repetitions, err);
    const rb_timing_spec spec = {
        .name = "profile",
        .repetitions = (size_t)repetitions,
        .warmup_seconds = json_number_value(json_object_get(request->json, "warmup_seconds")),
        .cold = json_is_true(json_object_get(request->json, "cold"))};
    return status == RB_OK ? rb_worker_profile(state->open_case, &spec, answer, err) : status;
}

static rb_status op_account(rb_worker_state *state, const rb_message *request, rb_message *answer,
                            rb_error *err) {
    rb_memory memory;
    (void)request;
    const rb_status status = rb_case_memory(state->open_case, &memory, err);
    if (status != RB_OK)
        return status;
    const rb_memory_marks marks = rb_case_marks(state->open_case);
    json_t *bytes = json_array();
    for (int kind = 0; kind < RB_MEMORY_KINDS; kind++)
        json_array_append_new(bytes, json_integer(memory.bytes[kind]));
    json_object_set_new(answer->json, "bytes", bytes);
    json_object_set_new(answer->json, "peak_rss_bytes", json_integer(marks.peak_rss_bytes));
    json_object_set_new(answer->json, "resident_bytes",
                        json_integer(rb_process_memory_now().resident_bytes));
    json_object_set_new(answer->json, "start_rss_bytes", json_integer(marks.start_rss_bytes));
    rb_json_fields_write(rb_ledger_fields, rb_ledger_field_count, &marks.ledger, answer->json);
    return RB_OK;
}

static rb_status op_close(rb_worker_state *state, const rb_message *request, rb_message *answer,
                          rb_error *err) {
    (void)request, (void)answer, (void)err;
    close_case(state);
    return RB_OK;
}

static const struct {
    const char *name;
    rb_status (*handle)(rb_worker_state *, const rb_message *, rb_message *, rb_error *);
    bool needs_case;
} operations[] = {
    {"describe", op_describe, false}, {"open", op_open, false},      {"input", op_input, true},
    {"addend", op_addend, true},      {"run", op_run, true},         {"tap", op_tap, true},
    {"time", op_time, true},          {"images", op_images, true},   {"stream", op_stream, true},
    {"profile", op_profile, true},    {"account", op_account, true}, {"close", op_close, false},
};

void rb_worker_handle(rb_worker_state *state, const rb_message *request, rb_message *answer) {
    const char *op = text_of(request->json, "op");
    rb_error err = {""};
    rb_status status = RB_ERR_USAGE;
    bool known = false;
    *answer = (rb_message){.json = json_object()};
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        if (strcmp(operations[i].name, op) != 0)
            continue;
        known = true;
        if (operations[i].needs_case && !state->open_case)
            status = rb_fail(&err, RB_ERR_USAGE, "'%s' needs an open case", op);
        else
            status = operations[i].handle(state, request, answer, &err);
    }
    if (!known)
        rb_fail(&err, status, "no worker operation is called '%.64s'", op);
    json_object_set_new(answer->json, "status", json_integer(status));
    if (status != RB_OK) {
        if (!err.message[0])
            rb_fail(&err, status, "it failed and gave no reason");
        err.message[RB_ERROR_CAPACITY - 1] = '\0';
        rb_text_clean(err.message);
        json_object_set_new(answer->json, "message", json_string(err.message));
    }
}

/* Out of the way of engines that read standard input or close what they did not open. */
static int move_away(int fd) {
    const int moved = fcntl(fd, F_DUPFD_CLOEXEC, 200);
    const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (moved < 0 || null < 0)
        return fd;
    dup2(null, fd);
    close(null);
    return moved;
}

int rb_worker_serve(int standard_input) {
    rb_worker_state state = {.meter = rb_meter_create()}; /* before any thread of an engine */
    rb_error err;
    const int fd = move_away(standard_input);
    /* The harness decides when to stop; engines that print must not spoil its tables. */
    signal(SIGINT, SIG_IGN);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    rb_fault_install(fd);
    for (;;) {
        rb_message request, answer;
        if (rb_message_receive(fd, 0, &request, &err) != RB_OK)
            break;
        rb_worker_handle(&state, &request, &answer);
        rb_fault_hold();
        const rb_status sent =
            rb_message_send(fd, answer.json, answer.blob, answer.blob_bytes, 0, &err);
        rb_fault_release();
        rb_message_release(&request);
        rb_message_release(&answer);
        if (sent != RB_OK)
            break;
    }
    rb_case_close(state.open_case);
    rb_meter_destroy(state.meter);
    return 0;
}
