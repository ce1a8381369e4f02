#include "bench/gate_counter.h"

#include "bench/callgrind.h"
#include "bench/gate_cell.h"
#include "bench/interrupt.h"
#include "bench/progress.h"

static rb_status count_cell(const rb_plan *plan, const rb_cell_group *group, rb_progress *progress,
                            rb_gate_counts *counts, rb_error *err) {
    rb_gate_cell cell;
    char text[192];
    rb_status status = rb_gate_cell_open(plan, group, &cell, err);
    if (status != RB_OK)
        return status;
    for (size_t e = 0; status == RB_OK && e < plan->engine_count; e++) {
        snprintf(text, sizeof text, "%s %s batch %lld: counting instructions", group->network->name,
                 plan->engines[e].label, (long long)group->batch);
        rb_progress_show(progress, text);
        status = rb_interrupted() ? rb_fail(err, RB_ERR_INTERRUPTED, "interrupted")
                                  : rb_callgrind_count(&cell, &plan->engines[e],
                                                       &counts->items[counts->count], err);
        counts->count += status == RB_OK;
        rb_progress_advance(progress, 1);
    }
    rb_gate_cell_close(&cell);
    return status;
}

rb_status rb_gate_count_all(const rb_plan *plan, rb_gate_counts *counts, rb_error *err) {
    rb_cell_group groups[RB_GATE_MAX_ROWS];
    size_t count;
    rb_progress progress;
    *counts = (rb_gate_counts){0};
    rb_status status = rb_gate_groups(plan, groups, &count, err);
    if (status == RB_OK)
        status = rb_callgrind_version(counts->tool, err);
    rb_progress_start(&progress, (double)(count * plan->engine_count));
    for (size_t g = 0; status == RB_OK && g < count; g++)
        status = count_cell(plan, &groups[g], &progress, counts, err);
    rb_progress_clear(&progress);
    return status;
}
