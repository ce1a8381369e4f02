#include "results/kernel_sums.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void add_time(const rb_kernel_row *row, const rb_kernel_row *baseline, rb_span span,
                     double times, rb_kernel_sum_time *sum) {
    const rb_summary *ns = &row->times[span].ns;
    sum->ns += times * ns->median;
    sum->low += times * ns->low;
    sum->high += times * ns->high;
    if (!baseline)
        return;
    sum->own_ns += times * ns->median;
    sum->baseline_ns += times * baseline->times[span].ns.median;
}

static void add_row(const rb_kernel_table *table, const rb_kernel_row *row, int32_t times,
                    rb_kernel_sum *sum) {
    if (row->verdict != RB_VERDICT_PASS || times == 0)
        return;
    const rb_kernel_row *baseline = rb_kernel_baseline(table, row);
    sum->covered += times;
    sum->shared += baseline ? times : 0;
    sum->macs += times * row->macs;
    for (int c = 0; c < RB_SPAN_COUNT; c++)
        add_time(row, baseline, (rb_span)c, times, &sum->times[c]);
}

/* An empty sum is no time. */
static void finish(rb_kernel_sum *sum) {
    for (int c = 0; c < RB_SPAN_COUNT; c++) {
        if (sum->covered == 0)
            sum->times[c].ns = sum->times[c].low = sum->times[c].high = NAN;
        if (sum->shared == 0)
            sum->times[c].own_ns = sum->times[c].baseline_ns = NAN;
    }
}

static rb_kernel_sum *place_of(const rb_kernel_row *row, const rb_kernel_table *table,
                               size_t network, rb_kernel_sum *sums, size_t *count) {
    for (size_t i = 0; i < *count; i++)
        if (sums[i].network == &table->networks[network] && sums[i].batch == row->batch &&
            strcmp(sums[i].engine, row->engine) == 0)
            return &sums[i];
    sums[*count] = (rb_kernel_sum){.network = &table->networks[network],
                                   .engine = row->engine,
                                   .batch = row->batch,
                                   .peak_gmacs = table->peak_gmacs};
    return &sums[(*count)++];
}

rb_status rb_kernel_sums(const rb_kernel_table *table, rb_kernel_sum **sums, size_t *count,
                         rb_error *err) {
    *count = 0;
    *sums = calloc(table->network_count * table->count + 1, sizeof **sums);
    if (!*sums)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for the sums of %zu rows", table->count);
    for (size_t n = 0; n < table->network_count; n++)
        for (size_t r = 0; r < table->count; r++) {
            const rb_kernel_row *row = &table->rows[r];
            if (row->counts[n] > 0)
                add_row(table, row, row->counts[n], place_of(row, table, n, *sums, count));
        }
    for (size_t i = 0; i < *count; i++)
        finish(&(*sums)[i]);
    return RB_OK;
}
