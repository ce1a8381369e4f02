/* Sizes, offsets and the three blocks a session takes from the host. */
#include "session.h"

#include <stdio.h>
#include <stdlib.h>

#include "plan.h"

static size_t md_bytes(const_dnnl_primitive_desc_t pd, dnnl_query_t what) {
    return dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(pd, what, 0));
}

static int32_t last_reader(const rb_session *s, int32_t value) {
    for (int32_t i = s->layer_count - 1; i > value; i--)
        if (s->layers[i].node.src == value || s->layers[i].node.add == value)
            return i;
    return value;
}

/* buffers[2 i]: the value of layer i (0 bytes where it lives in another buffer);
 * buffers[2 i + 1]: the source of layer i, reordered (0 bytes where it is read as it lies).
 * owner[i]: the layer whose buffer holds the value of layer i. */
static void list_buffers(const rb_session *s, rb_buffer *buffers, int32_t *owner) {
    for (int32_t i = 0; i < s->layer_count; i++) {
        const rb_layer *layer = &s->layers[i];
        rb_buffer *value = &buffers[2 * i], *reordered = &buffers[2 * i + 1];
        *value = *reordered = (rb_buffer){.first = i, .last = i};
        owner[i] = layer->in_place ? owner[layer->node.add] : i;
        if (layer->src_step.pd)
            reordered->bytes = dnnl_memory_desc_get_size(layer->src_md);
        if (rb_layer_writes_out(s, layer)) /* the caller's dst */
            continue;
        if (!layer->in_place)
            value->bytes = dnnl_memory_desc_get_size(layer->dst_md);
        buffers[2 * owner[i]].last = last_reader(s, i);
    }
}

/* Values and reordered sources. */
static rb_status plan_activations(rb_session *s, rb_error *err) {
    rb_status status = RB_OK;
    rb_plan plan;
    rb_buffer *buffers = calloc((size_t)s->layer_count, 2 * sizeof *buffers);
    int32_t *owner = calloc((size_t)s->layer_count, sizeof *owner);
    if (!buffers || !owner) {
        status = rb_fail(err, RB_ERR_MEMORY, "no memory to plan the activations");
        goto done;
    }
    list_buffers(s, buffers, owner);
    status = rb_plan_arena(buffers, 2 * s->layer_count, &plan, err);
    if (status != RB_OK)
        goto done;
    for (int32_t i = 0; i < s->layer_count; i++) {
        s->layers[i].dst_offset = buffers[2 * owner[i]].offset;
        s->layers[i].src_offset = buffers[2 * i + 1].offset;
    }
    s->bytes[RB_MEMORY_ACTIVATIONS] = plan.arena_bytes;
    if (s->host->log) {
        char line[128];
        snprintf(line, sizeof line, "onednn: arena of %zu bytes, %zu of them alive at once",
                 plan.arena_bytes, plan.bound_bytes);
        s->host->log(s->host->ctx, line);
    }
done:
    free(buffers);
    free(owner);
    return status;
}

/* Appends a piece at the next aligned offset; false when the sum overflows. */
static bool append(size_t *total, size_t bytes, size_t *offset) {
    *offset = *total;
    if (__builtin_add_overflow(bytes, RB_ALIGNMENT - 1, &bytes))
        return false;
    return !__builtin_add_overflow(*total, bytes & ~(size_t)(RB_ALIGNMENT - 1), total);
}

/* Packed weights and folded biases, one behind the other in execution order. */
static rb_status plan_weights(rb_session *s, rb_error *err) {
    size_t *total = &s->bytes[RB_MEMORY_WEIGHTS];
    for (int32_t i = 0; i < s->layer_count; i++) {
        rb_layer *layer = &s->layers[i];
        const dnnl_primitive_desc_t pd = layer->main_step.pd;
        bool fits = true;
        if (layer->node.wei != RB_NONE)
            fits = append(total, md_bytes(pd, dnnl_query_weights_md), &layer->wei_offset);
        if (fits && rb_node_has_bias(&layer->node))
            fits = append(total, (size_t)layer->node.oc * sizeof(float), &layer->bia_offset);
        if (!fits)
            return rb_fail(err, RB_ERR_MEMORY, "the weights up to %s are too large to count",
                           layer->node.name);
    }
    return RB_OK;
}

/* One scratchpad for all: primitives run one after another. */
static void plan_scratchpad(rb_session *s) {
    size_t *most = &s->bytes[RB_MEMORY_SCRATCH];
    for (int32_t i = 0; i < s->layer_count; i++) {
        const rb_layer *layer = &s->layers[i];
        const dnnl_primitive_desc_t pds[] = {layer->src_step.pd, layer->add_step.pd,
                                             layer->main_step.pd};
        for (size_t k = 0; k < sizeof pds / sizeof pds[0]; k++) {
            const size_t bytes = pds[k] ? md_bytes(pds[k], dnnl_query_scratchpad_md) : 0;
            *most = bytes > *most ? bytes : *most;
        }
    }
    const size_t bytes = s->exit_step.pd ? md_bytes(s->exit_step.pd, dnnl_query_scratchpad_md) : 0;
    *most = bytes > *most ? bytes : *most;
}

rb_status rb_storage_allocate(rb_session *s, rb_error *err) {
    static const char *const names[RB_MEMORY_KINDS] = {"packed weights", "activations",
                                                       "scratchpad"};
    rb_status status = plan_activations(s, err);
    if (status == RB_OK)
        status = plan_weights(s, err);
    if (status != RB_OK)
        return status;
    plan_scratchpad(s);
    for (int kind = 0; kind < RB_MEMORY_KINDS; kind++) {
        if (s->bytes[kind] == 0)
            continue;
        s->blocks[kind] = s->host->alloc(s->host->ctx, (rb_memory_kind)kind, s->bytes[kind]);
        if (!s->blocks[kind])
            return rb_fail(err, RB_ERR_MEMORY, "no memory for the %s (%zu bytes)", names[kind],
                           s->bytes[kind]);
    }
    return RB_OK;
}
