/* Timed calls as rows of Google Benchmark's schema (docs: user_guide.md, "Output Formats"): each
 * call a row of run_type "iteration", and aggregate rows behind them. */
#ifndef RESULTS_BENCHMARK_ROWS_H
#define RESULTS_BENCHMARK_ROWS_H

#include <jansson.h>

#include "results/record.h"

#define RB_BENCHMARK_TIME_UNIT "ms"
#define RB_BENCHMARK_NS_PER_UNIT 1e6

typedef struct rb_benchmark {
    const char *name;
    size_t family; /* number of the benchmark in its file */
    const rb_sample *samples;
    size_t count;
    int64_t iterations;        /* of each sample; 0: 1 */
    const rb_summary *real_ns; /* of the samples */
} rb_benchmark;

/* Appends iterations, _mean, _median, and _stddev of more than one. *median, which rows owns, is
 * for counters of the caller's. */
rb_status rb_benchmark_append(json_t *rows, const rb_benchmark *benchmark, json_t **median,
                              rb_error *err);

/* What was not timed still has a row, the way Google Benchmark reports an error. */
void rb_benchmark_append_error(json_t *rows, const rb_benchmark *benchmark, const char *message);

#endif
