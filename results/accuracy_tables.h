/* Tables of what engines make of a data set. */
#ifndef RESULTS_ACCURACY_TABLES_H
#define RESULTS_ACCURACY_TABLES_H

#include "results/accuracy.h"

/* The main columns, at most RB_TERMINAL_WIDTH wide; notes, agreement, and the first images on which
 * an engine and the oracle differ. */
void rb_accuracy_terminal(const rb_accuracy *accuracy, FILE *out);

/* All columns, all pairs of engines, and every image on which an engine and the oracle differ. */
void rb_accuracy_markdown(const rb_accuracy *accuracy, FILE *out);

/* All columns, one line an engine; numbers in full precision, empty where none. */
void rb_accuracy_csv(const rb_accuracy *accuracy, FILE *out);

/* The engine's row as JSON: all columns, null where there is no value. */
json_t *rb_accuracy_row(const rb_accuracy *accuracy, size_t engine);

#endif
