/* Everything that can be settled before a run: who does which node, in which layouts, and where. */
#include <string.h>

#include "resbench/graph_check.h"
#include "resbench/handshake.h"
#include "session.h"

static void *take(rb_session *s, rb_memory_kind kind, int64_t bytes, rb_error *err) {
    void *memory = s->host->alloc(s->host->ctx, kind, (size_t)bytes);
    if (!memory)
        rb_fail(err, RB_ERR_MEMORY, "the host has no %lld bytes left", (long long)bytes);
    return memory;
}

static void *take_zeroed(rb_session *s, int64_t count, size_t size, rb_error *err) {
    void *memory = take(s, RB_MEMORY_SCRATCH, count * (int64_t)size, err);
    if (memory)
        memset(memory, 0, (size_t)count * size);
    return memory;
}

static rb_status take_tables(rb_session *s, rb_error *err) {
    const int64_t nodes = s->node_count;
    rb_plan *plan = &s->plan;
    return (s->nodes = take_zeroed(s, nodes, sizeof *s->nodes, err)) &&
                   (plan->places = take_zeroed(s, 3 * nodes + 3, sizeof *plan->places, err)) &&
                   (plan->steps = take_zeroed(s, 3 * nodes + 1, sizeof *plan->steps, err)) &&
                   (plan->slots = take_zeroed(s, 3 * nodes + 3, sizeof *plan->slots, err)) &&
                   (s->buffers = take_zeroed(s, 3 * nodes + 3, sizeof *s->buffers, err))
               ? RB_OK
               : RB_ERR_MEMORY;
}

static rb_shape shape_of(const rb_graph *graph, int32_t value) {
    int64_t shape[3] = {0};
    rb_value_shape(graph, graph->node_count,
                   value == RB_VALUE_ADDEND ? graph->node_count - 1 : value, shape);
    return (rb_shape){.n = graph->batch, .c = shape[0], .plane = shape[1] * shape[2]};
}

/* Asks the reference for node `index` alone. Its own copies of source and result are not what the
 * plug-in plans: they count as scratch. */
static rb_status open_reference(rb_session *s, const rb_graph *graph, const rb_weights *weights,
                                const rb_options *options, int32_t index, rb_error *err) {
    const rb_engine *reference = s->adapter->reference;
    rb_adapted *adapted = &s->nodes[index];
    rb_node node = graph->nodes[index];
    rb_graph alone = *graph;
    rb_weights own = *weights;
    node.src = RB_VALUE_INPUT;
    node.add = node.add == RB_NONE ? RB_NONE : RB_VALUE_ADDEND;
    alone.channels = node.ic;
    alone.height = node.ih;
    alone.width = node.iw;
    alone.classes = node.oc * node.oh * node.ow;
    alone.node_count = 1;
    alone.nodes = &node;
    own.epsilon = &weights->epsilon[index];
    const rb_status status = reference->open(reference, rb_account_scratch_host(s->account), &alone,
                                             &own, options, &adapted->reference, err);
    if (status != RB_OK)
        return status;
    const char *kernel = reference->kernel ? reference->kernel(adapted->reference, 0) : NULL;
    snprintf(adapted->kernel, sizeof adapted->kernel, "%s:%s", reference->name,
             kernel ? kernel : "");
    return RB_OK;
}

static rb_layout layout_of(const rb_session *s, int32_t value) {
    return value == RB_NONE ? RB_LAYOUT_NCHW : rb_plan_origin(&s->plan, value)->layout;
}

/* The plug-in, or for a convolution that it refuses and may refuse, the reference. */
static rb_status open_convolution(rb_session *s, const rb_graph *graph, const rb_weights *weights,
                                  const rb_options *options, int32_t index, rb_error *err) {
    const rb_kernel *kernel = s->adapter->kernel;
    const rb_node *n = &graph->nodes[index];
    rb_adapted *adapted = &s->nodes[index];
    rb_convolution *c = &adapted->convolution;
    const rb_status status =
        rb_convolution_prepare(kernel, s->host, graph, weights, index, adapted->label,
                               layout_of(s, n->src), layout_of(s, n->add), c, err);
    if (status == RB_ERR_UNSUPPORTED && (kernel->flags & RB_KERNEL_PARTIAL) &&
        graph->node_count > 1)
        return open_reference(s, graph, weights, options, index, err);
    if (status != RB_OK)
        return status;
    snprintf(adapted->kernel, sizeof adapted->kernel, "%s",
             c->choice.kernel && c->choice.kernel[0] ? c->choice.kernel : kernel->name);
    return RB_OK;
}

/* Says in the kernel's name that values are reordered for it. */
static void mark_reorder(rb_adapted *adapted) {
    char name[sizeof adapted->kernel];
    snprintf(name, sizeof name, "%s", adapted->kernel);
    snprintf(adapted->kernel, sizeof adapted->kernel, "reorder+%.80s", name);
}

