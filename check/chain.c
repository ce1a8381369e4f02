#include "check/chain.h"

#include <math.h>
#include <stdlib.h>

#include "bench/engine_loader.h"
#include "bench/jitter.h"
#include "check/slices.h"

rb_status rb_chain_create(const rb_graph *graph, const float *input, rb_chain *chain,
                          rb_error *err) {
    const size_t room = (size_t)rb_slice_most(graph) * sizeof(double);
    *chain = (rb_chain){.graph = graph,
                        .input = input,
                        .nodes = calloc((size_t)graph->node_count, sizeof *chain->nodes),
                        .truth = malloc(room),
                        .values = malloc(room)};
    if (chain->nodes && chain->truth && chain->values)
        return RB_OK;
    rb_chain_release(chain);
    return rb_fail(err, RB_ERR_MEMORY, "no memory for two times %zu bytes of values of %s", room,
                   graph->name);
}

void rb_chain_release(rb_chain *chain) {
    free(chain->nodes);
    free(chain->truth);
    free(chain->values);
    *chain = (rb_chain){0};
}

const double *rb_chain_at(const rb_chain *chain, const double *slice, int32_t node) {
    return slice + rb_slice_elements(chain->graph, chain->first, node - chain->first);
}

rb_status rb_chain_tap(rb_chain *chain, rb_remote *engine, rb_error *err) {
    return rb_remote_tap(engine, chain->graph, chain->input, chain->first, chain->count,
                         chain->values, err);
}

/* The slice's values of one of our own engines. */
static rb_status tap_own(rb_chain *chain, const rb_worker_options *options,
                         const rb_case_spec *spec, const char *engine, int32_t jitter,
                         double *values, rb_error *err) {
    char path[RB_PATH_CAPACITY];
    rb_remote *remote;
    rb_error why;
    rb_case_spec own = *spec;
    rb_status status = rb_engine_find_own(engine, path, err);
    if (status != RB_OK)
        return status;
    own.engine_path = path;
    own.jitter = jitter;
    status = rb_remote_open(options, &own, &remote, &why);
    if (status == RB_OK)
        status = rb_remote_tap(remote, chain->graph, chain->input, chain->first, chain->count,
                               values, &why);
    rb_remote_close(remote);
    if (status == RB_ERR_INPUT || status == RB_ERR_INTERRUPTED)
        return rb_fail(err, status, "%s", why.message);
    if (status != RB_OK)
        return rb_fail(err, status, "%s on %s: %.900s", engine, spec->network, why.message);
    return RB_OK;
}

static double distance(const rb_chain *chain, int32_t node) {
    return rb_chain_compare(chain->graph, node, rb_chain_at(chain, chain->truth, node),
                            rb_chain_at(chain, chain->values, node))
        .worst_rel_l2;
}

rb_status rb_chain_advance(rb_chain *chain, const rb_worker_options *options,
                           const rb_case_spec *spec, rb_error *err) {
    chain->first += chain->count;
    chain->count = rb_slice_count(chain->graph, chain->first);
    if (chain->count == 0)
        return RB_OK;
    const int32_t end = chain->first + chain->count;
    rb_status status = tap_own(chain, options, spec, "oracle", 0, chain->truth, err);
    for (int32_t way = 1; status == RB_OK && way <= RB_JITTERS; way++) {
        status = tap_own(chain, options, spec, "oracle", way, chain->values, err);
        for (int32_t i = chain->first; status == RB_OK && i < end; i++) {
            rb_chain_node *node = &chain->nodes[i];
            node->reference_limit = fmax(node->reference_limit, distance(chain, i));
        }
    }
    if (status == RB_OK)
        status = tap_own(chain, options, spec, "reference", 0, chain->values, err);
    for (int32_t i = chain->first; status == RB_OK && i < end; i++) {
        rb_chain_node *node = &chain->nodes[i];
        node->reference_rel_l2 = distance(chain, i);
        node->reference_limit = rb_parity_reference_limit(node->reference_limit);
        node->limit = rb_parity_limit_beside(node->reference_rel_l2, node->reference_limit);
    }
    return status;
}

rb_parity rb_chain_compare(const rb_graph *graph, int32_t node, const double *right,
                           const double *values) {
    rb_parity parity = {0};
    rb_parity_add(&parity, right, values, graph->batch,
                  rb_slice_elements(graph, node, 1) / graph->batch, 0);
    return parity;
}

rb_verdict rb_chain_judge(const rb_parity *parity, double limit, char *note, size_t capacity) {
    note[0] = '\0';
    if (parity->non_finite > 0) {
        snprintf(note, capacity, "%lld values are NaN or infinite", (long long)parity->non_finite);
        return RB_VERDICT_FAIL;
    }
    if (parity->worst_rel_l2 <= limit)
        return RB_VERDICT_PASS;
    snprintf(note, capacity, "relative L2 error %.2e of image %lld, limit %.2e",
             parity->worst_rel_l2, (long long)parity->worst_image, limit);
    return parity->worst_rel_l2 <= 2 * limit ? RB_VERDICT_MARGINAL : RB_VERDICT_FAIL;
}
