/* Requests this engine cannot serve are refused here, before anything is held. What passes
 * keeps every later read and write inside its buffer. */
#include "resbench/graph_check.h"
#include "session.h"
#include "threads.h"

static rb_status check_handshake(const rb_host *host, const rb_options *options, rb_error *err) {
    if (host->abi != RB_ENGINE_ABI)
        return rb_fail(err, RB_ERR_UNSUPPORTED, "the harness speaks ABI %u, engine onednn ABI %u",
                       host->abi, RB_ENGINE_ABI);
    if (host->size != sizeof(rb_host))
        return rb_fail(err, RB_ERR_UNSUPPORTED,
                       "the harness's rb_host has %u bytes, engine onednn's %zu", host->size,
                       sizeof(rb_host));
    if (options->size != sizeof(rb_options))
        return rb_fail(err, RB_ERR_UNSUPPORTED,
                       "the harness's rb_options has %u bytes, engine onednn's %zu", options->size,
                       sizeof(rb_options));
    if (options->dtype != RB_F32)
        return rb_fail(err, RB_ERR_UNSUPPORTED,
                       "engine onednn computes in float32 (dtype %d), not in dtype %d", (int)RB_F32,
                       (int)options->dtype);
    if (options->mode != RB_MODE_INFERENCE)
        return rb_fail(err, RB_ERR_UNSUPPORTED,
                       "engine onednn does inference (mode %d), not mode %d",
                       (int)RB_MODE_INFERENCE, (int)options->mode);
    return RB_OK;
}

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
        (n->add != RB_NONE && is_flat(graph, n->add) != (n->op == RB_OP_FC)))
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

rb_status rb_check_request(const rb_host *host, const rb_graph *graph, const rb_options *options,
                           rb_error *err) {
    rb_status status = check_handshake(host, options, err);
    if (status == RB_OK)
        status = rb_threads_check(host->threads, err);
    if (status == RB_OK)
        status = rb_graph_check(graph, err);
    return status == RB_OK ? check_abilities(graph, err) : status;
}