static void plan_node(rb_session *s, const rb_graph *graph, int32_t index) {
    const rb_node *n = &graph->nodes[index];
    const rb_convolution *c = &s->nodes[index].convolution;
    const bool own = c->prepared != NULL;
    const rb_layout src = own ? c->choice.src : RB_LAYOUT_NCHW;
    const rb_layout dst = own ? c->choice.dst : RB_LAYOUT_NCHW;
    rb_plan *plan = &s->plan;
    const int32_t before = plan->step_count;
    rb_step step = {.kind = own ? RB_STEP_KERNEL : RB_STEP_REFERENCE, .node = index};
    step.src = rb_plan_ensure(plan, n->src, src, index);
    step.add = n->add == RB_NONE ? RB_NO_PLACE : rb_plan_ensure(plan, n->add, dst, index);
    if (plan->step_count > before)
        mark_reorder(&s->nodes[index]);
    const rb_shape shape = shape_of(graph, index);
    const bool ends = index == graph->node_count - 1 && rb_layout_same(dst, RB_LAYOUT_NCHW, shape);
    step.dst = rb_plan_add_place(plan, index, dst, shape, ends ? RB_HOME_DST : RB_HOME_BUFFER);
    rb_plan_add_step(plan, step);
}

static rb_status plan_nodes(rb_session *s, const rb_graph *graph, const rb_weights *weights,
                            const rb_options *options, rb_error *err) {
    rb_status status = RB_OK;
    const int32_t last = graph->node_count - 1;
    rb_plan_add_place(&s->plan, RB_VALUE_INPUT, RB_LAYOUT_NCHW, shape_of(graph, RB_VALUE_INPUT),
                      RB_HOME_SRC);
    if (graph->nodes[last].add == RB_VALUE_ADDEND)
        rb_plan_add_place(&s->plan, RB_VALUE_ADDEND, RB_LAYOUT_NCHW,
                          shape_of(graph, RB_VALUE_ADDEND), RB_HOME_ADDEND);
    for (int32_t i = 0; status == RB_OK && i < graph->node_count; i++) {
        const rb_node *n = &graph->nodes[i];
        rb_adapted *adapted = &s->nodes[i];
        const int64_t dims[4] = {graph->batch, n->oc, n->oh, n->ow};
        memcpy(adapted->dims, dims, sizeof dims);
        rb_node_label(graph, i, adapted->label);
        status = n->op == RB_OP_CONV ? open_convolution(s, graph, weights, options, i, err)
                                     : open_reference(s, graph, weights, options, i, err);
        if (status == RB_OK)
            plan_node(s, graph, i);
    }
    if (status == RB_OK) {
        const int32_t result = rb_plan_ensure(&s->plan, last, RB_LAYOUT_NCHW, last);
        s->plan.places[result].home = RB_HOME_DST;
    }
    return status;
}

static rb_status take_buffers(rb_session *s, rb_error *err) {
    int64_t scratch = 0;
    rb_plan_assign_slots(&s->plan);
    for (int32_t i = 0; i < s->plan.slot_count; i++) {
        const int64_t bytes = s->plan.slots[i].elements * (int64_t)sizeof(float);
        if (!(s->buffers[i] = take(s, RB_MEMORY_ACTIVATIONS, bytes, err)))
            return RB_ERR_MEMORY;
    }
    for (int32_t i = 0; i < s->node_count; i++)
        if (s->nodes[i].convolution.choice.scratch_bytes > scratch)
            scratch = s->nodes[i].convolution.choice.scratch_bytes;
    if (scratch > 0 && !(s->scratch = take(s, RB_MEMORY_SCRATCH, scratch, err)))
        return RB_ERR_MEMORY;
    return RB_OK;
}

static rb_status create(const rb_engine *self, const rb_host *host, const rb_graph *graph,
                        rb_session **created, rb_error *err) {
    rb_account *account = rb_account_create(host);
    rb_session *s = NULL;
    if (account) {
        const rb_host *own = rb_account_host(account);
        s = own->alloc(own->ctx, RB_MEMORY_SCRATCH, sizeof *s);
    }
    if (!s) {
        rb_account_destroy(account);
        return rb_fail(err, RB_ERR_MEMORY, "the host has no %zu bytes left", sizeof *s);
    }
    *s = (rb_session){.adapter = (const rb_adapter *)self,
                      .account = account,
                      .host = rb_account_host(account),
                      .node_count = graph->node_count};
    *created = s;
    return RB_OK;
}

rb_status rb_adapter_open(const rb_engine *self, const rb_host *host, const rb_graph *graph,
                          const rb_weights *weights, const rb_options *options,
                          rb_session **session, rb_error *err) {
    rb_session *s = NULL;
    *session = NULL;
    rb_status status = rb_handshake_check(host, graph, weights, options, err);
    if (status == RB_OK)
        status = rb_graph_check(graph, err);
    if (status == RB_OK)
        status = create(self, host, graph, &s, err);
    if (status != RB_OK)
        return status;
    status = take_tables(s, err);
    if (status == RB_OK)
        status = plan_nodes(s, graph, weights, options, err);
    if (status == RB_OK)
        status = take_buffers(s, err);
    if (status == RB_OK)
        *session = s;
    else
        rb_adapter_close(s);
    return status;
}
