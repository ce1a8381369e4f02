/* A run that shows every node's value: dense NCHW, right after the node has run, before a
 * later sum overwrites it. */
#include "session.h"

#include <stdlib.h>

#include "failure.h"
#include "reorder.h"
#include "resbench/checked.h"
#include "threads.h"

typedef struct rb_tap {
    rb_tap_fn fn;
    void *ctx;
    float *values; /* room for the largest value */
} rb_tap;

static rb_status show_value(const rb_session *s, int32_t index, const rb_tap *tap, rb_error *err) {
    const rb_layer *layer = &s->layers[index];
    const const_dnnl_memory_desc_t md = rb_value_md(s, index);
    dnnl_memory_t dense = NULL;
    void *data = tap->values;
    rb_status status = RB_OK;
    if (rb_reorder_is_dense(md)) {
        status = rb_dnnl_status(dnnl_memory_get_data_handle(layer->dst, &data),
                                "dnnl_memory_get_data_handle", layer->node.name, err);
    } else {
        status = rb_reorder_dense(s, layer, 4, layer->dims, data, &dense, err);
        if (status == RB_OK)
            status = rb_reorder_once(s, layer, layer->dst, dense, err);
    }
    if (status == RB_OK)
        status = tap->fn(tap->ctx, index, RB_STAGE_VALUE, layer->dims, RB_F32, data, err);
    dnnl_memory_destroy(dense);
    return status;
}

/* Room for the value of any layer. */
static rb_status make_room(const rb_session *s, float **values, rb_error *err) {
    int64_t most = 0;
    for (int32_t i = 0; i < s->layer_count; i++) {
        int64_t bytes;
        if (!rb_product_i64(s->layers[i].dims, 4, &bytes) ||
            !rb_mul_i64(bytes, sizeof(float), &bytes))
            return rb_fail(err, RB_ERR_MEMORY, "the value of %s is too large to count",
                           s->layers[i].node.name);
        most = bytes > most ? bytes : most;
    }
    void *memory = NULL;
    if (posix_memalign(&memory, RB_ALIGNMENT, (size_t)most) != 0)
        return rb_fail(err, RB_ERR_MEMORY, "no memory to show a value of %lld bytes",
                       (long long)most);
    *values = memory;
    return RB_OK;
}

rb_status rb_session_tap(rb_session *s, const float *src, const float *addend, void *dst,
                         uint32_t stages, rb_tap_fn fn, void *ctx, rb_error *err) {
    rb_tap tap = {fn, ctx, NULL};
    const int threads_before = rb_threads_set(s->host->threads);
    rb_status status = make_room(s, &tap.values, err);
    if (status == RB_OK)
        status = rb_program_bind(s, src, addend, dst, err);
    for (int32_t i = 0; status == RB_OK && i < s->layer_count; i++) {
        status = rb_program_run_layer(s, &s->layers[i], err);
        if (status == RB_OK)
            status = rb_dnnl_status(dnnl_stream_wait(s->stream), "dnnl_stream_wait",
                                    s->layers[i].node.name, err);
        if (status == RB_OK && (stages & RB_STAGE_VALUE)) /* the others are fused away */
            status = show_value(s, i, &tap, err);
    }
    rb_threads_set(threads_before);
    free(tap.values);
    return status;
}
