#include "results/grid.h"

#include <math.h>
#include <string.h>

#define MAX_COLUMNS 256
#define MAX_TERMINAL_TEXT 12

/* The columns that a grid shows. */
typedef struct choice {
    const rb_column *columns[MAX_COLUMNS];
    size_t count;
} choice;

static choice choose(const rb_grid *grid) {
    choice chosen = {.count = 0};
    for (size_t c = 0; c < grid->column_count && chosen.count < MAX_COLUMNS; c++)
        if (!grid->column_shown || grid->column_shown(grid, &grid->columns[c]))
            chosen.columns[chosen.count++] = &grid->columns[c];
    return chosen;
}

static const void *row_at(const rb_grid *grid, size_t row) {
    return (const char *)grid->rows + row * grid->row_bytes;
}

static bool is_shown(const rb_grid *grid, size_t row) {
    return !grid->row_shown || grid->row_shown[row];
}

static bool varies(const rb_grid *grid, const rb_column *column) {
    char first[RB_CELL_CAPACITY], other[RB_CELL_CAPACITY];
    bool any = false;
    for (size_t row = 0; row < grid->row_count; row++) {
        if (!is_shown(grid, row))
            continue;
        rb_column_format(column, grid->all, row_at(grid, row), any ? other : first);
        if (any && strcmp(first, other) != 0)
            return true;
        any = true;
    }
    return false;
}

bool rb_column_in_summary(const rb_grid *grid, const rb_column *column) {
    return column->use == RB_COLUMN_IF_VARIED ? varies(grid, column)
                                              : column->use != RB_COLUMN_DETAIL;
}

static int significant_decimals(double value, int digits) {
    const double magnitude = fabs(value);
    int decimals = digits - 1;
    for (double bound = 10; decimals > 0 && magnitude >= bound; bound *= 10)
        decimals--;
    return decimals;
}

void rb_number_format(rb_format format, int digits, double value, char text[RB_CELL_CAPACITY]) {
    const bool wide = format == RB_FORMAT_FIXED || format == RB_FORMAT_SIGNIFICANT;
    if (!isfinite(value))
        snprintf(text, RB_CELL_CAPACITY, isnan(value) ? "-" : "inf");
    else if (wide && fabs(value) >= 1e5)
        snprintf(text, RB_CELL_CAPACITY, "%.0e", value);
    else if (format == RB_FORMAT_SCIENTIFIC)
        snprintf(text, RB_CELL_CAPACITY, "%.*e", digits, value);
    else if (format == RB_FORMAT_SIGNIFICANT)
        snprintf(text, RB_CELL_CAPACITY, "%.*f", significant_decimals(value, digits), value);
    else
        snprintf(text, RB_CELL_CAPACITY, "%.*f", format == RB_FORMAT_COUNT ? 0 : digits, value);
}

void rb_column_format(const rb_column *column, const void *all, const void *row,
                      char text[RB_CELL_CAPACITY]) {
    if (column->text) {
        const char *value = column->text(row);
        snprintf(text, RB_CELL_CAPACITY, "%s", *value ? value : "-");
        return;
    }
    rb_number_format(column->format, column->digits, column->number(all, row), text);
}

static void shorten(const rb_column *column, char *text) {
    const size_t most = column->digits > 0 ? (size_t)column->digits : MAX_TERMINAL_TEXT;
    size_t end = most - 1;
    if (!column->text || strlen(text) <= most)
        return;
    while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80) /* within a character of UTF-8 */
        end--;
    strcpy(text + end, "~");
}

static void cell(const rb_grid *grid, size_t row, const rb_column *column,
                 char text[RB_CELL_CAPACITY]) {
    rb_column_format(column, grid->all, row_at(grid, row), text);
    shorten(column, text);
}

static void pad(const rb_column *column, size_t c, int width, const char *text, FILE *out) {
    fprintf(out, "%s%*s", c ? "  " : "", column->text ? -width : width, text);
}

