/* The columns of every table of records, in one list: terminal, Markdown, CSV and the counters in
 * JSON are views of it. */
#ifndef RESULTS_COLUMNS_H
#define RESULTS_COLUMNS_H

#include "results/grid.h"
#include "results/record.h"

typedef enum rb_section {
    RB_SECTION_CELL, /* which network, engine, batch, threads, size: stands in front of every table
                      */
    RB_SECTION_PARITY,
    RB_SECTION_LATENCY,
    RB_SECTION_MEMORY, /* the ledger: its columns add up */
    RB_SECTION_MEMORY_MORE,
    RB_SECTION_FAULTS,
    RB_SECTION_COUNTERS,
    RB_SECTION_COUNT,
    RB_SECTION_FILES = RB_SECTION_COUNT /* in CSV and JSON alone */
} rb_section;

/* Over rows of rb_record, beside the rb_record_list of the table. */
extern const rb_column rb_columns[];
extern const size_t rb_column_count;
extern const char *const rb_section_titles[RB_SECTION_COUNT];
extern const char *const rb_section_notes[RB_SECTION_COUNT]; /* a sentence below; NULL: none */

/* NaN for -1, which stands for unknown. */
double rb_mebibytes(int64_t bytes);

#endif
