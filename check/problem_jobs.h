/* What exact and operation are going to ask of the engine, and what of it is done. */
#ifndef CHECK_PROBLEM_JOBS_H
#define CHECK_PROBLEM_JOBS_H

#include "check/check.h"
#include "check/problem_list.h"

typedef struct rb_problem_job {
    rb_check_level level;
    rb_fill fill;             /* integer or seeded */
    rb_listed_problem listed; /* why, multiplicity: of the list alone */
} rb_problem_job;

typedef struct rb_problem_jobs {
    rb_problem_job *items;
    size_t count, capacity;
    double work; /* sum of rb_problem_work */
} rb_problem_jobs;

/* The plan's problems, or those of the list, with each of the plan's levels and inputs. What is not
 * the engine's own (plan->conv_only) is left out. */
rb_status rb_problem_jobs_make(const rb_check_plan *plan, rb_problem_jobs *jobs, rb_error *err);
void rb_problem_jobs_release(rb_problem_jobs *jobs);

/* For the progress line, in a unit of its own. */
double rb_problem_work(const rb_problem *problem);

#endif
