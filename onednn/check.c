/* Requests this engine cannot serve are refused here, before anything is held. */
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

static bool same_shape(const rb_graph *graph, int32_t value, int64_t c, int64_t h, int64_t w) {
    if (value == RB_VALUE_INPUT)
        return graph->channels == c && graph->height == h && graph->width == w;
    const rb_node *from = &graph->nodes[value];
    return from->oc == c && from->oh == h && from->ow == w;
}

static rb_status check_node(const rb_graph *graph, int32_t index, rb_error *err) {
    const rb_node *n = &graph->nodes[index];
    const bool weighted = n->op == RB_OP_CONV || n->op == RB_OP_FC;
    if (!weighted && n->op != RB_OP_MAXPOOL && n->op != RB_OP_AVGPOOL)
        return rb_fail(err, RB_ERR_UNSUPPORTED, "%s: engine onednn knows no operation number %d",
                       n->name, (int)n->op);
    if (weighted != (n->wei != RB_NONE))
        return rb_fail(err, RB_ERR_UNSUPPORTED, "%s: weights belong to convolutions and FC alone",
                       n->name);
    if (!weighted && (n->add != RB_NONE || n->relu))
        return rb_fail(err, RB_ERR_UNSUPPORTED,
                       "%s: engine onednn fuses addition and ReLU into convolutions and FC only",
                       n->name);
    const bool bn = n->bn_weight != RB_NONE;
    if (bn != (n->bn_bias != RB_NONE) || bn != (n->bn_mean != RB_NONE) ||
        bn != (n->bn_var != RB_NONE))
        return rb_fail(err, RB_ERR_UNSUPPORTED, "%s: batch norm needs all four of its tensors",
                       n->name);
    if (n->src < RB_VALUE_INPUT || n->src >= index || n->add < RB_NONE || n->add >= index)
        return rb_fail(err, RB_ERR_UNSUPPORTED, "%s reads a value that is not there yet (%d, %d)",
                       n->name, n->src, n->add);
    if (!same_shape(graph, n->src, n->ic, n->ih, n->iw))
        return rb_fail(err, RB_ERR_UNSUPPORTED, "%s: its source has not the shape the node reads",
                       n->name);
    if (n->add != RB_NONE && !same_shape(graph, n->add, n->oc, n->oh, n->ow))
        return rb_fail(err, RB_ERR_UNSUPPORTED, "%s: the value added has another shape", n->name);
    return RB_OK;
}

rb_status rb_check_request(const rb_host *host, const rb_graph *graph, const rb_options *options,
                           rb_error *err) {
    rb_status status = check_handshake(host, options, err);
    if (status == RB_OK)
        status = rb_threads_check(host->threads, err);
    if (status == RB_OK && graph->node_count < 1)
        status = rb_fail(err, RB_ERR_UNSUPPORTED, "the graph has no nodes");
    for (int32_t i = 0; status == RB_OK && i < graph->node_count; i++)
        status = check_node(graph, i, err);
    return status;
}
