#include "check/contestant.h"

#include <math.h>
#include <stdlib.h>

#include "bench/clock.h"
#include "check/figures.h"

#define MOST_CALLS 64 /* of a turn: each is a row of the file, and there are many problems */
#define PERIOD 4      /* of calls that are looked at and calls that are not */

/* A failure that is the engine's costs the row; any other goes up. */
static rb_status settle(rb_contestant *c, rb_status status, const char *step, rb_error *err) {
    if (status == RB_OK || status == RB_ERR_INPUT || status == RB_ERR_INTERRUPTED ||
        status == RB_ERR_OUTPUT)
        return status;
    c->over = true;
    c->row.verdict = rb_verdict_of_failure(status);
    snprintf(c->row.note, sizeof c->row.note, "%s: %.480s", step, err->message);
    rb_contestant_close(c);
    return RB_OK;
}

/* The worst of all values that were looked at is the row's. */
static void judge(rb_contestant *c, int input, const double *dst) {
    rb_kernel_row *row = &c->row;
    char why[400] = "";
    const rb_check_figures figures =
        rb_figures_compare(c->problem, &c->inputs[input].truth, c->facts.algorithm, dst);
    const rb_verdict verdict = rb_figures_judge_operation(&figures, why, sizeof why);
    row->rel_l2 = fmax(row->rel_l2, figures.rel_l2);
    row->element_share = fmax(row->element_share, figures.element_share);
    row->norm_share = fmax(row->norm_share, figures.norm_share);
    if (row->verdict != RB_VERDICT_NONE && row->verdict != RB_VERDICT_PASS &&
        verdict != RB_VERDICT_FAIL)
        return;
    if (verdict == RB_VERDICT_PASS && row->verdict == RB_VERDICT_PASS)
        return;
    row->verdict = verdict;
    snprintf(row->note, sizeof row->note, "%s", why);
}

static double *make_values(const rb_contestant *c, rb_error *err) {
    double *values = malloc((size_t)rb_problem_dst_elements(c->problem) * sizeof *values);
    if (!values)
        rb_fail(err, RB_ERR_MEMORY, "no memory for the values of %s", c->row.problem);
    return values;
}

static rb_status open_session(rb_contestant *c, rb_error *err) {
    const rb_operands *operands = &c->inputs[0].operands;
    const rb_case_problem spec = {.engine_path = c->engine->path,
                                  .problem = *c->problem,
                                  .tensors = operands->tensors,
                                  .tensor_bytes = (size_t)rb_problem_tensor_elements(c->problem) *
                                                  sizeof(float),
                                  .epsilon = operands->epsilon,
                                  .threads = c->plan->threads,
                                  .guard = RB_GUARD_BYTES,
                                  .verbose = c->plan->verbose};
    return rb_remote_problem_open(c->worker, &spec, &c->facts, err);
}

/* One call on each input. */
static rb_status run_inputs(rb_contestant *c, rb_error *err) {
    double *dst = make_values(c, err);
    rb_status status = dst ? RB_OK : RB_ERR_MEMORY;
    for (int i = 0; status == RB_OK && i < RB_CASE_INPUTS; i++) {
        const rb_operands *operands = &c->inputs[i].operands;
        status =
            rb_remote_problem_input(c->worker, c->problem, operands->src, operands->addend, err);
        const int64_t start = rb_now_ns();
        if (status == RB_OK)
            status = rb_remote_problem_run(c->worker, c->problem, &c->facts, dst, err);
        c->call_ns = fmin(c->call_ns, (double)(rb_now_ns() - start));
        if (status == RB_OK)
            judge(c, i, dst);
    }
    free(dst);
    return status;
}

rb_status rb_contestant_open(rb_contestant *c, rb_error *err) {
    if (c->over)
        return RB_OK;
    c->round++;
    rb_status status = rb_worker_start(&c->plan->worker, &c->worker, err);
    if (status != RB_OK)
        return status;
    status = open_session(c, err);
    if (status != RB_OK)
        return settle(c, status, "open", err);
    snprintf(c->row.kernel, sizeof c->row.kernel, "%s", c->facts.kernel);
    c->row.winograd = c->facts.algorithm == RB_ALGORITHM_WINOGRAD;
    return settle(c, run_inputs(c, err), "run", err);
}

void rb_contestant_close(rb_contestant *c) {
    rb_worker_stop(c->worker);
    c->worker = NULL;
}

