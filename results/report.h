/* The files of a run: results.json, results.md, results.csv in one directory.
 *
 * results.json has Google Benchmark's schema (docs: user_guide.md, "Output Formats"): its own
 * tools read it as it is. Every timed call is a row with run_type "iteration"; every record
 * adds aggregate rows, and the median row carries all numeric columns as counters. Ours is the
 * top-level object "resbench": schema_version, plan, records, scaling,
 * thread_scaling. */
#ifndef RESULTS_REPORT_H
#define RESULTS_REPORT_H

#include <jansson.h>

#include "base/atomic_file.h"
#include "results/record.h"

typedef struct rb_report {
    const char *directory;
    const char *title;
    json_t *context; /* Google Benchmark's context block with our additions */
    json_t *plan;    /* what decides whether two runs may be joined */
    rb_record_list records;
} rb_report;

#define RB_REPORT_JSON "results.json"
#define RB_REPORT_MARKDOWN "results.md"
#define RB_REPORT_CSV "results.csv"

/* Writes the three files, each whole or not at all. */
rb_status rb_report_write(const rb_report *report, rb_error *err);

/* Reads context, plan and records, samples included, of a results.json or of the one in a
 * directory. RB_ERR_INPUT when it is missing, is not ours, or has a cell twice; then there is
 * nothing to release. */
rb_status rb_report_load(const char *path, rb_report *report, rb_error *err);
void rb_report_release(rb_report *report);

/* The same without the context. The caller releases *plan and *records. */
rb_status rb_report_read(const char *directory, json_t **plan, rb_record_list *records,
                         rb_error *err);

#endif
