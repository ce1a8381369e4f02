/* The gate tries itself: long series of one build against itself, some of it slowed down. */
#ifndef BENCH_GATE_RECORD_H
#define BENCH_GATE_RECORD_H

#include "bench/plan.h"
#include "results/gate_samples.h"

/* Records `rounds` rounds of the first of the plan's cells: the base, and a side for
 * each slowdown (0: the same again). Every round is written as it comes, to a temporary file that
 * takes the place of path at the end, when interrupted too; path NULL: to none. *samples is the
 * caller's. */
rb_status rb_gate_record(const rb_plan *plan, const double *slowdowns, size_t count, size_t rounds,
                         const char *path, rb_gate_samples *samples, rb_error *err);

#endif
