/* The times of nodes alone: each as a problem of its own, on what the oracle has there. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bench/engine_loader.h"
#include "bench/interrupt.h"
#include "bench/remote_problem.h"
#include "check/figures.h"
#include "check/recorded.h"
#include "check/slices.h"
#include "profile/work.h"

#define PERIOD 4 /* calls come in multiples of it (bench/case_profile.h) */
#define LEAST_CALLS 20
#define MOST_CALLS 1000
#define HOT_SECONDS 0.15
#define QUICK_HOT_SECONDS 0.03
#define WARMUP_SECONDS 0.03
#define COLD_CALLS 20
#define QUICK_COLD_CALLS 8

/* What the nodes are run with. */
typedef struct bench {
    rb_profile_work *work;
    char oracle_path[RB_PATH_CAPACITY];
    rb_remote *recorder; /* the oracle on the network */
    rb_worker *oracle;   /* the oracle on problems */
    rb_recording recording;
    int32_t recorded; /* nodes whose values have been seen */
    rb_worker *workers[RB_MAX_ENGINES];
} bench;

/* One problem and what is right for it. */
typedef struct job {
    const rb_problem *problem;
    const rb_operands *operands;
    const rb_problem_truth *truth;
    int32_t node;
} job;

static rb_status start(bench *b, rb_error *err) {
    const rb_profile_plan *plan = b->work->plan;
    const rb_worker_options own = rb_own_worker(&plan->worker);
    rb_status status = rb_engine_find_own("oracle", b->oracle_path, err);
    rb_case_spec spec = plan->spec;
    spec.engine_path = b->oracle_path;
    if (status == RB_OK)
        status = rb_recording_begin(&spec, plan->inputs, &b->recording, err);
    if (status == RB_OK)
        status = rb_remote_open(&own, &spec, &b->recorder, err);
    return status == RB_OK ? rb_worker_start(&own, &b->oracle, err) : status;
}

static void end(bench *b) {
    for (size_t e = 0; e < b->work->plan->engine_count; e++)
        rb_worker_stop(b->workers[e]);
    rb_worker_stop(b->oracle);
    rb_remote_close(b->recorder);
    rb_recording_release(&b->recording);
}

/* The first node that poses the same problem. */
static int32_t first_of_its_kind(const rb_profile_work *work, int32_t node) {
    const rb_profile_line *nodes = work->profile->engines[0].nodes;
    int32_t first = 0;
    while (strcmp(nodes[first].problem, nodes[node].problem) != 0)
        first++;
    return first;
}

static bool is_read_later(const rb_graph *graph, int32_t value, int32_t now) {
    for (int32_t i = now + 1; i < graph->node_count; i++)
        if (graph->nodes[i].src == value || graph->nodes[i].add == value)
            return true;
    return false;
}

/* The values of `node` and of those that come in one slice with it. */
static rb_status record_up_to(bench *b, int32_t node, rb_error *err) {
    if (node < b->recorded)
        return RB_OK;
    const int32_t count = rb_slice_count(b->work->graph, b->recorded);
    const rb_status status = rb_recording_take(&b->recording, b->recorder, b->recorded, count, err);
    b->recorded += count;
    return status;
}

static void forget_what_nobody_reads(bench *b, int32_t now) {
    for (int32_t i = 0; i <= now; i++)
        if (b->recording.values[i] && !is_read_later(b->work->graph, i, now))
            rb_recording_forget(&b->recording, i);
}

/* Medians of the node and of the whole call, which brings values from and to the caller as well. */
typedef struct medians {
    double node_ns, call_ns;
} medians;

/* How one problem is run and timed. */
typedef struct timing {
    rb_worker *worker;
    const job *job;
    const rb_remote_problem_facts *facts;
    const double *right; /* what it gives */
    double *dst[RB_CASE_INPUTS];
    float *reversed; /* the second input: the first one's values in reverse order */
    rb_profile_line *line;
} timing;

static rb_status begin(rb_worker *worker, const job *j, const rb_remote_problem_facts *facts,
                       const double *right, rb_profile_line *line, timing *t, rb_error *err) {
    const int64_t values = rb_problem_src_elements(j->problem);
    const size_t bytes = (size_t)rb_problem_dst_elements(j->problem) * sizeof *right;
    *t = (timing){.worker = worker, .job = j, .facts = facts, .right = right, .line = line};
    t->reversed = malloc((size_t)values * sizeof *t->reversed);
    for (int i = 0; i < RB_CASE_INPUTS; i++)
        t->dst[i] = malloc(bytes);
    if (!t->reversed || !t->dst[0] || !t->dst[1])
        return rb_fail(err, RB_ERR_MEMORY, "no memory for the values of %s", line->name);
    for (int64_t i = 0; i < values; i++)
        t->reversed[i] = j->operands->src[values - 1 - i];
    return RB_OK;
}

