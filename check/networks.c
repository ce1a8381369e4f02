/* chained, network and task: whole networks. */
#include "check/networks.h"

#include <string.h>

#include "bench/clock.h"
#include "bench/interrupt.h"
#include "bench/weights_source.h"
#include "check/again.h"
#include "check/truth.h"

void rb_net_row_init(const rb_net *net, rb_check_level level, const char *name, rb_check_row *row) {
    rb_check_row_init(row, level);
    row->seed = net->plan->seed;
    row->batch = net->plan->batch;
    row->threads = net->plan->threads;
    snprintf(row->name, sizeof row->name, "%s", name);
    snprintf(row->input, sizeof row->input, "%s", net->plan->images ? "images" : "synthetic");
}

rb_status rb_net_row_add(rb_net *net, rb_check_row *row, rb_error *err) {
    if (row->verdict != RB_VERDICT_PASS)
        rb_check_again(net->plan, row);
    const rb_status status = rb_check_rows_add(net->rows, row, err);
    if (status == RB_OK && net->plan->on_row)
        net->plan->on_row(net->plan->ctx, &net->rows->items[net->rows->count - 1]);
    return status;
}

void rb_net_figures(const rb_parity *parity, int64_t elements, rb_check_figures *figures) {
    figures->elements = parity->images * elements;
    figures->non_finite = parity->non_finite;
    figures->constant = parity->constant > 0;
    figures->rel_l2 = parity->worst_rel_l2;
    figures->nmse = parity->worst_rel_l2 * parity->worst_rel_l2;
    figures->max_abs = parity->max_abs_error;
}

bool rb_net_is_engine_failure(rb_status status) {
    return status != RB_OK && status != RB_ERR_INPUT && status != RB_ERR_INTERRUPTED &&
           status != RB_ERR_OUTPUT;
}

bool rb_net_is(const rb_net *net, const char *own_path) {
    return strcmp(net->plan->engine.path, own_path) == 0;
}

void rb_net_progress(const rb_net *net, double share, const char *what) {
    char text[160];
    if (!net->plan->on_progress)
        return;
    snprintf(text, sizeof text, "%s: %s", net->network->name, what);
    net->plan->on_progress(net->plan->ctx,
                           ((double)net->index + share) / (double)net->plan->network_count, text);
}

static rb_status load_inputs(rb_net *net, rb_error *err) {
    const rb_check_plan *plan = net->plan;
    const int64_t least = plan->batch < 2 ? 2 : plan->batch; /* one image may be right by chance */
    const rb_inputs_request request = {.images = plan->images,
                                       .least = least,
                                       .limit = least,
                                       .height = plan->height,
                                       .width = plan->width,
                                       .size = net->network->size,
                                       .resize = RB_RESIZE_STORED,
                                       .seed = plan->seed,
                                       .weights = net->weights,
                                       .preprocessing = net->info.preprocessing};
    return rb_inputs_make(&request, &net->inputs, err);
}

static rb_status open_network(rb_net *net, rb_error *err) {
    const rb_check_plan *plan = net->plan;
    rb_status status =
        rb_weights_source(plan->weights, net->network, plan->seed, net->weights, &net->info, err);
    if (status == RB_OK)
        status = load_inputs(net, err);
    if (status != RB_OK)
        return status;
    const rb_graph_shape shape =
        rb_weights_graph_shape(&net->info, plan->batch, net->inputs.height, net->inputs.width);
    status = rb_graph_create(net->network, &shape, &net->graph, err);
    if (status != RB_OK)
        return status;
    net->spec = (rb_case_spec){.engine_path = plan->engine.path,
                               .network = net->network->name,
                               .weights = net->weights,
                               .batch = plan->batch,
                               .height = net->inputs.height,
                               .width = net->inputs.width,
                               .classes = net->graph->classes,
                               .threads = plan->threads,
                               .verbose = plan->verbose};
    return RB_OK;
}

static rb_status check_network(rb_net *net, rb_error *err) {
    const bool *levels = net->plan->levels;
    rb_status status = RB_OK;
    if (levels[RB_LEVEL_CHAINED] || levels[RB_LEVEL_NETWORK])
        status = open_network(net, err);
    if (status == RB_OK && levels[RB_LEVEL_CHAINED])
        status = rb_net_check_chained(net, err);
    if (status == RB_OK && levels[RB_LEVEL_NETWORK])
        status = rb_net_check_logits(net, err);
    rb_inputs_release(&net->inputs);
    rb_graph_destroy(net->graph);
    return status;
}

rb_status rb_check_networks(const rb_check_plan *plan, rb_check_rows *rows, rb_error *err) {
    rb_status status = RB_OK;
    for (size_t i = 0; status == RB_OK && i < plan->network_count; i++) {
        rb_net net = {.plan = plan,
                      .rows = rows,
                      .network = plan->networks[i],
                      .index = i,
                      .own = rb_own_worker(&plan->worker)};
        status = check_network(&net, err);
        if (status == RB_OK && rb_interrupted())
            status = rb_fail(err, RB_ERR_INTERRUPTED, "interrupted");
    }
    if (status == RB_OK && plan->levels[RB_LEVEL_TASK])
        status = rb_check_task(plan, rows, err);
    if (status == RB_OK && plan->on_progress)
        plan->on_progress(plan->ctx, 1, "networks");
    return status;
}
