#include "bench/run_cells.h"

#include <string.h>

#include "model/graph_build.h"
#include "model/graph_cost.h"

static bool is_of(const rb_record *record, const rb_plan *plan, const rb_cell_group *group,
                  const rb_pending_row *row) {
    return strcmp(record->network, group->network->name) == 0 &&
           strcmp(record->engine, row->engine->label) == 0 &&
           strcmp(record->mode, rb_latency_mode_name(row->mode)) == 0 &&
           strcmp(record->scenario, rb_scenario_name(plan->scenario)) == 0 &&
           record->batch == group->batch && record->threads == group->threads &&
           record->height == group->size.height && record->width == group->size.width;
}

static bool is_done(const rb_plan *plan, const rb_record_list *records, const rb_cell_group *group,
                    const rb_pending_row *row) {
    for (size_t i = 0; i < records->count; i++) {
        const rb_record *record = &records->items[i];
        if (is_of(record, plan, group, row))
            return record->sample_count > 0 && record->verdict == RB_VERDICT_PASS &&
                   strcmp(record->engine_sha256, row->engine->sha256) == 0 &&
                   (!row->engine->version[0] ||
                    strcmp(record->engine_version, row->engine->version) == 0);
    }
    return false;
}

size_t rb_cell_group_pending(const rb_plan *plan, const rb_record_list *records,
                             const rb_cell_group *group, rb_pending_row pending[RB_MAX_PENDING]) {
    size_t count = 0;
    for (size_t e = 0; e < plan->engine_count; e++)
        for (size_t m = 0; m < plan->mode_count; m++) {
            const rb_pending_row row = {&plan->engines[e], plan->modes[m]};
            if (!is_done(plan, records, group, &row))
                pending[count++] = row;
        }
    return count;
}

double rb_cell_group_work(const rb_cell_group *group) {
    rb_graph *graph;
    const rb_graph_shape shape = {
        .batch = group->batch, .height = group->size.height, .width = group->size.width};
    if (rb_graph_create(group->network, &shape, &graph, NULL) != RB_OK)
        return 1;
    const double gmacs = (double)rb_graph_macs(graph) * 1e-9;
    rb_graph_destroy(graph);
    return 1 + gmacs;
}