static int width_of(const rb_grid *grid, const rb_column *column) {
    char text[RB_CELL_CAPACITY];
    int width = (int)strlen(column->title);
    for (size_t row = 0; row < grid->row_count; row++) {
        if (!is_shown(grid, row))
            continue;
        cell(grid, row, column, text);
        width = (int)strlen(text) > width ? (int)strlen(text) : width;
    }
    return width;
}

/* Takes columns out until the table fits, or nothing is left that may go. */
static void make_fit(choice *chosen, int widths[MAX_COLUMNS]) {
    for (;;) {
        size_t last = chosen->count;
        int total = -2;
        for (size_t c = 0; c < chosen->count; c++) {
            total += 2 + widths[c];
            if (chosen->columns[c]->use == RB_COLUMN_WITH_ROOM)
                last = c;
        }
        if (total <= RB_TERMINAL_WIDTH || last == chosen->count)
            return;
        chosen->count--;
        for (size_t c = last; c < chosen->count; c++) {
            chosen->columns[c] = chosen->columns[c + 1];
            widths[c] = widths[c + 1];
        }
    }
}

void rb_grid_aligned(const rb_grid *grid, FILE *out) {
    int widths[MAX_COLUMNS];
    char text[RB_CELL_CAPACITY];
    choice chosen = choose(grid);
    for (size_t c = 0; c < chosen.count; c++)
        widths[c] = width_of(grid, chosen.columns[c]);
    make_fit(&chosen, widths);
    for (size_t c = 0; c < chosen.count; c++)
        pad(chosen.columns[c], c, widths[c], chosen.columns[c]->title, out);
    fputc('\n', out);
    for (size_t row = 0; row < grid->row_count; row++) {
        if (!is_shown(grid, row))
            continue;
        for (size_t c = 0; c < chosen.count; c++) {
            cell(grid, row, chosen.columns[c], text);
            pad(chosen.columns[c], c, widths[c], text, out);
        }
        fputc('\n', out);
    }
}

void rb_markdown_text(const char *text, FILE *out) {
    for (; *text; text++) {
        if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '&')
            fputs("&amp;", out);
        else
            fputc(*text, out);
    }
}

void rb_grid_markdown(const rb_grid *grid, FILE *out) {
    char text[RB_CELL_CAPACITY];
    const choice chosen = choose(grid);
    for (size_t c = 0; c < chosen.count; c++)
        fprintf(out, "| %s ", chosen.columns[c]->title);
    fputs("|\n", out);
    for (size_t c = 0; c < chosen.count; c++)
        fputs(chosen.columns[c]->text ? "|---" : "|---:", out);
    fputs("|\n", out);
    for (size_t row = 0; row < grid->row_count; row++) {
        if (!is_shown(grid, row))
            continue;
        for (size_t c = 0; c < chosen.count; c++) {
            rb_column_format(chosen.columns[c], grid->all, row_at(grid, row), text);
            for (char *bar = text; (bar = strchr(bar, '|'));)
                *bar = '/';
            fputs("| ", out);
            rb_markdown_text(text, out);
            fputc(' ', out);
        }
        fputs("|\n", out);
    }
}

/* One field, quoted where it must be. */
static void csv_text(const char *text, FILE *out) {
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

void rb_grid_csv(const rb_grid *grid, FILE *out) {
    const choice chosen = choose(grid);
    for (size_t c = 0; c < chosen.count; c++)
        fprintf(out, "%s%s", c ? "," : "", chosen.columns[c]->key);
    fputc('\n', out);
    for (size_t row = 0; row < grid->row_count; row++) {
        if (!is_shown(grid, row))
            continue;
        for (size_t c = 0; c < chosen.count; c++) {
            const rb_column *column = chosen.columns[c];
            const double value =
                column->number ? column->number(grid->all, row_at(grid, row)) : NAN;
            if (c)
                fputc(',', out);
            if (column->text)
                csv_text(column->text(row_at(grid, row)), out);
            else if (isfinite(value))
                fprintf(out, "%.17g", value);
        }
        fputc('\n', out);
    }
}
