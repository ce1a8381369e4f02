#include "session.h"

#include <stdbool.h>
#include <string.h>

#include "kernels.h"
#include "plan.h"
#include "resbench/clock.h"
#include "resbench/graph_check.h"
#include "resbench/handshake.h"

/* The parameters of one node as the kernels want them; NULL where it has none. */
typedef struct rb_params {
    rb_lanes *wei; /* packed */
    rb_real *bia;
    rb_real *bn; /* weight, bias, mean, var: oc each */
    double epsilon;
} rb_params;

/* All memory comes from the host; the tables below count as scratch. */
struct rb_session {
    const rb_host *host;
    rb_graph graph; /* tensors and names are gone after open */
    rb_node *nodes;
    rb_params *params;
    int32_t *slot_of; /* [node_count + 1]: slot of value v at v + 1 */
    rb_slot *slots;
    rb_real **buffers; /* [slot] */
    int32_t slot_count;
    rb_real *addend; /* the second input; NULL where no node reads it */
    rb_real *padded; /* work space of the convolutions */
    rb_memory memory;
};

/* NULL, and the sentence in err, when the host has none left. */
static void *take(rb_session *s, rb_memory_kind kind, int64_t bytes, rb_error *err) {
    void *memory = s->host->alloc(s->host->ctx, kind, (size_t)bytes);
    if (memory)
        s->memory.bytes[kind] += bytes;
    else
        rb_fail(err, RB_ERR_MEMORY, "the host has no %lld bytes left", (long long)bytes);
    return memory;
}

/* The same for zeroed bookkeeping and work space. */
static void *take_zeroed(rb_session *s, int64_t count, size_t size, rb_error *err) {
    void *memory = take(s, RB_MEMORY_SCRATCH, count * (int64_t)size, err);
    if (memory)
        memset(memory, 0, (size_t)count * size);
    return memory;
}

static rb_status take_tables(rb_session *s, rb_error *err) {
    const int64_t nodes = s->graph.node_count;
    if (!(s->nodes = take_zeroed(s, nodes, sizeof *s->nodes, err)) ||
        !(s->params = take_zeroed(s, nodes, sizeof *s->params, err)) ||
        !(s->slot_of = take_zeroed(s, nodes + 1, sizeof *s->slot_of, err)) ||
        !(s->slots = take_zeroed(s, nodes + 1, sizeof *s->slots, err)) ||
        !(s->buffers = take_zeroed(s, nodes + 1, sizeof *s->buffers, err)))
        return RB_ERR_MEMORY;
    memcpy(s->nodes, s->graph.nodes, (size_t)nodes * sizeof *s->nodes);
    s->graph.nodes = s->nodes;
    return RB_OK;
}

/* dst[i] = src[i], widened where rb_real is double. */
static void convert(rb_real *dst, const float *src, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        dst[i] = (rb_real)src[i];
}

static rb_status load_params(rb_session *s, int32_t index, const rb_weights *weights,
                             rb_error *err) {
    const rb_node *n = &s->nodes[index];
    rb_params *p = &s->params[index];
    const int64_t k = n->ic * n->kh * n->kw, size = (int64_t)sizeof(rb_real);
    if (n->wei != RB_NONE) {
        const int64_t bytes = rb_lane_blocks(n->oc) * k * (int64_t)sizeof(rb_lanes);
        if (!(p->wei = take(s, RB_MEMORY_WEIGHTS, bytes, err)))
            return RB_ERR_MEMORY;
        rb_ref_pack(p->wei, weights->tensors[n->wei], n->oc, k);
    }
    if (n->bia != RB_NONE) {
        if (!(p->bia = take(s, RB_MEMORY_WEIGHTS, n->oc * size, err)))
            return RB_ERR_MEMORY;
        convert(p->bia, weights->tensors[n->bia], n->oc);
    }
    if (n->bn_weight != RB_NONE) {
        if (!(p->bn = take(s, RB_MEMORY_WEIGHTS, 4 * n->oc * size, err)))
            return RB_ERR_MEMORY;
        p->epsilon = weights->epsilon[index];
        const int32_t tensors[] = {n->bn_weight, n->bn_bias, n->bn_mean, n->bn_var};
        for (int t = 0; t < 4; t++)
            convert(p->bn + t * n->oc, weights->tensors[tensors[t]], n->oc);
    }
    return RB_OK;
}

