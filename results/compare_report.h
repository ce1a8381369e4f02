/* A comparison for people and for programs. */
#ifndef RESULTS_COMPARE_REPORT_H
#define RESULTS_COMPARE_REPORT_H

#include "results/compare.h"
#include "results/likeness.h"

#define RB_COMPARE_SCHEMA 1

typedef struct rb_compare_report {
    const char *a_path, *b_path;
    const rb_report *a, *b;
    const rb_likeness *likeness;
    const rb_comparison *comparison;
} rb_compare_report;

void rb_compare_terminal(const rb_compare_report *report, FILE *out);
void rb_compare_markdown(const rb_compare_report *report, FILE *out);

/* Files, whole or not at all. */
rb_status rb_compare_markdown_write(const char *path, const rb_compare_report *report,
                                    rb_error *err);
rb_status rb_compare_json_write(const char *path, const rb_compare_report *report, rb_error *err);

/* A test case for each cell, skipped when A alone has it: SLOWER, WRONG, LOST and memory that grew
 * are failures, CRASHED is an error. strict: UNCLEAR and TOO FEW are failures too, otherwise
 * skipped. */
rb_status rb_compare_junit_write(const char *path, const rb_compare_report *report, bool strict,
                                 rb_error *err);

/* "activations 1.00 -> 1.25 MiB (+262144 bytes)": one line of what changed. */
void rb_compared_memory_describe(const rb_compared_memory *memory, rb_memory_kind kind, char *text,
                                 size_t capacity);

/* "ratio 1.12 (0.95 interval 1.08..1.16), p 0.003 after Holm over 10 cells", or what there is
 * instead. */
void rb_compared_describe(const rb_comparison *comparison, const rb_compared_row *row, char *text,
                          size_t capacity);

#endif
