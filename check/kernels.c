#include "check/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/interrupt.h"
#include "bench/peak.h"
#include "check/contestant.h"
#include "check/problem_jobs.h"
#include "check/truth.h"

const rb_kernel_tier rb_kernel_tier_quick = {.name = "quick",
                                             .rounds = 1,
                                             .turns = 2,
                                             .turn_seconds = 0.03,
                                             .warmup_seconds = 0.01,
                                             .least_calls = 8,
                                             .cold_calls = 8};
const rb_kernel_tier rb_kernel_tier_normal = {.name = "normal",
                                              .rounds = 3,
                                              .turns = 2,
                                              .turn_seconds = 0.1,
                                              .warmup_seconds = 0.03,
                                              .least_calls = 8,
                                              .cold_calls = 12};

typedef struct job {
    const rb_kernel_plan *plan;
    rb_kernel_table *table;
    rb_worker *oracle;
    double work, done; /* rb_problem_work */
} job;

/* Again and again: on a machine that is shared one look is not enough. The best counts. */
static rb_status look_at_peak(job *j, rb_error *err) {
    rb_peak peak;
    const rb_status status = rb_peak_measure(j->plan->threads, &peak, err);
    if (status == RB_OK && !(j->table->peak_gmacs > peak.gmacs_per_second))
        j->table->peak_gmacs = peak.gmacs_per_second;
    return status;
}

static void show(const job *j, const rb_problem *problem, const char *what) {
    char name[RB_PROBLEM_CAPACITY], text[RB_PROBLEM_CAPACITY + 80];
    rb_problem_format(problem, name);
    snprintf(text, sizeof text, "%s: %s", name, what);
    if (j->plan->on_progress)
        j->plan->on_progress(j->plan->ctx, j->work > 0 ? j->done / j->work : 0, text);
}

/* The second input differs in its source alone: one session serves both. */
static rb_status make_inputs(const job *j, const rb_problem *problem, rb_operands *own,
                             rb_kernel_input inputs[RB_CASE_INPUTS], rb_error *err) {
    const rb_kernel_plan *plan = j->plan;
    rb_status status = RB_OK;
    for (int i = 0; status == RB_OK && i < RB_CASE_INPUTS; i++) {
        status = rb_operands_seeded(problem, plan->seed + (uint64_t)i, &own[i], err);
        inputs[i].operands = own[0];
        inputs[i].operands.src = own[i].src;
        if (status == RB_OK)
            status =
                rb_problem_truth_compute(j->oracle, plan->oracle_path, problem, &inputs[i].operands,
                                         plan->threads, &inputs[i].truth, err);
    }
    return status;
}

static void start_row(const job *j, const rb_problem *problem, const rb_plan_engine *engine,
                      rb_kernel_row *row) {
    const rb_convolution_count *known = rb_convolutions_find(j->plan->convolutions, problem);
    rb_kernel_row_init(row);
    rb_problem_format(problem, row->problem);
    row->batch = problem->batch;
    row->k = rb_problem_sum_length(problem);
    row->macs = rb_problem_dst_elements(problem) * row->k;
    row->threads = j->plan->threads;
    if (known)
        memcpy(row->counts, known->counts, sizeof row->counts);
    snprintf(row->engine, sizeof row->engine, "%s", engine->label);
    snprintf(row->engine_sha256, sizeof row->engine_sha256, "%s", engine->sha256);
}

/* A fresh process for each engine, and turns in the order A B, B A. */
static rb_status run_round(const job *j, const rb_problem *problem, rb_contestant *contestants,
                           rb_error *err) {
    const size_t count = j->plan->engine_count;
    rb_status status = RB_OK;
    for (size_t i = 0; status == RB_OK && i < count; i++)
        status = rb_contestant_open(&contestants[i], err);
    for (int32_t turn = 0; turn < j->plan->tier->turns; turn++)
        for (size_t i = 0; status == RB_OK && i < count; i++) {
            rb_contestant *contestant = &contestants[turn % 2 ? count - 1 - i : i];
            show(j, problem, contestant->engine->label);
            status = rb_contestant_turn(contestant, turn, err);
            if (status == RB_OK && rb_interrupted())
                status = rb_fail(err, RB_ERR_INTERRUPTED, "interrupted");
        }
    for (size_t i = 0; i < count; i++)
        rb_contestant_close(&contestants[i]);
    return status;
}

static rb_status run_problem(job *j, const rb_problem *problem, rb_error *err) {
    rb_operands own[RB_CASE_INPUTS] = {0};
    rb_kernel_input inputs[RB_CASE_INPUTS] = {0};
    rb_contestant contestants[RB_MAX_ENGINES] = {0};
    show(j, problem, "oracle");
    rb_status status = make_inputs(j, problem, own, inputs, err);
    for (size_t i = 0; i < j->plan->engine_count; i++) {
        contestants[i] = (rb_contestant){.plan = j->plan,
                                         .engine = &j->plan->engines[i],
                                         .problem = problem,
                                         .inputs = inputs,
                                         .round = -1,
                                         .call_ns = INFINITY};
        start_row(j, problem, contestants[i].engine, &contestants[i].row);
    }
    for (int32_t round = 0; status == RB_OK && round < j->plan->tier->rounds; round++)
        status = run_round(j, problem, contestants, err);
    for (size_t i = 0; i < j->plan->engine_count; i++) {
        if (status == RB_OK)
            status = rb_kernel_row_summarize(&contestants[i].row, err);
        if (status == RB_OK)
            status = rb_kernel_table_add(j->table, &contestants[i].row, err);
        rb_kernel_row_release(&contestants[i].row);
    }
    for (int i = 0; i < RB_CASE_INPUTS; i++) {
        rb_problem_truth_release(&inputs[i].truth);
        rb_operands_release(&own[i]);
    }
    j->done += rb_problem_work(problem);
    return status;
}

rb_status rb_kernels_measure(const rb_kernel_plan *plan, rb_kernel_table *table, rb_error *err) {
    const rb_worker_options own = rb_own_worker(&plan->worker);
    job j = {.plan = plan, .table = table};
    *table =
        (rb_kernel_table){.peak_gmacs = NAN, .network_count = plan->convolutions->network_count};
    memcpy(table->networks, plan->convolutions->networks, sizeof table->networks);
    for (size_t i = 0; i < plan->problem_count; i++)
        j.work += rb_problem_work(&plan->problems[i]);
    rb_status status = rb_worker_start(&own, &j.oracle, err);
    for (size_t i = 0; status == RB_OK && i < plan->problem_count; i++) {
        if (i % 8 == 0)
            status = look_at_peak(&j, err);
        if (status == RB_OK)
            status = run_problem(&j, &plan->problems[i], err);
        if (status == RB_OK && plan->on_problem)
            status = plan->on_problem(plan->ctx, table, err);
    }
    rb_worker_stop(j.oracle);
    return status;
}
