/* From descriptors and offsets to what a run executes. */
#include "session.h"

#include "failure.h"
#include "shortcut.h"

static void *place_in(const rb_session *s, rb_memory_kind kind, size_t offset) {
    return (char *)s->blocks[kind] + offset;
}

static rb_status make_memory(const rb_session *s, const rb_layer *layer,
                             const_dnnl_memory_desc_t md, void *handle, dnnl_memory_t *memory,
                             rb_error *err) {
    return rb_dnnl_status(dnnl_memory_create(memory, md, s->engine, handle), "dnnl_memory_create",
                          layer->node.name, err);
}

/* Memory objects of one layer; those of its operands exist already. */
static rb_status make_memories(rb_session *s, rb_layer *layer, rb_error *err) {
    const dnnl_primitive_desc_t pd = layer->main_step.pd;
    void *const dst = rb_layer_writes_out(s, layer)
                          ? DNNL_MEMORY_NONE
                          : place_in(s, RB_MEMORY_ACTIVATIONS, layer->dst_offset);
    rb_status status = make_memory(s, layer, layer->dst_md, dst, &layer->dst, err);
    if (status == RB_OK && layer->src_step.pd)
        status =
            make_memory(s, layer, layer->src_md,
                        place_in(s, RB_MEMORY_ACTIVATIONS, layer->src_offset), &layer->src, err);
    if (status == RB_OK && layer->node.wei != RB_NONE)
        status = make_memory(s, layer, dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0),
                             place_in(s, RB_MEMORY_WEIGHTS, layer->wei_offset), &layer->wei, err);
    if (status == RB_OK && rb_node_has_bias(&layer->node))
        status = make_memory(s, layer, dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 1),
                             place_in(s, RB_MEMORY_WEIGHTS, layer->bia_offset), &layer->bia, err);
    return status;
}

static void add_arg(rb_step *step, int arg, dnnl_memory_t memory) {
    if (memory)
        step->args[step->arg_count++] = (dnnl_exec_arg_t){arg, memory};
}

/* The primitive of a step, and the scratchpad behind its other arguments. */
static rb_status finish_step(const rb_session *s, const rb_layer *layer, rb_step *step,
                             rb_error *err) {
    const const_dnnl_memory_desc_t scratch =
        dnnl_primitive_desc_query_md(step->pd, dnnl_query_scratchpad_md, 0);
    if (dnnl_memory_desc_get_size(scratch) > 0)
        add_arg(step, DNNL_ARG_SCRATCHPAD, s->scratchpad);
    return rb_dnnl_status(dnnl_primitive_create(&step->primitive, step->pd),
                          "dnnl_primitive_create", layer->node.name, err);
}

static dnnl_memory_t value_memory(const rb_session *s, int32_t value) {
    if (value < 0)
        return value == RB_VALUE_ADDEND ? s->addend : s->input;
    return s->layers[value].dst;
}

/* What the main step reads. */
static dnnl_memory_t source_memory(const rb_session *s, const rb_layer *layer) {
    return layer->src ? layer->src : value_memory(s, layer->node.src);
}

static rb_status make_steps(rb_session *s, rb_layer *layer, rb_error *err) {
    const rb_node *node = &layer->node;
    rb_status status = RB_OK;
    if (layer->src_step.pd) {
        add_arg(&layer->src_step, DNNL_ARG_FROM, value_memory(s, node->src));
        add_arg(&layer->src_step, DNNL_ARG_TO, layer->src);
        status = finish_step(s, layer, &layer->src_step, err);
    }
    if (status == RB_OK && layer->add_step.pd) {
        add_arg(&layer->add_step, DNNL_ARG_FROM, value_memory(s, node->add));
        add_arg(&layer->add_step, DNNL_ARG_TO, layer->dst);
        status = finish_step(s, layer, &layer->add_step, err);
    }
    if (status != RB_OK || !layer->main_step.pd)
        return status;
    add_arg(&layer->main_step, DNNL_ARG_SRC, source_memory(s, layer));
    add_arg(&layer->main_step, DNNL_ARG_WEIGHTS, layer->wei);
    add_arg(&layer->main_step, DNNL_ARG_BIAS, layer->bia);
    add_arg(&layer->main_step, DNNL_ARG_DST, layer->dst);
    return finish_step(s, layer, &layer->main_step, err);
}

/* From the last value, where its layout is not the caller's. */
static rb_status make_exit(rb_session *s, rb_error *err) {
    const rb_layer *last = &s->layers[s->layer_count - 1];
    if (!s->exit_step.pd)
        return RB_OK;
    const rb_status status =
        make_memory(s, last, dnnl_primitive_desc_query_md(s->exit_step.pd, dnnl_query_dst_md, 0),
                    DNNL_MEMORY_NONE, &s->output, err);
    if (status != RB_OK)
        return status;
    add_arg(&s->exit_step, DNNL_ARG_FROM, last->dst);
    add_arg(&s->exit_step, DNNL_ARG_TO, s->output);
    return finish_step(s, last, &s->exit_step, err);
}

