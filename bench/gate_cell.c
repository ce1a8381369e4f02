#include "bench/gate_cell.h"

#include <math.h>

#include "bench/weights_source.h"
#include "model/graph_cost.h"

#define SLICE_MACS 2e9

rb_status rb_gate_groups(const rb_plan *plan, rb_cell_group groups[RB_GATE_MAX_ROWS], size_t *count,
                         rb_error *err) {
    const size_t sizes = plan->size_count > 0 ? plan->size_count : 1;
    const size_t rows =
        plan->network_count * sizes * plan->batch_count * plan->thread_count * plan->engine_count;
    *count = 0;
    if (rows == 0 || rows > RB_GATE_MAX_ROWS)
        return rb_fail(err, RB_ERR_USAGE, "%zu cells, but a gate takes 1 to %d", rows,
                       RB_GATE_MAX_ROWS);
    for (size_t n = 0; n < plan->network_count; n++)
        for (size_t s = 0; s < sizes; s++)
            for (size_t b = 0; b < plan->batch_count; b++)
                for (size_t t = 0; t < plan->thread_count; t++)
                    groups[(*count)++] = (rb_cell_group){.network = plan->networks[n],
                                                         .size = plan->sizes[s],
                                                         .batch = plan->batches[b],
                                                         .threads = (int32_t)plan->threads[t]};
    return RB_OK;
}

static rb_status make_inputs(const rb_plan *plan, const rb_cell_group *group,
                             const rb_weights_info *info, rb_gate_cell *cell, rb_error *err) {
    const rb_inputs_request request = {.images = plan->images,
                                       .least = RB_CASE_INPUTS * group->batch,
                                       .limit = RB_CASE_INPUTS * group->batch,
                                       .height = group->size.height,
                                       .width = group->size.width,
                                       .size = group->network->size,
                                       .resize = plan->resize,
                                       .seed = plan->seed,
                                       .weights = cell->weights,
                                       .preprocessing = info->preprocessing};
    return rb_inputs_make(&request, &cell->inputs, err);
}

/* So many calls that the work of a slice is worth the change from one process to the other: the
 * same on every machine. */
static rb_status choose_calls(const rb_network *network, const rb_weights_info *info,
                              rb_gate_job *job, rb_error *err) {
    rb_graph *graph;
    const rb_graph_shape shape =
        rb_weights_graph_shape(info, job->spec.batch, job->spec.height, job->spec.width);
    const rb_status status = rb_graph_create(network, &shape, &graph, err);
    if (status != RB_OK)
        return status;
    const double calls = ceil(SLICE_MACS / (double)rb_graph_macs(graph));
    rb_graph_destroy(graph);
    job->calls = (size_t)fmax(RB_GATE_MIN_CALLS, fmin(RB_GATE_MAX_CALLS, calls));
    return RB_OK;
}

rb_status rb_gate_cell_open(const rb_plan *plan, const rb_cell_group *group, rb_gate_cell *cell,
                            rb_error *err) {
    rb_weights_info info;
    *cell = (rb_gate_cell){.worker = plan->worker};
    rb_placement placement;
    rb_affinity_place(&plan->affinity, group->threads, &placement);
    rb_worker_keep(&cell->worker, &placement);
    rb_status status =
        rb_weights_source(plan->weights, group->network, plan->seed, cell->weights, &info, err);
    if (status == RB_OK)
        status = make_inputs(plan, group, &info, cell, err);
    const rb_case_spec spec = {.network = group->network->name,
                               .weights = cell->weights,
                               .batch = group->batch,
                               .height = cell->inputs.height,
                               .width = cell->inputs.width,
                               .classes = info.classes,
                               .threads = group->threads,
                               .verbose = plan->verbose};
    if (status == RB_OK)
        status = rb_truth_compute(&cell->worker, &spec, &cell->inputs, &cell->truth, err);
    cell->job = (rb_gate_job){
        .worker = &cell->worker, .spec = spec, .inputs = &cell->inputs, .truth = &cell->truth};
    if (status == RB_OK)
        status = choose_calls(group->network, &info, &cell->job, err);
    if (status != RB_OK)
        rb_gate_cell_close(cell);
    return status;
}

void rb_gate_cell_close(rb_gate_cell *cell) {
    rb_truth_release(&cell->truth);
    rb_inputs_release(&cell->inputs);
}

rb_verdict rb_gate_cell_judge(const rb_gate_cell *cell, const rb_gate_side *side, char *note,
                              size_t capacity) {
    const double limit = rb_parity_limit_beside(
        cell->truth.reference_rel_l2, rb_parity_reference_limit(cell->truth.jitter_rel_l2));
    return rb_parity_judge(&side->parity, limit, note, capacity);
}
