/* Requests this engine cannot serve are refused here, before anything is held. What passes
 * keeps every later read and write inside its buffer. */
#include "resbench/graph_check.h"
#include "resbench/handshake.h"
#include "session.h"
#include "threads.h"

/* oneDNN gives the value of an FC two dimensions, every other four. */
static bool is_flat(const rb_graph *graph, int32_t value) {
    return value >= 0 && graph->nodes[value].op == RB_OP_FC;
}

/* What a graph may ask for, but not of this engine. */
static rb_status check_ability(const rb_graph *graph, const rb_node *n, rb_error *err) {
    const bool weighted = n->op == RB_OP_CONV || n->op == RB_OP_FC;
    if (!weighted && (n->add != RB_NONE || n->relu))
        return rb_fail(err, RB_ERR_UNSUPPORTED,
                       "%s: engine onednn fuses addition and ReLU into convolutions and FC only",
                       n->name);
    if ((n->op != RB_OP_FC && is_flat(graph, n->src)) ||
        (n->add > RB_NONE && is_flat(graph, n->add) != (n->op == RB_OP_FC)))
        return rb_fail(err, RB_ERR_UNSUPPORTED,
                       "%s: in engine onednn values of FC go to FC only, and add to their like",
                       n->name);
    return RB_OK;
}

static rb_status check_abilities(const rb_graph *graph, rb_error *err) {
    rb_status status = RB_OK;
    for (int32_t i = 0; status == RB_OK && i < graph->node_count; i++)
        status = check_ability(graph, &graph->nodes[i], err);
    return status;
}

rb_status rb_check_request(const rb_host *host, const rb_graph *graph, const rb_weights *weights,
                           const rb_options *options, rb_error *err) {
    rb_status status = rb_handshake_check(host, graph, weights, options, err);
    if (status == RB_OK)
        status = rb_threads_check(host->threads, err);
    if (status == RB_OK)
        status = rb_graph_check(graph, err);
    return status == RB_OK ? check_abilities(graph, err) : status;
}
