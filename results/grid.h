/* Tables as text: columns over rows of one type, aligned for a terminal, in Markdown, in CSV. */
#ifndef RESULTS_GRID_H
#define RESULTS_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define RB_CELL_CAPACITY 800
#define RB_TERMINAL_WIDTH 120

typedef enum rb_format {
    RB_FORMAT_TEXT,
    RB_FORMAT_COUNT,       /* an integer */
    RB_FORMAT_FIXED,       /* `digits` decimals */
    RB_FORMAT_SIGNIFICANT, /* `digits` significant digits, no exponent */
    RB_FORMAT_SCIENTIFIC   /* `digits` decimals */
} rb_format;

/* Where a column stands: everywhere it is in the files. */
typedef enum rb_column_use {
    RB_COLUMN_DETAIL,    /* not in the summary */
    RB_COLUMN_SUMMARY,   /* in the summary */
    RB_COLUMN_WITH_ROOM, /* likewise, but the first to go from a terminal that is too narrow */
    RB_COLUMN_IF_VARIED  /* in the summary when two rows differ in it */
} rb_column_use;

typedef struct rb_column {
    const char *key;   /* CSV heading and JSON member; the unit is part of it */
    const char *title; /* heading for people */
    int section;       /* for who shows some columns alone */
    rb_format format;
    int digits; /* of RB_FORMAT_TEXT: letters on a terminal, 0: 12 */
    rb_column_use use;
    /* One of the two. number: NaN where there is none. all is what the grid has beside its rows:
     * a column may compare a row with another. */
    const char *(*text)(const void *row);
    double (*number)(const void *all, const void *row);
} rb_column;

typedef struct rb_grid {
    const void *rows;
    size_t row_bytes, row_count;
    const bool *row_shown; /* [row_count]; NULL: all */
    const void *all;
    const rb_column *columns;
    size_t column_count;
    bool (*column_shown)(const struct rb_grid *grid, const rb_column *column); /* NULL: all */
    int section;
} rb_grid;

/* Two spaces between columns. Long texts are cut: names of any length must not push the numbers
 * off the screen; the files have them whole. From a table wider than RB_TERMINAL_WIDTH the columns
 * RB_COLUMN_WITH_ROOM go, the last one first. */
void rb_grid_aligned(const rb_grid *grid, FILE *out);
void rb_grid_markdown(const rb_grid *grid, FILE *out);

/* A text of any origin within Markdown: what would begin a tag or an entity of HTML is escaped. */
void rb_markdown_text(const char *text, FILE *out);

/* RFC 4180; numbers in full precision, empty where none. */
void rb_grid_csv(const rb_grid *grid, FILE *out);

/* A filter of columns: those of the summary. */
bool rb_column_in_summary(const rb_grid *grid, const rb_column *column);

/* A number as a cell; "-" for NaN. Fractions of 1e5 and more are given with an exponent, so that a
 * column keeps its width. */
void rb_number_format(rb_format format, int digits, double value, char text[RB_CELL_CAPACITY]);

/* The text of one cell; "-" where there is no value. */
void rb_column_format(const rb_column *column, const void *all, const void *row,
                      char text[RB_CELL_CAPACITY]);

#endif
