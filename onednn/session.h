/* What a session holds; shared by the files of this room.
 *
 * open goes through the files in this order:
 *   check.c     can this engine do what is asked?
 *   layout.c    one primitive descriptor a node: kernel and layouts (describe.c asks oneDNN;
 *               shortcut.c for the one operation that oneDNN lacks)
 *   storage.c   lifetimes -> arena (plan.c), sizes of weights and scratchpad, host allocations
 *   program.c   memory objects and primitives: the steps that run executes
 *   pack.c      BN folded (resbench/fold.h), weights reordered once
 * run and tap (tap.c) then execute the steps. */
#ifndef ONEDNN_SESSION_H
#define ONEDNN_SESSION_H

#include <stdbool.h>

#include "oneapi/dnnl/dnnl.h"
#include "resbench/engine.h"

#define RB_STEP_ARGS 5 /* src, wei, bia, dst, scratchpad */
#define RB_KERNEL_CAPACITY 96

/* One primitive with its arguments. pd == NULL: there is no such step. */
typedef struct rb_step {
    dnnl_primitive_desc_t pd;
    dnnl_primitive_t primitive;
    int arg_count;
    dnnl_exec_arg_t args[RB_STEP_ARGS];
} rb_step;

/* One node, executed as: src_step, add_step, main_step. */
typedef struct rb_layer {
    rb_node node;    /* as in the graph; name is a copy, value_name is NULL */
    int64_t dims[4]; /* of the value: (n, c, h, w) */
    bool in_place;   /* dst is the buffer of node.add, whose last reader this is */
    dnnl_memory_desc_t src_md, dst_md; /* layouts that the main step reads and writes */
    rb_step src_step;                  /* value of node.src -> src_md, where it lies otherwise */
    rb_step add_step;                  /* value of node.add -> dst, where the sum is not in place */
    rb_step main_step;             /* not of a shortcut, which is a copy of our own (shortcut.c) */
    size_t src_offset, dst_offset; /* in the arena: output of src_step, of main_step */
    size_t wei_offset, bia_offset; /* in the block of weights */
    dnnl_memory_t src, dst;        /* output of src_step (or NULL), of main_step */
    dnnl_memory_t wei, bia;        /* NULL where the node has none */
    char kernel[RB_KERNEL_CAPACITY]; /* what rb_engine.kernel answers */
} rb_layer;

struct rb_session {
    const rb_host *host;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_attr_t plain_attr; /* of reorders: user-managed scratchpad */
    dnnl_memory_desc_t input_md;      /* (batch, channels, height, width), nchw */
    dnnl_memory_t input;              /* the caller's src */
    dnnl_memory_desc_t addend_md;     /* of the second input; NULL where no node reads it */
    dnnl_memory_t addend;             /* the caller's addend, or NULL */
    dnnl_memory_t scratchpad;         /* NULL: no primitive needs any */
    rb_step exit_step;    /* a value that is not dense -> the caller's dst; graphs of one node */
    dnnl_memory_t output; /* of exit_step, or NULL: the last layer writes the caller's dst itself */
    int32_t layer_count;
    rb_layer *layers;
    void *blocks[RB_MEMORY_KINDS]; /* from the host */
    size_t bytes[RB_MEMORY_KINDS];
};

static inline bool rb_layer_is_last(const rb_session *s, const rb_layer *layer) {
    return layer == &s->layers[s->layer_count - 1];
}

/* One operation on its own: it runs as it would within a network, on values that lie as they would
 * there, and reorders on both sides bring them from and to the caller. */
static inline bool rb_is_single(const rb_session *s) {
    return s->layer_count == 1;
}

/* The main step writes the caller's dst. */
static inline bool rb_layer_writes_out(const rb_session *s, const rb_layer *layer) {
    return rb_layer_is_last(s, layer) && !s->exit_step.pd;
}

/* A conv or FC has weights, and a bias when BN or a bias of its own leaves one after folding. */
static inline bool rb_node_has_bias(const rb_node *node) {
    return node->bia != RB_NONE || node->bn_bias != RB_NONE;
}

/* The layout of a value: RB_VALUE_INPUT, RB_VALUE_ADDEND or the number of an earlier node. */
static inline const_dnnl_memory_desc_t rb_value_md(const rb_session *s, int32_t value) {
    if (value == RB_VALUE_INPUT)
        return s->input_md;
    if (value == RB_VALUE_ADDEND)
        return s->addend_md;
    return s->layers[value].dst_md;
}

/* check.c: RB_ERR_UNSUPPORTED what this engine cannot do, RB_ERR_INPUT a graph that contradicts
 * itself, RB_ERR_MEMORY a size that overflows. */
rb_status rb_check_request(const rb_host *host, const rb_graph *graph, const rb_weights *weights,
                           const rb_options *options, rb_error *err);

/* layout.c: fills the descriptors of all layers, and their kernel texts. */
rb_status rb_layout_choose(rb_session *s, const rb_graph *graph, rb_error *err);

/* storage.c: buffers, offsets and the blocks themselves. */
rb_status rb_storage_allocate(rb_session *s, rb_error *err);

/* program.c: primitives, memory objects, arguments. */
rb_status rb_program_build(rb_session *s, rb_error *err);

/* program.c: points inputs and output at the caller's memory, until the next call. */
rb_status rb_program_bind(rb_session *s, const float *src, const float *addend, void *dst,
                          rb_error *err);

/* program.c: the steps of one layer in their order: reorders of what the caller has given, all that
 * is the layer's own, the last value to the caller. dnnl_stream_wait is the caller's. */
rb_status rb_program_fetch(rb_session *s, const rb_layer *layer, rb_error *err);
rb_status rb_program_compute(rb_session *s, const rb_layer *layer, rb_error *err);
rb_status rb_program_deliver(rb_session *s, const rb_layer *layer, rb_error *err);

/* program.c: all three. */
rb_status rb_program_run_layer(rb_session *s, const rb_layer *layer, rb_error *err);

/* pack.c: weights of all layers into the block RB_MEMORY_WEIGHTS. */
rb_status rb_pack_weights(rb_session *s, const rb_graph *graph, const rb_weights *weights,
                          rb_error *err);

/* session.c, tap.c: the functions of the engine table. */
rb_status rb_session_open(const rb_engine *self, const rb_host *host, const rb_graph *graph,
                          const rb_weights *weights, const rb_options *options,
                          rb_session **session, rb_error *err);
rb_status rb_session_run(rb_session *s, const float *src, const float *addend, void *dst,
                         rb_error *err);
rb_status rb_session_profile(rb_session *s, const float *src, const float *addend, void *dst,
                             int64_t *node_ns, rb_error *err);
rb_status rb_session_tap(rb_session *s, const float *src, const float *addend, void *dst,
                         uint32_t stages, rb_tap_fn fn, void *ctx, rb_error *err);
rb_status rb_session_memory(const rb_session *s, rb_memory *memory, rb_error *err);
rb_algorithm rb_session_algorithm(const rb_session *s, int32_t node);
int64_t rb_session_executed_macs(const rb_session *s, int32_t node);
const char *rb_session_kernel(const rb_session *s, int32_t node);
void rb_session_close(rb_session *s);

#endif
