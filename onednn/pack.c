/* Weights as the kernels want them: folded, then reordered once. */
#include "session.h"

#include <stdlib.h>

#include "reorder.h"
#include "resbench/fold.h"

/* plain: room for the dense weights of this layer. */
static rb_status pack_layer(const rb_session *s, const rb_graph *graph, const rb_weights *weights,
                            int32_t index, float *plain, rb_error *err) {
    const rb_layer *layer = &s->layers[index];
    const rb_node *node = &layer->node;
    const const_dnnl_memory_desc_t packed =
        dnnl_primitive_desc_query_md(layer->main_step.pd, dnnl_query_weights_md, 0);
    char *const block = s->blocks[RB_MEMORY_WEIGHTS];
    float *const wei = (float *)(void *)(block + layer->wei_offset);
    float *const bia = layer->bia ? (float *)(void *)(block + layer->bia_offset) : NULL;
    if (rb_reorder_is_dense(packed)) {
        rb_fold(graph, weights, index, wei, bia);
        return RB_OK;
    }
    rb_fold(graph, weights, index, plain, bia);
    const int64_t dims[4] = {node->oc, node->ic, node->kh, node->kw};
    int ndims = 4;
    dnnl_memory_desc_query(packed, dnnl_query_ndims_s32, &ndims);
    dnnl_memory_t from = NULL;
    rb_status status = rb_reorder_dense(s, layer, ndims, dims, plain, &from, err);
    if (status == RB_OK)
        status = rb_reorder_once(s, layer, from, layer->wei, err);
    dnnl_memory_destroy(from);
    return status;
}

/* Bytes of the largest weight tensor; check.c has seen to it that none overflows. */
static int64_t most_weight_bytes(const rb_graph *graph) {
    int64_t most = 0;
    for (int32_t i = 0; i < graph->node_count; i++) {
        const rb_node *n = &graph->nodes[i];
        if (n->wei == RB_NONE)
            continue;
        const int64_t bytes = n->oc * n->ic * n->kh * n->kw * (int64_t)sizeof(float);
        most = bytes > most ? bytes : most;
    }
    return most;
}

rb_status rb_pack_weights(rb_session *s, const rb_graph *graph, const rb_weights *weights,
                          rb_error *err) {
    const int64_t bytes = most_weight_bytes(graph);
    if (bytes == 0)
        return RB_OK;
    void *plain = NULL;
    if (posix_memalign(&plain, RB_ALIGNMENT, (size_t)bytes) != 0)
        return rb_fail(err, RB_ERR_MEMORY, "no memory to fold weights (%lld bytes)",
                       (long long)bytes);
    rb_status status = RB_OK;
    for (int32_t i = 0; status == RB_OK && i < s->layer_count; i++)
        if (s->layers[i].wei)
            status = pack_layer(s, graph, weights, i, plain, err);
    free(plain);
    return status;
}
