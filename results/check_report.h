/* Files of a check: JSON for programs, JUnit XML for continuous integration. */
#ifndef RESULTS_CHECK_REPORT_H
#define RESULTS_CHECK_REPORT_H

#include <jansson.h>

#include "results/check_record.h"

typedef struct rb_check_report {
    const char *engine, *version;
    json_t *context, *plan; /* the machine; what was asked for. Not owned; may be NULL */
    const rb_check_rows *rows;
} rb_check_report;

/* {schema_version: RB_CHECK_SCHEMA, engine, engine_version, context, plan, summary: {level:
 * {verdict: rows}}, rows: [{level, verdict, name, ..., figures: {..., worst: [n, c, h, w]}}]}.
 * Numbers that are NaN or infinite are null. */
rb_status rb_check_json_write(const char *path, const rb_check_report *report, rb_error *err);

/* The rows of such a file, which the caller releases. RB_ERR_INPUT with the row and member that is
 * missing or invalid; then rows is empty. */
rb_status rb_check_json_read(const char *path, rb_check_rows *rows, rb_error *err);

/* The format that Jenkins, GitLab and GitHub's reporters read: one testsuite a level, one testcase
 * a row. FAIL, MARGINAL, MISTRUSTED and rows without a comparison are failures, CRASHED and TIMEOUT
 * errors, UNSUPPORTED is skipped. */
rb_status rb_check_junit_write(const char *path, const rb_check_report *report, rb_error *err);

#endif
