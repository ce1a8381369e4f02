/* A table as text: aligned for a terminal, in Markdown, and what CSV asks of a text. */
#ifndef RESULTS_GRID_H
#define RESULTS_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define RB_CELL_CAPACITY 300

typedef struct rb_grid {
    size_t rows, columns;
    const char *(*title)(const void *ctx, size_t column);
    bool (*is_text)(const void *ctx, size_t column); /* to the left; numbers to the right */
    void (*cell)(const void *ctx, size_t row, size_t column, char text[RB_CELL_CAPACITY]);
    const void *ctx;
} rb_grid;

/* Two spaces between columns. Long texts are cut: names of any length must not push the numbers
 * off the screen; the files have them whole. */
void rb_grid_aligned(const rb_grid *grid, FILE *out);
void rb_grid_markdown(const rb_grid *grid, FILE *out);

/* One field (RFC 4180), quoted where it must be. */
void rb_csv_text(const char *text, FILE *out);

#endif
