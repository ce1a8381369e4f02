/* The percentiles of single-stream rows, one line for each. */
#ifndef RESULTS_PERCENTILE_TABLE_H
#define RESULTS_PERCENTILE_TABLE_H

#include <stdio.h>

#include "results/grid.h"
#include "results/record.h"

/* True when a record was timed in the scenario single-stream. */
bool rb_percentile_table_wanted(const rb_record_list *records);

/* Percentile, interval, and how many calls it needs, printed as print lays grids out. A percentile
 * for which there are too few calls is blank. Nothing is printed where there is no memory for it.
 */
void rb_percentile_table(const rb_record_list *records,
                         void (*print)(const rb_grid *grid, FILE *out), FILE *out);

#endif
