#include "bench/overhead.h"

#include "bench/engine_loader.h"
#include "bench/evict.h"
#include "bench/remote_problem.h"
#include "results/statistics.h"

#define PROBLEM "maxpool:ic1ih1kh1" /* one value in, one out, no weights */

static rb_status open_null(rb_worker *worker, rb_error *err) {
    char path[RB_PATH_CAPACITY];
    rb_case_problem spec = {.engine_path = path, .threads = 1};
    rb_remote_problem_facts facts;
    if (rb_engine_find_own("parts/null", path, err) != RB_OK)
        return rb_fail(err, RB_ERR_ENGINE,
                       "lib/resbench/parts/null.so, which the harness's own time is measured "
                       "with, is not beside the program");
    const rb_status status = rb_problem_parse(PROBLEM, &spec.problem, err);
    return status == RB_OK ? rb_remote_problem_open(worker, &spec, &facts, err) : status;
}

/* Both inputs: timed calls alternate between them. */
static rb_status set_inputs(rb_worker *worker, rb_error *err) {
    const float value = 0;
    rb_status status = RB_OK;
    for (int i = 0; status == RB_OK && i < RB_CASE_INPUTS; i++) {
        rb_message answer;
        status = rb_worker_call(worker, json_pack("{s:s, s:i}", "op", "input", "index", i), &value,
                                sizeof value, &answer, err);
        rb_message_release(&answer);
    }
    return status;
}

static rb_status take_median(const json_t *answer, double *median_ns, rb_error *err) {
    double ns[RB_OVERHEAD_CALLS];
    const json_t *real = json_object_get(answer, "real_ns");
    if (json_array_size(real) != RB_OVERHEAD_CALLS)
        return rb_fail(err, RB_ERR_ENGINE, "the worker's answer is garbage");
    for (size_t i = 0; i < RB_OVERHEAD_CALLS; i++)
        ns[i] = json_number_value(json_array_get(real, i));
    *median_ns = rb_median(ns, RB_OVERHEAD_CALLS);
    return RB_OK;
}

rb_status rb_overhead_measure(const rb_worker_options *options, bool cold, double *median_ns,
                              rb_error *err) {
    rb_worker *worker;
    rb_message answer = {0};
    rb_status status = rb_worker_start(options, &worker, err);
    if (status != RB_OK)
        return status;
    status = open_null(worker, err);
    if (status == RB_OK)
        status = set_inputs(worker, err);
    if (status == RB_OK)
        status = rb_worker_call_for(worker, cold ? RB_EVICTOR_SECONDS * (RB_OVERHEAD_CALLS + 1) : 0,
                                    json_pack("{s:s, s:s, s:i, s:f, s:b}", "op", "time", "name",
                                              "null", "repetitions", RB_OVERHEAD_CALLS,
                                              "warmup_seconds", 0.0, "cold", cold),
                                    NULL, 0, &answer, err);
    if (status == RB_OK)
        status = take_median(answer.json, median_ns, err);
    rb_message_release(&answer);
    rb_worker_stop(worker);
    return status;
}