static rb_status take_buffers(rb_session *s, rb_error *err) {
    s->slot_count = rb_ref_plan_slots(&s->graph, s->slot_of, s->slots);
    for (int32_t i = 0; i < s->slot_count; i++) {
        const int64_t bytes = s->slots[i].elements * (int64_t)sizeof(rb_real);
        if (!(s->buffers[i] = take(s, RB_MEMORY_ACTIVATIONS, bytes, err)))
            return RB_ERR_MEMORY;
    }
    const rb_node *last = &s->nodes[s->graph.node_count - 1];
    const int64_t added = s->graph.batch * last->oc * last->oh * last->ow;
    if (last->add == RB_VALUE_ADDEND &&
        !(s->addend = take(s, RB_MEMORY_ACTIVATIONS, added * (int64_t)sizeof(rb_real), err)))
        return RB_ERR_MEMORY;
    int64_t padded = 0;
    for (int32_t i = 0; i < s->graph.node_count; i++) {
        const rb_node *n = &s->nodes[i];
        const int64_t elements = n->op == RB_OP_CONV ? rb_ref_conv_padded_elements(n) : 0;
        if (elements > padded)
            padded = elements;
    }
    if (padded > 0 && !(s->padded = take_zeroed(s, padded, sizeof *s->padded, err)))
        return RB_ERR_MEMORY;
    return RB_OK;
}

rb_status rb_ref_open(const rb_engine *self, const rb_host *host, const rb_graph *graph,
                      const rb_weights *weights, const rb_options *options, rb_session **session,
                      rb_error *err) {
    (void)self;
    *session = NULL;
    rb_status status = rb_handshake_check(host, graph, weights, options, err);
    if (status == RB_OK)
        status = rb_graph_check(graph, err);
    if (status != RB_OK)
        return status;
    rb_session *s = host->alloc(host->ctx, RB_MEMORY_SCRATCH, sizeof *s);
    if (!s)
        return rb_fail(err, RB_ERR_MEMORY, "the host has no %zu bytes left", sizeof *s);
    *s = (rb_session){.host = host, .graph = *graph};
    s->memory.bytes[RB_MEMORY_SCRATCH] = (int64_t)sizeof *s;
    status = take_tables(s, err);
    for (int32_t i = 0; status == RB_OK && i < graph->node_count; i++)
        status = load_params(s, i, weights, err);
    if (status == RB_OK)
        status = take_buffers(s, err);
    if (status != RB_OK) {
        rb_ref_close(s);
        return status;
    }
    s->graph.tensors = NULL;
    *session = s;
    return RB_OK;
}

void rb_ref_close(rb_session *s) {
    if (!s)
        return;
    const rb_host *host = s->host;
    for (int32_t i = 0; s->buffers && i < s->slot_count; i++)
        host->release(host->ctx, s->buffers[i]);
    for (int32_t i = 0; s->params && i < s->graph.node_count; i++) {
        host->release(host->ctx, s->params[i].wei);
        host->release(host->ctx, s->params[i].bia);
        host->release(host->ctx, s->params[i].bn);
    }
    void *rest[] = {s->addend, s->padded, s->buffers, s->slots, s->slot_of, s->params, s->nodes, s};
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++)
        host->release(host->ctx, rest[i]);
}

/* Who watches a run; fn and node_ns are NULL when nobody does. */
typedef struct rb_watcher {
    uint32_t stages;
    rb_tap_fn fn;
    void *ctx;
    int64_t *node_ns; /* [node_count] */
} rb_watcher;

static rb_status show(const rb_session *s, const rb_watcher *watcher, int32_t index, rb_stage stage,
                      const rb_real *data, rb_error *err) {
    const rb_node *n = &s->nodes[index];
    const int64_t dims[4] = {s->graph.batch, n->oc, n->oh, n->ow};
    if (!watcher->fn || !(watcher->stages & (uint32_t)stage))
        return RB_OK;
    return watcher->fn(watcher->ctx, index, stage, dims, RB_REF_DTYPE, data, err);
}

static rb_real *value_of(const rb_session *s, int32_t value) {
    if (value == RB_VALUE_ADDEND)
        return s->addend;
    return s->buffers[s->slot_of[value + 1]];
}

