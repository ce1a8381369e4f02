/* Tables of resbench kernels: convolutions, and what they take together in each network. */
#ifndef RESULTS_KERNEL_TABLES_H
#define RESULTS_KERNEL_TABLES_H

#include <jansson.h>
#include <stdio.h>

#include "results/kernel_sums.h"

/* Both tables, notes of rows that are not PASS, and what the times hold. */
rb_status rb_kernel_terminal(const rb_kernel_table *table, FILE *out, rb_error *err);
rb_status rb_kernel_markdown(const rb_kernel_table *table, const char *title, FILE *out,
                             rb_error *err);
void rb_kernel_csv(const rb_kernel_table *table, FILE *out); /* rows alone */

/* Problems that take the most time in the networks come first: the slowest engine's hot time, as
 * often as the networks have it (once, where none has it). Rows of one problem stay together. */
rb_status rb_kernel_table_sort(rb_kernel_table *table, rb_error *err);

/* Numeric columns of a row as members of a JSON object: those of one span, and those that
 * are of all. */
void rb_kernel_set_counters(const rb_kernel_table *table, const rb_kernel_row *row, rb_span span,
                            json_t *object);

/* All columns of a sum as members of a JSON object. */
json_t *rb_kernel_sum_to_json(const rb_kernel_sum *sum);

#endif
