/* Tables for people and for spreadsheets. */
#ifndef RESULTS_TABLES_H
#define RESULTS_TABLES_H

#include <stdio.h>

#include "results/columns.h"
#include "results/scaling.h"

/* The summary columns and the depth scaling, at most RB_TERMINAL_WIDTH wide. */
void rb_table_terminal(const rb_record_list *records, FILE *out);

/* All columns: a summary, then one table for each section, then the depth scaling. */
void rb_table_markdown(const rb_record_list *records, const char *title, FILE *out);

/* All columns, one line a record (RFC 4180); numbers in full precision, empty where none. */
void rb_table_csv(const rb_record_list *records, FILE *out);

#endif