/* Convolution + batch norm, each shown on its own. */
static rb_status convolve(const rb_session *s, int32_t index, const rb_watcher *watcher,
                          rb_error *err) {
    const rb_node *n = &s->nodes[index];
    const rb_params *p = &s->params[index];
    const int64_t batch = s->graph.batch;
    rb_real *dst = value_of(s, index);
    rb_ref_conv(dst, value_of(s, n->src), p->wei, p->bia, s->padded, n, batch, s->host->threads);
    rb_status status = show(s, watcher, index, RB_STAGE_CONV, dst, err);
    if (status != RB_OK || !p->bn)
        return status;
    const rb_batch_norm bn = {.weight = p->bn,
                              .bias = p->bn + n->oc,
                              .mean = p->bn + 2 * n->oc,
                              .var = p->bn + 3 * n->oc,
                              .epsilon = p->epsilon};
    rb_ref_batch_norm(dst, &bn, n, batch, s->host->threads);
    return show(s, watcher, index, RB_STAGE_BN, dst, err);
}

static rb_status execute_node(const rb_session *s, int32_t index, const rb_watcher *watcher,
                              rb_error *err) {
    const rb_node *n = &s->nodes[index];
    const rb_params *p = &s->params[index];
    const int threads = s->host->threads;
    const int64_t batch = s->graph.batch, count = batch * n->oc * n->oh * n->ow;
    const rb_real *src = value_of(s, n->src);
    rb_real *dst = value_of(s, index);
    rb_status status = RB_OK;
    switch (n->op) {
    case RB_OP_CONV:
        status = convolve(s, index, watcher, err);
        break;
    case RB_OP_MAXPOOL:
        rb_ref_max_pool(dst, src, n, batch, threads);
        break;
    case RB_OP_AVGPOOL:
        rb_ref_average_pool(dst, src, n, batch, threads);
        break;
    case RB_OP_SHORTCUT:
        rb_ref_shortcut(dst, src, n, batch, threads);
        break;
    case RB_OP_FC:
        rb_ref_fully_connected(dst, src, p->wei, p->bia, n, batch, threads);
        break;
    }
    if (status != RB_OK)
        return status;
    if (n->add != RB_NONE)
        rb_ref_add(dst, value_of(s, n->add), count, threads);
    if (n->relu)
        rb_ref_relu(dst, count, threads);
    return show(s, watcher, index, RB_STAGE_VALUE, dst, err);
}

static rb_status execute(rb_session *s, const float *src, const float *addend, void *dst,
                         const rb_watcher *watcher, rb_error *err) {
    const rb_graph *g = &s->graph;
    if (s->addend)
        convert(s->addend, addend, g->batch * g->classes);
    convert(value_of(s, RB_VALUE_INPUT), src, g->batch * g->channels * g->height * g->width);
    int64_t since = watcher->node_ns ? rb_now_ns() : 0;
    for (int32_t i = 0; i < g->node_count; i++) {
        const rb_status status = execute_node(s, i, watcher, err);
        if (status != RB_OK)
            return status;
        if (watcher->node_ns) {
            const int64_t now = rb_now_ns();
            watcher->node_ns[i] = now - since;
            since = now;
        }
    }
    memcpy(dst, value_of(s, g->node_count - 1), (size_t)(g->batch * g->classes) * sizeof(rb_real));
    return RB_OK;
}

rb_status rb_ref_run(rb_session *s, const float *src, const float *addend, void *dst,
                     rb_error *err) {
    return execute(s, src, addend, dst, &(rb_watcher){0}, err);
}

rb_status rb_ref_tap(rb_session *s, const float *src, const float *addend, void *dst,
                     uint32_t stages, rb_tap_fn fn, void *ctx, rb_error *err) {
    return execute(s, src, addend, dst, &(rb_watcher){.stages = stages, .fn = fn, .ctx = ctx}, err);
}

rb_status rb_ref_profile(rb_session *s, const float *src, const float *addend, void *dst,
                         int64_t *node_ns, rb_error *err) {
    return execute(s, src, addend, dst, &(rb_watcher){.node_ns = node_ns}, err);
}

rb_status rb_ref_memory(const rb_session *s, rb_memory *memory, rb_error *err) {
    (void)err;
    *memory = s->memory;
    return RB_OK;
}

const char *rb_ref_kernel(const rb_session *s, int32_t node) {
    return s->nodes[node].op == RB_OP_CONV ? rb_ref_conv_kernel() : "direct";
}

int64_t rb_ref_executed_macs(const rb_session *session, int32_t node) {
    return rb_ref_node_macs(&session->nodes[node], session->graph.batch);
}
