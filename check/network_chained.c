/* Node by node through a network, on the oracle's input, which ones are out of bounds and where it
 * began. */
#include <stdlib.h>

#include "bench/clock.h"
#include "check/chain.h"
#include "check/networks.h"

typedef struct walk {
    rb_net *net;
    rb_chain chain;
    bool *bad; /* [node_count]: out of bounds */
    bool is_reference;
    double seconds; /* of the engine, for one slice */
} walk;

static bool reads_bad(const walk *w, const rb_node *node) {
    return (node->src >= 0 && w->bad[node->src]) || (node->add >= 0 && w->bad[node->add]);
}

/* Puts in front of a note where the error comes from. */
static void explain(walk *w, int32_t index, rb_check_row *row) {
    const rb_node *node = &w->net->graph->nodes[index];
    char why[400];
    snprintf(why, sizeof why, "%.399s", row->note);
    if (reads_bad(w, node))
        snprintf(row->note, sizeof row->note, "inherited, first was %.64s; %s", w->net->offender,
                 why);
    else
        snprintf(row->note, sizeof row->note, "%s out of bounds; %s",
                 w->net->offender[0] ? "not inherited, but" : "the first node", why);
    if (!w->net->offender[0])
        snprintf(w->net->offender, sizeof w->net->offender, "%s", node->name);
}

static rb_status judge_node(walk *w, int32_t index, rb_error *err) {
    rb_net *net = w->net;
    const rb_chain_node *node = &w->chain.nodes[index];
    const rb_node *described = &net->graph->nodes[index];
    rb_check_row row;
    rb_net_row_init(net, RB_LEVEL_CHAINED, described->name, &row);
    snprintf(row.network, sizeof row.network, "%s", net->network->name);
    const rb_parity parity =
        rb_chain_compare(net->graph, index, rb_chain_at(&w->chain, w->chain.truth, index),
                         rb_chain_at(&w->chain, w->chain.values, index));
    row.limit = w->is_reference ? node->reference_limit : node->limit;
    row.seconds = w->seconds / w->chain.count;
    row.verdict = rb_chain_judge(&parity, row.limit, row.note, sizeof row.note);
    rb_net_figures(&parity, described->oc * described->oh * described->ow, &row.figures);
    w->bad[index] = row.verdict != RB_VERDICT_PASS;
    if (w->bad[index])
        explain(w, index, &row);
    return rb_net_row_add(net, &row, err);
}

/* What keeps a network from being looked at costs one row. */
static rb_status fail_all(walk *w, rb_status failed, const rb_error *why, rb_error *err) {
    rb_check_row row;
    if (!rb_net_is_engine_failure(failed))
        return rb_fail(err, failed, "%s", why->message);
    rb_net_row_init(w->net, RB_LEVEL_CHAINED, "all nodes", &row);
    snprintf(row.network, sizeof row.network, "%s", w->net->network->name);
    row.verdict = rb_verdict_of_failure(failed);
    snprintf(row.note, sizeof row.note, "%.500s", why->message);
    return rb_net_row_add(w->net, &row, err);
}

/* Before oracle and reference run: is there anything to compare? */
static rb_status has_tap(walk *w, rb_remote *remote, rb_error *err) {
    return rb_remote_tap(remote, w->net->graph, w->net->inputs.images, 0, 1, w->chain.values, err);
}

static rb_status walk_on(walk *w, rb_remote *remote, rb_error *err) {
    rb_net *net = w->net;
    rb_error why = {""};
    rb_status status = RB_OK;
    for (;;) {
        rb_net_progress(net, 0.6 * (w->chain.first + w->chain.count) / net->graph->node_count,
                        "node by node");
        status = rb_chain_advance(&w->chain, &net->own, &net->spec, err);
        if (status != RB_OK || w->chain.count == 0)
            return status;
        const int64_t from_ns = rb_now_ns();
        status = rb_chain_tap(&w->chain, remote, &why);
        w->seconds = (double)(rb_now_ns() - from_ns) * 1e-9;
        if (status != RB_OK)
            return fail_all(w, status, &why, err);
        for (int32_t i = 0; status == RB_OK && i < w->chain.count; i++)
            status = judge_node(w, w->chain.first + i, err);
        if (status != RB_OK)
            return status;
    }
}

rb_status rb_net_check_chained(rb_net *net, rb_error *err) {
    walk w = {.net = net, .is_reference = rb_net_is(net, net->plan->reference_path)};
    rb_remote *remote = NULL;
    rb_error why = {""};
    rb_status status = rb_chain_create(net->graph, net->inputs.images, &w.chain, err);
    if (status != RB_OK)
        return status;
    w.bad = calloc((size_t)net->graph->node_count, sizeof *w.bad);
    if (!w.bad)
        status = rb_fail(err, RB_ERR_MEMORY, "no memory for %d nodes", net->graph->node_count);
    if (status == RB_OK) {
        rb_status met = rb_remote_open(&net->plan->worker, &net->spec, &remote, &why);
        if (met == RB_OK)
            met = has_tap(&w, remote, &why);
        status = met == RB_OK ? walk_on(&w, remote, err) : fail_all(&w, met, &why, err);
    }
    rb_remote_close(remote);
    rb_chain_release(&w.chain);
    free(w.bad);
    return status;
}
