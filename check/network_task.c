/* Labelled images: the accuracy job on oracle, reference and the engine, as one row. */
#include <string.h>

#include "bench/accuracy.h"
#include "bench/clock.h"
#include "check/networks.h"

#define TASK_BATCH 8

static rb_status choose_engines(const rb_check_plan *plan, rb_plan *job, rb_error *err) {
    const rb_status status = rb_plan_add_engines(job, "oracle,reference", err);
    for (size_t e = 0; status == RB_OK && e < job->engine_count; e++)
        if (strcmp(job->engines[e].path, plan->engine.path) == 0)
            return RB_OK;
    if (status == RB_OK)
        job->engines[job->engine_count++] = plan->engine;
    return status;
}

static const rb_accuracy_engine *engine_of(const rb_check_plan *plan, const rb_plan *job,
                                           const rb_accuracy *accuracy) {
    for (size_t e = 0; e < job->engine_count; e++)
        if (strcmp(job->engines[e].path, plan->engine.path) == 0)
            return &accuracy->engines[e];
    return NULL;
}

static void fill_in(const rb_accuracy *accuracy, const rb_accuracy_engine *engine,
                    rb_check_row *row) {
    const rb_accuracy_sums sums = rb_accuracy_sum(accuracy, engine);
    row->images = sums.compared;
    row->top1_differ = sums.differ;
    row->near_ties = sums.near_ties;
    row->limit = engine->rel_l2_limit;
    row->figures.elements = sums.compared * accuracy->classes;
    row->figures.rel_l2 = sums.rel_l2;
    row->figures.nmse = sums.rel_l2 * sums.rel_l2;
    row->figures.max_abs = sums.max_abs_error;
    row->figures.non_finite = sums.non_finite;
    row->verdict = engine->verdict;
    snprintf(row->note, sizeof row->note, "%s", engine->note);
    if (engine == rb_accuracy_oracle(accuracy)) {
        row->verdict = RB_VERDICT_UNSUPPORTED;
        snprintf(row->note, sizeof row->note, "the oracle is what others are compared with");
    }
}

static rb_status run(const rb_accuracy_job *job, rb_accuracy_source *source, rb_check_row *row,
                     const rb_check_plan *plan, rb_error *err) {
    static rb_accuracy accuracy;
    const int64_t from_ns = rb_now_ns();
    rb_status status = rb_accuracy_begin(job, source, &accuracy, err);
    if (status == RB_OK)
        status = rb_accuracy_run(job, source, &accuracy, err);
    if (status == RB_OK) {
        row->seconds = (double)(rb_now_ns() - from_ns) * 1e-9;
        fill_in(&accuracy, engine_of(plan, &job->plan, &accuracy), row);
    }
    rb_accuracy_end(&accuracy);
    return status;
}

rb_status rb_check_task(const rb_check_plan *plan, rb_check_rows *rows, rb_error *err) {
    static rb_accuracy_job job;
    rb_accuracy_source source;
    rb_check_row row;
    job = (rb_accuracy_job){.plan = {.verbose = plan->verbose, .worker = plan->worker},
                            .batch = TASK_BATCH,
                            .threads = plan->threads};
    rb_status status = choose_engines(plan, &job.plan, err);
    if (status == RB_OK)
        status = rb_accuracy_source_open(plan->weights, plan->data, plan->limit, &source, err);
    if (status != RB_OK)
        return status;
    rb_net net = {.plan = plan, .rows = rows, .network = source.network};
    const char *name = strrchr(plan->data, '/');
    rb_net_row_init(&net, RB_LEVEL_TASK, source.network->name, &row);
    snprintf(row.input, sizeof row.input, "%.31s", name ? name + 1 : plan->data);
    row.batch = TASK_BATCH;
    status = run(&job, &source, &row, plan, err);
    rb_accuracy_source_close(&source);
    return status == RB_OK ? rb_net_row_add(&net, &row, err) : status;
}
