/* Tables of what the judge found, one for each level. */
#ifndef RESULTS_CHECK_TABLES_H
#define RESULTS_CHECK_TABLES_H

#include "results/check_record.h"

typedef struct rb_check_counts {
    size_t rows, of[RB_VERDICT_COUNT];
} rb_check_counts;

/* level RB_LEVEL_COUNT: of all levels. */
rb_check_counts rb_check_count(const rb_check_rows *rows, rb_check_level level);

/* "mine: 350 of 352 checks PASS (exact 100/100, operation 250/252), 2 FAIL; worst of operation: 1.4
 * of its limit at ic64ih56..." */
void rb_check_summary(const rb_check_rows *rows, const char *engine, char *text, size_t capacity);

/* The main columns, at most RB_TERMINAL_WIDTH wide. Of a level with many rows those that are no
 * PASS and those nearest to their limit stand for all, unless `every` is asked for. */
void rb_check_terminal(const rb_check_rows *rows, bool every, FILE *out);

/* All rows with all columns that a level has, below a heading and the counts. */
void rb_check_markdown(const rb_check_rows *rows, const char *title, FILE *out);

/* All columns, one line a row; numbers in full precision, empty where none. */
void rb_check_csv(const rb_check_rows *rows, FILE *out);

#endif
