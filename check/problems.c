#include <stdlib.h>
#include <string.h>

#include "bench/clock.h"
#include "bench/interrupt.h"
#include "check/again.h"
#include "check/judge.h"
#include "check/problem_jobs.h"
#include "check/recorded_each.h"

#define MOST_TIMEOUTS 3 /* in a row; then nothing more is asked */

typedef struct examination {
    const rb_check_plan *plan;
    rb_check_rows *rows;
    rb_subject subject;
    rb_worker *oracle;
    bool same_for_all_threads;
    double work, done; /* rb_problem_work */
    size_t timeouts;   /* in a row */
} examination;

static rb_check_row start_row(const examination *e, const rb_problem_job *job) {
    rb_check_row row;
    rb_check_row_init(&row, job->level);
    row.seed = e->plan->seed;
    row.batch = job->problem.batch;
    row.threads = e->plan->threads;
    row.other_threads = rb_other_threads(e->plan->threads);
    rb_problem_format(&job->problem, row.name);
    snprintf(row.input, sizeof row.input, "%s", rb_fill_name(job->fill));
    return row;
}

static rb_status ask_oracle(const examination *e, const rb_problem_job *job,
                            const rb_operands *operands, rb_problem_truth *truth, rb_error *err) {
    rb_error why = {""};
    const rb_status status = rb_problem_truth_compute(
        e->oracle, e->plan->oracle_path, &job->problem, operands, e->plan->threads, truth, &why);
    if (status == RB_OK || status == RB_ERR_INTERRUPTED)
        return status == RB_OK ? status : rb_fail(err, status, "%s", why.message);
    char text[RB_PROBLEM_CAPACITY];
    rb_problem_format(&job->problem, text);
    return rb_fail(err, status, "oracle on %s: %.700s", text, why.message);
}

/* Compares the engine with the oracle. What is the engine's own failure is the row's verdict. */
static rb_status examine(examination *e, const rb_problem_job *job, const rb_operands *operands,
                         rb_check_row *row, rb_error *err) {
    rb_answers answers;
    rb_problem_truth truth = {0};
    bool engine_failed;
    rb_error why = {""};
    rb_status status = rb_subject_answer(&e->subject, &job->problem, operands, e->plan->threads,
                                         &answers, &engine_failed, &why);
    if (status == RB_OK) {
        status = ask_oracle(e, job, operands, &truth, err);
        if (status == RB_OK)
            rb_judge_answers(&job->problem, &truth, &answers, e->same_for_all_threads, row);
    } else if (engine_failed) {
        row->verdict = rb_verdict_of_failure(status);
        snprintf(row->note, sizeof row->note, "%.500s", why.message);
        status = RB_OK;
    } else {
        rb_fail(err, status, "%s", why.message);
    }
    rb_answers_release(&answers);
    rb_problem_truth_release(&truth);
    return status;
}

static rb_status add_row(const examination *e, const rb_check_row *row, rb_error *err) {
    const rb_status status = rb_check_rows_add(e->rows, row, err);
    if (status == RB_OK && e->plan->on_row)
        e->plan->on_row(e->plan->ctx, &e->rows->items[e->rows->count - 1]);
    return status;
}

static rb_status finish_row(examination *e, const rb_problem_job *job, rb_check_row *row,
                            int64_t start_ns, rb_error *err) {
    row->seconds = (double)(rb_now_ns() - start_ns) * 1e-9;
    if (row->verdict != RB_VERDICT_PASS)
        rb_check_again(e->plan, row);
    const rb_status status = add_row(e, row, err);
    if (status != RB_OK)
        return status;
    e->done += rb_problem_work(&job->problem);
    e->timeouts = row->verdict == RB_VERDICT_TIMEOUT ? e->timeouts + 1 : 0;
    if (e->timeouts == MOST_TIMEOUTS && e->done < e->work)
        return rb_fail(err, RB_ERR_TIMEOUT,
                       "no answer to %d problems in a row; the others were not asked",
                       MOST_TIMEOUTS);
    return RB_OK;
}

static void show(const examination *e, const char *level, const char *input, const char *name) {
    char text[256];
    if (!e->plan->on_progress)
        return;
    snprintf(text, sizeof text, "%s %s %s", level, input, name);
    e->plan->on_progress(e->plan->ctx, e->work > 0 ? e->done / e->work : 0, text);
}

