#include "results/check_record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const char *const levels[RB_LEVEL_COUNT] = {"exact", "operation", "chained", "network",
                                                   "task"};

const char *rb_check_level_name(rb_check_level level) {
    return levels[level];
}

bool rb_check_level_parse(const char *name, rb_check_level *level) {
    for (int i = 0; i < RB_LEVEL_COUNT; i++)
        if (strcmp(levels[i], name) == 0) {
            *level = (rb_check_level)i;
            return true;
        }
    return false;
}

void rb_check_row_init(rb_check_row *row, rb_check_level level) {
    *row = (rb_check_row){.level = level, .limit = NAN, .top1_differ = -1};
    row->figures = (rb_check_figures){.rel_l2 = NAN,
                                      .nmse = NAN,
                                      .max_abs = NAN,
                                      .max_ulp = NAN,
                                      .element_share = NAN,
                                      .norm_share = NAN,
                                      .found = NAN,
                                      .expected = NAN};
}

rb_status rb_check_rows_add(rb_check_rows *rows, const rb_check_row *row, rb_error *err) {
    if (rows->count == rows->capacity) {
        const size_t capacity = rows->capacity ? 2 * rows->capacity : 64;
        rb_check_row *items = realloc(rows->items, capacity * sizeof *items);
        if (!items)
            return rb_fail(err, RB_ERR_MEMORY, "no memory for %zu rows", capacity);
        rows->items = items;
        rows->capacity = capacity;
    }
    rb_check_row *added = &rows->items[rows->count++];
    *added = *row;
    rb_text_clean(added->name);
    rb_text_clean(added->network);
    rb_text_clean(added->input);
    rb_text_clean(added->kernel);
    rb_text_clean(added->note);
    rb_text_clean(added->again);
    return RB_OK;
}

void rb_check_rows_release(rb_check_rows *rows) {
    free(rows->items);
    *rows = (rb_check_rows){0};
}
