/* Carries out a plan. */
#ifndef BENCH_RUNNER_H
#define BENCH_RUNNER_H

#include "bench/plan.h"
#include "results/record.h"

/* Measures every cell of the plan and writes the report after each group of rows that is
 * finished. records receives all rows, those of an earlier run that is resumed included, also
 * when a status other than RB_OK ends the run early. notice is called with sentences for
 * people (what is used, what is skipped). */
rb_status rb_runner_run(const rb_plan *plan, void (*notice)(const char *sentence),
                        rb_record_list *records, rb_error *err);

#endif