static rb_status keep(rb_contestant *c, rb_span span, const rb_sample *like, const double *ns,
                      const int64_t *node_ns, size_t count, rb_error *err) {
    rb_kernel_time *time = &c->row.times[span];
    if (time->count + count > c->capacity[span]) {
        const size_t capacity = 2 * (time->count + count);
        rb_sample *samples = realloc(time->samples, capacity * sizeof *samples);
        if (!samples)
            return rb_fail(err, RB_ERR_MEMORY, "no memory for %zu samples", capacity);
        time->samples = samples;
        c->capacity[span] = capacity;
    }
    for (size_t i = 0; i < count; i++) {
        rb_sample *sample = &time->samples[time->count++];
        *sample = *like;
        sample->real_ns = node_ns ? (double)node_ns[i] : round(ns[i]);
    }
    return RB_OK;
}

/* Times of its own that cannot be make all of the engine's word doubtful. */
static void mistrust(rb_contestant *c, const char *untrue) {
    if (!untrue[0] || c->row.verdict != RB_VERDICT_PASS)
        return;
    c->row.verdict = RB_VERDICT_MISTRUSTED;
    snprintf(c->row.note, sizeof c->row.note, "%s", untrue);
}

static rb_status take(rb_contestant *c, const rb_timing_spec *spec, int32_t turn,
                      rb_remote_problem_calls *calls, rb_error *err) {
    const float *const src[RB_CASE_INPUTS] = {c->inputs[0].operands.src, c->inputs[1].operands.src};
    rb_status status =
        rb_remote_problem_time(c->worker, c->problem, &c->facts, spec, src, c->call_ns, calls, err);
    if (status != RB_OK)
        return status;
    const rb_worker_times *times = &calls->times;
    const rb_sample like = {.worker = c->round, .turn = turn, .cpu_ns = round(times->cpu_ns)};
    for (int i = 0; i < RB_CASE_INPUTS; i++)
        judge(c, i, calls->dst[i]);
    mistrust(c, times->untrue);
    status = keep(c, spec->cold ? RB_SPAN_COLD : RB_SPAN_HOT, &like, times->plain_ns, NULL,
                  calls->count, err);
    for (size_t i = 0; !spec->cold && i < calls->count; i++)
        c->call_ns = fmin(c->call_ns, times->plain_ns[i]);
    return status == RB_OK && calls->node_told
               ? keep(c, RB_SPAN_ALONE, &like, NULL, times->node_ns, calls->count, err)
               : status;
}

static rb_status time_calls(rb_contestant *c, const rb_timing_spec *spec, int32_t turn,
                            rb_error *err) {
    rb_remote_problem_calls calls = {
        .times = {.plain_ns = calloc(spec->repetitions, sizeof(double)),
                  .profiled_ns = calloc(spec->repetitions, sizeof(double)),
                  .node_ns = calloc(spec->repetitions, sizeof(int64_t))}};
    rb_status status =
        calls.times.plain_ns && calls.times.profiled_ns && calls.times.node_ns
            ? RB_OK
            : rb_fail(err, RB_ERR_MEMORY, "no memory for %zu samples", spec->repetitions);
    for (int i = 0; status == RB_OK && i < RB_CASE_INPUTS; i++)
        if (!(calls.dst[i] = make_values(c, err)))
            status = RB_ERR_MEMORY;
    if (status == RB_OK)
        status = take(c, spec, turn, &calls, err);
    free(calls.times.plain_ns);
    free(calls.times.profiled_ns);
    free(calls.times.node_ns);
    for (int i = 0; i < RB_CASE_INPUTS; i++)
        free(calls.dst[i]);
    return status;
}

static size_t hot_calls(const rb_contestant *c) {
    const rb_kernel_tier *tier = c->plan->tier;
    const double fitting = fmin(tier->turn_seconds * 1e9 / c->call_ns, MOST_CALLS);
    const size_t calls = fitting > (double)tier->least_calls ? (size_t)fitting : tier->least_calls;
    return calls / PERIOD * PERIOD;
}

rb_status rb_contestant_turn(rb_contestant *c, int32_t turn, rb_error *err) {
    char name[RB_PROBLEM_CAPACITY];
    if (c->over)
        return RB_OK;
    rb_problem_format(c->problem, name);
    const rb_timing_spec hot = {
        .name = name, .repetitions = hot_calls(c), .warmup_seconds = c->plan->tier->warmup_seconds};
    const rb_timing_spec cold = {
        .name = name, .repetitions = c->plan->tier->cold_calls, .cold = true};
    rb_status status = time_calls(c, &hot, turn, err);
    if (status == RB_OK)
        status = time_calls(c, &cold, turn, err);
    return settle(c, status, "timed run", err);
}
