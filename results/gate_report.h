/* The files of a gate. */
#ifndef RESULTS_GATE_REPORT_H
#define RESULTS_GATE_REPORT_H

#include <jansson.h>

#include "results/gate_tables.h"

#define RB_GATE_SCHEMA 1

typedef struct rb_gate_report {
    const char *base, *head; /* the directories, as they were given */
    json_t *context;         /* the machine; not owned */
    const rb_gate_rows *rows;
} rb_gate_report;

/* {schema_version, context, base, head, limits, rounds, outcome, rows: [{verdict, network, ...,
 * series: [{log_ratio: [..], ratio, low, high, p_slower, p_adjusted, p_detect, said}]}]}. outcome
 * is that of the worst row, or BROKEN_OFF. Numbers that are NaN are null. */
rb_status rb_gate_json_write(const char *path, const rb_gate_report *report, rb_error *err);
/* One testcase a row: SLOWER, GREW and WRONG are failures, CRASHED is an error, NOISY and
 * UNCOMPARED are skipped. */
rb_status rb_gate_junit_write(const char *path, const rb_gate_report *report, rb_error *err);

rb_status rb_gate_markdown_write(const char *path, const rb_gate_report *report, rb_error *err);

#endif
