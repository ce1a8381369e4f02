#include "results/grid.h"

#include <string.h>

#define MAX_COLUMNS 64
#define MAX_TERMINAL_TEXT 12

static void shorten(const rb_grid *grid, size_t column, char *text) {
    size_t end = MAX_TERMINAL_TEXT - 1;
    if (!grid->is_text(grid->ctx, column) || strlen(text) <= MAX_TERMINAL_TEXT)
        return;
    while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80) /* within a character of UTF-8 */
        end--;
    strcpy(text + end, "~");
}

static int longest(int a, int b) {
    return a > b ? a : b;
}

void rb_grid_aligned(const rb_grid *grid, FILE *out) {
    int widths[MAX_COLUMNS];
    char text[RB_CELL_CAPACITY];
    const size_t count = grid->columns < MAX_COLUMNS ? grid->columns : MAX_COLUMNS;
    for (size_t c = 0; c < count; c++) {
        widths[c] = (int)strlen(grid->title(grid->ctx, c));
        for (size_t row = 0; row < grid->rows; row++) {
            grid->cell(grid->ctx, row, c, text);
            shorten(grid, c, text);
            widths[c] = longest(widths[c], (int)strlen(text));
        }
    }
    for (size_t line = 0; line <= grid->rows; line++) {
        for (size_t c = 0; c < count; c++) {
            if (line == 0)
                snprintf(text, sizeof text, "%s", grid->title(grid->ctx, c));
            else
                grid->cell(grid->ctx, line - 1, c, text);
            shorten(grid, c, text);
            const bool left = grid->is_text(grid->ctx, c);
            fprintf(out, "%s%*s", c ? "  " : "", left ? -widths[c] : widths[c], text);
        }
        fputc('\n', out);
    }
}

void rb_grid_markdown(const rb_grid *grid, FILE *out) {
    char text[RB_CELL_CAPACITY];
    for (size_t c = 0; c < grid->columns; c++)
        fprintf(out, "| %s ", grid->title(grid->ctx, c));
    fputs("|\n", out);
    for (size_t c = 0; c < grid->columns; c++)
        fputs(grid->is_text(grid->ctx, c) ? "|---" : "|---:", out);
    fputs("|\n", out);
    for (size_t row = 0; row < grid->rows; row++) {
        for (size_t c = 0; c < grid->columns; c++) {
            grid->cell(grid->ctx, row, c, text);
            for (char *bar = text; (bar = strchr(bar, '|'));)
                *bar = '/';
            fprintf(out, "| %s ", text);
        }
        fputs("|\n", out);
    }
}

void rb_csv_text(const char *text, FILE *out) {
    if (!strpbrk(text, ",\"\n\r")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}
