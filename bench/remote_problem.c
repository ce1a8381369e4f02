#include "bench/remote_problem.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bench/remote_case.h"

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

static rb_status garbage(rb_error *err) {
    return rb_fail(err, RB_ERR_ENGINE, "the worker's answer is garbage");
}

static size_t value_bytes(const rb_problem *problem, const rb_remote_problem_facts *facts) {
    const size_t each = facts->output_f64 ? sizeof(double) : sizeof(float);
    return (size_t)rb_problem_dst_elements(problem) * each;
}

static void take_values(const rb_problem *problem, const rb_remote_problem_facts *facts,
                        const void *from, double *dst) {
    for (int64_t i = 0; i < rb_problem_dst_elements(problem); i++)
        dst[i] = facts->output_f64 ? ((const double *)from)[i] : (double)((const float *)from)[i];
}

rb_status rb_remote_problem_run(rb_worker *worker, const rb_problem *problem,
                                const rb_remote_problem_facts *facts, double *dst, rb_error *err) {
    rb_message answer;
    rb_status status =
        rb_worker_call(worker, json_pack("{s:s}", "op", "run"), NULL, 0, &answer, err);
    if (status != RB_OK)
        return status;
    if (answer.blob_bytes != value_bytes(problem, facts))
        status = garbage(err);
    if (status == RB_OK)
        take_values(problem, facts, answer.blob, dst);
    rb_message_release(&answer);
    return status;
}

static void take_both(const rb_problem *problem, const rb_remote_problem_facts *facts,
                      const rb_message *answer, rb_remote_problem_calls *calls) {
    for (size_t i = 0; i < RB_CASE_INPUTS; i++)
        take_values(problem, facts, (const char *)answer->blob + i * value_bytes(problem, facts),
                    calls->dst[i]);
}

static rb_status send_both(rb_worker *worker, const rb_problem *problem,
                           const float *const src[RB_CASE_INPUTS], rb_error *err) {
    rb_status status = RB_OK;
    for (int i = 0; status == RB_OK && i < RB_CASE_INPUTS; i++)
        status = send_input(worker, problem, i, src[i], err);
    return status;
}

rb_status rb_remote_problem_profile(rb_worker *worker, const rb_problem *problem,
                                    const rb_remote_problem_facts *facts,
                                    const rb_timing_spec *spec,
                                    const float *const src[RB_CASE_INPUTS], double call_ns,
                                    rb_remote_problem_calls *calls, rb_error *err) {
    rb_message answer;
    rb_status status = send_both(worker, problem, src, err);
    if (status != RB_OK)
        return status;
    status = rb_worker_call_for(worker, rb_timing_patience_seconds(spec, call_ns),
                                rb_worker_profile_request(spec), NULL, 0, &answer, err);
    if (status == RB_OK)
        status = rb_worker_profile_read(&answer, spec->repetitions / 2, 1,
                                        RB_CASE_INPUTS * value_bytes(problem, facts), &calls->times,
                                        err);
    if (status == RB_OK)
        take_both(problem, facts, &answer, calls);
    calls->count = spec->repetitions / 2;
    calls->node_told = true;
    rb_message_release(&answer);
    return status;
}

static rb_status time_calls(rb_worker *worker, const rb_problem *problem,
                            const rb_remote_problem_facts *facts, const rb_timing_spec *spec,
                            double call_ns, rb_remote_problem_calls *calls, rb_error *err) {
    rb_message answer;
    json_t *request = json_pack("{s:s, s:s, s:I, s:f, s:b}", "op", "time", "name", spec->name,
                                "repetitions", (json_int_t)spec->repetitions, "warmup_seconds",
                                spec->warmup_seconds, "cold", spec->cold);
    rb_status status = rb_worker_call_for(worker, rb_timing_patience_seconds(spec, call_ns),
                                          request, NULL, 0, &answer, err);
    const json_t *real = json_object_get(answer.json, "real_ns");
    const json_t *cpu = json_object_get(answer.json, "cpu_ns");
    if (status == RB_OK && (json_array_size(real) != spec->repetitions ||
                            answer.blob_bytes != RB_CASE_INPUTS * value_bytes(problem, facts)))
        status = garbage(err);
    if (status == RB_OK)
        take_both(problem, facts, &answer, calls);
    for (size_t i = 0; status == RB_OK && i < spec->repetitions; i++)
        calls->times.plain_ns[i] = json_number_value(json_array_get(real, i));
    calls->times.cpu_ns = json_number_value(json_array_get(cpu, 0));
    calls->times.untrue[0] = '\0';
    calls->count = spec->repetitions;
    calls->node_told = false;
    rb_message_release(&answer);
    return status;
}

rb_status rb_remote_problem_time(rb_worker *worker, const rb_problem *problem,
                                 const rb_remote_problem_facts *facts, const rb_timing_spec *spec,
                                 const float *const src[RB_CASE_INPUTS], double call_ns,
                                 rb_remote_problem_calls *calls, rb_error *err) {
    rb_status status = RB_ERR_UNSUPPORTED;
    if (!spec->cold)
        status = rb_remote_problem_profile(worker, problem, facts, spec, src, call_ns, calls, err);
    if (status != RB_ERR_UNSUPPORTED)
        return status;
    status = send_both(worker, problem, src, err);
    return status == RB_OK ? time_calls(worker, problem, facts, spec, call_ns, calls, err) : status;
}
