#include "bench/run_memory.h"

#include <math.h>

#include "bench/memory_need.h"
#include "bench/run_cells.h"
#include "model/graph_build.h"

static void refuse(rb_cell *cell, const char *why) {
    cell->over = true;
    cell->record.verdict = RB_VERDICT_UNSUPPORTED;
    snprintf(cell->record.note, sizeof cell->record.note, "memory: %.240s", why);
}

/* A row for each cell of one batch, as if it had been tried. */
static rb_status put_rows(const rb_plan *plan, const rb_run_share *share,
                          const rb_cell_setting *setting, const char *why, rb_record_list *records,
                          rb_error *err) {
    rb_pending_row pending[RB_MAX_PENDING];
    rb_cell_setting own = *setting;
    rb_status status = RB_OK;
    for (size_t t = 0; t < plan->thread_count; t++) {
        own.group.threads = (int32_t)plan->threads[t];
        const size_t count = rb_run_share_has(share, &own.group)
                                 ? rb_cell_group_pending(plan, records, &own.group, pending)
                                 : 0;
        for (size_t i = 0; status == RB_OK && i < count; i++) {
            rb_cell cell;
            rb_cell_init(&cell, &own, pending[i].engine, pending[i].mode);
            refuse(&cell, why);
            status = rb_record_list_put(records, &cell.record, err);
        }
    }
    return status;
}

/* The least that a batch needs: one engine, or the oracle, which runs image by image. */
static rb_status check_batch(const rb_plan *plan, const rb_graph *graph, const rb_graph *one,
                             rb_error *err) {
    const int64_t have = rb_memory_have(plan->memory_limit_bytes);
    const bool offline = plan->scenario == RB_SCENARIO_OFFLINE;
    const int64_t few = graph->batch < RB_CASE_INPUTS ? RB_CASE_INPUTS : graph->batch;
    const int64_t images = offline ? 2 * graph->batch : few;
    double least = INFINITY;
    for (size_t e = 0; e < plan->engine_count; e++)
        least =
            fmin(least, rb_memory_need_worker(graph, rb_engine_kind_of(plan->engines[e].label)));
    if (offline)
        least += rb_memory_need_set(graph, images);
    return rb_memory_need_check(rb_memory_need_harness(graph, images), 0,
                                fmax(least, rb_memory_need_worker(one, RB_ENGINE_ORACLE)), have,
                                plan->memory_limit_bytes, err);
}

rb_status rb_run_refuse_batches(rb_plan *plan, const rb_run_share *share,
                                const rb_run_source *source, const rb_cell_setting *setting,
                                const rb_error *all, rb_record_list *records, rb_error *err) {
    const rb_plan_size size = setting->group.size;
    rb_cell_setting own = *setting;
    rb_inputs none = {0};
    rb_graph *one = NULL, *graph = NULL;
    size_t kept = 0;
    rb_graph_shape shape = rb_weights_graph_shape(&source->info, 1, size.height, size.width);
    rb_status status = rb_graph_create(source->network, &shape, &one, err);
    if (status == RB_OK)
        status = rb_run_preprocessing(plan, source, size, none.preprocessing, err);
    own.inputs = &none;
    for (size_t b = 0; status == RB_OK && b < plan->batch_count; b++) {
        rb_error why = {""};
        shape.batch = own.group.batch = plan->batches[b];
        status = rb_graph_create(source->network, &shape, &graph, err);
        own.graph = graph;
        if (status == RB_OK && !all && check_batch(plan, graph, one, &why) == RB_OK)
            plan->batches[kept++] = plan->batches[b];
        else if (status == RB_OK)
            status = put_rows(plan, share, &own, all ? all->message : why.message, records, err);
        rb_graph_destroy(graph);
        graph = NULL;
    }
    plan->batch_count = kept;
    rb_graph_destroy(one);
    return status;
}

void rb_run_refuse_cells(rb_cell *cells, size_t count) {
    double beside = 0;
    if (count == 0)
        return;
    const rb_cell_setting *setting = cells[0].setting;
    const int64_t limit = setting->plan->memory_limit_bytes, have = rb_memory_have(limit);
    /* The images are in memory already: what the machine has left is told without them. */
    const double harness =
        rb_memory_need_harness(setting->graph, have == limit ? setting->inputs->count : 0);
    const double set = setting->plan->scenario == RB_SCENARIO_OFFLINE
                           ? rb_memory_need_set(setting->graph, setting->inputs->count)
                           : 0;
    for (size_t i = 0; i < count; i++) {
        rb_error why;
        const double worker =
            rb_memory_need_worker(setting->graph, rb_engine_kind_of(cells[i].record.engine)) + set;
        cells[i].record.foreseen_bytes = (int64_t)worker;
        if (rb_memory_need_check(harness, beside, worker, have, limit, &why) == RB_OK)
            beside += worker;
        else
            refuse(&cells[i], why.message);
    }
}
