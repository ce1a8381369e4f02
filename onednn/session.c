/* A session from open to close. */
#include "session.h"

#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "failure.h"
#include "resbench/clock.h"
#include "threads.h"

static rb_status copy_nodes(rb_session *s, const rb_graph *graph, rb_error *err) {
    s->layers = calloc((size_t)graph->node_count, sizeof *s->layers);
    if (!s->layers)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for a session of %d nodes",
                       graph->node_count);
    s->layer_count = graph->node_count;
    for (int32_t i = 0; i < graph->node_count; i++) {
        rb_layer *layer = &s->layers[i];
        const rb_node *node = &graph->nodes[i];
        const int64_t dims[4] = {graph->batch, node->oc, node->oh, node->ow};
        memcpy(layer->dims, dims, sizeof dims);
        layer->node = *node;
        layer->node.value_name = NULL;
        layer->node.name = strdup(node->name);
        if (!layer->node.name)
            return rb_fail(err, RB_ERR_MEMORY, "no memory for a session of %d nodes",
                           graph->node_count);
    }
    return RB_OK;
}

static rb_status start_library(rb_session *s, const rb_graph *graph, rb_error *err) {
    const int64_t input[4] = {graph->batch, graph->channels, graph->height, graph->width};
    const char *call = "dnnl_engine_create";
    dnnl_status_t status = dnnl_engine_create(&s->engine, dnnl_cpu, 0);
    if (status != dnnl_success)
        goto done;
    call = "dnnl_stream_create";
    status = dnnl_stream_create(&s->stream, s->engine, dnnl_stream_default_flags);
    if (status != dnnl_success)
        goto done;
    call = "dnnl_primitive_attr_create";
    status = dnnl_primitive_attr_create(&s->plain_attr);
    if (status != dnnl_success)
        goto done;
    call = "dnnl_primitive_attr_set_scratchpad_mode";
    status = dnnl_primitive_attr_set_scratchpad_mode(s->plain_attr, dnnl_scratchpad_mode_user);
done:
    if (status != dnnl_success)
        return rb_dnnl_status(status, call, "the session", err);
    const rb_layer *last = &s->layers[s->layer_count - 1];
    rb_status outcome = rb_describe_dense("the input", 4, input, &s->input_md, err);
    if (outcome == RB_OK && last->node.add == RB_VALUE_ADDEND)
        outcome = rb_describe_dense("the addend", last->node.op == RB_OP_FC ? 2 : 4, last->dims,
                                    &s->addend_md, err);
    return outcome;
}

rb_status rb_session_open(const rb_engine *self, const rb_host *host, const rb_graph *graph,
                          const rb_weights *weights, const rb_options *options,
                          rb_session **session, rb_error *err) {
    (void)self;
    *session = NULL;
    rb_status status = rb_check_request(host, graph, weights, options, err);
    if (status != RB_OK)
        return status;
    rb_session *s = calloc(1, sizeof *s);
    if (!s)
        return rb_fail(err, RB_ERR_MEMORY, "no memory for a session");
    s->host = host;
    /* oneDNN fixes how work is split when a primitive descriptor is made. */
    const int threads_before = rb_threads_set(host->threads);
    status = copy_nodes(s, graph, err);
    if (status == RB_OK)
        status = start_library(s, graph, err);
    if (status == RB_OK)
        status = rb_layout_choose(s, graph, err);
    if (status == RB_OK)
        status = rb_storage_allocate(s, err);
    if (status == RB_OK)
        status = rb_program_build(s, err);
    if (status == RB_OK)
        status = rb_pack_weights(s, graph, weights, err);
    rb_threads_set(threads_before);
    if (status == RB_OK)
        *session = s;
    else
        rb_session_close(s);
    return status;
}

/* The same as rb_program_run_layer, and the time of what is the layer's own. */
static rb_status time_layer(rb_session *s, const rb_layer *layer, int64_t *ns, rb_error *err) {
    rb_status status = rb_program_fetch(s, layer, err);
    const int64_t start = rb_now_ns();
    if (status == RB_OK)
        status = rb_program_compute(s, layer, err);
    if (status == RB_OK)
        status =
            rb_dnnl_status(dnnl_stream_wait(s->stream), "dnnl_stream_wait", layer->node.name, err);
    *ns = rb_now_ns() - start;
    return status == RB_OK ? rb_program_deliver(s, layer, err) : status;
}