/* One memory object of the largest size stands for the scratchpad of every primitive. */
static rb_status make_shared(rb_session *s, rb_error *err) {
    const char *call = "dnnl_memory_create";
    dnnl_memory_desc_t md = NULL;
    dnnl_status_t status = dnnl_memory_create(&s->input, s->input_md, s->engine, DNNL_MEMORY_NONE);
    if (status == dnnl_success && s->addend_md)
        status = dnnl_memory_create(&s->addend, s->addend_md, s->engine, DNNL_MEMORY_NONE);
    if (status != dnnl_success || s->bytes[RB_MEMORY_SCRATCH] == 0)
        return rb_dnnl_status(status, call, "the inputs", err);
    const dnnl_dims_t bytes = {(int64_t)s->bytes[RB_MEMORY_SCRATCH]};
    call = "dnnl_memory_desc_create_with_tag";
    status = dnnl_memory_desc_create_with_tag(&md, 1, bytes, dnnl_u8, dnnl_a);
    if (status != dnnl_success)
        goto done;
    call = "dnnl_memory_create";
    status = dnnl_memory_create(&s->scratchpad, md, s->engine, s->blocks[RB_MEMORY_SCRATCH]);
done:
    dnnl_memory_desc_destroy(md);
    return rb_dnnl_status(status, call, "the scratchpad", err);
}

rb_status rb_program_build(rb_session *s, rb_error *err) {
    rb_status status = make_shared(s, err);
    for (int32_t i = 0; status == RB_OK && i < s->layer_count; i++) {
        status = make_memories(s, &s->layers[i], err);
        if (status == RB_OK)
            status = make_steps(s, &s->layers[i], err);
    }
    return status == RB_OK ? make_exit(s, err) : status;
}

rb_status rb_program_bind(rb_session *s, const float *src, const float *addend, void *dst,
                          rb_error *err) {
    /* oneDNN has no handle to const memory; nothing here writes through these two. */
    rb_status status = rb_dnnl_status(dnnl_memory_set_data_handle(s->input, (void *)(uintptr_t)src),
                                      "dnnl_memory_set_data_handle", "the input", err);
    if (status == RB_OK && s->addend)
        status = rb_dnnl_status(dnnl_memory_set_data_handle(s->addend, (void *)(uintptr_t)addend),
                                "dnnl_memory_set_data_handle", "the addend", err);
    const dnnl_memory_t output = s->output ? s->output : s->layers[s->layer_count - 1].dst;
    if (status == RB_OK)
        status = rb_dnnl_status(dnnl_memory_set_data_handle(output, dst),
                                "dnnl_memory_set_data_handle", "the output", err);
    return status;
}

static rb_status run_step(const rb_session *s, const rb_layer *layer, const rb_step *step,
                          rb_error *err) {
    if (!step->primitive)
        return RB_OK;
    return rb_dnnl_status(
        dnnl_primitive_execute(step->primitive, s->stream, step->arg_count, step->args),
        "dnnl_primitive_execute", layer->node.name, err);
}

/* A reorder is the call's, not the layer's, where it reads what the caller has given. */
static rb_status run_reorders(const rb_session *s, const rb_layer *layer, bool callers,
                              rb_error *err) {
    rb_status status = RB_OK;
    if ((layer->node.src == RB_VALUE_INPUT) == callers)
        status = run_step(s, layer, &layer->src_step, err);
    if (status == RB_OK && (layer->node.add == RB_VALUE_ADDEND) == callers)
        status = run_step(s, layer, &layer->add_step, err);
    return status;
}

rb_status rb_program_fetch(rb_session *s, const rb_layer *layer, rb_error *err) {
    return run_reorders(s, layer, true, err);
}

rb_status rb_program_compute(rb_session *s, const rb_layer *layer, rb_error *err) {
    rb_status status = run_reorders(s, layer, false, err);
    if (status == RB_OK)
        status = run_step(s, layer, &layer->main_step, err);
    if (status == RB_OK && layer->node.op == RB_OP_SHORTCUT)
        status = rb_shortcut_run(s, layer, source_memory(s, layer), layer->dst, err);
    return status;
}

rb_status rb_program_deliver(rb_session *s, const rb_layer *layer, rb_error *err) {
    return rb_layer_is_last(s, layer) ? run_step(s, layer, &s->exit_step, err) : RB_OK;
}

rb_status rb_program_run_layer(rb_session *s, const rb_layer *layer, rb_error *err) {
    rb_status status = rb_program_fetch(s, layer, err);
    if (status == RB_OK)
        status = rb_program_compute(s, layer, err);
    return status == RB_OK ? rb_program_deliver(s, layer, err) : status;
}
