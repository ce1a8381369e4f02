/* Counts for a gate without a second build. */
#ifndef BENCH_GATE_COUNTER_H
#define BENCH_GATE_COUNTER_H

#include "bench/plan.h"
#include "results/gate_counts.h"

/* Counts every cell of the plan under callgrind, with one thread. An engine's failure costs its
 * row. */
rb_status rb_gate_count_all(const rb_plan *plan, rb_gate_counts *counts, rb_error *err);

#endif