/* node_ns: NULL when nobody wants to know. */
static rb_status run(rb_session *s, const float *src, const float *addend, void *dst,
                     int64_t *node_ns, rb_error *err) {
    const int threads_before = rb_threads_set(s->host->threads);
    rb_status status = rb_program_bind(s, src, addend, dst, err);
    for (int32_t i = 0; status == RB_OK && i < s->layer_count; i++)
        status = node_ns ? time_layer(s, &s->layers[i], &node_ns[i], err)
                         : rb_program_run_layer(s, &s->layers[i], err);
    const dnnl_status_t waited = dnnl_stream_wait(s->stream);
    if (status == RB_OK)
        status = rb_dnnl_status(waited, "dnnl_stream_wait", "the run", err);
    rb_threads_set(threads_before);
    return status;
}

rb_status rb_session_run(rb_session *s, const float *src, const float *addend, void *dst,
                         rb_error *err) {
    return run(s, src, addend, dst, NULL, err);
}

rb_status rb_session_profile(rb_session *s, const float *src, const float *addend, void *dst,
                             int64_t *node_ns, rb_error *err) {
    return run(s, src, addend, dst, node_ns, err);
}

rb_status rb_session_memory(const rb_session *s, rb_memory *memory, rb_error *err) {
    (void)err;
    for (int kind = 0; kind < RB_MEMORY_KINDS; kind++)
        memory->bytes[kind] = (int64_t)s->bytes[kind];
    return RB_OK;
}

const char *rb_session_kernel(const rb_session *s, int32_t node) {
    return node >= 0 && node < s->layer_count ? s->layers[node].kernel : NULL;
}

rb_algorithm rb_session_algorithm(const rb_session *s, int32_t node) {
    const char *kernel = rb_session_kernel(s, node);
    return kernel && strstr(kernel, "wino") ? RB_ALGORITHM_WINOGRAD : RB_ALGORITHM_DIRECT;
}

/* Channels padded as the weights are stored; what a kernel computes beyond the edges of a row is
 * its secret. */
int64_t rb_session_executed_macs(const rb_session *s, int32_t node) {
    const rb_layer *layer = &s->layers[node];
    if (layer->node.wei == RB_NONE)
        return 0;
    dnnl_dims_t *padded;
    const const_dnnl_memory_desc_t md =
        dnnl_primitive_desc_query_md(layer->main_step.pd, dnnl_query_weights_md, 0);
    if (rb_session_algorithm(s, node) != RB_ALGORITHM_DIRECT ||
        dnnl_memory_desc_query(md, dnnl_query_padded_dims, &padded) != dnnl_success)
        return -1;
    return layer->dims[0] * layer->dims[2] * layer->dims[3] * (*padded)[0] * (*padded)[1] *
           layer->node.kh * layer->node.kw;
}

static void release_step(rb_step *step) {
    dnnl_primitive_destroy(step->primitive);
    dnnl_primitive_desc_destroy(step->pd);
}

static void release_layer(rb_layer *layer) {
    release_step(&layer->src_step);
    release_step(&layer->add_step);
    release_step(&layer->main_step);
    dnnl_memory_destroy(layer->src);
    dnnl_memory_destroy(layer->wei);
    dnnl_memory_destroy(layer->bia);
    dnnl_memory_destroy(layer->dst);
    dnnl_memory_desc_destroy(layer->src_md);
    dnnl_memory_desc_destroy(layer->dst_md);
    free((char *)(uintptr_t)layer->node.name);
}

void rb_session_close(rb_session *s) {
    if (!s)
        return;
    for (int32_t i = 0; i < s->layer_count; i++)
        release_layer(&s->layers[i]);
    free(s->layers);
    release_step(&s->exit_step);
    dnnl_memory_destroy(s->output);
    dnnl_memory_destroy(s->input);
    dnnl_memory_destroy(s->addend);
    dnnl_memory_destroy(s->scratchpad);
    dnnl_memory_desc_destroy(s->input_md);
    dnnl_memory_desc_destroy(s->addend_md);
    dnnl_primitive_attr_destroy(s->plain_attr);
    if (s->stream)
        dnnl_stream_destroy(s->stream);
    if (s->engine)
        dnnl_engine_destroy(s->engine);
    for (int kind = 0; kind < RB_MEMORY_KINDS; kind++)
        s->host->release(s->host->ctx, s->blocks[kind]);
    free(s);
}