static rb_status make_operands(const examination *e, const rb_problem_job *job,
                               rb_operands *operands, rb_error *err) {
    return job->fill == RB_FILL_INTEGER
               ? rb_operands_integer(&job->problem, e->plan->seed, operands, err)
               : rb_operands_seeded(&job->problem, e->plan->seed, operands, err);
}

/* given: the operands, or NULL, where the job says what they are. */
static rb_status run_job(examination *e, const rb_problem_job *job, const char *where,
                         const rb_operands *given, rb_error *err) {
    rb_operands own = {0};
    rb_error why = {""};
    rb_check_row row = start_row(e, job);
    const int64_t start_ns = rb_now_ns();
    if (rb_interrupted())
        return rb_fail(err, RB_ERR_INTERRUPTED, "interrupted");
    snprintf(row.network, sizeof row.network, "%s", where);
    show(e, rb_check_level_name(row.level), row.input, row.name);
    rb_status status = given ? RB_OK : make_operands(e, job, &own, &why);
    if (status == RB_OK) {
        status = examine(e, job, given ? given : &own, &row, err);
    } else if (status == RB_ERR_UNSUPPORTED) { /* there is no such input */
        row.verdict = RB_VERDICT_UNSUPPORTED;
        snprintf(row.note, sizeof row.note, "%.500s", why.message);
        status = RB_OK;
    } else {
        rb_fail(err, status, "%s", why.message);
    }
    rb_operands_release(&own);
    return status == RB_OK ? finish_row(e, job, &row, start_ns, err) : status;
}

static void begin_recording(void *ctx, const char *network, double work) {
    examination *e = ctx;
    show(e, rb_check_level_name(RB_LEVEL_OPERATION), "recording", network);
    e->done += work;
}

/* Nobody shall believe that it was checked. */
static rb_status add_absent(void *ctx, const rb_problem *problem, rb_error *err) {
    const rb_problem_job job = {
        .level = RB_LEVEL_OPERATION, .fill = RB_FILL_RECORDED, .problem = *problem};
    rb_check_row row = start_row(ctx, &job);
    row.verdict = RB_VERDICT_UNSUPPORTED;
    snprintf(row.note, sizeof row.note, "no node of the networks is this problem");
    return add_row(ctx, &row, err);
}

static rb_status visit_recorded(void *ctx, const char *where, const rb_problem *problem,
                                const rb_operands *operands, rb_error *err) {
    const rb_problem_job job = {
        .level = RB_LEVEL_OPERATION, .fill = RB_FILL_RECORDED, .problem = *problem};
    return run_job(ctx, &job, where, operands, err);
}

rb_status rb_check_problems(const rb_check_plan *plan, rb_check_rows *rows, rb_error *err) {
    rb_problem_jobs jobs;
    const rb_worker_options own = rb_own_worker(&plan->worker);
    examination e = {
        .plan = plan,
        .rows = rows,
        .subject = {.options = &plan->worker, .path = plan->engine.path, .verbose = plan->verbose},
        .same_for_all_threads = strcmp(plan->engine.path, plan->reference_path) == 0 ||
                                strcmp(plan->engine.path, plan->oracle_path) == 0};
    rb_status status = rb_problem_jobs_make(plan, &jobs, err);
    if (status == RB_OK)
        status = rb_worker_start(&own, &e.oracle, err);
    const bool recorded = plan->levels[RB_LEVEL_OPERATION] && plan->inputs[RB_FILL_RECORDED];
    const rb_recorded_visitor visitor = {
        .begin = begin_recording, .visit = visit_recorded, .absent = add_absent, .ctx = &e};
    e.work = jobs.work + (recorded ? rb_recorded_work(plan) : 0);
    for (size_t i = 0; status == RB_OK && i < jobs.count; i++)
        status = run_job(&e, &jobs.items[i], "", NULL, err);
    if (status == RB_OK && recorded)
        status = rb_recorded_each(plan, &visitor, err);
    rb_subject_end(&e.subject);
    rb_worker_stop(e.oracle);
    rb_problem_jobs_release(&jobs);
    return status;
}
