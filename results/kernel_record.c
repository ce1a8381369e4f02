#include "results/kernel_record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

const char *rb_span_name(rb_span span) {
    static const char *const names[RB_SPAN_COUNT] = {"alone", "hot", "cold"};
    return names[span];
}

void rb_kernel_row_init(rb_kernel_row *row) {
    *row = (rb_kernel_row){
        .verdict = RB_VERDICT_NONE, .rel_l2 = NAN, .element_share = NAN, .norm_share = NAN};
    for (int c = 0; c < RB_SPAN_COUNT; c++)
        rb_summarize_briefly(NULL, 0, &row->times[c].ns, NULL);
}

void rb_kernel_row_release(rb_kernel_row *row) {
    for (int c = 0; c < RB_SPAN_COUNT; c++) {
        free(row->times[c].samples);
        row->times[c].samples = NULL;
        row->times[c].count = 0;
    }
}

rb_status rb_kernel_row_summarize(rb_kernel_row *row, rb_error *err) {
    rb_status status = RB_OK;
    for (int c = 0; status == RB_OK && c < RB_SPAN_COUNT; c++)
        status = rb_samples_summarize(row->times[c].samples, row->times[c].count, &row->times[c].ns,
                                      err);
    return status;
}

void rb_kernel_row_name(const rb_kernel_row *row, rb_span span, char *name, size_t capacity) {
    snprintf(name, capacity, "%s/%s/threads:%d/%s", row->problem, row->engine, row->threads,
             rb_span_name(span));
}

rb_status rb_kernel_table_add(rb_kernel_table *table, rb_kernel_row *row, rb_error *err) {
    if (table->count == table->capacity) {
        const size_t capacity = table->capacity ? 2 * table->capacity : 64;
        rb_kernel_row *rows = realloc(table->rows, capacity * sizeof *rows);
        if (!rows)
            return rb_fail(err, RB_ERR_MEMORY, "no memory for %zu rows", capacity);
        table->rows = rows;
        table->capacity = capacity;
    }
    rb_text_clean(row->engine_version);
    rb_text_clean(row->kernel);
    rb_text_clean(row->note);
    table->rows[table->count++] = *row;
    for (int c = 0; c < RB_SPAN_COUNT; c++)
        row->times[c] = (rb_kernel_time){.samples = NULL};
    return RB_OK;
}

void rb_kernel_table_release(rb_kernel_table *table) {
    for (size_t i = 0; i < table->count; i++)
        rb_kernel_row_release(&table->rows[i]);
    free(table->rows);
    table->rows = NULL;
    table->count = table->capacity = 0;
}

const rb_kernel_row *rb_kernel_baseline(const rb_kernel_table *table, const rb_kernel_row *row) {
    for (size_t i = 0; i < table->count; i++) {
        const rb_kernel_row *other = &table->rows[i];
        if (strcmp(other->engine, RB_KERNEL_BASELINE) == 0 &&
            strcmp(other->problem, row->problem) == 0 && other->threads == row->threads)
            return other->verdict == RB_VERDICT_PASS ? other : NULL;
    }
    return NULL;
}
