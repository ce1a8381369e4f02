#include "check/problem_jobs.h"

#include <stdlib.h>

double rb_problem_work(const rb_problem *problem) {
    const double sums =
        problem->op == RB_OP_CONV || problem->op == RB_OP_FC ? (double)problem->ic : 1;
    const double macs =
        (double)rb_problem_dst_elements(problem) * sums * (double)(problem->kh * problem->kw);
    /* Moving a value costs about as much as 64 multiply-adds, a problem as much as 4 million. */
    return 4e6 + macs +
           64 * (double)(rb_problem_src_elements(problem) + rb_problem_dst_elements(problem));
}

static rb_status add(rb_problem_jobs *jobs, const rb_problem_job *job, rb_error *err) {
    if (jobs->count == jobs->capacity) {
        const size_t capacity = jobs->capacity ? 2 * jobs->capacity : 256;
        rb_problem_job *items = realloc(jobs->items, capacity * sizeof *items);
        if (!items)
            return rb_fail(err, RB_ERR_MEMORY, "no memory for %zu problems", capacity);
        jobs->items = items;
        jobs->capacity = capacity;
    }
    jobs->items[jobs->count++] = *job;
    jobs->work += rb_problem_work(&job->listed.problem);
    return RB_OK;
}

static const struct {
    rb_check_level level;
    rb_fill fill;
} pairs[] = {{RB_LEVEL_EXACT, RB_FILL_INTEGER}, {RB_LEVEL_OPERATION, RB_FILL_SEEDED}};

static rb_status add_unless_foreign(const rb_check_plan *plan, rb_problem_jobs *jobs, size_t pair,
                                    const rb_listed_problem *listed, rb_error *err) {
    const rb_problem_job job = {
        .level = pairs[pair].level, .fill = pairs[pair].fill, .listed = *listed};
    return plan->conv_only && listed->problem.op != RB_OP_CONV ? RB_OK : add(jobs, &job, err);
}

static rb_status add_list(const rb_check_plan *plan, rb_problem_jobs *jobs, size_t pair,
                          rb_error *err) {
    rb_problem_list list;
    rb_status status = rb_problem_list_create(pairs[pair].level, plan->quick, &list, err);
    if (status != RB_OK)
        return status;
    for (size_t i = 0; status == RB_OK && i < list.count; i++)
        status = add_unless_foreign(plan, jobs, pair, &list.items[i], err);
    rb_problem_list_release(&list);
    return status;
}

rb_status rb_problem_jobs_make(const rb_check_plan *plan, rb_problem_jobs *jobs, rb_error *err) {
    rb_status status = RB_OK;
    *jobs = (rb_problem_jobs){0};
    for (size_t pair = 0; status == RB_OK && pair < sizeof pairs / sizeof pairs[0]; pair++) {
        if (!plan->levels[pairs[pair].level] || !plan->inputs[pairs[pair].fill])
            continue;
        if (plan->problem_count == 0)
            status = add_list(plan, jobs, pair, err);
        for (size_t i = 0; status == RB_OK && i < plan->problem_count; i++)
            status = add_unless_foreign(plan, jobs, pair,
                                        &(rb_listed_problem){.problem = plan->problems[i]}, err);
    }
    if (status != RB_OK)
        rb_problem_jobs_release(jobs);
    return status;
}

void rb_problem_jobs_release(rb_problem_jobs *jobs) {
    free(jobs->items);
    *jobs = (rb_problem_jobs){0};
}
