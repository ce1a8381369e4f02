/* The columns of every table, in one list: terminal, Markdown, CSV and the counters in JSON
 * are views of it. */
#ifndef RESULTS_COLUMNS_H
#define RESULTS_COLUMNS_H

#include "results/grid.h"
#include "results/record.h"

typedef enum rb_section {
    RB_SECTION_CELL, /* which network, engine, batch: stands in front of every table */
    RB_SECTION_PARITY,
    RB_SECTION_LATENCY,
    RB_SECTION_MEMORY,
    RB_SECTION_COUNT
} rb_section;

typedef enum rb_format {
    RB_FORMAT_TEXT,
    RB_FORMAT_COUNT,       /* an integer */
    RB_FORMAT_FIXED,       /* `digits` decimals */
    RB_FORMAT_SIGNIFICANT, /* `digits` significant digits, no exponent */
    RB_FORMAT_SCIENTIFIC   /* `digits` decimals */
} rb_format;

typedef struct rb_column {
    const char *key;   /* CSV heading and counter name; the unit is part of it */
    const char *title; /* heading for people */
    rb_section section;
    rb_format format;
    int digits;
    bool summary; /* part of the table on the terminal */
    /* One of the two. number: NaN where there is none. records are all of the table: a column
     * may compare a record with another. */
    const char *(*text)(const rb_record *record);
    double (*number)(const rb_record_list *records, const rb_record *record);
} rb_column;

extern const rb_column rb_columns[];
extern const size_t rb_column_count;
extern const char *const rb_section_titles[RB_SECTION_COUNT];

/* NaN for -1, which stands for unknown. */
double rb_mebibytes(int64_t bytes);

/* A number as a cell; "-" for NaN. Fractions of 1e5 and more are given with an exponent, so that a
 * column keeps its width. */
void rb_number_format(rb_format format, int digits, double value, char text[RB_CELL_CAPACITY]);

/* The text of one cell; "-" where there is no value. */
void rb_column_format(const rb_column *column, const rb_record_list *records,
                      const rb_record *record, char text[RB_CELL_CAPACITY]);

#endif
