/* Scaling over threads, as a table, sentences and JSON. */
#ifndef RESULTS_THREAD_TABLE_H
#define RESULTS_THREAD_TABLE_H

#include <jansson.h>
#include <stdio.h>

#include "results/record.h"

/* Nothing where no cell was measured with two numbers of threads. Sentences below the table name
 * knees and cliffs. */
void rb_thread_table_terminal(const rb_record_list *records, FILE *out);
void rb_thread_table_markdown(const rb_record_list *records, FILE *out); /* with its heading */

/* An array with an object for each line: what it is of, knee, cliff, points. */
json_t *rb_thread_scaling_to_json(const rb_record_list *records);

#endif