static void finish(timing *t) {
    free(t->reversed);
    for (int i = 0; i < RB_CASE_INPUTS; i++)
        free(t->dst[i]);
}

static void mistrust(rb_profile_line *line, const char *why) {
    line->alone = RB_VERDICT_MISTRUSTED;
    snprintf(line->alone_note, sizeof line->alone_note, "%.255s", why);
}

static rb_status take_turn(const timing *t, const rb_timing_spec *spec, double call_ns, medians *m,
                           rb_error *err) {
    const rb_problem *problem = t->job->problem;
    const size_t count = spec->repetitions / 2;
    double plain_ns[MOST_CALLS / 2], profiled_ns[MOST_CALLS / 2], own_ns[MOST_CALLS / 2];
    int64_t node_ns[MOST_CALLS / 2];
    rb_remote_problem_calls calls = {
        .times = {.plain_ns = plain_ns, .profiled_ns = profiled_ns, .node_ns = node_ns},
        .dst = {t->dst[0], t->dst[1]}};
    const float *const src[RB_CASE_INPUTS] = {t->job->operands->src, t->reversed};
    const rb_status status =
        rb_remote_problem_profile(t->worker, problem, t->facts, spec, src, call_ns, &calls, err);
    if (status != RB_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        own_ns[i] = (double)node_ns[i];
    *m = (medians){rb_median(own_ns, count), rb_median(plain_ns, count)};
    if (memcmp(t->dst[0], t->right, (size_t)rb_problem_dst_elements(problem) * sizeof *t->right))
        mistrust(t->line, "timed calls do not give what a call gave that was looked at");
    if (calls.times.untrue[0])
        mistrust(t->line, calls.times.untrue);
    return RB_OK;
}

static size_t hot_calls(bool quick, double call_ns) {
    const double fitting = (quick ? QUICK_HOT_SECONDS : HOT_SECONDS) * 1e9 / call_ns;
    const size_t calls = !(fitting > LEAST_CALLS) ? LEAST_CALLS
                         : fitting < MOST_CALLS   ? (size_t)fitting
                                                  : MOST_CALLS;
    return calls / PERIOD * PERIOD;
}

/* most_ns: more than a call takes. */
static rb_status time_both(const timing *t, bool quick, double most_ns, rb_error *err) {
    medians first, hot, cold;
    rb_timing_spec spec = {.name = "alone", .repetitions = PERIOD};
    rb_status status = take_turn(t, &spec, most_ns, &first, err);
    if (status != RB_OK)
        return status;
    spec.warmup_seconds = WARMUP_SECONDS;
    spec.repetitions = hot_calls(quick, first.call_ns);
    status = take_turn(t, &spec, first.call_ns, &hot, err);
    if (status != RB_OK)
        return status;
    spec = (rb_timing_spec){
        .name = "alone, cold", .repetitions = quick ? QUICK_COLD_CALLS : COLD_CALLS, .cold = true};
    status = take_turn(t, &spec, first.call_ns, &cold, err);
    if (status != RB_OK)
        return status;
    t->line->hot_ns = hot.node_ns;
    t->line->hot_call_ns = hot.call_ns;
    t->line->cold_ns = cold.node_ns;
    t->line->cold_call_ns = cold.call_ns;
    return RB_OK;
}

static rb_status run_and_time(bench *b, size_t engine, const job *j, double *values,
                              rb_profile_line *line, rb_error *err) {
    const rb_profile_plan *plan = b->work->plan;
    const rb_case_problem spec = {.engine_path = plan->engines[engine].path,
                                  .problem = *j->problem,
                                  .tensors = j->operands->tensors,
                                  .tensor_bytes = (size_t)rb_problem_tensor_elements(j->problem) *
                                                  sizeof *j->operands->tensors,
                                  .epsilon = j->operands->epsilon,
                                  .threads = plan->spec.threads,
                                  .guard = RB_GUARD_BYTES,
                                  .verbose = plan->spec.verbose};
    rb_worker **worker = &b->workers[engine];
    rb_remote_problem_facts facts = {0};
    rb_status status = *worker ? RB_OK : rb_worker_start(&plan->worker, worker, err);
    if (status == RB_OK)
        status = rb_remote_problem_open(*worker, &spec, &facts, err);
    if (status == RB_OK)
        status = rb_remote_problem_input(*worker, j->problem, j->operands->src, j->operands->addend,
                                         err);
    if (status == RB_OK)
        status = rb_remote_problem_run(*worker, j->problem, &facts, values, err);
    if (status != RB_OK)
        return status;
    snprintf(line->alone_kernel, sizeof line->alone_kernel, "%s", facts.kernel);
    const rb_check_figures figures =
        rb_figures_compare(j->problem, j->truth, facts.algorithm, values);
    line->alone = rb_figures_judge_operation(&figures, line->alone_note, sizeof line->alone_note);
    timing t;
    status = begin(*worker, j, &facts, values, line, &t, err);
    if (status == RB_OK)
        status = time_both(&t, plan->quick, b->work->profile->engines[engine].call_ns, err);
    finish(&t);
    return status;
}

/* A failure that is the engine's costs the node, and the worker. */
static rb_status try_engine(bench *b, size_t engine, const job *j, rb_error *err) {
    rb_profile_line *line = &b->work->profile->engines[engine].nodes[j->node];
    rb_error why = {""};
    double *values = malloc((size_t)rb_problem_dst_elements(j->problem) * sizeof *values);
    if (!values)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for the value of %s", line->name);
    snprintf(line->alone_as, sizeof line->alone_as, "%s", line->name);
    const rb_status status = run_and_time(b, engine, j, values, line, &why);
    free(values);
    if (status == RB_OK)
        return RB_OK;
    rb_worker_stop(b->workers[engine]);
    b->workers[engine] = NULL;
    if (!rb_profile_is_engines_own(status))
        return rb_fail(err, status, "%s", why.message);
    line->hot_ns = line->cold_ns = line->hot_call_ns = line->cold_call_ns = NAN;
    line->alone = rb_verdict_of_failure(status);
    snprintf(line->alone_note, sizeof line->alone_note, "%.255s", why.message);
    rb_text_clean(line->alone_note);
    return RB_OK;
}

static rb_status try_all(bench *b, int32_t node, rb_error *err) {
    const rb_profile_plan *plan = b->work->plan;
    rb_problem problem;
    rb_operands operands;
    rb_problem_truth truth = {0};
    rb_status status = rb_recording_problem(&b->recording, node, &problem, &operands, err);
    if (status != RB_OK)
        return status;
    status = rb_problem_truth_compute(b->oracle, b->oracle_path, &problem, &operands,
                                      plan->spec.threads, &truth, err);
    const job j = {&problem, &operands, &truth, node};
    for (size_t e = 0; status == RB_OK && e < plan->engine_count; e++)
        if (isfinite(b->work->profile->engines[e].call_ns))
            status = try_engine(b, e, &j, err);
    rb_problem_truth_release(&truth);
    rb_operands_release(&operands);
    return status;
}

/* A node that poses the problem of an earlier one takes what that one was found to do. */
static void take_over(rb_profile_work *work, int32_t node, int32_t from) {
    for (size_t e = 0; e < work->plan->engine_count; e++) {
        rb_profile_line *to = &work->profile->engines[e].nodes[node];
        const rb_profile_line *first = &work->profile->engines[e].nodes[from];
        to->hot_ns = first->hot_ns;
        to->cold_ns = first->cold_ns;
        to->hot_call_ns = first->hot_call_ns;
        to->cold_call_ns = first->cold_call_ns;
        to->alone = first->alone;
        memcpy(to->alone_as, first->alone_as, sizeof to->alone_as);
        memcpy(to->alone_kernel, first->alone_kernel, sizeof to->alone_kernel);
        memcpy(to->alone_note, first->alone_note, sizeof to->alone_note);
    }
}

static rb_status run_node(bench *b, int32_t node, rb_error *err) {
    rb_profile_work *work = b->work;
    const int32_t first = first_of_its_kind(work, node);
    char text[96];
    snprintf(text, sizeof text, "%.64s alone", work->graph->nodes[node].name);
    rb_profile_tell(work, 0.5 + 0.5 * node / work->graph->node_count, text);
    rb_status status = record_up_to(b, node, err);
    if (status == RB_OK && first == node)
        status = try_all(b, node, err);
    else if (status == RB_OK)
        take_over(work, node, first);
    forget_what_nobody_reads(b, node);
    if (status == RB_OK && rb_interrupted())
        status = rb_fail(err, RB_ERR_INTERRUPTED, "interrupted");
    return status;
}

rb_status rb_profile_alone(rb_profile_work *work, rb_error *err) {
    bench b = {.work = work};
    rb_status status = start(&b, err);
    for (int32_t i = 0; status == RB_OK && i < work->graph->node_count; i++)
        status = run_node(&b, i, err);
    end(&b);
    return status;
}
