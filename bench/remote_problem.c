#include "bench/remote_problem.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

static rb_status take_facts(const json_t *json, rb_remote_problem_facts *facts, rb_error *err) {
    const char *kernel = json_string_value(json_array_get(json_object_get(json, "kernels"), 0));
    const json_t *algorithm = json_array_get(json_object_get(json, "algorithms"), 0);
    const json_int_t value = json_integer_value(algorithm);
    if (!kernel || !json_is_integer(algorithm) ||
        (value != RB_ALGORITHM_DIRECT && value != RB_ALGORITHM_WINOGRAD))
        return rb_fail(err, RB_ERR_ENGINE, "the worker's answer is garbage");
    facts->algorithm = (rb_algorithm)value;
    facts->output_f64 = json_is_true(json_object_get(json, "output_f64"));
    snprintf(facts->kernel, sizeof facts->kernel, "%s", kernel);
    rb_text_clean(facts->kernel);
    return RB_OK;
}

rb_status rb_remote_problem_open(rb_worker *worker, const rb_case_problem *spec,
                                 rb_remote_problem_facts *facts, rb_error *err) {
    char text[RB_PROBLEM_CAPACITY];
    rb_message answer;
    rb_problem_format(&spec->problem, text);
    json_t *request =
        json_pack("{s:s, s:s, s:s, s:f, s:i, s:i, s:b}", "op", "open", "engine_path",
                  spec->engine_path, "problem", text, "epsilon", spec->epsilon, "threads",
                  spec->threads, "guard", (int)spec->guard, "verbose", spec->verbose);
    *facts = (rb_remote_problem_facts){.kernel = ""};
    if (!request)
        return rb_fail(err, RB_ERR_USAGE,
                       "%s: a path that is no UTF-8, or an epsilon that is no "
                       "number",
                       text);
    rb_status status =
        rb_worker_call(worker, request, spec->tensors, spec->tensor_bytes, &answer, err);
    if (status == RB_OK)
        status = take_facts(answer.json, facts, err);
    rb_message_release(&answer);
    return status;
}

static rb_status send_values(rb_worker *worker, json_t *request, const float *values, int64_t count,
                             rb_error *err) {
    rb_message answer;
    const rb_status status =
        rb_worker_call(worker, request, values, (size_t)count * sizeof *values, &answer, err);
    rb_message_release(&answer);
    return status;
}

static rb_status send_input(rb_worker *worker, const rb_problem *problem, int index,
                            const float *src, rb_error *err) {
    return send_values(worker, json_pack("{s:s, s:i}", "op", "input", "index", index), src,
                       rb_problem_src_elements(problem), err);
}

rb_status rb_remote_problem_input(rb_worker *worker, const rb_problem *problem, const float *src,
                                  const float *addend, rb_error *err) {
    const rb_status status = send_input(worker, problem, 0, src, err);
    if (status != RB_OK || !problem->add)
        return status;
    if (!addend)
        return rb_fail(err, RB_ERR_USAGE, "this problem adds, and there is no addend");
    return send_values(worker, json_pack("{s:s}", "op", "addend"), addend,
                       rb_problem_dst_elements(problem), err);
}

static size_t each_of(const rb_remote_problem_facts *facts) {
    return facts->output_f64 ? sizeof(double) : sizeof(float);
}

static void take_values(const rb_remote_problem_facts *facts, const void *from, int64_t count,
                        double *dst) {
    for (int64_t i = 0; i < count; i++)
        dst[i] = facts->output_f64 ? ((const double *)from)[i] : (double)((const float *)from)[i];
}

rb_status rb_remote_problem_run(rb_worker *worker, const rb_problem *problem,
                                const rb_remote_problem_facts *facts, double *dst, rb_error *err) {
    const int64_t count = rb_problem_dst_elements(problem);
    rb_message answer;
    rb_status status =
        rb_worker_call(worker, json_pack("{s:s}", "op", "run"), NULL, 0, &answer, err);
    if (status != RB_OK)
        return status;
    if (answer.blob_bytes != (size_t)count * each_of(facts))
        status = rb_fail(err, RB_ERR_ENGINE, "the worker's answer is garbage");
    if (status == RB_OK)
        take_values(facts, answer.blob, count, dst);
    rb_message_release(&answer);
    return status;
}

