/* The files of resbench kernels: kernels.json, kernels.md, kernels.csv in one directory.
 *
 * kernels.json has Google Benchmark's schema, a benchmark for each row and span (alone, hot, cold),
 * whose median rows carry the numeric columns as counters. Ours is the top-level object "resbench":
 * {kind: "kernels", schema_version, plan, networks, rows, sums}. */
#ifndef RESULTS_KERNEL_REPORT_H
#define RESULTS_KERNEL_REPORT_H

#include <jansson.h>

#include "results/kernel_record.h"

typedef struct rb_kernel_report {
    const char *directory, *title;
    json_t *context, *plan; /* the machine; what was asked for. Not owned */
    const rb_kernel_table *table;
} rb_kernel_report;

#define RB_KERNEL_JSON "kernels.json"
#define RB_KERNEL_MARKDOWN "kernels.md"
#define RB_KERNEL_CSV "kernels.csv"

/* Writes the three files, each whole or not at all. */
rb_status rb_kernel_report_write(const rb_kernel_report *report, rb_error *err);

#endif