static bool take_times(const json_t *array, size_t count, double *ns) {
    for (size_t i = 0; i < count; i++)
        ns[i] = round(json_number_value(json_array_get(array, i)));
    return json_array_size(array) == count;
}

/* Values of both inputs, and what is behind them in the blob. */
static const void *take_both(const rb_problem *problem, const rb_remote_problem_facts *facts,
                             const rb_message *answer, size_t rest,
                             rb_remote_problem_times *times) {
    const int64_t count = rb_problem_dst_elements(problem);
    const size_t bytes = (size_t)count * each_of(facts);
    if (answer->blob_bytes != RB_CASE_INPUTS * bytes + rest)
        return NULL;
    for (size_t i = 0; i < RB_CASE_INPUTS; i++)
        take_values(facts, (const char *)answer->blob + i * bytes, count, times->dst[i]);
    return (const char *)answer->blob + RB_CASE_INPUTS * bytes;
}

static bool take_profile(const rb_problem *problem, const rb_remote_problem_facts *facts,
                         const rb_timing_spec *spec, const rb_message *answer,
                         rb_remote_problem_times *times) {
    const size_t calls = spec->repetitions / 2;
    const char *untrue = json_string_value(json_object_get(answer->json, "untrue"));
    const char *told = take_both(problem, facts, answer, calls * sizeof(int64_t), times);
    if (!told || !untrue ||
        !take_times(json_object_get(answer->json, "plain_ns"), calls, times->call_ns))
        return false;
    for (size_t i = 0; i < calls; i++) {
        int64_t ns;
        memcpy(&ns, told + i * sizeof ns, sizeof ns);
        times->node_ns[i] = (double)ns;
    }
    times->call_count = times->node_count = calls;
    times->cpu_ns = json_number_value(json_object_get(answer->json, "cpu_ns"));
    snprintf(times->untrue, sizeof times->untrue, "%s", untrue);
    return true;
}

static bool take_calls(const rb_problem *problem, const rb_remote_problem_facts *facts,
                       const rb_timing_spec *spec, const rb_message *answer,
                       rb_remote_problem_times *times) {
    if (!take_both(problem, facts, answer, 0, times) ||
        !take_times(json_object_get(answer->json, "real_ns"), spec->repetitions, times->call_ns))
        return false;
    times->call_count = spec->repetitions;
    times->node_count = 0;
    times->cpu_ns = json_number_value(json_array_get(json_object_get(answer->json, "cpu_ns"), 0));
    times->untrue[0] = '\0';
    return true;
}

/* An operation of timed calls, whose answer take understands. */
static rb_status
time_with(rb_worker *worker, const char *op, const rb_problem *problem,
          const rb_remote_problem_facts *facts, const rb_timing_spec *spec, double call_ns,
          bool (*take)(const rb_problem *, const rb_remote_problem_facts *, const rb_timing_spec *,
                       const rb_message *, rb_remote_problem_times *),
          rb_remote_problem_times *times, rb_error *err) {
    rb_message answer;
    json_t *request = json_pack("{s:s, s:s, s:I, s:f, s:b}", "op", op, "name", spec->name,
                                "repetitions", (json_int_t)spec->repetitions, "warmup_seconds",
                                spec->warmup_seconds, "cold", spec->cold);
    rb_status status = rb_worker_call_for(worker, rb_timing_patience_seconds(spec, call_ns),
                                          request, NULL, 0, &answer, err);
    if (status == RB_OK && !take(problem, facts, spec, &answer, times))
        status = rb_fail(err, RB_ERR_ENGINE, "the worker's answer is garbage");
    rb_message_release(&answer);
    return status;
}

rb_status rb_remote_problem_time(rb_worker *worker, const rb_problem *problem,
                                 const rb_remote_problem_facts *facts, const rb_timing_spec *spec,
                                 const float *const src[RB_CASE_INPUTS], double call_ns,
                                 rb_remote_problem_times *times, rb_error *err) {
    rb_status status = RB_OK;
    for (int i = 0; status == RB_OK && i < RB_CASE_INPUTS; i++)
        status = send_input(worker, problem, i, src[i], err);
    if (status == RB_OK && !spec->cold)
        status =
            time_with(worker, "profile", problem, facts, spec, call_ns, take_profile, times, err);
    if (status == RB_ERR_UNSUPPORTED || (status == RB_OK && spec->cold))
        status = time_with(worker, "time", problem, facts, spec, call_ns, take_calls, times, err);
    return status;
}
